/**
 * `npm run verify`: all checks, the same as in CI: types, lint, format, layers, dead code, tests and coverage. The last
 * line is `N passed, N failed`, in which each check and each test counts as one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  areaCoverage,
  coverageAreas,
  isCovered,
  type CoverageArea,
  type CoverageSummary,
} from './checks/coverage.js';
import { projectFolders } from './checks/files.js';
import { findSystemNode } from './checks/system-node.js';
import { runStep, type StepResult } from './checks/step.js';
import { addTotals, parseTotalsLine, totalsLine, type Totals } from './checks/totals.js';
import { ROOT } from './root.js';

const COVERAGE_FOLDER = join(ROOT, 'coverage');
/** Not c8's default `coverage/tmp`, which every other run of c8 in this folder empties. */
const COVERAGE_TEMP = join(COVERAGE_FOLDER, 'v8');

/** Filters for the paths of the test files that run a second time, on the machine's own Node. */
const OWN_NODE_TESTS = [
  // The library without the checks of its sources and README, which do not depend on Node.
  ...['core/', 'frames/', 'storage/', 'transport/', 'compact', 'node', 'recovery'].map(
    (part) => `raft/src/${part}`,
  ),
  ...['packages/orders/src/', 'contract.e2e', 'order-path.e2e', 'crash.e2e'],
];

const summary: string[] = [];
let totals: Totals = { passed: 0, failed: 0, skipped: 0 };

async function check(name: string, work: () => Promise<StepResult>): Promise<StepResult> {
  console.log(`\n=== ${name}`);
  const startedAt = performance.now();
  const result = await work();
  summarize(name, result, startedAt);
  return result;
}

/** Runs a check in parallel with others and prints its output in one piece at the end. */
async function checkInBackground(name: string, argv: readonly [string, ...string[]]): Promise<void> {
  const startedAt = performance.now();
  let output = '';
  const result = await runStep(ROOT, argv, {}, (text) => (output += text));
  console.log(`\n=== ${name}\n${output.trimEnd()}`);
  summarize(name, result, startedAt);
  countCheck(result);
}

function summarize(name: string, { passed }: StepResult, startedAt: number): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  summary.push(`${passed ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
}

function count(counted: Totals): void {
  totals = addTotals(totals, counted);
}

function countCheck({ passed }: Pick<StepResult, 'passed'>): void {
  count({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });
}

/** Runs all tests, on the Node of the lock file if it has one for this machine. */
async function runTests(): Promise<void> {
  rmSync(COVERAGE_FOLDER, { recursive: true, force: true });
  // Every process that a test starts inherits the variable and writes its own file; `c8 report` merges them below.
  await runTestsOf('tests', ['node', 'scripts/dist/test.js'], { NODE_V8_COVERAGE: COVERAGE_TEMP });
}

/** Runs the tests of the library, the replica and a whole cluster again on the machine's own Node (20.19 or newer). */
async function runTestsOnOwnNode(): Promise<void> {
  const node = findSystemNode(process.env['PATH'] ?? '') ?? process.execPath;
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const name = `tests on the machine's own Node ${version}`;
  if (version === process.version) {
    console.log(`\n=== ${name}: SKIPPED, the tests have just run on this version`);
    summary.push(`skip ${name}: the tests ran on this version`);
    return;
  }
  await runTestsOf(name, [node, 'scripts/dist/test.js', ...OWN_NODE_TESTS]);
}

async function runTestsOf(
  name: string,
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const result = await check(name, async () => runStep(ROOT, argv, env));
  const counted = parseTotalsLine(result.tail) ?? { passed: 0, failed: 0, skipped: 0 };
  const isUncounted = !result.passed && counted.failed === 0;
  count(isUncounted ? { ...counted, failed: 1 } : counted);
}

/** Writes one report of all areas to `coverage/index.html`, and checks the coverage of each area. */
async function checkCoverage(): Promise<void> {
  const areas = coverageAreas(ROOT);
  const files = areas.flatMap((area) => area.files);
  const report = await check('coverage report in coverage/index.html', async () =>
    runStep(ROOT, [
      'c8',
      ...['report', `--temp-directory=${COVERAGE_TEMP}`, '--merge-async'],
      // `--all` counts a file that no test loads as not covered. Without it the report would omit the file.
      ...['--all', ...files.map(({ compiled }) => `--include=${compiled}`)],
      ...['--reporter=html', '--reporter=json-summary', '--reporter=text', '--skip-full'],
      `--reports-dir=${COVERAGE_FOLDER}`,
    ]),
  );
  countCheck(report);
  if (!report.passed) return;
  const text = readFileSync(join(COVERAGE_FOLDER, 'coverage-summary.json'), 'utf8');
  const covered = JSON.parse(text) as CoverageSummary;
  for (const area of areas) checkArea(area, covered);
}

function checkArea(area: CoverageArea, covered: CoverageSummary): void {
  if (area.files.length === 0) {
    summary.push(`skip coverage of ${area.name}: it has no code`);
    return;
  }
  const coverage = areaCoverage(ROOT, area, covered);
  const passed = isCovered(coverage);
  const figures = `${coverage.lines.toFixed(2)} % of lines, ${coverage.branches.toFixed(2)} % of branches`;
  const missing = coverage.missing.map((file) => `, ${file} is missing from the report`).join('');
  summary.push(`${passed ? 'ok  ' : 'FAIL'} coverage of ${area.name}: ${figures}${missing}`);
  countCheck({ passed });
}

const build = await check('build', async () => runStep(ROOT, ['tsc', '-b']));
countCheck(build);
await Promise.all([
  checkInBackground('lint', ['eslint', '.', '--max-warnings', '0']),
  (async () => {
    await checkInBackground('format', ['prettier', '--check', '.']);
    await checkInBackground('layers', [
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'err-long',
      ...projectFolders(ROOT).map((project) => `${project}/src`),
    ]);
    await checkInBackground('dead code', ['knip', '--no-config-hints']);
  })(),
]);
if (build.passed) {
  await runTests();
  await runTestsOnOwnNode();
  await checkCoverage();
} else {
  summary.push('skip tests: the build failed');
}

const total = `total time ${(performance.now() / 1000).toFixed(0)} s`;
console.log(`\n${summary.join('\n')}\n${total}\n${totalsLine(totals)}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
