/** Faults of processes, disks and clocks. */
import { RaftError } from '@trireme/raft';
import { HEALTHY_SYNC, MS, SECOND, combineUndos, instantFault, type ActiveFault } from '@trireme/raft-sim';
import type { CrashKind } from '../hosts/environment.js';
import type { SimulatedProcess } from '../hosts/host.js';
import type { SystemSimulation } from '../system-simulation.js';
import { cut, pickVictim, type FaultKind } from './fault.js';

/** Mean duration of a leader's failure. */
const FAILURE_MEAN = 300 * MS;
/** Timeout of a leadership transfer. */
const TRANSFER_MS = 500;

const crash: FaultKind = {
  name: 'crash',
  weight: 8,
  begin(simulation, random): ActiveFault {
    const victim = pickVictim(simulation, random);
    const kind = random.pick<CrashKind>(['kill', 'kill', 'powerLoss']);
    return { text: `crash: ${victim.name}, ${kind}`, stop: victim.keepDown(kind) };
  },
};

/** A process crashes and its supervisor restarts it at once. */
const restart: FaultKind = {
  name: 'restart',
  weight: 6,
  begin(simulation, random): ActiveFault {
    const victim = pickVictim(simulation, random);
    simulation.scheduler.after(random.exponential(20 * MS), victim.keepDown('kill'));
    return instantFault(`restart: ${victim.name}`);
  },
};

/** All processes of one host, or of one kind, fail at once. */
const correlatedFailure: FaultKind = {
  name: 'correlated failure',
  weight: 3,
  begin(simulation, random): ActiveFault {
    const groups: readonly (readonly [string, readonly SimulatedProcess[]])[] = [
      ['all catalogs', simulation.catalogs],
      ['all front-ends', simulation.frontends],
      ['all replicas', simulation.replicas],
      [
        'one host',
        [
          ...simulation.leaders.slice(0, 1),
          random.pick(simulation.catalogs),
          random.pick(simulation.frontends),
        ],
      ],
    ];
    const [name, hosts] = random.pick(groups);
    const kind = random.pick<CrashKind>(['kill', 'powerLoss']);
    const undos = hosts.filter(({ isUp }) => isUp).map((host) => host.keepDown(kind));
    return { text: `correlated failure: ${name}, ${kind}`, stop: combineUndos(undos) };
  },
};

const pause: FaultKind = {
  name: 'pause',
  weight: 6,
  begin(simulation, random): ActiveFault {
    const victim = pickVictim(simulation, random);
    return { text: `pause: ${victim.name}`, stop: victim.pause() };
  },
};

/** A pause that is shorter or little longer than a lease. */
const shortPause: FaultKind = {
  name: 'short pause',
  weight: 8,
  begin(simulation, random): ActiveFault {
    const victim = pickVictim(simulation, random);
    const ms = random.between(5, 250);
    simulation.scheduler.after(ms * MS, victim.pause());
    return instantFault(`short pause: ${victim.name}, ${ms} ms`);
  },
};

/** Whether a wall clock that was just set back would hide a suspension, which leases do not tolerate. */
function isHidden({ scheduler }: SystemSimulation, { clock }: SimulatedProcess): boolean {
  return scheduler.now - clock.setBackAt < SECOND;
}

/** The machine is suspended. Its monotonic clock stops, its wall clock does not. */
const suspension: FaultKind = {
  name: 'suspension',
  weight: 3,
  begin(simulation, random): ActiveFault | null {
    const victim = pickVictim(simulation, random);
    if (isHidden(simulation, victim)) return null;
    return { text: `suspension: ${victim.name}`, stop: victim.pause(true) };
  },
};

/**
 * Same as `suspension`, but when the machine resumes it still has no connection to the grantor of its expired
 * lease.
 */
const partitionedSuspension: FaultKind = {
  name: 'suspension in a partition',
  weight: 4,
  begin(simulation, random): ActiveFault | null {
    const victim = random.pick<SimulatedProcess>([
      ...simulation.frontends,
      ...simulation.frontends,
      ...simulation.catalogs,
    ]);
    if (isHidden(simulation, victim)) return null;
    const grantor = victim.kind === 'frontend' ? 'catalog' : 'replica';
    const heal = cut(simulation, (from, to) => from.kind === grantor && to === victim);
    const resume = victim.pause(true);
    const stop = (): void => {
      resume();
      simulation.scheduler.after(random.below(50 * MS), heal);
    };
    return { text: `suspension in a partition: ${victim.name}`, stop };
  },
};

