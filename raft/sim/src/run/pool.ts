/** Runs seeds in worker processes, each one seed at a time, until all are done or a check fails. */
import { fork, type ChildProcess } from 'node:child_process';

/** Request to a worker. */
export interface SeedTask {
  readonly seed: number;
  readonly seconds: number;
}

/** A failed check. */
export interface CheckFailure {
  readonly check: string;
  readonly what: string;
  /** Virtual time at which the check failed, in microseconds. */
  readonly at: number;
}

/** Common part of all results of a seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violation: CheckFailure | null;
}

export interface PoolOptions<Result extends SeedResult> {
  /** Path of the compiled worker, which may be that of a mutant. */
  readonly worker: string;
  readonly jobs: number;
  readonly from: number;
  readonly count: number;
  /** Virtual seconds with faults in each run. */
  readonly seconds: number;
  onResult(result: Result): void;
  /** Creates the result of a seed whose worker died or hung. */
  readonly crashed: (seed: number, violation: CheckFailure) => Result;
}

/** Real-time limit of one seed. After it the worker is killed and the seed counts as a violation. */
const SEED_MS_MAX = 120_000;

/**
 * Runs seeds in order. After a violation no further seed is started.
 * @returns the result of the lowest seed with a violation; null if there is none
 */
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
  // Coverage would slow down every run; the library's own tests measure it.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  const child = fork(worker, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], env });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
  try {
    for (let seed = take(); seed !== null; seed = take()) {
      const result = await runOne<Result>(child, { seed, seconds });
      const what = `the worker crashed, or hung for ${SEED_MS_MAX / 1000} s: ${errors}`;
      done(result ?? crashed(seed, { check: 'crash', what, at: 0 }));
      if (result === null) return;
    }
  } finally {
    child.kill();
  }
}

/** @returns null if the worker died or hung. */
async function runOne<Result>(child: ChildProcess, task: SeedTask): Promise<Result | null> {
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
