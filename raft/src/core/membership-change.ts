/**
 * Computes the next configuration from a change (etcd's confchange; Raft 6, thesis 4.3).
 *
 * If at most one voter is added or removed, every majority of the old configuration shares a member with every
 * majority of the new one, and the group changes in one step (thesis 4.1). If more voters change, the group
 * first enters a joint configuration; the leader leaves it automatically once it is applied.
 *
 *     a b c  --  remove c, add d  -->  a b d & a b c  -- leave -->  a b d
 */
import { RaftError, invariant } from './errors.js';
import { checkMembership, isJoint, isVoter, membersOf, type Membership } from './membership.js';
import type { NodeId } from './types.js';

/**
 * One part of a change. `addVoter` also promotes a learner, `addLearner` also demotes a voter. `address` is
 * optional for existing members and for members whose address the transports are configured with.
 */
export type MemberChange =
  | { readonly type: 'addVoter'; readonly id: NodeId; readonly address?: string }
  | { readonly type: 'addLearner'; readonly id: NodeId; readonly address?: string }
  | { readonly type: 'remove'; readonly id: NodeId };

/** A change of one or several members at once; it names each member at most once. */
export type MembershipChange = readonly MemberChange[];

/**
 * The configuration after `change`, joint if more than one voter changes.
 * @throws RaftError `BAD_MEMBERSHIP` if a part of the change has no effect, names a member twice or removes an
 *   unknown member, or if the result has no voter or too many members.
 */
export function changeMembership(current: Membership, change: MembershipChange): Membership {
  invariant(!isJoint(current), 'a joint configuration must be left before the next change');
  const voters = new Set(current.voters);
  const learners = new Set(current.learners);
  const addresses = new Map(current.addresses);
  if (change.length === 0) throw bad('the change is empty');
  if (new Set(change.map(({ id }) => id)).size !== change.length) throw bad('a member is named twice');
  for (const one of change) {
    if (one.type === 'remove' && !addresses.has(one.id)) throw bad(`${one.id} is not a member`);
    const [role, name] = one.type === 'addVoter' ? [voters, 'voter'] : [learners, 'learner'];
    if (one.type !== 'remove') {
      const address = one.address ?? addresses.get(one.id) ?? '';
      if (role.has(one.id) && addresses.get(one.id) === address) throw bad(`${one.id} is already a ${name}`);
      addresses.set(one.id, address);
    }
    voters.delete(one.id);
    learners.delete(one.id);
    if (one.type !== 'remove') role.add(one.id);
  }
  return votersMoved(current, voters) > 1
    ? joint(current, voters, learners, addresses)
    : checked({
        voters: [...voters].toSorted(),
        outgoing: [],
        learners: [...learners].toSorted(),
        learnersNext: [],
        addresses,
      });
}

/** The configuration after leaving the joint configuration `current`. */
export function leaveJoint(current: Membership): Membership {
  invariant(isJoint(current), 'only a joint configuration can be left');
  const { voters, learners, learnersNext, addresses } = current;
  return checked({
    voters,
    outgoing: [],
    learners: [...learners, ...learnersNext].toSorted(),
    learnersNext: [],
    addresses,
  });
}

function joint(
  current: Membership,
  voters: ReadonlySet<NodeId>,
  learners: ReadonlySet<NodeId>,
  addresses: ReadonlyMap<NodeId, string>,
): Membership {
  // A voter of the old configuration becomes a learner only when the group leaves the joint configuration.
  const stillVotes = (id: NodeId): boolean => isVoter(current, id);
  return checked({
    voters: [...voters].toSorted(),
    outgoing: current.voters,
    learners: [...learners].filter((id) => !stillVotes(id)).toSorted(),
    learnersNext: [...learners].filter(stillVotes).toSorted(),
    addresses,
  });
}

function votersMoved(current: Membership, voters: ReadonlySet<NodeId>): number {
  const removed = current.voters.filter((id) => !voters.has(id)).length;
  const added = [...voters].filter((id) => !current.voters.includes(id)).length;
  return removed + added;
}

/** The checked configuration, with addresses of its members only. */
function checked(membership: Membership): Membership {
  const { addresses } = membership;
  const kept = new Map(membersOf(membership).map((id) => [id, addresses.get(id) ?? '']));
  const next = { ...membership, addresses: kept };
  checkMembership(next, 'BAD_MEMBERSHIP');
  return next;
}

function bad(what: string): RaftError {
  return new RaftError('BAD_MEMBERSHIP', `membership change: ${what}`);
}
