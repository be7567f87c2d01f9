/** Faults of processes, disks and clocks, and leadership transfers by an operator. */
import { RaftError } from '@trireme/raft';
import { HEALTHY_SYNC } from '../cluster/disk.js';
import type { SimProcess } from '../cluster/process.js';
import { MS, SECOND, type Micros } from '../engine/scheduler.js';
import type { ClusterSimulation } from '../cluster-simulation.js';
import { leadersOf, pickVictim, type FaultKind } from './fault.js';
import { combineUndos, instantFault, type ActiveFault } from './nemesis.js';
import { cutIncoming, isolate, partition } from './network.js';

/** Timeout of a leadership transfer. */
const TRANSFER_MS = 2_000;

/** Mean duration of a leader's failure. */
const FAILURE_MEAN: Micros = SECOND;

const crash: FaultKind = {
  name: 'crash',
  weight: 5,
  begin(simulation, random): ActiveFault {
    const { id } = pickVictim(simulation, random);
    const kind = random.pick(['kill', 'powerLoss'] as const);
    const victims = simulation.processes.filter((process) => process.id === id || random.chance(0.15));
    const stop = combineUndos(victims.map((process) => process.keepDown(kind)));
    return { text: `${kind}: ${victims.map((process) => process.id).join(' ')}`, stop };
  },
};

const pause: FaultKind = {
  name: 'pause',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const process = pickVictim(simulation, random);
    return { text: `pause: ${process.id}`, stop: process.pause() };
  },
};

const slowDisk: FaultKind = {
  name: 'slow disk',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const { id, disk } = pickVictim(simulation, random);
    disk.behaviour.syncTime = random.between(10, 400) * MS;
    const text = `slow disk: ${id}, ${disk.behaviour.syncTime / MS} ms`;
    return { text, stop: () => (disk.behaviour.syncTime = HEALTHY_SYNC) };
  },
};

const hangingDisk: FaultKind = {
  name: 'hanging disk',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const process = pickVictim(simulation, random);
    const release = process.syncs.hang();
    const dies = random.chance(0.5);
    const stop = (): void => {
      // Some disks recover by themselves, others only after a reboot.
      const restart = dies ? process.keepDown('powerLoss') : null;
      release();
      restart?.();
    };
    return { text: `hanging disk: ${process.id}${dies ? ', until a reboot' : ''}`, stop };
  },
};

const failingSync: FaultKind = {
  name: 'failing sync',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const { id, disk } = pickVictim(simulation, random);
    disk.behaviour.failsNext = true;
    return { text: `failing sync: ${id}`, stop: () => (disk.behaviour.failsNext = false) };
  },
};

/** Damages a disk of a member that the group can lose. The member stays down for the rest of the run. */
const bitFlip: FaultKind = {
  name: 'bit flip',
  weight: 1,
  begin(simulation, random): ActiveFault | null {
    if (random.chance(0.7)) return null;
    const process = pickVictim(simulation, random);
    const damaged = simulation.processes.filter(({ disk }) => disk.isDamaged);
    if (process.disk.isDamaged || !simulation.hasQuorumWithout([...damaged, process])) return null;
    const stop = process.keepDown('powerLoss');
    process.disk.flipBit(random);
    return { text: `bit flip: ${process.id}`, stop };
  },
};

/**
 * Every leader fails soon after its election, so that logs get uncommitted entries that no other log has (Raft,
 * figure 8).
 */
