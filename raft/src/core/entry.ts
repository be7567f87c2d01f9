/**
 * The one byte form of a log entry, used on disk and on the wire alike: made and checksummed by the leader, forwarded
 * and stored as it is, verified wherever it comes in. Big-endian:
 *
 *     0      4        12      20     21
 *     | crc32 | index  | term  | kind | data ...
 *
 * The checksum covers everything behind it, the index too, so a record found under another key is damage.
 */
import { crc32 } from 'node:zlib';
import { RaftError, invariant } from './errors.js';
import { decodeMembership } from './membership-codec.js';
import type { Entry, EntryKind, LogIndex, Term } from './types.js';

/** Bytes of a record in front of its data. */
export const RECORD_HEADER_BYTES = 21;

const KIND_CODES: Readonly<Record<EntryKind, number>> = { noop: 0, command: 1, membership: 2 };
const KINDS: readonly EntryKind[] = ['noop', 'command', 'membership'];
const TWO_32 = 0x1_0000_0000;

/** Makes an entry and its record; `data` is copied. Index and term are whole numbers within 2^53. */
export function makeEntry(index: LogIndex, term: Term, kind: EntryKind, data: Uint8Array): Entry {
  invariant(Number.isSafeInteger(index) && index > 0, `entry index ${index}`);
  invariant(Number.isSafeInteger(term) && term > 0, `entry term ${term}`);
  const record = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + data.byteLength);
  writeUint64(record, 4, index);
  writeUint64(record, 12, term);
  record[20] = KIND_CODES[kind];
  record.set(data, RECORD_HEADER_BYTES);
  record.writeUInt32BE(crc32(record.subarray(4)), 0);
  return { index, term, kind, data: record.subarray(RECORD_HEADER_BYTES), record };
}

/**
 * Reads an entry from its record, keeping the bytes (not a copy).
 * @throws RaftError `LOG_DAMAGED` if the record is cut, of unknown kind, does not hold its checksum, or carries what is
 * no configuration.
 */
export function readEntry(record: Uint8Array): Entry {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.length < RECORD_HEADER_BYTES) {
    throw new RaftError('LOG_DAMAGED', `log record of ${bytes.length} bytes is cut off`);
  }
  const index = readUint64(bytes, 4);
  if (bytes.readUInt32BE(0) !== crc32(bytes.subarray(4))) {
    throw new RaftError('LOG_DAMAGED', `log record does not hold its checksum (it claims index ${index})`);
  }
  const kind = KINDS[bytes.readUInt8(20)];
  if (kind === undefined)
    throw new RaftError('LOG_DAMAGED', `log record at index ${index} has an unknown kind`);
  const data = bytes.subarray(RECORD_HEADER_BYTES);
  // Checked wherever it comes in: once it is in a log it has to be applied.
  if (kind === 'membership') decodeMembership(data);
  return { index, term: readUint64(bytes, 12), kind, data, record: bytes };
}

/** Writes a whole number from 0 to 2^53 - 1 as 8 bytes. */
export function writeUint64(target: Buffer, offset: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / TWO_32), offset);
  target.writeUInt32BE(value % TWO_32, offset + 4);
}

/** Reads 8 bytes as a whole number; above 2^53 it loses precision, which the caller's checksum rules out. */
export function readUint64(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * TWO_32 + source.readUInt32BE(offset + 4);
}
