/** A book as a snapshot: its bytes, with a checksum in front. */
import { crc32 } from 'node:zlib';
import type { LogBase } from '#raft/core/types.js';
import { emptyBook, withContents, type Book } from './book.js';

const CHECKSUM_BYTES = 4;

interface Written {
  readonly applied: number;
  readonly hash: number;
  readonly values: readonly (readonly [string, number])[];
  readonly sessions: readonly (readonly [string, { readonly sequence: number; readonly result: number }])[];
}

export function encodeBook({ applied, hash, values, sessions }: Book): Buffer {
  const written: Written = { applied, hash, values: [...values], sessions: [...sessions] };
  const body = Buffer.from(JSON.stringify(written));
  const bytes = Buffer.alloc(CHECKSUM_BYTES + body.length);
  bytes.writeUInt32BE(crc32(body), 0);
  bytes.set(body, CHECKSUM_BYTES);
  return bytes;
}

/** @throws Error if the bytes are no snapshot as of `base`. */
export function decodeBook(bytes: Buffer, base: LogBase): Book {
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.length < CHECKSUM_BYTES || bytes.readUInt32BE(0) !== crc32(body)) {
    throw new Error('the snapshot does not hold its checksum');
  }
  const { applied, hash, values, sessions } = JSON.parse(body.toString()) as Written;
  if (applied !== base.index) throw new Error(`a snapshot as of ${applied}, not of ${base.index}`);
  const maps = { values: new Map(values), sessions: new Map(sessions) };
  return withContents({ ...emptyBook(), ...maps, applied, hash, restored: base });
}
