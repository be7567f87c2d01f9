/** Runs seeds in worker processes, one seed at a time each, until all are done or one of them breaks a rule. */
import { fork, type ChildProcess } from 'node:child_process';
import type { RunResult } from '../simulate.js';

/** What a worker is asked for. */
export interface Task {
  readonly seed: number;
  readonly seconds: number;
}

export interface PoolOptions {
  /** The compiled worker: that of a mutant lies elsewhere. */
  readonly worker: string;
  readonly jobs: number;
  readonly from: number;
  readonly count: number;
  /** Virtual seconds with faults in each run. */
  readonly seconds: number;
  onResult(result: RunResult): void;
}

/** Real time that one seed may take; then its worker is killed and the seed counts as a violation. */
const SEED_MS_MAX = 120_000;

/** Runs the seeds in order; after a violation no further seed is begun. @returns the violating run of the lowest seed. */
export async function runSeeds(options: PoolOptions): Promise<RunResult | null> {
  let next = options.from;
  const end = options.from + options.count;
  const broken: RunResult[] = [];
  const take = (): number | null => (broken.length > 0 || next >= end ? null : next++);
  const done = (result: RunResult): void => {
    if (result.violation !== null) broken.push(result);
    options.onResult(result);
  };
  await Promise.all(Array.from({ length: options.jobs }, async () => runWorker(options, take, done)));
  return broken.sort((a, b) => a.seed - b.seed)[0] ?? null;
}

async function runWorker(
  { worker, seconds }: PoolOptions,
  take: () => number | null,
  done: (result: RunResult) => void,
): Promise<void> {
  // Without coverage, which would slow every run down: the library's is measured by its own tests.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  const child = fork(worker, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], env });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
  try {
    for (let seed = take(); seed !== null; seed = take()) {
      const result = await runOne(child, { seed, seconds });
      done(result ?? crashed(seed, errors));
      if (result === null) return;
    }
  } finally {
    child.kill();
  }
}

/** @returns null if the worker died or hung. */
async function runOne(child: ChildProcess, task: Task): Promise<RunResult | null> {
  return new Promise((resolve) => {
    const settle = (result: RunResult | null): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve(result);
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      settle(null);
    }, SEED_MS_MAX);
    child.once('message', (message) => settle(message as RunResult));
    child.once('exit', () => settle(null));
    child.once('error', () => settle(null));
    child.send(task);
  });
}

function crashed(seed: number, errors: string): RunResult {
  const violation = { check: 'crash', what: `the worker died or hung: ${errors}`, at: 0 };
  const nothing = {
    events: 0,
    virtualSeconds: 0,
    committed: 0,
    elections: 0,
    operations: { changes: 0, reads: 0, leaseReads: 0, followerReads: 0, unknown: 0 },
    snapshots: {},
    reconfigurations: {},
    configurations: 0,
    faults: {},
    gaveUp: 0,
  };
  return { seed, hash: '', ...nothing, violation };
}
