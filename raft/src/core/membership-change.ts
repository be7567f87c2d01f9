/**
 * From one configuration to the next (etcd's confchange; Raft 6, thesis 4.3).
 *
 * Where at most one voter comes or goes, every majority of the old configuration shares a member with every majority of
 * the new one, and the group changes over in one step (thesis 4.1). Where more do, a joint configuration stands between
 * the two; once it is applied the leader leaves it by itself.
 *
 *     a b c  --  remove c, add d  -->  a b d & a b c  -- leave -->  a b d
 */
import { RaftError, invariant } from './errors.js';
import { checkMembership, isJoint, isVoter, membersOf, type Membership } from './membership.js';
import type { NodeId } from './types.js';

/**
 * One part of a change. `addVoter` also promotes a learner, `addLearner` also demotes a voter; `address` may be left out
 * for who is a member already, or whose address the transports know.
 */
export type MemberChange =
  | { readonly type: 'addVoter'; readonly id: NodeId; readonly address?: string }
  | { readonly type: 'addLearner'; readonly id: NodeId; readonly address?: string }
  | { readonly type: 'remove'; readonly id: NodeId };

/** What is changed at once; each member is named at most once. */
export type MembershipChange = readonly MemberChange[];

/**
 * The configuration that `change` leads to, joint if it has to be.
 * @throws RaftError `BAD_MEMBERSHIP` if the change asks for what is the case already, names a member twice or one that is
 * none, or would leave no voter or too many members.
 */
export function changeMembership(current: Membership, change: MembershipChange): Membership {
  invariant(!isJoint(current), 'a joint configuration is left before it is changed');
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
      if (role.has(one.id) && addresses.get(one.id) === address) throw bad(`${one.id} is a ${name} already`);
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

/** The configuration that a joint one was entered for. */
export function leaveJoint(current: Membership): Membership {
  invariant(isJoint(current), 'only a joint configuration is left');
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
  // Who votes in the old configuration cannot be a learner beside it: that waits until the joint one is left.
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
  const left = current.voters.filter((id) => !voters.has(id)).length;
  const came = [...voters].filter((id) => !current.voters.includes(id)).length;
  return left + came;
}

/** The configuration with the addresses of its members alone. */
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
