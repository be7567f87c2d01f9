/** Runs searches in child processes, as many at a time as there are cores. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import type { SearchResult } from './search.js';

const run = promisify(execFile);

/** Heap limit of one search, in MB. It stores all parts of states and their steps. */
const HEAP_MB = 8_000;

export interface TimedResult {
  readonly result: SearchResult;
  readonly seconds: number;
}

/** @param main the compiled `main` of the explorer, or of a copy with a planted bug */
export async function searchInChildProcess(
  main: string,
  scenario: string,
  isFairnessChecked: boolean,
): Promise<TimedResult> {
  const startedAt = performance.now();
  const argv = [`--max-old-space-size=${HEAP_MB}`, main, '--scenario', scenario, '--json'];
  if (!isFairnessChecked) argv.push('--no-fairness');
  const { stdout } = await run(process.execPath, argv, { maxBuffer: 2 ** 24 });
  return { result: JSON.parse(stdout) as SearchResult, seconds: (performance.now() - startedAt) / 1000 };
}

/** Calls `work` for each item, several at a time, and `done` with each result in the order of the items. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  done: (item: T, result: R) => void,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let reported = Promise.resolve();
  for (const item of items) {
    if (running.size >= availableParallelism()) await Promise.race(running);
    const result = work(item);
    const ended = result.then(() => void running.delete(ended));
    running.add(ended);
    reported = Promise.all([result, reported]).then(([value]) => done(item, value));
  }
  await reported;
}
