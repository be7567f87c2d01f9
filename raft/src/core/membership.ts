/**
 * Who is in the group: the configuration as a value. Made by `initialMembership` or by a change (membership-change.ts),
 * kept in log entries (membership-codec.ts), counted by quorum.ts. Values are immutable and their lists sorted, so that
 * equal configurations look equal.
 */
import { RaftError, type RaftErrorCode } from './errors.js';
import type { Membership, NodeId } from './types.js';

export type { Membership };

/** Members of one configuration at most, those on their way out included. */
const MEMBERS_MAX = 15;

/** Bytes of one address in UTF-8, at most. */
export const ADDRESS_BYTES_MAX = 512;

const NODE_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** What a member has that waits to be let in: it hears the others out and takes part in nothing. */
export const NO_MEMBERS: Membership = {
  voters: [],
  outgoing: [],
  learners: [],
  learnersNext: [],
  addresses: new Map(),
};

/** True for ids that members may have. */
export function isNodeId(value: unknown): value is NodeId {
  return typeof value === 'string' && NODE_ID.test(value);
}

/**
 * The configuration that a group begins with.
 * @param addresses of voters whose transports have to be told; others may be absent.
 * @throws RaftError `BAD_CONFIG`
 */
export function initialMembership(
  voters: readonly NodeId[],
  addresses: ReadonlyMap<NodeId, string> = new Map(),
): Membership {
  if (new Set(voters).size !== voters.length) throw new RaftError('BAD_CONFIG', 'a member is named twice');
  const known = new Map(voters.map((id) => [id, addresses.get(id) ?? '']));
  const membership = { ...NO_MEMBERS, voters: voters.toSorted(), addresses: known };
  if (voters.length > 0) checkMembership(membership, 'BAD_CONFIG');
  return membership;
}

/** Whether each decision needs two majorities. */
export function isJoint({ outgoing }: Membership): boolean {
  return outgoing.length > 0;
}

/** Whether `id` counts in a majority. */
export function isVoter({ voters, outgoing }: Membership, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

/** Everyone who counts in a majority, sorted. */
export function votersOf({ voters, outgoing }: Membership): readonly NodeId[] {
  return sortedUnion(voters, outgoing);
}

/** Everyone, sorted. */
export function membersOf({ voters, outgoing, learners }: Membership): readonly NodeId[] {
  return sortedUnion(voters, outgoing, learners);
}

/**
 * Checks what must hold of every configuration that is logged (etcd's confchange, `checkInvariants`).
 * @throws RaftError with `code`, naming what does not hold.
 */
export function checkMembership(membership: Membership, code: RaftErrorCode): void {
  const { voters, outgoing, learners, learnersNext, addresses } = membership;
  const refuse = (what: string): never => {
    throw new RaftError(code, `membership: ${what}`);
  };
  const members = membersOf(membership);
  if (voters.length === 0) refuse('no voter is left');
  if (members.length > MEMBERS_MAX) refuse(`${members.length} members are more than ${MEMBERS_MAX}`);
  for (const id of members) {
    if (!isNodeId(id)) refuse(`${JSON.stringify(id)} is not the id of a member`);
    const address = addresses.get(id) ?? '';
    const bytes = Buffer.byteLength(address);
    if (bytes > ADDRESS_BYTES_MAX) refuse(`the address of ${id} has ${bytes} bytes`);
    // UTF-8 has no form for half a surrogate pair: another address would be read back.
    if (!address.isWellFormed()) refuse(`the address of ${id} is not well-formed Unicode`);
  }
  if (members.some((id) => !addresses.has(id)) || addresses.size !== members.length) {
    refuse('the addresses are not those of the members');
  }
  const learner = learners.find((id) => voters.includes(id) || outgoing.includes(id));
  if (learner !== undefined) refuse(`${learner} is both a voter and a learner`);
  const stray = learnersNext.find((id) => !outgoing.includes(id) || voters.includes(id));
  if (stray !== undefined) refuse(`${stray} is to become a learner, but is no outgoing voter only`);
}

/** The configuration in a few words, for logs and traces: `a b c`, joint `a b d & a b c`, with learners `a b c + d`. */
export function describeMembership({ voters, outgoing, learners, learnersNext }: Membership): string {
  const part = (sign: string, ids: readonly NodeId[]): string =>
    ids.length === 0 ? '' : ` ${sign} ${ids.join(' ')}`;
  return `${voters.join(' ')}${part('&', outgoing)}${part('+', learners)}${part('then +', learnersNext)}`;
}

function sortedUnion(...lists: readonly (readonly NodeId[])[]): readonly NodeId[] {
  return [...new Set(lists.flat())].toSorted();
}
