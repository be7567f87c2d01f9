/** The kinds of faults of the random mode. */
import { CLIENTS, type LinkChange } from '../proxy/fault-network.js';
import type { Capability } from './capabilities.js';
import { setWallClock } from './clocks.js';
import { losePower, setSyncMode, restorePower } from './disks.js';
import type { ScenarioRun } from './scenario-run.js';

/** A fault, and how it is undone. */
export interface Fault {
  readonly what: string;
  /** Processes that no other fault may affect at the same time. */
  readonly processes: readonly string[];
  readonly linkChanges?: readonly LinkChange[];
  /** If it returns a promise, that is awaited; the same applies to `end`. */
  readonly begin?: () => unknown;
  readonly end?: () => unknown;
}

/** A kind of fault. */
export interface FaultKind {
  /** Name under which the faults are counted. */
  readonly name: string;
  /** Relative frequency. */
  readonly weight: number;
  /** Required capabilities of the machine. */
  readonly needs: readonly Capability[];
  readonly draw: (run: ScenarioRun) => Fault;
}

function pick<T>(run: ScenarioRun, values: readonly T[]): T {
  const value = values[run.random.below(values.length)];
  if (value === undefined) throw new RangeError('cannot pick from an empty list');
  return value;
}

function between(from: readonly string[], to: readonly string[], change: LinkChange['change']): LinkChange[] {
  return from.flatMap((one) => to.map((other) => ({ from: one, to: other, change })));
}

function bothWays(one: readonly string[], other: readonly string[]): LinkChange[] {
  return [...between(one, other, { blocked: true }), ...between(other, one, { blocked: true })];
}

function othersThan(run: ScenarioRun, names: readonly string[]): string[] {
  return run.names().filter((name) => !names.includes(name));
}

function stopped(signal: NodeJS.Signals): FaultKind['draw'] {
  return (run) => {
    const name = pick(run, run.names());
    return {
      what: `${signal} to ${name}`,
      processes: [name],
      begin: async () => run.cluster.kill(name, signal),
      end: async () => run.cluster.startProcess(name),
    };
  };
}

function allCatalogsKilled(run: ScenarioRun): Fault {
  const claims = run.names('catalog');
  return {
    what: 'SIGKILL to all catalogs',
    processes: claims,
    begin: async () => Promise.all(claims.map(async (name) => run.cluster.kill(name))),
    end: async () => Promise.all(claims.map(async (name) => run.cluster.startProcess(name))),
  };
}

function paused(run: ScenarioRun): Fault {
  const name = pick(run, run.names());
  return {
    what: `pause of ${name}`,
    processes: [name],
    begin: async () => run.cluster.pause(name),
    end: async () => run.cluster.resume(name),
  };
}

function isolated(run: ScenarioRun): Fault {
  const name = pick(run, run.names());
  return { what: `${name} isolated`, processes: [], linkChanges: bothWays([name], othersThan(run, [name])) };
}

function split(run: ScenarioRun): Fault {
  const one = run.names().filter(() => run.random.chance(0.5));
  const other = othersThan(run, one);
  return {
    what: `${one.join(' ')} split from ${other.join(' ')}`,
    processes: [],
    linkChanges: bothWays(one, other),
  };
}

function oneWay(run: ScenarioRun): Fault {
  const name = pick(run, run.names());
  const others = othersThan(run, [name]).filter(() => run.random.chance(0.6));
  const isInbound = run.random.chance(0.5);
  return {
    what: `${name} ${isInbound ? 'receives nothing from' : 'cannot send to'} ${others.join(' ')}`,
    processes: [],
    linkChanges: isInbound
      ? between(others, [name], { blocked: true })
      : between([name], others, { blocked: true }),
  };
}

function degraded(run: ScenarioRun, how: string, to: readonly string[], change: LinkChange['change']): Fault {
  const from = pick(run, run.names());
  const linked = run.network.linkedProcesses(from).filter((name) => to.includes(name));
  const other = pick(run, linked);
  return {
    what: `link from ${from} to ${other}: ${how}`,
    processes: [],
    linkChanges: between([from], [other], change),
  };
}

