/** What an operator does to the group: members come, go and change their role, several at once, whatever else goes on. */
import { changeMembership, leaveJoint, type MembershipChange } from '#raft/core/membership-change.js';
import { isJoint, type Membership } from '#raft/core/membership.js';
import type { NodeId } from '#raft/core/types.js';
import { decides } from '../checks/quorums.js';
import type { SimProcess } from '../cluster/process.js';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';
import type { World } from '../world.js';
import type { FaultKind } from './fault.js';
import { instant, type Running } from './nemesis.js';

const VOTERS_MAX = 5;
/** Between changes that one leader is asked for: often before the one before is done. */
const GAP_MEAN: Micros = 50 * MS;
/** Changes that are made whoever answers: what the leader refuses else is to be safe as well. */
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

/** A change that leaves a group which can do without its damaged members, as an operator would; null if none was drawn. */
function drawSensible({ processes }: World, current: Membership, random: Random): MembershipChange | null {
  const damaged = new Set(processes.filter(({ disk }) => disk.isDamaged).map(({ id }) => id));
  const ids = processes.map(({ id }) => id);
  if (isJoint(current)) return null;
  const change = drawChange(current, ids, random);
  const left = current.voters.filter((id) => !change.some((one) => one.id === id)).length;
  const came = change.filter(({ type }) => type === 'addVoter').length;
  if (left + came < 1 || left + came > VOTERS_MAX) return null;
  const next = changeMembership(current, change);
  const steps = isJoint(next) ? [next, leaveJoint(next)] : [next];
  return steps.every((step) => decides(step, (id) => !damaged.has(id))) ? change : null;
}

function describeChange(change: MembershipChange): string {
  const signs = { addVoter: '+', addLearner: '?', remove: '-' };
  return change.map(({ type, id }) => `${signs[type]}${id}`).join(' ');
}

/** Asks the process for a change that is sensible by what is the case when it comes to it. */
function ask(world: World, process: SimProcess, random: Random): void {
  const { life } = process;
  life?.scope.enter(() => {
    const { node } = process;
    if (node === null || world.areFaultsOver) return;
    const change = drawSensible(world, node.status().membership, random);
    if (change === null) return;
    const force = random.chance(FORCED_SHARE);
    world.trace.note('client', process.id, change.length, 0, () => `change ${describeChange(change)}`);
    life.port.reconfigure(change, force, (outcome) => world.reconfigured(outcome));
  });
}

const membershipChange: FaultKind = {
  name: 'membership change',
  weight: 15,
  isApplicable: ({ spares }) => spares.length > 0,
  begin(world, random): Running | null {
    const leaders = world.processes.filter(({ life }) => life?.role === 'leader');
    if (leaders.length === 0) return null;
    const process = random.pick(leaders);
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      world.scheduler.after(random.exponential(GAP_MEAN), () => ask(world, process, random));
    }
    return instant(`membership change: ${process.id} is asked for some`);
  },
};

export const MEMBERSHIP_FAULTS: readonly FaultKind[] = [membershipChange];
