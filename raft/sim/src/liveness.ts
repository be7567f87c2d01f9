/**
 * After the faults: a majority is healed, the rest stays broken in one way or another, and the cluster has to make
 * progress within a bound. A member that is broken must not keep the others from it.
 */
import { DEFAULT_LIMITS } from '#raft/core/config.js';
import { membersOf } from '#raft/core/membership.js';
import { decides } from './checks/quorums.js';
import type { SimProcess } from './cluster/process.js';
import type { Random } from './engine/random.js';
import { MS, SECOND, type Micros } from './engine/scheduler.js';
import type { World } from './world.js';

/** Virtual time within which a healed majority must have elected, committed, served a read and caught up. */
const PROGRESS_BOUND: Micros = 20 * SECOND;

const CUT = { cut: true };

/** How a member stays broken. Each cuts, halts or hinders `broken`; `healed` are the others. */
type Breakage = (world: World, broken: SimProcess, healed: readonly SimProcess[]) => void;

const BREAKAGES: Readonly<Record<string, Breakage>> = {
  down: (_world, broken) => void broken.takeDown('powerLoss'),
  paused: (_world, broken) => void broken.pause(),
  'hanging disk': (_world, broken) => void broken.syncs.hang(),
  'cut off': (world, broken, healed) => {
    for (const { id } of healed) {
      world.network.impair(broken.id, id, CUT);
      world.network.impair(id, broken.id, CUT);
    }
  },
  'send only': (world, broken, healed) => {
    for (const { id } of healed) world.network.impair(id, broken.id, CUT);
  },
  'receive only': (world, broken, healed) => {
    for (const { id } of healed) world.network.impair(broken.id, id, CUT);
  },
  'one link': (world, broken, healed) => {
    for (const { id } of healed.slice(1)) {
      world.network.impair(broken.id, id, CUT);
      world.network.impair(id, broken.id, CUT);
    }
  },
  'lossy links': (world, broken, healed) => {
    for (const { id } of healed) {
      world.network.impair(broken.id, id, { loss: 0.1 });
      world.network.impair(id, broken.id, { loss: 0.1 });
    }
  },
};

/** Chance that the disks of all that are healed are slow, as those of one machine are. */
const SLOW_CHANCE = 0.3;

/** Starts a majority of the members, and breaks the others. */
export function breakMinority(world: World, random: Random): void {
  const lost = world.processes.filter(({ disk }) => disk.isDamaged);
  for (const process of random.shuffled(world.processes)) {
    // Who is no member may be well, and must not disturb either.
    const isSpared = !membersOf(world.quorums.latest).includes(process.id) && random.chance(0.5);
    if (!isSpared && !lost.includes(process) && world.canLose([...lost, process])) lost.push(process);
  }
  const healed = world.processes.filter((process) => !lost.includes(process));
  for (const broken of lost) {
    if (broken.disk.isDamaged) continue;
    const name = random.pick(Object.keys(BREAKAGES));
    world.trace.note('fault', broken.id, 0, 0, () => `stays broken: ${name}`);
    BREAKAGES[name]?.(world, broken, healed);
  }
  for (const process of healed) process.start();
  const { electionTicks, tickMs, limits } = world.settings;
  // With an entry at a time, each waiting for a disk, a backlog would rightly take longer than the bound.
  const { appendBytesMax, inflightMessagesMax } = { ...DEFAULT_LIMITS, ...limits };
  const isWide = appendBytesMax >= 1_000 && inflightMessagesMax >= 8;
  if (!isWide || !random.chance(SLOW_CHANCE)) return;
  // A write takes from a fifth to four fifths of an election timeout: one that takes all of it is taken for one that hangs.
  const syncTime = Math.floor(0.4 * electionTicks * tickMs * MS);
  world.trace.note('fault', '', 0, 0, () => `stays slow: disks of all that are healed, ${syncTime / MS} ms`);
  for (const { disk } of healed) disk.behaviour.syncTime = syncTime;
}

/** Has the run go on until there is progress; a violation if there is none in time. */
export async function demandProgress(world: World): Promise<void> {
  const since = world.scheduler.now;
  world.history.watchFrom(since);
  let goal: number | null = null;
  const isDone = (): boolean => {
    const { changes, reads } = world.history.watched;
    if (changes === 0 || reads === 0) return false;
    goal ??= world.oracle.committed;
    const reached = goal;
    // Not all that are healed: where the leader is a broken member that a majority can reach, one of them may not.
    const caughtUp = world.processes.filter(({ machineDisk }) => machineDisk.written.applied >= reached);
    const ids = new Set(caughtUp.map(({ id }) => id));
    return decides(world.quorums.latest, (id) => ids.has(id));
  };
  await world.run(since + PROGRESS_BOUND, isDone);
  if (world.violation !== null || isDone()) return;
  const states = world.processes.map(({ id, node }) => ({ id, ...node?.status() }));
  world.violate('progress', `none in ${PROGRESS_BOUND / SECOND} s: ${JSON.stringify(states)}`);
}
