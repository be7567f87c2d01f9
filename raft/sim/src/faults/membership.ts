/**
 * Membership changes by an operator: members are added, removed or change their role, several at once, during
 * faults.
 */
import type { MembershipChange, Membership, NodeId } from '@trireme/raft';
import { changeMembership, leaveJoint, isJoint } from '../internals.js';
import { isQuorum } from '../checks/quorums.js';
import type { SimProcess } from '../cluster/process.js';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';
import type { ClusterSimulation } from '../cluster-simulation.js';
import type { FaultKind } from './fault.js';
import { instantFault, type ActiveFault } from './nemesis.js';

const VOTERS_MAX = 5;
/** Mean time between two changes at one leader. Often the first one is not complete yet. */
const GAP_MEAN: Micros = 50 * MS;
/** Share of the changes that skip the leader's precautions. They must be safe as well. */
const FORCED_SHARE = 0.7;

type Role = 'voter' | 'learner' | 'none';

const OTHER_ROLES: Readonly<Record<Role, readonly Role[]>> = {
  voter: ['learner', 'none', 'none'],
  learner: ['voter', 'voter', 'none'],
  none: ['voter', 'learner'],
};

function roleOf({ voters, learners }: Membership, id: NodeId): Role {
  if (voters.includes(id)) return 'voter';
  return learners.includes(id) ? 'learner' : 'none';
}

function drawChange(current: Membership, ids: readonly NodeId[], random: Random): MembershipChange {
  const hit = random.shuffled(ids).slice(0, random.pick([1, 1, 2, 2, 3]));
  return hit.map((id) => {
    const role = random.pick(OTHER_ROLES[roleOf(current, id)]);
    if (role === 'none') return { type: 'remove', id };
    return { type: role === 'voter' ? 'addVoter' : 'addLearner', id };
  });
}

/**
 * Draws a change after which the group has a quorum without its damaged members; null if the drawn change is
 * not like that.
 */
function drawSafeChange(
  { processes }: ClusterSimulation,
  current: Membership,
  random: Random,
): MembershipChange | null {
  const damaged = new Set(processes.filter(({ disk }) => disk.isDamaged).map(({ id }) => id));
  const ids = processes.map(({ id }) => id);
  if (isJoint(current)) return null;
  const change = drawChange(current, ids, random);
  const left = current.voters.filter((id) => !change.some((one) => one.id === id)).length;
  const added = change.filter(({ type }) => type === 'addVoter').length;
  if (left + added < 1 || left + added > VOTERS_MAX) return null;
  const next = changeMembership(current, change);
  const steps = isJoint(next) ? [next, leaveJoint(next)] : [next];
  return steps.every((step) => isQuorum(step, (id) => !damaged.has(id))) ? change : null;
}

function describeChange(change: MembershipChange): string {
  const signs = { addVoter: '+', addLearner: '?', remove: '-' };
  return change.map(({ type, id }) => `${signs[type]}${id}`).join(' ');
}

/** Requests a change at the process, drawn from the membership at that time. */
function requestChange(simulation: ClusterSimulation, process: SimProcess, random: Random): void {
  const { instance } = process;
  instance?.scope.enter(() => {
    const { node } = process;
    if (node === null || simulation.isLivenessPhase) return;
    const change = drawSafeChange(simulation, node.status().membership, random);
    if (change === null) return;
    const force = random.chance(FORCED_SHARE);
    simulation.trace.note('client', process.id, change.length, 0, () => `change ${describeChange(change)}`);
    instance.port.changeMembership(change, force, (outcome) => simulation.countReconfiguration(outcome));
  });
}

const membershipChange: FaultKind = {
  name: 'membership change',
  weight: 15,
  isApplicable: ({ spares }) => spares.length > 0,
  begin(simulation, random): ActiveFault | null {
    const leaders = simulation.processes.filter(({ instance }) => instance?.role === 'leader');
    if (leaders.length === 0) return null;
    const process = random.pick(leaders);
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      simulation.scheduler.after(random.exponential(GAP_MEAN), () =>
        requestChange(simulation, process, random),
      );
    }
    return instantFault(`membership change: at ${process.id}`);
  },
};

export const MEMBERSHIP_FAULTS: readonly FaultKind[] = [membershipChange];
