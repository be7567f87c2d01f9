/**
 * What a leader requires of a membership change before it logs it: the group must be able to decide after it, as far as the
 * leader can see (etcd's `strict-reconfig-check`), and a new voter must have the log (thesis 4.2.1). Pure.
 */
import { RaftError } from './errors.js';
import { leaveJoint } from './membership-change.js';
import { isJoint, isVoter, type Membership } from './membership.js';
import { majorityOf } from './quorum.js';
import type { NodeId } from './types.js';

/** Entries that a new voter may lack at most: the group may have to wait for them before it commits anything. */
export const NEW_VOTER_LAG_MAX = 1_000;

/** What the leader knows of the members. */
export interface MembersView {
  /** Whether the member answers the leader, or is the leader. */
  readonly isReachable: (member: NodeId) => boolean;
  /** Entries of the leader's log that the member is not known to have; null if it is not sent the log. */
  readonly lagOf: (member: NodeId) => number | null;
}

/**
 * Checks the step from one configuration to the next, and from a joint one to the one that it is entered for.
 * @throws RaftError `NOT_CAUGHT_UP` or `QUORUM_UNREACHABLE`, saying what is the case and what to do.
 */
export function checkChange(current: Membership, next: Membership, view: MembersView): void {
  for (const id of next.voters) if (!isVoter(current, id)) checkNewVoter(id, view);
  checkMajority(next.voters, view);
  if (!isJoint(next)) return;
  checkMajority(next.outgoing, view);
  checkMajority(leaveJoint(next).voters, view);
}

function checkNewVoter(id: NodeId, { isReachable, lagOf }: MembersView): void {
  const lag = lagOf(id);
  const refuse = (why: string): never => {
    throw new RaftError('NOT_CAUGHT_UP', `${id} was not made a voter: ${why}. Nothing was changed.`);
  };
  if (lag === null) refuse('it is not a learner. Add it as one first');
  else if (!isReachable(id)) refuse('it does not answer the leader. Start it first');
  else if (lag > NEW_VOTER_LAG_MAX) {
    refuse(`it lacks ${lag} entries of the log. Wait until it lacks at most ${NEW_VOTER_LAG_MAX}`);
  }
}

function checkMajority(voters: readonly NodeId[], { isReachable }: MembersView): void {
  const silent = voters.filter((id) => !isReachable(id));
  const needed = majorityOf(voters.length);
  const reached = voters.length - silent.length;
  if (reached >= needed) return;
  throw new RaftError(
    'QUORUM_UNREACHABLE',
    `the group was not changed: ${listOf(silent)} ${silent.length === 1 ? 'does' : 'do'} not answer the leader, so that ` +
      `only ${reached} of the voters ${listOf(voters)} could decide, and ${needed} are needed. Start ` +
      `${silent.length === 1 ? 'it' : 'them'} first, or force the change.`,
  );
}

function listOf(ids: readonly NodeId[]): string {
  return ids.length < 2 ? ids.join('') : `${ids.slice(0, -1).join(', ')} and ${ids.at(-1) ?? ''}`;
}
