/**
 * Everything that must hold before a change is taken, the same here and in CI: types, lint, format, layers, dead code,
 * tests with coverage. Each check counts as one, each test as one; the last line is `N passed, N failed`.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { COVERAGE_MIN, coverageAreas, type CoverageArea } from './checks/coverage.js';
import { projectFolders } from './checks/files.js';
import { ownNode } from './checks/own-node.js';
import { runStep, type StepResult } from './checks/step.js';
import { addTotals, parseTotalsLine, totalsLine, type Totals } from './checks/totals.js';
import { ROOT } from './root.js';

const COVERAGE_FOLDER = join(ROOT, 'coverage');
/** Not c8's own `coverage/tmp`, which any other run of c8 in this folder empties. */
const COVERAGE_TEMP = join(COVERAGE_FOLDER, 'v8');

/** Words in the paths of the test files that run once more on the machine's own Node. */
const OWN_NODE_TESTS = ['raft/src/', 'packages/orders/src/', 'contract.e2e', 'order-path.e2e', 'crash.e2e'];

const summary: string[] = [];
let totals: Totals = { passed: 0, failed: 0, skipped: 0 };

async function check(name: string, work: () => Promise<StepResult>): Promise<StepResult> {
  console.log(`\n=== ${name}`);
  const startedAt = performance.now();
  const result = await work();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  summary.push(`${result.passed ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  return result;
}

function count(counted: Totals): void {
  totals = addTotals(totals, counted);
}

function countCheck({ passed }: StepResult): void {
  count({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });
}

/** All tests, on the Node that the lock file names where there is one for this machine. */
async function runTests(): Promise<void> {
  rmSync(COVERAGE_FOLDER, { recursive: true, force: true });
  // Every process that a test starts inherits the variable and adds its own file: c8 merges them all below.
  await runTestsOf('tests', ['node', 'scripts/dist/test.js'], { NODE_V8_COVERAGE: COVERAGE_TEMP });
}

/** Those of the library, of the replica and of a whole cluster again on the machine's own Node: any from 20.19 will do. */
async function runTestsOnOwnNode(): Promise<void> {
  const node = ownNode(process.env['PATH'] ?? '') ?? process.execPath;
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const name = `tests on the machine's own Node ${version}`;
  if (version === process.version) {
    console.log(`\n=== ${name}: SKIPPED, all tests run on it`);
    summary.push(`skip ${name}: all tests ran on it`);
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
  const silent = !result.passed && counted.failed === 0;
  count(silent ? { ...counted, failed: 1 } : counted);
}

async function checkCoverage(area: CoverageArea): Promise<void> {
  if (area.files.length === 0) {
    console.log(`\n=== coverage of ${area.name}: SKIPPED, there is no code in it`);
    summary.push(`skip coverage of ${area.name}: no code in it`);
    return;
  }
  const result = await check(`coverage of ${area.name}`, async () =>
    runStep(ROOT, [
      'c8',
      'report',
      ...c8Arguments(area.files),
      '--reporter=text',
      `--reports-dir=${join(COVERAGE_FOLDER, area.name)}`,
      '--check-coverage',
      `--lines=${COVERAGE_MIN.lines}`,
      `--branches=${COVERAGE_MIN.branches}`,
    ]),
  );
  countCheck(result);
}

function c8Arguments(files: readonly string[]): string[] {
  // `--all` counts a file that no test loads as not covered, instead of leaving it out.
  const include = files.map((file) => `--include=${file}`);
  return [`--temp-directory=${COVERAGE_TEMP}`, '--merge-async', '--all', ...include];
}

const build = await check('build', async () => runStep(ROOT, ['tsc', '-b']));
countCheck(build);
countCheck(await check('lint', async () => runStep(ROOT, ['eslint', '.', '--max-warnings', '0'])));
countCheck(await check('format', async () => runStep(ROOT, ['prettier', '--check', '.'])));
countCheck(
  await check('layers', async () =>
    runStep(ROOT, [
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'err-long',
      ...projectFolders(ROOT).map((project) => `${project}/src`),
    ]),
  ),
);
countCheck(await check('dead code', async () => runStep(ROOT, ['knip', '--no-config-hints'])));
if (build.passed) {
  await runTests();
  await runTestsOnOwnNode();
  const areas = coverageAreas(ROOT);
  for (const area of areas) await checkCoverage(area);
  countCheck(
    await check('coverage report in coverage/index.html', async () =>
      runStep(ROOT, [
        'c8',
        'report',
        ...c8Arguments(areas.flatMap(({ files }) => files)),
        '--reporter=html',
        '--reporter=text-summary',
        `--reports-dir=${COVERAGE_FOLDER}`,
      ]),
    ),
  );
} else {
  summary.push('skip tests: the build failed');
}

console.log(`\n${summary.join('\n')}\n${totalsLine(totals)}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
