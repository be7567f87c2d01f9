/** One run of a seed: a phase with faults, then liveness of the healed system, with checks after every event. */
import { isDeepStrictEqual } from 'node:util';
import { pack, unpack } from '@trireme/domain';
import { linearize } from '@trireme/faults/linearizability';
import { Nemesis, SECOND, type Micros, type SeedResult, type TraceSink } from '@trireme/raft/sim';
import { installGlobals } from './engine/globals.js';
import { drawMix } from './faults/mix.js';
import { SystemSimulation } from './system-simulation.js';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds with faults. */
  readonly seconds: number;
  /** Receives a readable trace, line by line. */
  readonly sink?: TraceSink;
}

export type Counts = Readonly<Record<string, number>>;

export interface RunResult extends SeedResult {
  /** Hash of everything that happened. Equal for equal seeds. */
  readonly hash: string;
  readonly events: number;
  readonly virtualSeconds: number;
  /** Number of decided batches. */
  readonly batches: number;
  /** Number of answers to clients, by kind. */
  readonly answers: Counts;
  /** Number of events in the processes, by kind. */
  readonly processEvents: Counts;
  /** Number of injected faults, by kind. */
  readonly faults: Counts;
  /** Number of stocks whose history was too long to search. */
  readonly undecided: number;
}

/** Time after the faults within which the system must serve all clients again. */
const LIVENESS_BOUND: Micros = 15 * SECOND;
/** Number of requests of each client that must be answered in that time. */
const ANSWERS_REQUIRED = 5;
/** Number of look-ups that caches must answer in that time. */
const HITS_REQUIRED = 10;
/** Number of events between two evaluations of these conditions. */
const POLL_EVERY = 200;
/** Maximum number of states that the search visits, for each stock. */
const STATES_MAX = 200_000;

/** Runs one seed to its end or to its first violation. */
export async function simulate({ seed, seconds, sink }: RunOptions): Promise<RunResult> {
  const world = new SystemSimulation(seed, sink ?? null);
  const restore = installGlobals(world);
  const onRejection = (error: unknown): void =>
    world.violate('uncaught error', `unhandled rejection: ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    const random = world.random.fork();
    const nemesis = new Nemesis(world, random, drawMix(random));
    world.start();
    // The system starts without faults.
    world.scheduler.after(SECOND / 2, () => nemesis.start());
    await world.run(seconds * SECOND);
    if (world.violation === null) {
      world.trace.note('phase', '', 0, 0, () => 'faults end');
      nemesis.stop();
      await demandAnswers(world);
    }
    checkBooks(world);
    world.finish();
    const undecided = checkHistory(world);
    const { scheduler, trace, violation, checks, sightings } = world;
    if (violation !== null) trace.note('phase', '', 0, 0, () => `${violation.check}: ${violation.what}`);
    return {
      seed,
      hash: trace.hash,
      events: scheduler.executed,
      virtualSeconds: scheduler.now / SECOND,
      batches: checks.ledger.size,
      answers: sightings.counts,
      processEvents: happenedIn(world),
      faults: nemesis.faultCounts,
      undecided,
      violation,
    };
  } finally {
    process.off('unhandledRejection', onRejection);
    restore();
  }
}

/** Continues the run until all clients are served again. Reports a violation if that takes too long. */
async function demandAnswers(world: SystemSimulation): Promise<void> {
  const { clients, scheduler } = world;
  const before = new Map(clients.map((client) => [client, client.answered]));
  const hits = (): number => world.frontends.reduce((sum, { answered }) => sum + answered.cache, 0);
  const goal = world.checks.ledger.lastIndex;
  const hitsBefore = hits();
  const missing = (): string[] => {
    const problems: string[] = [];
    for (const client of clients)
      if (client.answered - (before.get(client) ?? 0) < ANSWERS_REQUIRED)
        problems.push(`client ${client.name} gets no answers`);
    const { voters } = world.checks.quorums.latest;
    const { catalogs: set } = world.latestBook;
    for (const { name, status } of world.catalogs)
      if (set.includes(name) && status?.unready !== null)
        problems.push(`${name} is not ready: ${String(status?.unready)}`);
    for (const { name, bookDisk } of world.replicas)
      if (voters.includes(name) && bookDisk.tables.meta.applied < goal) problems.push(`replica ${name} lags`);
    if (world.hasCache && hits() - hitsBefore < HITS_REQUIRED) problems.push('caches answer no look-ups');
    return problems;
  };
  let isServed = false;
  let polls = 0;
  await world.run(scheduler.now + LIVENESS_BOUND, () => {
    polls += 1;
    if (polls % POLL_EVERY === 0) isServed = missing().length === 0;
    return isServed;
  });
  if (world.violation !== null || missing().length === 0) return;
  const what = `${LIVENESS_BOUND / SECOND} s after the faults: ${missing().join(', ')}`;
  world.violate('progress', what);
}

/** Replicas that have stored the same index must have equal order books, however entries were grouped into writes. */
function checkBooks(world: SystemSimulation): void {
  const books = new Map<number, { readonly name: string; readonly contents: unknown }>();
  for (const { name, bookDisk } of world.replicas) {
    const { meta, contents } = bookDisk.tables;
    const known = books.get(meta.applied);
    if (known === undefined) books.set(meta.applied, { name, contents });
    else if (!isDeepStrictEqual(unpack(pack(known.contents)), unpack(pack(contents))))
      world.violate(
        'equal order books',
        `the order books of ${name} and ${known.name} differ at index ${meta.applied}`,
      );
  }
}

/** @returns the number of stocks whose history was too long to search. */
function checkHistory(world: SystemSimulation): number {
  let undecided = 0;
  const initial = new Map(world.settings.seed.map(({ name, quantity }) => [name, quantity]));
  for (const [name, operations] of world.sightings.operations) {
    const result = linearize(initial.get(name) ?? 0, operations, STATES_MAX);
    if (result.kind === 'violated') world.violate('linearizability', `${name}: ${result.reason}`);
    if (result.kind === 'undecided') undecided += 1;
  }
  return undecided;
}

function happenedIn(world: SystemSimulation): Counts {
  const processEvents: Record<string, number> = {
    ...world.processEvents,
    'links opened': world.streams.opened,
  };
  const add = (what: string, count: number): void => {
    processEvents[what] = (processEvents[what] ?? 0) + count;
  };
  for (const { events } of world.catalogs)
    for (const [kind, count] of Object.entries(events)) add(`catalog: ${kind}`, count);
  for (const { answered } of world.frontends)
    for (const [by, count] of Object.entries(answered)) add(`look-ups by ${by}`, count);
  return processEvents;
}
