/** What goes wrong with processes, their disks and their clocks, and what an operator does to them. */
import { RaftError } from '#raft/core/errors.js';
import { HEALTHY_SYNC } from '../cluster/disk.js';
import type { SimProcess } from '../cluster/process.js';
import { MS, SECOND, type Micros } from '../engine/scheduler.js';
import type { World } from '../world.js';
import { leadersOf, pickVictim, type FaultKind } from './fault.js';
import { all, instant, type Running } from './nemesis.js';
import { deafen, isolate, separate } from './network.js';

/** How long a leader waits for its successor. */
const TRANSFER_MS = 2_000;

/** For how long a hunted leader is away. */
const HUNTED_MEAN: Micros = SECOND;

const crash: FaultKind = {
  name: 'crash',
  weight: 5,
  begin(world, random): Running {
    const { id } = pickVictim(world, random);
    const kind = random.pick(['kill', 'powerLoss'] as const);
    const victims = world.processes.filter((process) => process.id === id || random.chance(0.15));
    const stop = all(victims.map((process) => process.takeDown(kind)));
    return { text: `${kind}: ${victims.map((process) => process.id).join(' ')}`, stop };
  },
};

const pause: FaultKind = {
  name: 'pause',
  weight: 4,
  begin(world, random): Running {
    const process = pickVictim(world, random);
    return { text: `pause: ${process.id}`, stop: process.pause() };
  },
};

const slowDisk: FaultKind = {
  name: 'slow disk',
  weight: 4,
  begin(world, random): Running {
    const { id, disk } = pickVictim(world, random);
    disk.behaviour.syncTime = random.between(10, 400) * MS;
    const text = `slow disk: ${id}, ${disk.behaviour.syncTime / MS} ms`;
    return { text, stop: () => (disk.behaviour.syncTime = HEALTHY_SYNC) };
  },
};

const hangingDisk: FaultKind = {
  name: 'hanging disk',
  weight: 2,
  begin(world, random): Running {
    const process = pickVictim(world, random);
    const release = process.syncs.hang();
    const dies = random.chance(0.5);
    const stop = (): void => {
      // Some disks come back by themselves, others with the next boot.
      const restart = dies ? process.takeDown('powerLoss') : null;
      release();
      restart?.();
    };
    return { text: `hanging disk: ${process.id}${dies ? ', until a reboot' : ''}`, stop };
  },
};

const failingSync: FaultKind = {
  name: 'failing sync',
  weight: 2,
  begin(world, random): Running {
    const { id, disk } = pickVictim(world, random);
    disk.behaviour.failsNext = true;
    return { text: `failing sync: ${id}`, stop: () => (disk.behaviour.failsNext = false) };
  },
};

/** Damage may hit whoever the others can do without; they stay down for good. */
const bitFlip: FaultKind = {
  name: 'bit flip',
  weight: 1,
  begin(world, random): Running | null {
    if (random.chance(0.7)) return null;
    const process = pickVictim(world, random);
    const damaged = world.processes.filter(({ disk }) => disk.isDamaged);
    if (process.disk.isDamaged || !world.canLose([...damaged, process])) return null;
    const stop = process.takeDown('powerLoss');
    process.disk.flipBit(random);
    return { text: `bit flip: ${process.id}`, stop };
  },
};

/** A leader is taken away soon after it was elected, again and again: logs get tails that no one else has (Raft, figure 8). */
const leaderHunt: FaultKind = {
  name: 'leader hunt',
  weight: 4,
  begin(world, random): Running {
    const way = random.pick(['kill', 'cut'] as const);
    const undos = new Set<() => void>();
    const mercy = random.pick([2, 20, 300]) * MS;
    const stopWatching = world.onElected((process) => {
      world.scheduler.after(random.exponential(mercy), () => {
        const undo = way === 'kill' ? process.takeDown('kill') : isolate(world, process.id);
        undos.add(undo);
        world.scheduler.after(random.exponential(HUNTED_MEAN), () => {
          if (undos.delete(undo)) undo();
        });
      });
    });
    const stop = (): void => {
      stopWatching();
      for (const undo of undos) undo();
      undos.clear();
    };
    return { text: `leader hunt: ${way} after ${mercy / MS} ms`, stop };
  },
};

