/** Runs seeds in worker processes, one seed at a time each, until all are done or one of them breaks a rule. */
import { fork, type ChildProcess } from 'node:child_process';

/** What a worker is asked for. */
export interface Task {
  readonly seed: number;
  readonly seconds: number;
}

/** A check that found something. */
export interface SeedViolation {
  readonly check: string;
  readonly what: string;
  /** Virtual microseconds at which it was found. */
  readonly at: number;
}

/** What comes of a seed, at least. */
export interface SeedResult {
  readonly seed: number;
  readonly violation: SeedViolation | null;
}

export interface PoolOptions<Result extends SeedResult> {
  /** The compiled worker: that of a mutant lies elsewhere. */
  readonly worker: string;
  readonly jobs: number;
  readonly from: number;
  readonly count: number;
  /** Virtual seconds with faults in each run. */
  readonly seconds: number;
  onResult(result: Result): void;
  /** The result of a seed whose worker died or hung. */
  readonly crashed: (seed: number, violation: SeedViolation) => Result;
}

/** Real time that one seed may take; then its worker is killed and the seed counts as a violation. */
const SEED_MS_MAX = 120_000;

/** Runs the seeds in order; after a violation no further seed is begun. @returns the violating run of the lowest seed. */
export async function runSeeds<Result extends SeedResult>(
  options: PoolOptions<Result>,
): Promise<Result | null> {
  let next = options.from;
  const end = options.from + options.count;
  const broken: Result[] = [];
  const take = (): number | null => (broken.length > 0 || next >= end ? null : next++);
  const done = (result: Result): void => {
    if (result.violation !== null) broken.push(result);
    options.onResult(result);
  };
  await Promise.all(Array.from({ length: options.jobs }, async () => runWorker(options, take, done)));
  return broken.sort((a, b) => a.seed - b.seed)[0] ?? null;
}

async function runWorker<Result extends SeedResult>(
  { worker, seconds, crashed }: PoolOptions<Result>,
  take: () => number | null,
  done: (result: Result) => void,
): Promise<void> {
  // Without coverage, which would slow every run down: the library's is measured by its own tests.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  const child = fork(worker, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], env });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
  try {
    for (let seed = take(); seed !== null; seed = take()) {
      const result = await runOne<Result>(child, { seed, seconds });
      const what = `the worker died or hung: ${errors}`;
      done(result ?? crashed(seed, { check: 'crash', what, at: 0 }));
      if (result === null) return;
    }
  } finally {
    child.kill();
  }
}

/** @returns null if the worker died or hung. */
async function runOne<Result>(child: ChildProcess, task: Task): Promise<Result | null> {
  return new Promise((resolve) => {
    const settle = (result: Result | null): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve(result);
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      settle(null);
    }, SEED_MS_MAX);
    child.once('message', (message) => settle(message as Result));
    child.once('exit', () => settle(null));
    child.once('error', () => settle(null));
    child.send(task);
  });
}