function link(how: string, change: LinkChange['change']): FaultKind['draw'] {
  return (run) => degraded(run, how, [...run.names(), CLIENTS], change);
}

/** Only between processes, because answers to clients in plain HTTP have no checksum. */
function corrupted(run: ScenarioRun): Fault {
  return degraded(run, 'corrupted', run.names(), { corruption: 0.05 });
}

function reset(run: ScenarioRun): Fault {
  const one = pick(run, run.names());
  const other = pick(run, run.network.linkedProcesses(one));
  const begin = (): void => run.network.reset(one, other);
  return { what: `connections between ${one} and ${other} reset`, processes: [], begin };
}

function slowSyncs(run: ScenarioRun): Fault {
  const name = pick(run, run.names('replica'));
  const mode = pick(run, ['slow 30', 'slow 150', 'hang'] as const);
  return {
    what: `syncs of ${name}: ${mode}`,
    processes: [name],
    begin: () => setSyncMode(run.dataDir, name, mode),
    end: () => setSyncMode(run.dataDir, name, 'sound'),
  };
}

function failingSyncs(run: ScenarioRun): Fault {
  const name = pick(run, run.names('replica'));
  return {
    what: `syncs of ${name} fail`,
    processes: [name],
    begin: () => {
      run.expectExit(name);
      setSyncMode(run.dataDir, name, 'fail');
    },
    end: async () => {
      // A process without writes has not met a failure and is still up.
      if (run.isUp(name)) await run.cluster.kill(name).catch(() => undefined);
      setSyncMode(run.dataDir, name, 'sound');
      await run.cluster.startProcess(name);
    },
  };
}

function powerLoss(run: ScenarioRun): Fault {
  const name = pick(run, run.names('replica'));
  return {
    what: `power loss of ${name}`,
    processes: [name],
    begin: async () => {
      run.expectExit(name);
      losePower(run.dataDir, name);
      // The process may exit by itself first.
      await run.cluster.kill(name).catch(() => undefined);
    },
    end: async () => {
      restorePower(run.dataDir, name);
      await run.cluster.startProcess(name);
    },
  };
}

function clockJump(run: ScenarioRun): Fault {
  const name = pick(run, run.names());
  const time = pick(run, ['+3600', '-3600', '+0']);
  const begin = (): void => setWallClock(run.dataDir, name, time);
  return { what: `wall clock of ${name}: ${time} s`, processes: [], begin };
}

export const FAULT_KINDS: readonly FaultKind[] = [
  { name: 'SIGKILL', weight: 3, needs: [], draw: stopped('SIGKILL') },
  { name: 'SIGTERM', weight: 2, needs: [], draw: stopped('SIGTERM') },
  { name: 'SIGKILL to all catalogs', weight: 1, needs: [], draw: allCatalogsKilled },
  { name: 'pause', weight: 4, needs: [], draw: paused },
  { name: 'isolation', weight: 2, needs: [], draw: isolated },
  { name: 'split', weight: 2, needs: [], draw: split },
  { name: 'one-way cut', weight: 2, needs: [], draw: oneWay },
  { name: 'delayed link', weight: 1, needs: [], draw: link('delayed', { delayMs: 30, jitterMs: 100 }) },
  { name: 'slow link', weight: 1, needs: [], draw: link('slow', { bytesPerSecond: 3_000 }) },
  { name: 'corrupted bytes', weight: 1, needs: [], draw: corrupted },
  { name: 'lost replies', weight: 1, needs: [], draw: link('replies lost', { dropped: true }) },
  { name: 'connection reset', weight: 2, needs: [], draw: reset },
  { name: 'slow or hanging syncs', weight: 2, needs: ['compiler'], draw: slowSyncs },
  { name: 'failing syncs', weight: 2, needs: ['compiler'], draw: failingSyncs },
  { name: 'power loss', weight: 2, needs: ['root', 'compiler', 'loop device'], draw: powerLoss },
  { name: 'wall clock jump', weight: 2, needs: ['faketime'], draw: clockJump },
];