const DRIFTS = [0.5, 0.8, 1.25, 2];
/** Two clocks apart by a third at most, which is what leases stand. */
const LEASE_DRIFTS = [0.87, 0.95, 1.05, 1.15];

const drift: FaultKind = {
  name: 'clock drift',
  weight: 2,
  begin(world, random): Running {
    const { id, rate } = pickVictim(world, random);
    rate.stretch = random.pick(world.settings.leaseReads ? LEASE_DRIFTS : DRIFTS);
    return { text: `clock drift: ${id} takes ${rate.stretch} for 1`, stop: () => (rate.stretch = 1) };
  },
};

const jump: FaultKind = {
  name: 'clock jump',
  weight: 2,
  // A voter whose timer leaps drifts beyond every bound: no one may count on leases there.
  isApplicable: ({ leaseReads }) => !leaseReads,
  begin(world, random): Running {
    const process = pickVictim(world, random);
    const ms = random.between(50, 2_000);
    process.life?.clock.jump(ms);
    return instant(`clock jump: ${process.id} by ${ms} ms`);
  },
};

/** Tells a process to hand its leadership over, to whom it likes unless `to` is given; returns whether it believes to have it. */
function startTransfer(world: World, { node, life }: SimProcess, to?: string): boolean {
  if (node === null || life?.role !== 'leader') return false;
  life.scope.enter(() => {
    world.scheduler.mayHaveWoken = true;
    node.transferLeadership(TRANSFER_MS, to === undefined ? {} : { to }).catch((error: unknown) => {
      // Who is named may be no voter; who was asked just before, in vain, takes proposals first.
      if (!(error instanceof RaftError)) throw error;
      if (error.code !== 'TRANSFER_REFUSED' && (to === undefined || error.code !== 'BAD_CONFIG')) throw error;
    });
  });
  return true;
}

const transferLeadership: FaultKind = {
  name: 'leadership transfer',
  weight: 2,
  begin(world, random): Running | null {
    const victim = pickVictim(world, random);
    if (!startTransfer(world, victim)) return null;
    const { id } = victim;
    // One that hears nothing afterwards goes on believing that it leads, for as long as it dares.
    const isDeaf = random.chance(0.5);
    return {
      text: `leadership transfer: ${id}${isDeaf ? ', deaf' : ''}`,
      stop: isDeaf ? deafen(world, id) : () => undefined,
    };
  },
};

/** The others follow their leader for so long on average before it is told to transfer leadership. */
const REIGN_MEAN: Micros = 30 * MS;

/**
 * A leader is cut off with a few who take what it logs, others elect another one, and it leads again as soon as that is
 * replaced: what was told it before is worth nothing then, and may come late.
 */
const thereAndBack: FaultKind = {
  name: 'there and back',
  weight: 3,
  begin(world, random): Running | null {
    const leaders = leadersOf(world);
    if (leaders.length === 0) return null;
    const { id } = random.pick(leaders);
    const others = random.shuffled(world.ids.filter((other) => other !== id));
    const side = new Set([id, ...others.slice(0, Math.max(1, Math.floor(others.length / 2) - 1))]);
    const heal = separate(world, side);
    let isOver = false;
    const stopWatching = world.onElected((elected) => {
      if (side.has(elected.id)) return;
      heal();
      world.scheduler.after(random.exponential(REIGN_MEAN), () => {
        if (!isOver) startTransfer(world, elected, id);
      });
    });
    const stop = (): void => {
      isOver = true;
      stopWatching();
      heal();
    };
    return { text: `there and back: ${[...side].join(' ')} from the others`, stop };
  },
};

export const PROCESS_FAULTS: readonly FaultKind[] = [
  crash,
  pause,
  slowDisk,
  hangingDisk,
  failingSync,
  bitFlip,
  leaderHunt,
  drift,
  jump,
  transferLeadership,
  thereAndBack,
];
