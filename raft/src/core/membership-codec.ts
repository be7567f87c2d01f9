/**
 * The encoding of a configuration as the data of a log entry. Each entry holds the whole configuration, not a
 * difference, so the latest entry at or below an index gives the configuration there without a replay.
 * Big-endian:
 *
 *     | format 1 | members 1 | member ... |      member: | roles 1 | id length 1 | id ... | address length 2 | address ... |
 *
 * Members are sorted by id, so each configuration has exactly one encoding.
 */
import { RaftError, invariant } from './errors.js';
import { checkMembership, membersOf, type Membership } from './membership.js';
import type { NodeId } from './types.js';

const FORMAT = 1;
const HEADER_BYTES = 2;

const ROLE_BITS = { voters: 1, outgoing: 2, learners: 4, learnersNext: 8 } as const;
const ROLES = Object.keys(ROLE_BITS) as (keyof typeof ROLE_BITS)[];
const ROLES_MAX = 15;

/** @throws RaftError `INVARIANT` if the configuration is not valid. */
export function encodeMembership(membership: Membership): Buffer {
  checkMembership(membership, 'INVARIANT');
  const members = membersOf(membership);
  const parts: Buffer[] = [Buffer.from([FORMAT, members.length])];
  for (const id of members) {
    const address = Buffer.from(membership.addresses.get(id) ?? '');
    let roles = 0;
    for (const role of ROLES) if (membership[role].includes(id)) roles |= ROLE_BITS[role];
    const addressLength = [address.length >> 8, address.length & 0xff];
    parts.push(Buffer.from([roles, id.length]), Buffer.from(id), Buffer.from(addressLength), address);
  }
  return Buffer.concat(parts);
}

/** @throws RaftError `LOG_DAMAGED` if the bytes are not exactly the encoding of a valid configuration. */
export function decodeMembership(data: Uint8Array): Membership {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) throw damaged('has an unknown format');
  const membership = { ...emptyRoles(), addresses: new Map<NodeId, string>() };
  let at = HEADER_BYTES;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw damaged('is truncated');
    at += length;
    return bytes.subarray(at - length, at);
  };
  let last = '';
  for (let count = bytes.readUInt8(1); count > 0; count -= 1) {
    const roles = take(1).readUInt8();
    const id = take(take(1).readUInt8()).toString('latin1');
    const address = take(take(2).readUInt16BE()).toString();
    if (roles === 0 || roles > ROLES_MAX)
      throw damaged(`has invalid roles ${roles} for member ${JSON.stringify(id)}`);
    if (id <= last) throw damaged(`has member ${JSON.stringify(id)} out of order`);
    for (const role of ROLES) if ((roles & ROLE_BITS[role]) !== 0) membership[role].push(id);
    membership.addresses.set(id, address);
    last = id;
  }
  if (at !== bytes.length) throw damaged('has extra bytes after its last member');
  checkMembership(membership, 'LOG_DAMAGED');
  invariant(membersOf(membership).length === membership.addresses.size, 'a decoded member has no role');
  return membership;
}

function emptyRoles(): Record<keyof typeof ROLE_BITS, NodeId[]> {
  return { voters: [], outgoing: [], learners: [], learnersNext: [] };
}

function damaged(what: string): RaftError {
  return new RaftError('LOG_DAMAGED', `membership entry ${what}`);
}
