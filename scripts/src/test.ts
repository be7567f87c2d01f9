/**
 * The test runner: every test file in a process of its own, with a time limit. `npm run test:only -- raft/src/core`
 * runs the files whose path holds one of the words. At the end it lists the slowest files; the last line is
 * `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isEndToEnd, testFiles, type CompiledFile } from './checks/files.js';
import { runTestFile } from './checks/run-file.js';
import { slowestLines, type FileTime } from './checks/slowest.js';
import { addTotals, totalsLine, type Totals, type Verdict } from './checks/totals.js';
import { ROOT } from './root.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Seconds a file may take. */
    timeout: { type: 'string', default: '600' },
    /** Files at a time, of those that compute. */
    jobs: { type: 'string', default: String(availableParallelism() + 1) },
    /** Files at a time, of those that start processes and mostly wait for them. */
    'e2e-jobs': { type: 'string', default: String(2 * availableParallelism()) },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const HELP = `Usage: npm run test:only -- [words...] [--timeout 600] [--jobs N] [--e2e-jobs N]

Runs the test files whose path holds one of the words, all of them without words.
  --timeout  seconds that one file may take (600)
  --jobs     files at a time (one more than there are cores)
  --e2e-jobs *.e2e.test.ts files at a time, after the others (two for each core)`;

async function runAll(): Promise<Totals> {
  const timeoutMs = wholeNumber('--timeout', values.timeout) * 1000;
  const jobs = wholeNumber('--jobs', values.jobs);
  const e2eJobs = wholeNumber('--e2e-jobs', values['e2e-jobs']);
  const stop = new AbortController();
  // Not once each: under npm a Ctrl-C comes twice, from the terminal and passed on by npm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

  const files = testFiles(ROOT, positionals);
  const times: FileTime[] = [];
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  const runOne = async (file: CompiledFile): Promise<void> => {
    if (stop.signal.aborted) return;
    const startedAt = performance.now();
    const verdict = await runAndTell(file, timeoutMs, stop.signal);
    times.push({ file: file.source, tookMs: performance.now() - startedAt });
    totals = addTotals(totals, verdict);
  };
  await inParallel(
    files.filter((file) => !isEndToEnd(file)),
    jobs,
    runOne,
  );
  // Only code that runs in the test's own process counts as covered.
  delete process.env['NODE_V8_COVERAGE'];
  await inParallel(files.filter(isEndToEnd), e2eJobs, runOne);
  for (const line of slowestLines(times)) console.log(line);

  if (stop.signal.aborted) console.log('interrupted: not every file ran');
  if (files.length === 0) console.log('no test file found');
  const incomplete = stop.signal.aborted || files.length === 0;
  return incomplete ? { ...totals, failed: totals.failed + 1 } : totals;
}

async function runAndTell(file: CompiledFile, timeoutMs: number, signal: AbortSignal): Promise<Verdict> {
  if (!existsSync(join(ROOT, file.compiled))) {
    console.log(`FAIL ${file.source}: is not compiled`);
    return { passed: 0, failed: 1, skipped: 0, problem: 'is not compiled' };
  }
  const run = await runTestFile({ root: ROOT, file: file.compiled, timeoutMs, signal });
  const { verdict } = run;
  const word = verdict.failed > 0 ? 'FAIL' : 'ok  ';
  const problem = verdict.problem === null ? '' : `: ${verdict.problem}`;
  const seconds = (run.tookMs / 1000).toFixed(1);
  console.log(`${word} ${file.source} (${totalsLine(verdict)}, ${seconds} s)${problem}`);
  if (verdict.failed > 0) console.log(run.output.replace(/^/gm, '     '));
  return verdict;
}

async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} must be a whole number from 1`);
  return value;
}

if (values.help) {
  console.log(HELP);
} else {
  const totals = await runAll();
  console.log(totalsLine(totals));
  process.exitCode = totals.failed > 0 ? 1 : 0;
}
