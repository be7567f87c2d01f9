/** Faults drawn at random, several at a time, each undone after a while. */
import type { Hardship } from '../proxy/fault-network.js';
import { jumpyWallClock, setWallClock } from './clocks.js';
import { orderSyncs, unsoundSyncs } from './disks.js';
import type { Hindrance } from './hindrance.js';
import type { Run } from './run.js';
import type { Scenario } from './scenario.js';
import { whyNot } from './capabilities.js';

/** Faults at the same time, at most. */
const ACTIVE_MAX = 3;

/** Milliseconds that a fault lasts, and from one draw to the next. */
const LASTS_MS = { min: 100, max: 4_000 };
const PAUSE_MS_MAX = 1_500;

/** Now and then all is healed and orders have to flow. */
const CALM_EVERY_MS = 45_000;

/** Something that goes wrong, and how it is undone. */
interface Fault {
  readonly what: string;
  /** Processes that nothing else may be done to meanwhile. */
  readonly claims: readonly string[];
  readonly hardships?: readonly Hardship[];
  /** Both are waited for where there is something to wait for. */
  readonly begin?: () => unknown;
  readonly end?: () => unknown;
}

type Kind = (run: Run) => Fault;

function pick<T>(run: Run, values: readonly T[]): T {
  const value = values[run.random.below(values.length)];
  if (value === undefined) throw new RangeError('there is nothing to choose from');
  return value;
}

function between(from: readonly string[], to: readonly string[], change: Hardship['change']): Hardship[] {
  return from.flatMap((one) => to.map((other) => ({ from: one, to: other, change })));
}

function othersThan(run: Run, names: readonly string[]): string[] {
  return run.names().filter((name) => !names.includes(name));
}

const killed: Kind = (run) => {
  const name = pick(run, run.names());
  const signal = pick(run, ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const);
  return {
    ...{ what: `${signal} to ${name}`, claims: [name] },
    begin: async () => run.cluster.kill(name, signal),
    end: async () => run.cluster.startProcess(name),
  };
};

const paused: Kind = (run) => {
  const name = pick(run, run.names());
  return {
    ...{ what: `pause of ${name}`, claims: [name] },
    begin: async () => run.cluster.pause(name),
    end: async () => run.cluster.resume(name),
  };
};

const isolated: Kind = (run) => {
  const name = pick(run, run.names());
  const others = othersThan(run, [name]);
  const hardships = [
    ...between([name], others, { blocked: true }),
    ...between(others, [name], { blocked: true }),
  ];
  return { what: `${name} isolated`, claims: [], hardships };
};

const split: Kind = (run) => {
  const one = run.names().filter(() => run.random.chance(0.5));
  const other = othersThan(run, one);
  const hardships = [...between(one, other, { blocked: true }), ...between(other, one, { blocked: true })];
  return { what: `${one.join(' ')} split from ${other.join(' ')}`, claims: [], hardships };
};

const oneWay: Kind = (run) => {
  const name = pick(run, run.names());
  const others = othersThan(run, [name]).filter(() => run.random.chance(0.6));
  const isDeaf = run.random.chance(0.5);
  const hardships = isDeaf
    ? between(others, [name], { blocked: true })
    : between([name], others, { blocked: true });
  return {
    what: `${name} ${isDeaf ? 'hears nothing from' : 'cannot send to'} ${others.join(' ')}`,
    claims: [],
    hardships,
  };
};

/** One link that is bad in one way. */
const bad: Kind = (run) => {
  const changes: readonly (readonly [string, Hardship['change']])[] = [
    ['late', { delayMs: 30, jitterMs: 100 }],
    ['slow', { bytesPerSecond: 3_000 }],
    ['damaged', { corruption: 0.05 }],
    ['swallowed', { swallowed: true }],
  ];
  const [how, change] = pick(run, changes);
  const from = pick(run, run.names());
  const to = pick(run, run.network.linked(from));
  return { what: `${from} to ${to} is ${how}`, claims: [], hardships: between([from], [to], change) };
};

