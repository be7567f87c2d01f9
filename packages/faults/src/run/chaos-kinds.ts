/** The faults that the random mode draws from. */
import { CLIENTS, type Hardship } from '../proxy/fault-network.js';
import type { Capability } from './capabilities.js';
import { setWallClock } from './clocks.js';
import { cutPower, orderSyncs, restorePower } from './disks.js';
import type { Run } from './run.js';

/** Something that goes wrong, and how it is undone. */
export interface Fault {
  readonly what: string;
  /** Processes that nothing else may be done to meanwhile. */
  readonly claims: readonly string[];
  readonly hardships?: readonly Hardship[];
  /** Both are waited for where there is something to wait for. */
  readonly begin?: () => unknown;
  readonly end?: () => unknown;
}

/** A kind of fault, by the name under which it is counted. */
export interface Kind {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** What it takes, beside what every scenario has. */
  readonly needs: readonly Capability[];
  readonly draw: (run: Run) => Fault;
}

function pick<T>(run: Run, values: readonly T[]): T {
  const value = values[run.random.below(values.length)];
  if (value === undefined) throw new RangeError('there is nothing to choose from');
  return value;
}

function between(from: readonly string[], to: readonly string[], change: Hardship['change']): Hardship[] {
  return from.flatMap((one) => to.map((other) => ({ from: one, to: other, change })));
}

function bothWays(one: readonly string[], other: readonly string[]): Hardship[] {
  return [...between(one, other, { blocked: true }), ...between(other, one, { blocked: true })];
}

function othersThan(run: Run, names: readonly string[]): string[] {
  return run.names().filter((name) => !names.includes(name));
}

function stopped(signal: NodeJS.Signals): Kind['draw'] {
  return (run) => {
    const name = pick(run, run.names());
    return {
      ...{ what: `${signal} to ${name}`, claims: [name] },
      begin: async () => run.cluster.kill(name, signal),
      end: async () => run.cluster.startProcess(name),
    };
  };
}

function withoutCatalogs(run: Run): Fault {
  const claims = run.names('catalog');
  return {
    ...{ what: 'SIGKILL to all catalogs', claims },
    begin: async () => Promise.all(claims.map(async (name) => run.cluster.kill(name))),
    end: async () => Promise.all(claims.map(async (name) => run.cluster.startProcess(name))),
  };
}

function paused(run: Run): Fault {
  const name = pick(run, run.names());
  return {
    ...{ what: `pause of ${name}`, claims: [name] },
    begin: async () => run.cluster.pause(name),
    end: async () => run.cluster.resume(name),
  };
}

function isolated(run: Run): Fault {
  const name = pick(run, run.names());
  return { what: `${name} isolated`, claims: [], hardships: bothWays([name], othersThan(run, [name])) };
}

function split(run: Run): Fault {
  const one = run.names().filter(() => run.random.chance(0.5));
  const other = othersThan(run, one);
  return {
    ...{ what: `${one.join(' ')} split from ${other.join(' ')}`, claims: [] },
    hardships: bothWays(one, other),
  };
}

function oneWay(run: Run): Fault {
  const name = pick(run, run.names());
  const others = othersThan(run, [name]).filter(() => run.random.chance(0.6));
  const isDeaf = run.random.chance(0.5);
  return {
    what: `${name} ${isDeaf ? 'hears nothing from' : 'cannot send to'} ${others.join(' ')}`,
    claims: [],
    hardships: isDeaf
      ? between(others, [name], { blocked: true })
      : between([name], others, { blocked: true }),
  };
}

function worsened(run: Run, how: string, to: readonly string[], change: Hardship['change']): Fault {
  const from = pick(run, run.names());
  const linked = run.network.linked(from).filter((name) => to.includes(name));
  const other = pick(run, linked);
  return { what: `${from} to ${other} is ${how}`, claims: [], hardships: between([from], [other], change) };
}

function link(how: string, change: Hardship['change']): Kind['draw'] {
  return (run) => worsened(run, how, [...run.names(), CLIENTS], change);
}

/** Between processes only: what clients are answered in plain HTTP has no checksum that could tell. */
function damaged(run: Run): Fault {
  return worsened(run, 'damaged', run.names(), { corruption: 0.05 });
}

function reset(run: Run): Fault {
  const one = pick(run, run.names());
  const other = pick(run, run.network.linked(one));
  const begin = (): void => run.network.reset(one, other);
  return { what: `connections of ${one} and ${other} reset`, claims: [], begin };
}

function unsound(run: Run): Fault {
  const name = pick(run, run.names('replica'));
  const order = pick(run, ['slow 30', 'slow 150', 'hang'] as const);
  return {
    ...{ what: `syncs of ${name}: ${order}`, claims: [name] },
    begin: () => orderSyncs(run.dataDir, name, order),
    end: () => orderSyncs(run.dataDir, name, 'sound'),
  };
}

function failing(run: Run): Fault {
  const name = pick(run, run.names('replica'));
  return {
    ...{ what: `syncs of ${name} fail`, claims: [name] },
    begin: () => {
      run.expectEnd(name);
      orderSyncs(run.dataDir, name, 'fail');
    },
    end: async () => {
      // With nothing to write it may not have met a failure.
      if (run.isUp(name)) await run.cluster.kill(name).catch(() => undefined);
      orderSyncs(run.dataDir, name, 'sound');
      await run.cluster.startProcess(name);
    },
  };
}

function powerless(run: Run): Fault {
  const name = pick(run, run.names('replica'));
  return {
    ...{ what: `the power of ${name} is cut`, claims: [name] },
    begin: async () => {
      run.expectEnd(name);
      cutPower(run.dataDir, name);
      // It may be faster to end by itself.
      await run.cluster.kill(name).catch(() => undefined);
    },
    end: async () => {
      restorePower(run.dataDir, name);
      await run.cluster.startProcess(name);
    },
  };
}

function jumping(run: Run): Fault {
  const name = pick(run, run.names());
  const time = pick(run, ['+3600', '-3600', '+0']);
  const begin = (): void => setWallClock(run.dataDir, name, time);
  return { what: `wall clock of ${name}: ${time} s`, claims: [], begin };
}

export const KINDS: readonly Kind[] = [
  { name: 'SIGKILL', weight: 3, needs: [], draw: stopped('SIGKILL') },
  { name: 'SIGTERM', weight: 2, needs: [], draw: stopped('SIGTERM') },
  { name: 'SIGKILL to all catalogs', weight: 1, needs: [], draw: withoutCatalogs },
  { name: 'pause', weight: 4, needs: [], draw: paused },
  { name: 'isolation', weight: 2, needs: [], draw: isolated },
  { name: 'split', weight: 2, needs: [], draw: split },
  { name: 'one-way cut', weight: 2, needs: [], draw: oneWay },
  { name: 'late link', weight: 1, needs: [], draw: link('late', { delayMs: 30, jitterMs: 100 }) },
  { name: 'slow link', weight: 1, needs: [], draw: link('slow', { bytesPerSecond: 3_000 }) },
  { name: 'damaged bytes', weight: 1, needs: [], draw: damaged },
  { name: 'lost replies', weight: 1, needs: [], draw: link('swallowed', { swallowed: true }) },
  { name: 'reset', weight: 2, needs: [], draw: reset },
  { name: 'slow or hanging syncs', weight: 2, needs: ['compiler'], draw: unsound },
  { name: 'failing syncs', weight: 2, needs: ['compiler'], draw: failing },
  { name: 'power loss', weight: 2, needs: ['root', 'compiler', 'loop device'], draw: powerless },
  { name: 'wall clock', weight: 2, needs: ['faketime'], draw: jumping },
];
