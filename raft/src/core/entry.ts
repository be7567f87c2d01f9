/**
 * The encoding of a log entry on disk and on the wire. The leader that creates an entry encodes and checksums
 * it; other members store and forward these bytes unchanged, and verify them when they read or receive them.
 * Big-endian:
 *
 *     0      4        12      20     21
 *     | crc32 | index  | term  | kind | data ...
 *
 * The checksum covers everything after it, including the index, so a record stored under a wrong key is detected.
 */
import { crc32 } from 'node:zlib';
import { RaftError, invariant } from './errors.js';
import { decodeMembership } from './membership-codec.js';
import type { Entry, EntryKind, LogIndex, Term } from './types.js';

/** Bytes of a record before its data. */
export const RECORD_HEADER_BYTES = 21;

const KIND_CODES: Readonly<Record<EntryKind, number>> = { noop: 0, command: 1, membership: 2 };
const KINDS: readonly EntryKind[] = ['noop', 'command', 'membership'];
const TWO_32 = 0x1_0000_0000;

/** Creates an entry and its record; copies `data`. Index and term must be integers from 1 to 2^53 - 1. */
export function makeEntry(index: LogIndex, term: Term, kind: EntryKind, data: Uint8Array): Entry {
  invariant(
    Number.isSafeInteger(index) && index > 0,
    `invalid entry index ${index}: must be an integer of at least 1`,
  );
  invariant(
    Number.isSafeInteger(term) && term > 0,
    `invalid entry term ${term}: must be an integer of at least 1`,
  );
  const record = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + data.byteLength);
  writeUint64(record, 4, index);
  writeUint64(record, 12, term);
  record[20] = KIND_CODES[kind];
  record.set(data, RECORD_HEADER_BYTES);
  record.writeUInt32BE(crc32(record.subarray(4)), 0);
  return { index, term, kind, data: record.subarray(RECORD_HEADER_BYTES), record };
}

/**
 * Decodes an entry from its record. The entry refers to the bytes, it does not copy them.
 * @throws RaftError `LOG_DAMAGED` if the record is truncated, of unknown kind, does not match its checksum, or
 *   contains an invalid configuration.
 */
export function readEntry(record: Uint8Array): Entry {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.length < RECORD_HEADER_BYTES) {
    throw new RaftError('LOG_DAMAGED', `log record of ${bytes.length} bytes is truncated`);
  }
  const index = readUint64(bytes, 4);
  if (bytes.readUInt32BE(0) !== crc32(bytes.subarray(4))) {
    throw new RaftError(
      'LOG_DAMAGED',
      `log record does not match its checksum (its header says index ${index})`,
    );
  }
  const kind = KINDS[bytes.readUInt8(20)];
  if (kind === undefined)
    throw new RaftError('LOG_DAMAGED', `log record at index ${index} has an unknown kind`);
  const data = bytes.subarray(RECORD_HEADER_BYTES);
  // Check it before it enters a log: a logged configuration must be applied.
  if (kind === 'membership') decodeMembership(data);
  return { index, term: readUint64(bytes, 12), kind, data, record: bytes };
}

/** Writes an integer from 0 to 2^53 - 1 as 8 bytes. */
export function writeUint64(target: Buffer, offset: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / TWO_32), offset);
  target.writeUInt32BE(value % TWO_32, offset + 4);
}

/** Reads 8 bytes as an integer. Values above 2^53 lose precision; the caller's checksum excludes them. */
export function readUint64(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * TWO_32 + source.readUInt32BE(offset + 4);
}
