/**
 * `npm run test:only -- raft/src/core`: runs each test file in its own process with a time limit; with words only the
 * files whose path contains one of them. At the end it lists the slowest files. The last line is `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isEndToEnd, isInSuite, testFiles, type CompiledFile, type TestSuite } from './checks/files.js';
import { runTestFile } from './checks/run-file.js';
import { slowestLines, type FileTime } from './checks/slowest.js';
import { addTotals, totalsLine, type Totals, type TestFileVerdict } from './checks/totals.js';
import { ROOT } from './root.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Time limit of a file, in seconds. */
    timeout: { type: 'string', default: '600' },
    /** Files in parallel, without end-to-end tests. */
    jobs: { type: 'string', default: String(availableParallelism() + 1) },
    /** End-to-end test files in parallel: they start processes and mostly wait for them. */
    'e2e-jobs': { type: 'string', default: String(2 * availableParallelism()) },
    /** Which test files, by how long they take. */
    suite: { type: 'string', default: 'all' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const HELP = `Usage: npm run test:only -- [options] [words...]

Runs the test files whose path contains one of the words, or all test files if no word is given.

Options:
  --timeout <seconds>  time limit of one file (default: 600)
  --jobs <n>           test files to run in parallel (default: number of cores + 1)
  --e2e-jobs <n>       *.e2e.test.ts files to run in parallel, after the others (default: 2 * number of cores)
  --suite <name>       everyday: what npm test runs by default; long: the step e2e; all (default)
  -h, --help           print this help`;

async function runAll(): Promise<Totals> {
  const timeoutMs = wholeNumber('--timeout', values.timeout) * 1000;
  const jobs = wholeNumber('--jobs', values.jobs);
  const e2eJobs = wholeNumber('--e2e-jobs', values['e2e-jobs']);
  const stop = new AbortController();
  // `on`, not `once`: under npm one Ctrl-C sends two signals, from the terminal and from npm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

  const suite = suiteNamed(values.suite);
  const files = testFiles(ROOT, positionals).filter((file) => isInSuite(file, suite));
  const times: FileTime[] = [];
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  const runOne = async (file: CompiledFile): Promise<void> => {
    if (stop.signal.aborted) return;
    const startedAt = performance.now();
    const verdict = await runAndReport(file, timeoutMs, stop.signal);
    times.push({ file: file.source, tookMs: performance.now() - startedAt });
    totals = addTotals(totals, verdict);
  };
  await inParallel(
    files.filter((file) => !isEndToEnd(file)),
    jobs,
    runOne,
  );
  // Code that end-to-end tests run in other processes does not count as covered.
  delete process.env['NODE_V8_COVERAGE'];
  await inParallel(files.filter(isEndToEnd), e2eJobs, runOne);
  for (const line of slowestLines(times)) console.log(line);

  if (stop.signal.aborted) console.log('interrupted: some test files did not run');
  if (files.length === 0) console.log('no test file matches: check the words');
  const incomplete = stop.signal.aborted || files.length === 0;
  return incomplete ? { ...totals, failed: totals.failed + 1 } : totals;
}

async function runAndReport(
  file: CompiledFile,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<TestFileVerdict> {
  if (!existsSync(join(ROOT, file.compiled))) {
    console.log(`FAIL ${file.source}: not compiled, run npm run build first`);
    return { passed: 0, failed: 1, skipped: 0, problem: 'not compiled' };
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

function suiteNamed(text: string): TestSuite {
  if (text === 'everyday' || text === 'long' || text === 'all') return text;
  throw new Error('--suite must be everyday, long or all');
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} must be a whole number, 1 or more`);
  return value;
}

if (values.help) {
  console.log(HELP);
} else {
  const totals = await runAll();
  console.log(totalsLine(totals));
  process.exitCode = totals.failed > 0 ? 1 : 0;
}
