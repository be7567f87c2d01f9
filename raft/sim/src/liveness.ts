/**
 * The liveness phase after the faults: a majority is healed, the other members stay faulty, and the cluster must make
 * progress within a bound. A faulty member must not prevent it.
 */
import { DEFAULT_LIMITS } from '@trireme/raft';
import { membersOf } from './internals.js';
import { isQuorum } from './checks/quorums.js';
import type { SimProcess } from './cluster/process.js';
import type { Random } from './engine/random.js';
import { MS, SECOND, type Micros } from './engine/scheduler.js';
import type { ClusterSimulation } from './cluster-simulation.js';

/** Virtual time within which a healed majority must have elected a leader, committed, served a read and caught up. */
const PROGRESS_BOUND: Micros = 20 * SECOND;

const CUT = { cut: true };

/** Keeps `broken` faulty. `healed` are the other members. */
type Breakage = (simulation: ClusterSimulation, broken: SimProcess, healed: readonly SimProcess[]) => void;

const BREAKAGES: Readonly<Record<string, Breakage>> = {
  down: (_world, broken) => void broken.keepDown('powerLoss'),
  paused: (_world, broken) => void broken.pause(),
  'hanging disk': (_world, broken) => void broken.syncs.hang(),
  'cut off': (simulation, broken, healed) => {
    for (const { id } of healed) {
      simulation.network.impair(broken.id, id, CUT);
      simulation.network.impair(id, broken.id, CUT);
    }
  },
  'send only': (simulation, broken, healed) => {
    for (const { id } of healed) simulation.network.impair(id, broken.id, CUT);
  },
  'receive only': (simulation, broken, healed) => {
    for (const { id } of healed) simulation.network.impair(broken.id, id, CUT);
  },
  'one link': (simulation, broken, healed) => {
    for (const { id } of healed.slice(1)) {
      simulation.network.impair(broken.id, id, CUT);
      simulation.network.impair(id, broken.id, CUT);
    }
  },
  'lossy links': (simulation, broken, healed) => {
    for (const { id } of healed) {
      simulation.network.impair(broken.id, id, { loss: 0.1 });
      simulation.network.impair(id, broken.id, { loss: 0.1 });
    }
  },
};

/** Probability that the disks of all healed members are slow, like disks of one overloaded machine. */
const SLOW_CHANCE = 0.3;

/** Starts a majority of the members, and keeps the others faulty. */
export function healMajority(simulation: ClusterSimulation, random: Random): void {
  const lost = simulation.processes.filter(({ disk }) => disk.isDamaged);
  for (const process of random.shuffled(simulation.processes)) {
    // A process that is not a member may be healthy. It must not disturb the group either.
    const isSpared = !membersOf(simulation.quorums.latest).includes(process.id) && random.chance(0.5);
    if (!isSpared && !lost.includes(process) && simulation.hasQuorumWithout([...lost, process]))
      lost.push(process);
  }
  const healed = simulation.processes.filter((process) => !lost.includes(process));
  for (const broken of lost) {
    if (broken.disk.isDamaged) continue;
    const name = random.pick(Object.keys(BREAKAGES));
    simulation.trace.note('fault', broken.id, 0, 0, () => `stays faulty: ${name}`);
    BREAKAGES[name]?.(simulation, broken, healed);
  }
  for (const process of healed) process.start();
  const { electionTicks, tickMs, limits } = simulation.settings;
  // With one entry in flight and slow disks, a backlog may legitimately take longer than the bound.
  const { appendBytesMax, inflightMessagesMax } = { ...DEFAULT_LIMITS, ...limits };
  const isWide = appendBytesMax >= 1_000 && inflightMessagesMax >= 8;
  if (!isWide || !random.chance(SLOW_CHANCE)) return;
  // A write then takes 20 % to 80 % of an election timeout. A longer one would count as hung.
  const syncTime = Math.floor(0.4 * electionTicks * tickMs * MS);
  simulation.trace.note('fault', '', 0, 0, () => `slow disks of all healed members: ${syncTime / MS} ms`);
  for (const { disk } of healed) disk.behaviour.syncTime = syncTime;
}

/** Continues the run until the cluster has made progress. Reports a violation if it has not within the bound. */
export async function requireProgress(simulation: ClusterSimulation): Promise<void> {
  const since = simulation.scheduler.now;
  simulation.history.countFrom(since);
  let goal: number | null = null;
  const isDone = (): boolean => {
    const { changes, reads } = simulation.history.recent;
    if (changes === 0 || reads === 0) return false;
    goal ??= simulation.oracle.committed;
    const reached = goal;
    // Not all healed members: a faulty leader may reach a majority of them, but not each one.
    const caughtUp = simulation.processes.filter(({ machineDisk }) => machineDisk.written.applied >= reached);
    const ids = new Set(caughtUp.map(({ id }) => id));
    return isQuorum(simulation.quorums.latest, (id) => ids.has(id));
  };
  await simulation.run(since + PROGRESS_BOUND, isDone);
  if (simulation.violation !== null || isDone()) return;
  const states = simulation.processes.map(({ id, node }) => ({ id, ...node?.status() }));
  simulation.reportViolation(
    'progress',
    `no progress in ${PROGRESS_BOUND / SECOND} s: ${JSON.stringify(states)}`,
  );
}
