/** One run from its seed: faults, then a healed majority, and every check along the way. */
import type { History } from './checks/history.js';
import { checkLinearizable } from './checks/linearizable.js';
import { SECOND } from './engine/scheduler.js';
import type { TraceSink } from './engine/trace.js';
import { drawMix } from './faults/mix.js';
import { Nemesis } from './faults/nemesis.js';
import { breakMinority, demandProgress } from './liveness.js';
import { World, type Violation } from './world.js';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds with faults. */
  readonly seconds: number;
  /** Receives a readable trace, line by line. */
  readonly sink?: TraceSink;
  /** Waits for promises after every event instead of only where some may have been settled: slower, to the same end. */
  readonly isPatient?: boolean;
}

export interface RunResult {
  readonly seed: number;
  /** Same seed, same hash: it covers all that happened. */
  readonly hash: string;
  readonly events: number;
  readonly virtualSeconds: number;
  readonly committed: number;
  readonly elections: number;
  /** Operations of clients. */
  readonly operations: History['answered'];
  /** Compactions and snapshots, by type of event. */
  readonly snapshots: Readonly<Record<string, number>>;
  /** Membership changes that were asked for, by what came of them. */
  readonly reconfigurations: Readonly<Record<string, number>>;
  /** Configurations that were committed. */
  readonly configurations: number;
  /** Faults that were begun, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Keys whose history was too long to search. */
  readonly gaveUp: number;
  readonly violation: Violation | null;
}

/** Runs one seed to its end or to its first violation. */
export async function simulate({ seed, seconds, sink, isPatient = false }: RunOptions): Promise<RunResult> {
  const world = new World(seed, sink ?? null, isPatient);
  const random = world.random.fork();
  const nemesis = new Nemesis(world, random, drawMix(world, random));
  world.start();
  nemesis.start();
  await world.run(seconds * SECOND);
  if (world.violation === null) {
    world.trace.note('phase', '', 0, 0, () => 'faults end: a majority is healed, the rest stays broken');
    nemesis.stop();
    breakMinority(world, world.random.fork());
    await demandProgress(world);
  }
  world.finish();
  const gaveUp = checkHistory(world);
  const { scheduler, trace, oracle, history, violation } = world;
  if (violation !== null) trace.note('phase', '', 0, 0, () => `${violation.check}: ${violation.what}`);
  return {
    seed,
    hash: trace.hash,
    events: scheduler.executed,
    virtualSeconds: scheduler.now / SECOND,
    committed: oracle.committed,
    elections: oracle.elections,
    operations: history.answered,
    snapshots: world.snapshots,
    reconfigurations: world.reconfigurations,
    configurations: world.quorums.changes,
    faults: nemesis.begun,
    gaveUp,
    violation,
  };
}

/** @returns the number of keys on which the search gave up. */
function checkHistory(world: World): number {
  let gaveUp = 0;
  for (const [key, operations] of world.history.keys()) {
    const verdict = checkLinearizable(operations);
    if (verdict === 'not linearizable') {
      const seen = operations.map(({ client, kind, value, invoked, returned, result }) =>
        [client, kind, value, `[${invoked}, ${returned}]`, result].join(' '),
      );
      world.violate('linearizability', `key ${key}:\n    ${seen.join('\n    ')}`);
    }
    if (verdict === 'gave up') gaveUp += 1;
  }
  return gaveUp;
}
