/** One run of a seed: a phase with faults, then liveness with a healed majority, with checks after every event. */
import type { History } from './checks/history.js';
import { checkLinearizable } from './checks/linearizable.js';
import { SECOND } from './engine/scheduler.js';
import type { TraceSink } from './engine/trace.js';
import { drawFaultMix } from './faults/mix.js';
import { Nemesis } from './faults/nemesis.js';
import { healMajority, requireProgress } from './liveness.js';
import { ClusterSimulation, type CheckFailure } from './cluster-simulation.js';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds with faults. */
  readonly seconds: number;
  /** Receives a readable trace, line by line. */
  readonly sink?: TraceSink | undefined;
  /**
   * Waits for promises after every event, not only after those that may have settled one. Slower, with the same
   * result.
   */
  readonly awaitsEveryEvent?: boolean;
}

export interface RunResult {
  readonly seed: number;
  /** Hash of everything that happened. Equal for equal seeds. */
  readonly hash: string;
  readonly events: number;
  readonly virtualSeconds: number;
  readonly committed: number;
  readonly elections: number;
  /** Operations of clients, by kind and outcome. */
  readonly operations: History['counts'];
  /** Compactions and snapshots, by type of event. */
  readonly snapshots: Readonly<Record<string, number>>;
  /** Requested membership changes, by outcome. */
  readonly membershipChanges: Readonly<Record<string, number>>;
  /** Number of committed configurations. */
  readonly committedConfigurations: number;
  /** Number of injected faults, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Number of keys whose history was too long to search. */
  readonly undecided: number;
  readonly violation: CheckFailure | null;
}

/** Runs one seed to its end or to its first violation. */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const { seed, seconds, sink, awaitsEveryEvent = false } = options;
  const simulation = new ClusterSimulation(seed, sink ?? null, awaitsEveryEvent);
  const random = simulation.random.fork();
  const nemesis = new Nemesis(simulation, random, drawFaultMix(simulation, random));
  simulation.start();
  nemesis.start();
  await simulation.run(seconds * SECOND);
  if (simulation.violation === null) {
    simulation.trace.note(
      'phase',
      '',
      0,
      0,
      () => 'faults end: a majority is healed, the other members stay faulty',
    );
    nemesis.stop();
    healMajority(simulation, simulation.random.fork());
    await requireProgress(simulation);
  }
  simulation.finish();
  const gaveUp = checkHistory(simulation);
  const { scheduler, trace, oracle, history, violation } = simulation;
  if (violation !== null) trace.note('phase', '', 0, 0, () => `${violation.check}: ${violation.what}`);
  return {
    seed,
    hash: trace.hash,
    events: scheduler.executed,
    virtualSeconds: scheduler.now / SECOND,
    committed: oracle.committed,
    elections: oracle.elections,
    operations: history.counts,
    snapshots: simulation.snapshots,
    membershipChanges: simulation.reconfigurations,
    committedConfigurations: simulation.quorums.changes,
    faults: nemesis.faultCounts,
    undecided: gaveUp,
    violation,
  };
}

/** @returns the number of keys whose history was too long to search. */
function checkHistory(simulation: ClusterSimulation): number {
  let gaveUp = 0;
  for (const [key, operations] of simulation.history.keys()) {
    const verdict = checkLinearizable(operations);
    if (verdict === 'not linearizable') {
      const seen = operations.map(({ client, kind, value, invoked, returned, result }) =>
        [client, kind, value, `[${invoked}, ${returned}]`, result].join(' '),
      );
      simulation.reportViolation('linearizability', `key ${key}:\n    ${seen.join('\n    ')}`);
    }
    if (verdict === 'gave up') gaveUp += 1;
  }
  return gaveUp;
}
