/** What goes wrong with processes, disks and clocks. */
import { RaftError } from '@trireme/raft';
import { HEALTHY_SYNC, MS, SECOND, all, instant, type Running } from '@trireme/raft/sim';
import type { CrashKind } from '../hosts/environment.js';
import type { Host } from '../hosts/host.js';
import type { World } from '../world.js';
import { cut, pickVictim, type FaultKind } from './fault.js';

const HUNTED_MEAN = 300 * MS;
const TRANSFER_MS = 500;

const crash: FaultKind = {
  name: 'crash',
  weight: 8,
  begin(world, random): Running {
    const victim = pickVictim(world, random);
    const kind = random.pick<CrashKind>(['kill', 'kill', 'powerLoss']);
    return { text: `crash: ${victim.name}, ${kind}`, stop: victim.takeDown(kind) };
  },
};

/** A process dies and its supervisor starts it at once. */
const restart: FaultKind = {
  name: 'restart',
  weight: 6,
  begin(world, random): Running {
    const victim = pickVictim(world, random);
    world.scheduler.after(random.exponential(20 * MS), victim.takeDown('kill'));
    return instant(`restart: ${victim.name}`);
  },
};

/** Processes of one machine, or of one kind, are lost together. */
const lostTogether: FaultKind = {
  name: 'lost together',
  weight: 3,
  begin(world, random): Running {
    const groups: readonly (readonly [string, readonly Host[]])[] = [
      ['all catalogs', world.catalogs],
      ['all front-ends', world.frontends],
      ['all replicas', world.replicas],
      ['one host', [...world.leaders.slice(0, 1), random.pick(world.catalogs), random.pick(world.frontends)]],
    ];
    const [name, hosts] = random.pick(groups);
    const kind = random.pick<CrashKind>(['kill', 'powerLoss']);
    const undos = hosts.filter(({ isUp }) => isUp).map((host) => host.takeDown(kind));
    return { text: `lost together: ${name}, ${kind}`, stop: all(undos) };
  },
};

const pause: FaultKind = {
  name: 'pause',
  weight: 6,
  begin(world, random): Running {
    const victim = pickVictim(world, random);
    return { text: `pause: ${victim.name}`, stop: victim.pause() };
  },
};

/** Shorter or little longer than a lease. */
const shortPause: FaultKind = {
  name: 'short pause',
  weight: 8,
  begin(world, random): Running {
    const victim = pickVictim(world, random);
    const ms = random.between(5, 250);
    world.scheduler.after(ms * MS, victim.pause());
    return instant(`short pause: ${victim.name}, ${ms} ms`);
  },
};

/** A wall clock that is set back at the same time hides a suspension: the one thing that leases do not stand. */
function isHidden({ scheduler }: World, { clock }: Host): boolean {
  return scheduler.now - clock.setBackAt < SECOND;
}

/** The machine stands still, and its monotonic clock with it; the wall clock does not. */
const suspension: FaultKind = {
  name: 'suspension',
  weight: 3,
  begin(world, random): Running | null {
    const victim = pickVictim(world, random);
    if (isHidden(world, victim)) return null;
    return { text: `suspension: ${victim.name}`, stop: victim.pause(true) };
  },
};

/** As `suspension`; when the machine wakes it is still out of reach of those that granted it what is over by then. */
const unseenSuspension: FaultKind = {
  name: 'suspension out of reach',
  weight: 4,
  begin(world, random): Running | null {
    const victim = random.pick<Host>([...world.frontends, ...world.frontends, ...world.catalogs]);
    if (isHidden(world, victim)) return null;
    const giver = victim.kind === 'frontend' ? 'catalog' : 'replica';
    const heal = cut(world, (from, to) => from.kind === giver && to === victim);
    const resume = victim.pause(true);
    const stop = (): void => {
      resume();
      world.scheduler.after(random.below(50 * MS), heal);
    };
    return { text: `suspension out of reach: ${victim.name}`, stop };
  },
};

const slowDisk: FaultKind = {
  name: 'slow disk',
  weight: 4,
  begin(world, random): Running {
    const { name, disk } = random.pick(world.replicas);
    disk.behaviour.syncTime = random.between(3, 100) * MS;
    const text = `slow disk: ${name}, ${disk.behaviour.syncTime / MS} ms`;
    return { text, stop: () => (disk.behaviour.syncTime = HEALTHY_SYNC) };
  },
};

const hangingDisk: FaultKind = {
  name: 'hanging disk',
  weight: 2,
  begin(world, random): Running {
    const replica = random.pick(world.replicas);
    return { text: `hanging disk: ${replica.name}`, stop: replica.syncs.hang() };
  },
};

const failingSync: FaultKind = {
  name: 'failing sync',
  weight: 2,
  begin(world, random): Running {
    const { name, disk } = random.pick(world.replicas);
    disk.behaviour.failsNext = true;
    return { text: `failing sync: ${name}`, stop: () => (disk.behaviour.failsNext = false) };
  },
};

/** A leader is taken away soon after it was elected, again and again. */
const leaderHunt: FaultKind = {
  name: 'leader hunt',
  weight: 4,
  begin(world, random): Running {
    const way = random.pick(['kill', 'cut', 'pause'] as const);
    const mercy = random.pick([2, 30, 200]) * MS;
    const undos = new Set<() => void>();
    const stopWatching = world.onElected((leader) => {
      world.scheduler.after(random.exponential(mercy), () => {
        const undo =
          way === 'kill'
            ? leader.takeDown('kill')
            : way === 'pause'
              ? leader.pause()
              : cut(world, (from, to) => (from === leader) !== (to === leader) && from.kind === to.kind);
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

const drift: FaultKind = {
  name: 'clock drift',
  weight: 2,
  begin(world, random): Running {
    const victim = random.pick(world.hosts);
    const before = victim.clock.rate.stretch;
    const stretch = random.pick([0.93, 0.96, 1.04, 1.07]);
    victim.clock.setRate(stretch);
    return {
      text: `clock drift: ${victim.name} takes ${stretch} for 1`,
      stop: () => victim.clock.setRate(before),
    };
  },
};

/** The wall clock of a machine is wrong: no key expires by it, and what holds leases stands any jump forward. */
const wallClock: FaultKind = {
  name: 'wall clock set',
  weight: 3,
  begin(world, random): Running | null {
    const { leaders } = world;
    const victim = random.pick(leaders.length > 0 && random.chance(0.5) ? leaders : world.hosts);
    if (victim.isPaused) return null;
    const leadMs = random.pick([-86_400_000 * 3, -5_000, 700, 5_000, 86_400_000 * 3, 86_400_000 * 3]);
    victim.clock.setWall(leadMs);
    return instant(`wall clock set: ${victim.name} by ${leadMs} ms`);
  },
};

const transfer: FaultKind = {
  name: 'leadership transfer',
  weight: 3,
  begin(world, random): Running | null {
    const { leaders } = world;
    if (leaders.length === 0) return null;
    const leader = random.pick(leaders);
    leader.deliver(() => {
      leader.node?.transferLeadership(TRANSFER_MS).catch((error: unknown) => {
        if (!(error instanceof RaftError)) throw error;
      });
    });
    return instant(`leadership transfer: ${leader.name}`);
  },
};

export const PROCESS_FAULTS: readonly FaultKind[] = [
  crash,
  restart,
  lostTogether,
  pause,
  shortPause,
  suspension,
  unseenSuspension,
  slowDisk,
  hangingDisk,
  failingSync,
  leaderHunt,
  drift,
  wallClock,
  transfer,
];
