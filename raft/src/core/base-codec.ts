/**
 * The encoding of a log's base on disk, on the wire and in a state machine that was restored from a snapshot.
 * Big-endian:
 *
 *     | index 8 | term 8 | membership as membership-codec.ts writes it (empty: none) |
 */
import { readUint64, writeUint64 } from './entry.js';
import { RaftError } from './errors.js';
import { decodeMembership, encodeMembership } from './membership-codec.js';
import { EMPTY_MEMBERSHIP } from './membership.js';
import type { LogBase } from './types.js';

const HEADER_BYTES = 16;

/** Encodes a base. */
export function encodeBase({ index, term, membership }: LogBase): Buffer {
  const members = membership.voters.length === 0 ? Buffer.alloc(0) : encodeMembership(membership);
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), members]);
  writeUint64(bytes, 0, index);
  writeUint64(bytes, 8, term);
  return bytes;
}

/**
 * Decodes the result of `encodeBase`. The bytes have no checksum of their own; callers that store or send them
 * add one.
 * @throws RaftError `LOG_DAMAGED` if the bytes are not a valid base.
 */
export function decodeBase(bytes: Uint8Array): LogBase {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (source.length < HEADER_BYTES) {
    throw new RaftError('LOG_DAMAGED', `log base of ${source.length} bytes is truncated`);
  }
  const [index, term] = [readUint64(source, 0), readUint64(source, 8)];
  // Only index 0, the position before the first entry, has term 0.
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(term) || (index === 0) !== (term === 0)) {
    throw new RaftError('LOG_DAMAGED', `log base has an invalid index or term: index ${index}, term ${term}`);
  }
  const members = source.subarray(HEADER_BYTES);
  return { index, term, membership: members.length === 0 ? EMPTY_MEMBERSHIP : decodeMembership(members) };
}
