/** The MessagePack encoding on disk and on the wire. Decoded values are `unknown` until they are validated. */
import { Packr, RESET_BUFFER_MODE } from 'msgpackr';
import { FormatError } from './errors.js';

const packr = new Packr({ useRecords: false, int64AsType: 'bigint' });

/** Encodes a value. The caller owns the returned buffer. */
export function pack(value: unknown): Buffer {
  // msgpackr returns a slice of its own large buffer, which a small message would keep alive. With a copy, msgpackr can
  // use that buffer again for the next value.
  return Buffer.from(packr.pack(value, RESET_BUFFER_MODE));
}

/**
 * Decodes one value. Integers above 2^53 become bigint.
 * @throws FormatError if the bytes are not one MessagePack value.
 */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes) as unknown;
  } catch (error) {
    throw new FormatError('bytes are not MessagePack', { cause: error });
  }
}