const slowDisk: FaultKind = {
  name: 'slow disk',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const { name, disk } = random.pick(simulation.replicas);
    disk.behaviour.syncTime = random.between(3, 100) * MS;
    const text = `slow disk: ${name}, ${disk.behaviour.syncTime / MS} ms`;
    return { text, stop: () => (disk.behaviour.syncTime = HEALTHY_SYNC) };
  },
};

const hangingDisk: FaultKind = {
  name: 'hanging disk',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const replica = random.pick(simulation.replicas);
    return { text: `hanging disk: ${replica.name}`, stop: replica.syncs.hang() };
  },
};

const failingSync: FaultKind = {
  name: 'failing sync',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const { name, disk } = random.pick(simulation.replicas);
    disk.behaviour.failsNext = true;
    return { text: `failing sync: ${name}`, stop: () => (disk.behaviour.failsNext = false) };
  },
};

/** Every leader fails soon after its election. */
const leaderFailures: FaultKind = {
  name: 'leader failures',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const way = random.pick(['kill', 'cut', 'pause'] as const);
    const delayMean = random.pick([2, 30, 200]) * MS;
    const undos = new Set<() => void>();
    const stopWatching = simulation.onElected((leader) => {
      simulation.scheduler.after(random.exponential(delayMean), () => {
        const undo =
          way === 'kill'
            ? leader.keepDown('kill')
            : way === 'pause'
              ? leader.pause()
              : cut(simulation, (from, to) => (from === leader) !== (to === leader) && from.kind === to.kind);
        undos.add(undo);
        simulation.scheduler.after(random.exponential(FAILURE_MEAN), () => {
          if (undos.delete(undo)) undo();
        });
      });
    });
    const stop = (): void => {
      stopWatching();
      for (const undo of undos) undo();
      undos.clear();
    };
    return { text: `leader failures: ${way} after ${delayMean / MS} ms`, stop };
  },
};

const drift: FaultKind = {
  name: 'clock drift',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const victim = random.pick(simulation.hosts);
    const before = victim.clock.rate.slowdown;
    const slowdown = random.pick([0.93, 0.96, 1.04, 1.07]);
    victim.clock.setRate(slowdown);
    return {
      text: `clock drift: ${victim.name}, one clock second takes ${slowdown} s`,
      stop: () => victim.clock.setRate(before),
    };
  },
};

/**
 * The wall clock of a machine is set. No key expires by the wall clock, and lease holders tolerate any jump
 * forward.
 */
const wallClockChange: FaultKind = {
  name: 'wall clock change',
  weight: 3,
  begin(simulation, random): ActiveFault | null {
    const { leaders } = simulation;
    const victim = random.pick(leaders.length > 0 && random.chance(0.5) ? leaders : simulation.hosts);
    if (victim.isPaused) return null;
    const changeMs = random.pick([-86_400_000 * 3, -5_000, 700, 5_000, 86_400_000 * 3, 86_400_000 * 3]);
    victim.clock.setWall(changeMs);
    return instantFault(`wall clock change: ${victim.name} by ${changeMs} ms`);
  },
};

const transfer: FaultKind = {
  name: 'leadership transfer',
  weight: 3,
  begin(simulation, random): ActiveFault | null {
    const { leaders } = simulation;
    if (leaders.length === 0) return null;
    const leader = random.pick(leaders);
    leader.runInNextTurn(() => {
      leader.node?.transferLeadership(TRANSFER_MS).catch((error: unknown) => {
        if (!(error instanceof RaftError)) throw error;
      });
    });
    return instantFault(`leadership transfer: ${leader.name}`);
  },
};

export const PROCESS_FAULTS: readonly FaultKind[] = [
  crash,
  restart,
  correlatedFailure,
  pause,
  shortPause,
  suspension,
  partitionedSuspension,
  slowDisk,
  hangingDisk,
  failingSync,
  leaderFailures,
  drift,
  wallClockChange,
  transfer,
];
