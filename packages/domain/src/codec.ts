/** MessagePack as every part speaks it, on disk and on the wire. What comes out is unknown until it is validated. */
import { Packr, RESET_BUFFER_MODE } from 'msgpackr';
import { FormatError } from './errors.js';

const packr = new Packr({ useRecords: false, int64AsType: 'bigint' });

/** Encodes a value. The bytes are the caller's own. */
export function pack(value: unknown): Buffer {
  // msgpackr gives a slice of a buffer of its own, which a small message would pin as a whole: what is kept is copied,
  // so that the next value may be written to the same place, and no new buffer is made every few kilobytes.
  return Buffer.from(packr.pack(value, RESET_BUFFER_MODE));
}

/**
 * Decodes one value; integers beyond 2^53 come as bigint.
 * @throws FormatError if the bytes are not one MessagePack value.
 */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes) as unknown;
  } catch (error) {
    throw new FormatError('bytes are not MessagePack', { cause: error });
  }
}
