/**
 * The one byte form of a log's base, on disk, on the wire and in a state machine that was restored from a snapshot.
 * Big-endian:
 *
 *     | index 8 | term 8 | membership as membership-codec.ts writes it (empty: none) |
 */
import { readUint64, writeUint64 } from './entry.js';
import { RaftError } from './errors.js';
import { decodeMembership, encodeMembership } from './membership-codec.js';
import { NO_MEMBERS } from './membership.js';
import type { LogBase } from './types.js';

const PLACE_BYTES = 16;

/** The bytes of a base. */
export function encodeBase({ index, term, membership }: LogBase): Buffer {
  const members = membership.voters.length === 0 ? Buffer.alloc(0) : encodeMembership(membership);
  const bytes = Buffer.concat([Buffer.alloc(PLACE_BYTES), members]);
  writeUint64(bytes, 0, index);
  writeUint64(bytes, 8, term);
  return bytes;
}

/**
 * Reads what `encodeBase` made; whoever keeps or sends the bytes checksums them.
 * @throws RaftError `LOG_DAMAGED` if they are no base.
 */
export function decodeBase(bytes: Uint8Array): LogBase {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (source.length < PLACE_BYTES) throw new RaftError('LOG_DAMAGED', `a base of ${source.length} bytes`);
  const [index, term] = [readUint64(source, 0), readUint64(source, 8)];
  // Only the place before the first entry is of no term.
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(term) || (index === 0) !== (term === 0)) {
    throw new RaftError('LOG_DAMAGED', `(${index}, ${term}) is no base`);
  }
  const members = source.subarray(PLACE_BYTES);
  return { index, term, membership: members.length === 0 ? NO_MEMBERS : decodeMembership(members) };
}
