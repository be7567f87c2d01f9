/**
 * The configuration of the group as a value: created by `initialMembership` or by a change
 * (membership-change.ts), stored in log entries (membership-codec.ts), counted by quorum.ts. Values are
 * immutable and their lists are sorted, so that equal configurations have equal fields.
 */
import { RaftError, type RaftErrorCode } from './errors.js';
import type { Membership, NodeId } from './types.js';

export type { Membership };

/** Maximum members of one configuration, outgoing voters included. */
const MEMBERS_MAX = 15;

/** Maximum bytes of one address in UTF-8. */
export const ADDRESS_BYTES_MAX = 512;

const NODE_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The configuration of a member that no group has added yet: it handles messages but never campaigns. */
export const EMPTY_MEMBERSHIP: Membership = {
  voters: [],
  outgoing: [],
  learners: [],
  learnersNext: [],
  addresses: new Map(),
};

/** Whether `value` is a valid member id. */
export function isNodeId(value: unknown): value is NodeId {
  return typeof value === 'string' && NODE_ID.test(value);
}

/**
 * The first configuration of a group.
 * @param addresses the addresses of voters that the transports are not configured with
 * @throws RaftError `BAD_CONFIG`
 */
export function initialMembership(
  voters: readonly NodeId[],
  addresses: ReadonlyMap<NodeId, string> = new Map(),
): Membership {
  if (new Set(voters).size !== voters.length) throw new RaftError('BAD_CONFIG', 'a member is named twice');
  const known = new Map(voters.map((id) => [id, addresses.get(id) ?? '']));
  const membership = { ...EMPTY_MEMBERSHIP, voters: voters.toSorted(), addresses: known };
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

/** All members that count in a majority, sorted. */
export function votersOf({ voters, outgoing }: Membership): readonly NodeId[] {
  return sortedUnion(voters, outgoing);
}

/** All members, sorted. */
export function membersOf({ voters, outgoing, learners }: Membership): readonly NodeId[] {
  return sortedUnion(voters, outgoing, learners);
}

/**
 * Checks the invariants of every logged configuration (etcd's confchange, `checkInvariants`).
 * @throws RaftError with `code`, naming the violated invariant.
 */
export function checkMembership(membership: Membership, code: RaftErrorCode): void {
  const { voters, outgoing, learners, learnersNext, addresses } = membership;
  const refuse = (what: string): never => {
    throw new RaftError(code, `membership: ${what}`);
  };
  const members = membersOf(membership);
  if (voters.length === 0) refuse('no voter is left');
  if (members.length > MEMBERS_MAX) refuse(`${members.length} members exceed the limit of ${MEMBERS_MAX}`);
  for (const id of members) {
    if (!isNodeId(id)) refuse(`${JSON.stringify(id)} is not a valid member id`);
    const address = addresses.get(id) ?? '';
    const bytes = Buffer.byteLength(address);
    if (bytes > ADDRESS_BYTES_MAX) {
      refuse(`the address of ${id} has ${bytes} bytes, the limit is ${ADDRESS_BYTES_MAX}`);
    }
    // UTF-8 cannot encode half a surrogate pair: decoding would return a different address.
    if (!address.isWellFormed()) refuse(`the address of ${id} is not well-formed Unicode`);
  }
  if (members.some((id) => !addresses.has(id)) || addresses.size !== members.length) {
    refuse('the addresses do not belong to exactly the members');
  }
  const learner = learners.find((id) => voters.includes(id) || outgoing.includes(id));
  if (learner !== undefined) refuse(`${learner} is both a voter and a learner`);
  const stray = learnersNext.find((id) => !outgoing.includes(id) || voters.includes(id));
  if (stray !== undefined)
    refuse(`${stray} cannot become a learner: it must be an outgoing voter and no new voter`);
}

/** The configuration as text for logs: `a b c`, joint `a b d & a b c`, with learners `a b c + d`. */
export function describeMembership({ voters, outgoing, learners, learnersNext }: Membership): string {
  const part = (sign: string, ids: readonly NodeId[]): string =>
    ids.length === 0 ? '' : ` ${sign} ${ids.join(' ')}`;
  return `${voters.join(' ')}${part('&', outgoing)}${part('+', learners)}${part('then +', learnersNext)}`;
}

function sortedUnion(...lists: readonly (readonly NodeId[])[]): readonly NodeId[] {
  return [...new Set(lists.flat())].toSorted();
}
