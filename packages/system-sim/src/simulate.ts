/** One run from its seed: faults, then a healed system that has to answer, and every check along the way. */
import { isDeepStrictEqual } from 'node:util';
import { pack, unpack } from '@trireme/domain';
import { linearize } from '@trireme/faults/linearizability';
import { Nemesis, SECOND, type Micros, type SeedResult, type TraceSink } from '@trireme/raft/sim';
import { installGlobals } from './engine/globals.js';
import { drawMix } from './faults/mix.js';
import { World } from './world.js';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds with faults. */
  readonly seconds: number;
  /** Receives a readable trace, line by line. */
  readonly sink?: TraceSink;
}

export type Counts = Readonly<Record<string, number>>;

export interface RunResult extends SeedResult {
  /** Same seed, same hash: it covers all that happened. */
  readonly hash: string;
  readonly events: number;
  readonly virtualSeconds: number;
  /** Batches that were decided. */
  readonly batches: number;
  /** Answers to clients, by kind. */
  readonly answers: Counts;
  /** What happened in the processes. */
  readonly happened: Counts;
  /** Faults that were begun, by kind. */
  readonly faults: Counts;
  /** Stocks whose history was too long to search. */
  readonly undecided: number;
}

/** After the faults every request is answered within this, and new ones are. */
const LIVENESS_BOUND: Micros = 15 * SECOND;
/** Requests that each client has answered by then. */
const ANSWERS_DEMANDED = 5;
/** Look-ups that caches answer by then. */
const HITS_DEMANDED = 10;
/** Events between two looks at whether all that is so. */
const LOOK_EVERY = 200;
/** States that the search looks at, for each stock. */
const STATES_MAX = 200_000;

/** Runs one seed to its end or to its first violation. */
export async function simulate({ seed, seconds, sink }: RunOptions): Promise<RunResult> {
  const world = new World(seed, sink ?? null);
  const restore = installGlobals(world);
  const onRejection = (error: unknown): void => world.violate('uncaught error', `rejected: ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    const random = world.random.fork();
    const nemesis = new Nemesis(world, random, drawMix(random));
    world.start();
    // The system is whole at first, and begins.
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
      happened: happenedIn(world),
      faults: nemesis.begun,
      undecided,
      violation,
    };
  } finally {
    process.off('unhandledRejection', onRejection);
    restore();
  }
}

/** Has the run go on until everybody is served again; a violation if that takes too long. */
async function demandAnswers(world: World): Promise<void> {
  const { clients, scheduler } = world;
  const before = new Map(clients.map((client) => [client, client.answered]));
  const hits = (): number => world.frontends.reduce((sum, { answered }) => sum + answered.cache, 0);
  const goal = world.checks.ledger.last;
  const hitsBefore = hits();
  const missing = (): string[] => {
    const problems: string[] = [];
    for (const client of clients)
      if (client.answered - (before.get(client) ?? 0) < ANSWERS_DEMANDED)
        problems.push(`${client.name} waits`);
    const { voters } = world.checks.quorums.latest;
    const { catalogs: set } = world.latestBook;
    for (const { name, status } of world.catalogs)
      if (set.includes(name) && status?.unready !== null)
        problems.push(`${name}: ${String(status?.unready)}`);
    for (const { name, bookDisk } of world.replicas)
      if (voters.includes(name) && bookDisk.tables.meta.applied < goal)
        problems.push(`replica ${name} is behind`);
    if (world.hasCache && hits() - hitsBefore < HITS_DEMANDED)
      problems.push('no look-up is answered by a cache');
    return problems;
  };
  let isServed = false;
  let looks = 0;
  await world.run(scheduler.now + LIVENESS_BOUND, () => {
    looks += 1;
    if (looks % LOOK_EVERY === 0) isServed = missing().length === 0;
    return isServed;
  });
  if (world.violation !== null || missing().length === 0) return;
  const what = `after ${LIVENESS_BOUND / SECOND} s without faults: ${missing().join(', ')}`;
  world.violate('everything is answered', what);
}

/** Replicas that have stored the same log have the same book, however entries were cut into applies and writes. */
function checkBooks(world: World): void {
  const books = new Map<number, { readonly name: string; readonly contents: unknown }>();
  for (const { name, bookDisk } of world.replicas) {
    const { meta, contents } = bookDisk.tables;
    const known = books.get(meta.applied);
    if (known === undefined) books.set(meta.applied, { name, contents });
    else if (!isDeepStrictEqual(unpack(pack(known.contents)), unpack(pack(contents))))
      world.violate('equal books', `${name} and ${known.name} have other books at ${meta.applied}`);
  }
}

/** @returns the number of stocks on which the search gave up. */
function checkHistory(world: World): number {
  let undecided = 0;
  const initial = new Map(world.settings.seed.map(({ name, quantity }) => [name, quantity]));
  for (const [name, operations] of world.sightings.operations) {
    const result = linearize(initial.get(name) ?? 0, operations, STATES_MAX);
    if (result.kind === 'violated') world.violate('linearizability', `${name}: ${result.reason}`);
    if (result.kind === 'undecided') undecided += 1;
  }
  return undecided;
}

function happenedIn(world: World): Counts {
  const happened: Record<string, number> = { ...world.happened, 'links opened': world.streams.opened };
  const add = (what: string, count: number): void => {
    happened[what] = (happened[what] ?? 0) + count;
  };
  for (const { events } of world.catalogs)
    for (const [kind, count] of Object.entries(events)) add(`catalog: ${kind}`, count);
  for (const { answered } of world.frontends)
    for (const [by, count] of Object.entries(answered)) add(`look-ups by ${by}`, count);
  return happened;
}
