/**
 * The checks that a leader makes before it logs a membership change: enough voters must be reachable after it,
 * as far as the leader knows (etcd's `strict-reconfig-check`), and a new voter must have caught up (thesis
 * 4.2.1). Pure.
 */
import { RaftError } from './errors.js';
import { leaveJoint } from './membership-change.js';
import { isJoint, isVoter, type Membership } from './membership.js';
import { majoritySize } from './quorum.js';
import type { NodeId } from './types.js';

/** Maximum entries that a new voter may lack: the group may have to wait for them before it can commit. */
export const NEW_VOTER_LAG_ENTRIES_MAX = 1_000;

/** The leader's knowledge of the members. */
export interface MemberReachability {
  /** Whether the member answers the leader, or is the leader. */
  readonly isReachable: (member: NodeId) => boolean;
  /** Entries of the leader's log that the member is not known to have; null if it does not receive the log. */
  readonly lagOf: (member: NodeId) => number | null;
}

/**
 * Checks the step from `current` to `next` and, if `next` is joint, also the step that leaves it.
 * @throws RaftError `NOT_CAUGHT_UP` or `QUORUM_UNREACHABLE`, with the reason and what to do.
 */
export function checkMembershipChange(current: Membership, next: Membership, view: MemberReachability): void {
  for (const id of next.voters) if (!isVoter(current, id)) checkNewVoter(id, view);
  checkMajority(next.voters, view);
  if (!isJoint(next)) return;
  checkMajority(next.outgoing, view);
  checkMajority(leaveJoint(next).voters, view);
}

function checkNewVoter(id: NodeId, { isReachable, lagOf }: MemberReachability): void {
  const lag = lagOf(id);
  const refuse = (why: string): never => {
    throw new RaftError('NOT_CAUGHT_UP', `${id} was not made a voter: ${why}. Nothing was changed.`);
  };
  if (lag === null) refuse('it is not a learner. Add it as a learner first');
  else if (!isReachable(id)) refuse('it does not answer the leader. Start it first');
  else if (lag > NEW_VOTER_LAG_ENTRIES_MAX) {
    refuse(`it lacks ${lag} log entries. Wait until it lacks at most ${NEW_VOTER_LAG_ENTRIES_MAX}`);
  }
}

function checkMajority(voters: readonly NodeId[], { isReachable }: MemberReachability): void {
  const silent = voters.filter((id) => !isReachable(id));
  const needed = majoritySize(voters.length);
  const reached = voters.length - silent.length;
  if (reached >= needed) return;
  throw new RaftError(
    'QUORUM_UNREACHABLE',
    `the group was not changed: ${listOf(silent)} ${silent.length === 1 ? 'does' : 'do'} not answer the leader, so ` +
      `only ${reached} of the voters ${listOf(voters)} could vote, but ${needed} are needed. Start ` +
      `${silent.length === 1 ? 'it' : 'them'} first, or force the change.`,
  );
}

function listOf(ids: readonly NodeId[]): string {
  return ids.length < 2 ? ids.join('') : `${ids.slice(0, -1).join(', ')} and ${ids.at(-1) ?? ''}`;
}