const leaderFailures: FaultKind = {
  name: 'leader failures',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const way = random.pick(['kill', 'cut'] as const);
    const undos = new Set<() => void>();
    const delayMean = random.pick([2, 20, 300]) * MS;
    const stopWatching = simulation.onElected((process) => {
      simulation.scheduler.after(random.exponential(delayMean), () => {
        const undo = way === 'kill' ? process.keepDown('kill') : isolate(simulation, process.id);
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

const DRIFTS = [0.5, 0.8, 1.25, 2];
/** Two such clocks differ by a third at most, which leases tolerate. */
const LEASE_DRIFTS = [0.87, 0.95, 1.05, 1.15];

const drift: FaultKind = {
  name: 'clock drift',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const { id, rate } = pickVictim(simulation, random);
    rate.slowdown = random.pick(simulation.settings.leaseReads ? LEASE_DRIFTS : DRIFTS);
    return {
      text: `clock drift: ${id}, one clock second takes ${rate.slowdown} s`,
      stop: () => (rate.slowdown = 1),
    };
  },
};

const jump: FaultKind = {
  name: 'clock jump',
  weight: 2,
  // A jump exceeds every bound on drift, so leases are not safe with it.
  isApplicable: ({ leaseReads }) => !leaseReads,
  begin(simulation, random): ActiveFault {
    const process = pickVictim(simulation, random);
    const ms = random.between(50, 2_000);
    process.instance?.clock.jump(ms);
    return instantFault(`clock jump: ${process.id} by ${ms} ms`);
  },
};

/** Starts a leadership transfer, to `to` or to any member. Returns false if the process does not believe it leads. */
function startTransfer(simulation: ClusterSimulation, { node, instance }: SimProcess, to?: string): boolean {
  if (node === null || instance?.role !== 'leader') return false;
  instance.scope.enter(() => {
    simulation.scheduler.maySettlePromises = true;
    node.transferLeadership(TRANSFER_MS, to === undefined ? {} : { to }).catch((error: unknown) => {
      // The target may not be a voter, or an earlier transfer may just have failed.
      if (!(error instanceof RaftError)) throw error;
      if (error.code !== 'TRANSFER_REFUSED' && (to === undefined || error.code !== 'BAD_CONFIG')) throw error;
    });
  });
  return true;
}

const transferLeadership: FaultKind = {
  name: 'leadership transfer',
  weight: 2,
  begin(simulation, random): ActiveFault | null {
    const victim = pickVictim(simulation, random);
    if (!startTransfer(simulation, victim)) return null;
    const { id } = victim;
    // A leader that receives no messages afterwards continues to believe that it leads until CheckQuorum stops it.
    const isCut = random.chance(0.5);
    return {
      text: `leadership transfer: ${id}${isCut ? ', which then receives nothing' : ''}`,
      stop: isCut ? cutIncoming(simulation, id) : () => undefined,
    };
  },
};

/** Mean time from the election of the other leader to its leadership transfer. */
const OTHER_LEADER_MEAN: Micros = 30 * MS;

/**
 * A leader is partitioned with a minority that replicates its log. The majority elects another leader, which
 * soon transfers leadership back to the first one. Late responses from its earlier term are invalid then.
 */
const leaderReturns: FaultKind = {
  name: 'leader returns',
  weight: 3,
  begin(simulation, random): ActiveFault | null {
    const leaders = leadersOf(simulation);
    if (leaders.length === 0) return null;
    const { id } = random.pick(leaders);
    const others = random.shuffled(simulation.ids.filter((other) => other !== id));
    const side = new Set([id, ...others.slice(0, Math.max(1, Math.floor(others.length / 2) - 1))]);
    const heal = partition(simulation, side);
    let isOver = false;
    const stopWatching = simulation.onElected((elected) => {
      if (side.has(elected.id)) return;
      heal();
      simulation.scheduler.after(random.exponential(OTHER_LEADER_MEAN), () => {
        if (!isOver) startTransfer(simulation, elected, id);
      });
    });
    const stop = (): void => {
      isOver = true;
      stopWatching();
      heal();
    };
    return { text: `leader returns: ${[...side].join(' ')} from the others`, stop };
  },
};

export const PROCESS_FAULTS: readonly FaultKind[] = [
  crash,
  pause,
  slowDisk,
  hangingDisk,
  failingSync,
  bitFlip,
  leaderFailures,
  drift,
  jump,
  transferLeadership,
  leaderReturns,
];