const reset: Kind = (run) => {
  const one = pick(run, run.names());
  const other = pick(run, run.network.linked(one));
  const begin = (): void => run.network.reset(one, other);
  return { what: `connections of ${one} and ${other} reset`, claims: [], begin };
};

const slowSyncs: Kind = (run) => {
  const name = pick(run, [...run.names('replica'), 'catalog']);
  const order = pick(run, ['slow 30', 'slow 150', 'hang'] as const);
  return {
    ...{ what: `syncs of ${name}: ${order}`, claims: [name] },
    begin: () => orderSyncs(run.dataDir, name, order),
    end: () => orderSyncs(run.dataDir, name, 'sound'),
  };
};

const failingSyncs: Kind = (run) => {
  const name = pick(run, [...run.names('replica'), 'catalog']);
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
};

const wallClock: Kind = (run) => {
  const name = pick(run, run.names('frontend'));
  const time = pick(run, ['+3600', '-3600', '+0']);
  const begin = (): void => setWallClock(run.dataDir, name, time);
  return { what: `wall clock of ${name}: ${time} s`, claims: [], begin };
};

const KINDS: readonly Kind[] = [killed, killed, paused, paused, isolated, split, oneWay, bad, bad, reset];

/** @returns a scenario of so many minutes. */
export function chaos(minutes: number): Scenario {
  const withSyncs = whyNot(['compiler']) === null;
  const withClocks = whyNot(['faketime']) === null;
  const kinds = [
    ...KINDS,
    ...(withSyncs ? [slowSyncs, failingSyncs] : []),
    ...(withClocks ? [wallClock] : []),
  ];
  return {
    name: `faults drawn at random for ${minutes} minutes`,
    workload: { unkeyed: 2, impatient: 2 },
    prepare: (dataDir) => {
      const hindrances: Record<string, Hindrance> = {};
      for (const name of ['replica-1', 'replica-2', 'replica-3', 'catalog']) {
        if (withSyncs) hindrances[name] = unsoundSyncs(dataDir, name);
      }
      for (const name of ['frontend-1', 'frontend-2']) {
        if (withClocks) hindrances[name] = jumpyWallClock(dataDir, name);
      }
      return { hindrances };
    },
    script: async (run) => new Chaos(run, kinds).play(minutes * 60_000),
  };
}

class Chaos {
  readonly #run: Run;
  readonly #kinds: readonly Kind[];
  readonly #active = new Map<Fault, number>();

  constructor(run: Run, kinds: readonly Kind[]) {
    this.#run = run;
    this.#kinds = kinds;
  }

  async play(forMs: number): Promise<void> {
    const endsAt = performance.now() + forMs;
    let calmAt = performance.now() + CALM_EVERY_MS;
    while (performance.now() < endsAt) {
      await this.#endThose((until) => until <= performance.now());
      if (performance.now() > calmAt) {
        await this.#endThose(() => true);
        this.#run.note('calm');
        await this.#run.progress();
        calmAt = performance.now() + CALM_EVERY_MS;
      }
      await this.#beginOne();
      await this.#run.sleep(this.#run.random.below(PAUSE_MS_MAX));
    }
    await this.#endThose(() => true);
  }

  async #beginOne(): Promise<void> {
    if (this.#active.size >= ACTIVE_MAX) return;
    const fault = pick(this.#run, this.#kinds)(this.#run);
    const claimed = new Set([...this.#active.keys()].flatMap(({ claims }) => claims));
    if (fault.claims.some((name) => claimed.has(name) || !this.#run.isUp(name))) return;
    const { min, max } = LASTS_MS;
    this.#run.note(fault.what);
    this.#active.set(fault, performance.now() + min + this.#run.random.below(max - min));
    await fault.begin?.();
    this.#imposeLinks();
  }

  async #endThose(isOver: (until: number) => boolean): Promise<void> {
    for (const [fault, until] of this.#active) {
      if (!isOver(until)) continue;
      this.#active.delete(fault);
      this.#run.note(`end: ${fault.what}`);
      await fault.end?.();
    }
    this.#imposeLinks();
  }

  #imposeLinks(): void {
    this.#run.network.impose([...this.#active.keys()].flatMap(({ hardships }) => hardships ?? []));
  }
}
