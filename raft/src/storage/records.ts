/**
 * Keys and records of the log store. One LevelDB contains four kinds of records, distinguished by the first
 * byte of the key:
 *
 *     'e' + index (8 bytes, big-endian)   the record of an entry as encoded by core/entry.ts
 *     'b'                                 the base of a compacted log; missing before the first compaction
 *     'h'                                 the hard state, and the end of the log when it was written
 *     'i'                                 the owner of the log, and the format version
 *
 * The last three start with a crc32 over their key and everything after the checksum; all numbers are
 * big-endian:
 *
 *     base:       | crc32 4 | the base as encoded by core/base-codec.ts |
 *     hard state: | crc32 4 | term 8 | last index 8 | last term 8 | vote ... (empty: none) |
 *     identity:   | crc32 4 | format 4 | cluster length 2 | cluster ... | member id ... |
 */
import { crc32 } from 'node:zlib';
import { decodeBase, encodeBase } from '../core/base-codec.js';
import { readUint64, writeUint64 } from '../core/entry.js';
import { RaftError } from '../core/errors.js';
import type { HardState, LogBase, LogIndex, NodeId, Term } from '../core/types.js';

/** Version of the folder's layout; a folder of another version is refused. */
export const FORMAT_VERSION = 1;

const ENTRY_PREFIX = 0x65;
const ENTRY_KEY_BYTES = 9;
const CHECKSUM_BYTES = 4;
const HARD_STATE_BYTES = 28;
const IDENTITY_BYTES = 10;

export const BASE_KEY = Buffer.from('b');
export const HARD_STATE_KEY = Buffer.from('h');
export const IDENTITY_KEY = Buffer.from('i');

/**
 * The hard state, and the end of the log after the batch that wrote it, which makes a lost tail detectable.
 */
export interface HardStateRecord {
  readonly hardState: HardState;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
}

export interface StoreIdentity {
  readonly format: number;
  readonly cluster: string;
  readonly id: NodeId;
}

/** The key of the entry at `index`; keys sort like their indexes. */
export function entryKey(index: LogIndex): Buffer {
  const key = Buffer.allocUnsafe(ENTRY_KEY_BYTES);
  key[0] = ENTRY_PREFIX;
  writeUint64(key, 1, index);
  return key;
}

/** The key range of the entries from `low` to `high`, for a range delete. */
export function entryKeyRange(low: LogIndex, high: LogIndex): { readonly gte: Buffer; readonly lte: Buffer } {
  return { gte: entryKey(low), lte: entryKey(high) };
}

/** The index in the key of an entry, or null if it is another key. */
export function indexOfKey(key: Uint8Array): LogIndex | null {
  if (key.length !== ENTRY_KEY_BYTES || key[0] !== ENTRY_PREFIX) return null;
  return readUint64(asBuffer(key), 1);
}

/** Encodes a base as a record. */
export function encodeBaseRecord(base: LogBase): Buffer {
  return seal(BASE_KEY, Buffer.concat([Buffer.alloc(CHECKSUM_BYTES), encodeBase(base)]));
}

/** @throws RaftError `LOG_DAMAGED` if the record is truncated or its checksum does not match. */
export function decodeBaseRecord(value: Uint8Array): LogBase {
  return decodeBase(unseal(BASE_KEY, value, CHECKSUM_BYTES, 'base').subarray(CHECKSUM_BYTES));
}

export function encodeHardState({ hardState, lastIndex, lastTerm }: HardStateRecord): Buffer {
  const vote = hardState.vote ?? '';
  const record = Buffer.allocUnsafe(HARD_STATE_BYTES + Buffer.byteLength(vote));
  writeUint64(record, 4, hardState.term);
  writeUint64(record, 12, lastIndex);
  writeUint64(record, 20, lastTerm);
  record.write(vote, HARD_STATE_BYTES);
  return seal(HARD_STATE_KEY, record);
}

/** @throws RaftError `LOG_DAMAGED` if the record is truncated or its checksum does not match. */
export function decodeHardState(value: Uint8Array): HardStateRecord {
  const record = unseal(HARD_STATE_KEY, value, HARD_STATE_BYTES, 'hard-state');
  const vote = record.toString('utf8', HARD_STATE_BYTES);
  return {
    hardState: { term: readUint64(record, 4), vote: vote === '' ? null : vote },
    lastIndex: readUint64(record, 12),
    lastTerm: readUint64(record, 20),
  };
}

export function encodeIdentity({ format, cluster, id }: StoreIdentity): Buffer {
  const clusterBytes = Buffer.byteLength(cluster);
  const record = Buffer.allocUnsafe(IDENTITY_BYTES + clusterBytes + Buffer.byteLength(id));
  record.writeUInt32BE(format, 4);
  record.writeUInt16BE(clusterBytes, 8);
  record.write(cluster, IDENTITY_BYTES);
  record.write(id, IDENTITY_BYTES + clusterBytes);
  return seal(IDENTITY_KEY, record);
}

/** @throws RaftError `LOG_DAMAGED` if the record is truncated or its checksum does not match. */
export function decodeIdentity(value: Uint8Array): StoreIdentity {
  const record = unseal(IDENTITY_KEY, value, IDENTITY_BYTES, 'identity');
  const clusterEnd = IDENTITY_BYTES + record.readUInt16BE(8);
  return {
    format: record.readUInt32BE(4),
    cluster: record.toString('utf8', IDENTITY_BYTES, clusterEnd),
    id: record.toString('utf8', clusterEnd),
  };
}

function seal(key: Buffer, record: Buffer): Buffer {
  record.writeUInt32BE(crc32(record.subarray(4), crc32(key)), 0);
  return record;
}

function unseal(key: Buffer, value: Uint8Array, bytesMin: number, name: string): Buffer {
  const record = asBuffer(value);
  if (record.length < bytesMin) {
    throw new RaftError('LOG_DAMAGED', `the ${name} record of ${record.length} bytes is truncated`);
  }
  if (record.readUInt32BE(0) !== crc32(record.subarray(4), crc32(key))) {
    throw new RaftError('LOG_DAMAGED', `checksum mismatch in the ${name} record`);
  }
  return record;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
