/** One run of a seed: a phase with faults, then liveness of the healed system, with checks after every event. */
import { isDeepStrictEqual } from 'node:util';
import { pack, unpack } from '@trireme/domain';
import { linearize } from '@trireme/faults/linearizability';
import {
  Nemesis,
  SECOND,
  type CheckFailure,
  type Micros,
  type SeedResult,
  type TraceSink,
} from '@trireme/raft-sim';
import { installGlobals } from './engine/globals.js';
import { drawMix } from './faults/mix.js';
import { SystemSimulation } from './system-simulation.js';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds with faults. */
  readonly seconds: number;
  /** Receives a readable trace, line by line. */
  readonly sink?: TraceSink | undefined;
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
  const simulation = new SystemSimulation(seed, sink ?? null);
  const restore = installGlobals(simulation);
  const onRejection = (error: unknown): void =>
    simulation.violate('uncaught error', `unhandled rejection: ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    const random = simulation.random.fork();
    const nemesis = new Nemesis(simulation, random, drawMix(random));
    simulation.start();
    // The system starts without faults.
    simulation.scheduler.after(SECOND / 2, () => nemesis.start());
    await simulation.run(seconds * SECOND);
    if (simulation.violation === null) {
      simulation.trace.note('phase', '', 0, 0, () => 'faults end');
      nemesis.stop();
      await demandAnswers(simulation);
    }
    checkBooks(simulation);
    simulation.finish();
    const undecided = checkHistory(simulation);
    const { scheduler, trace, violation, checks, sightings } = simulation;
    if (violation !== null) trace.note('phase', '', 0, 0, () => `${violation.check}: ${violation.what}`);
    return {
      seed,
      hash: trace.hash,
      events: scheduler.executed,
      virtualSeconds: scheduler.now / SECOND,
      batches: checks.ledger.size,
      answers: sightings.counts,
      processEvents: happenedIn(simulation),
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
async function demandAnswers(simulation: SystemSimulation): Promise<void> {
  const { clients, scheduler } = simulation;
  const before = new Map(clients.map((client) => [client, client.answered]));
  const hits = (): number => simulation.frontends.reduce((sum, { answered }) => sum + answered.cache, 0);
  const goal = simulation.checks.ledger.lastIndex;
  const hitsBefore = hits();
  const missing = (): string[] => {
    const problems: string[] = [];
    for (const client of clients)
      if (client.answered - (before.get(client) ?? 0) < ANSWERS_REQUIRED)
        problems.push(`client ${client.name} gets no answers`);
    const { voters } = simulation.checks.quorums.latest;
    const { catalogs: set } = simulation.latestBook;
    for (const { name, status } of simulation.catalogs)
      if (set.includes(name) && status?.unready !== null)
        problems.push(`${name} is not ready: ${String(status?.unready)}`);
    for (const { name, bookDisk } of simulation.replicas)
      if (voters.includes(name) && bookDisk.tables.meta.applied < goal) problems.push(`replica ${name} lags`);
    if (simulation.hasCache && hits() - hitsBefore < HITS_REQUIRED)
      problems.push('caches answer no look-ups');
    return problems;
  };
  let isServed = false;
  let polls = 0;
  await simulation.run(scheduler.now + LIVENESS_BOUND, () => {
    polls += 1;
    if (polls % POLL_EVERY === 0) isServed = missing().length === 0;
    return isServed;
  });
  if (simulation.violation !== null || missing().length === 0) return;
  const what = `${LIVENESS_BOUND / SECOND} s after the faults: ${missing().join(', ')}`;
  simulation.violate('progress', what);
}

/** Replicas that have stored the same index must have equal order books, however entries were grouped into writes. */
function checkBooks(simulation: SystemSimulation): void {
  const books = new Map<number, { readonly name: string; readonly contents: unknown }>();
  for (const { name, bookDisk } of simulation.replicas) {
    const { meta, contents } = bookDisk.tables;
    const known = books.get(meta.applied);
    if (known === undefined) books.set(meta.applied, { name, contents });
    else if (!isDeepStrictEqual(unpack(pack(known.contents)), unpack(pack(contents))))
      simulation.violate(
        'equal order books',
        `the order books of ${name} and ${known.name} differ at index ${meta.applied}`,
      );
  }
}

/** @returns the number of stocks whose history was too long to search. */
function checkHistory(simulation: SystemSimulation): number {
  let undecided = 0;
  const initial = new Map(simulation.settings.seed.map(({ name, quantity }) => [name, quantity]));
  for (const [name, operations] of simulation.sightings.operations) {
    const result = linearize(initial.get(name) ?? 0, operations, STATES_MAX);
    if (result.kind === 'violated') simulation.violate('linearizability', `${name}: ${result.reason}`);
    if (result.kind === 'undecided') undecided += 1;
  }
  return undecided;
}

function happenedIn(simulation: SystemSimulation): Counts {
  const processEvents: Record<string, number> = {
    ...simulation.processEvents,
    'links opened': simulation.streams.opened,
  };
  const add = (what: string, count: number): void => {
    processEvents[what] = (processEvents[what] ?? 0) + count;
  };
  for (const { events } of simulation.catalogs)
    for (const [kind, count] of Object.entries(events)) add(`catalog: ${kind}`, count);
  for (const { answered } of simulation.frontends)
    for (const [by, count] of Object.entries(answered)) add(`look-ups by ${by}`, count);
  return processEvents;
}

/** The result of a run whose worker died or hung. */
export function crashedRun(seed: number, violation: CheckFailure): RunResult {
  const counts = { events: 0, virtualSeconds: 0, batches: 0, undecided: 0 };
  return { seed, hash: '', ...counts, answers: {}, processEvents: {}, faults: {}, violation };
}
