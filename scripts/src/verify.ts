/**
 * `npm test`: builds everything and runs the default checks; `npm test -- layers deadcode` runs only these. CI also runs e2e, faults and own-node.
 * The last line is `N passed, N failed`, in which each check and each test counts as one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT_CODE } from '@trireme/service';
import {
  areaCoverage,
  AREA_GLOBS,
  coverageAreas,
  isCovered,
  type CoverageArea,
  type CoverageSummary,
} from './checks/coverage.js';
import { projectFolders } from './checks/files.js';
import { selectSteps, stepsHelp, type StepName } from './checks/steps.js';
import { findSystemNode } from './checks/system-node.js';
import { runStep, type StepResult } from './checks/step.js';
import { addTotals, parseTotalsLine, totalsLine, type Totals } from './checks/totals.js';
import { ROOT } from './root.js';

type Argv = readonly [program: string, ...args: string[]];

const COVERAGE_FOLDER = join(ROOT, 'coverage');
/** Not c8's default `coverage/tmp`, which every other run of c8 in this folder empties. */
const COVERAGE_TEMP = join(COVERAGE_FOLDER, 'v8');

/** Filters for the paths of the test files that run on the machine's own Node. */
const OWN_NODE_TESTS = [
  // The library without the checks of its sources and README, which do not depend on Node.
  ...['core/', 'frames/', 'storage/', 'transport/', 'compact', 'node', 'recovery'].map(
    (part) => `raft/src/${part}`,
  ),
  ...['packages/orders/src/', 'contract.smoke', 'order-path.e2e', 'crash.e2e'],
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
async function checkInBackground(name: StepName, argv: Argv): Promise<void> {
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

/** The checks of the sources: lint beside the others, as it takes as long as they do together. */
async function checkSources(steps: ReadonlySet<StepName>): Promise<void> {
  const sources = projectFolders(ROOT).map((project) => `${project}/src`);
  const run = async (name: StepName, argv: Argv): Promise<void> => {
    if (steps.has(name)) await checkInBackground(name, argv);
  };
  await Promise.all([
    run('lint', ['eslint', '.', '--max-warnings', '0']),
    (async () => {
      await run('format', ['prettier', '--check', '.']);
      await run('layers', [
        ...(['depcruise', '--config', '.dependency-cruiser.cjs'] as const),
        ...['--output-type', 'err-long', ...sources],
      ]);
      await run('deadcode', ['knip', '--no-config-hints']);
    })(),
  ]);
}

/** Runs all tests, on the Node of the lock file if it has one for this machine, and checks what they covered. */
async function runTests(hasHtml: boolean): Promise<void> {
  rmSync(COVERAGE_FOLDER, { recursive: true, force: true });
  // Every process that a test starts inherits the variable and writes its own file; `c8 report` merges them below.
  await runCounted('tests', ['node', 'scripts/dist/test.js', '--suite', 'everyday'], {
    NODE_V8_COVERAGE: COVERAGE_TEMP,
  });
  await checkCoverage(hasHtml);
}

/** Runs the tests of the library, the replica and a whole cluster on the machine's own Node (20.19 or newer). */
async function runTestsOnOwnNode(): Promise<void> {
  const node = findSystemNode(process.env['PATH'] ?? '') ?? process.execPath;
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const name = `tests on the machine's own Node ${version}`;
  if (version === process.version) {
    console.log(`\n=== ${name}: SKIPPED, npm test runs all tests on this version`);
    summary.push(`skip ${name}: npm test runs all tests on this version`);
    return;
  }
  await runCounted(name, [node, 'scripts/dist/test.js', ...OWN_NODE_TESTS]);
}

async function runFaults(): Promise<void> {
  countCheck(
    await check('fault scenarios', async () =>
      runStep(ROOT, ['node', 'packages/faults/dist/main.js', '--jobs', '2']),
    ),
  );
}

/** Runs a program whose output ends with totals, and adds them. */
async function runCounted(
  name: string,
  argv: Argv,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const result = await check(name, async () => runStep(ROOT, argv, env));
  const counted = parseTotalsLine(result.tail) ?? { passed: 0, failed: 0, skipped: 0 };
  const isUncounted = !result.passed && counted.failed === 0;
  count(isUncounted ? { ...counted, failed: 1 } : counted);
}

/** Reports the coverage of the areas' files, and checks each area. */
async function checkCoverage(hasHtml: boolean): Promise<void> {
  const reporters = ['json-summary', 'text', ...(hasHtml ? ['html'] : [])];
  const report = await check(`coverage report${hasHtml ? ' in coverage/index.html' : ''}`, async () =>
    runStep(ROOT, [
      'c8',
      ...['report', `--temp-directory=${COVERAGE_TEMP}`, '--merge-async'],
      // `--all` counts a file that no test loads as not covered. Without it the report would omit the file.
      // c8 matches every script of every process with every pattern: one for each file takes minutes.
      ...['--all', '--extension=.js', ...AREA_GLOBS.map((glob) => `--include=${glob}`)],
      ...[...reporters.map((reporter) => `--reporter=${reporter}`), '--skip-full'],
      `--reports-dir=${COVERAGE_FOLDER}`,
    ]),
  );
  countCheck(report);
  if (!report.passed) return;
  const text = readFileSync(join(COVERAGE_FOLDER, 'coverage-summary.json'), 'utf8');
  const covered = JSON.parse(text) as CoverageSummary;
  for (const area of coverageAreas(ROOT)) checkArea(area, covered);
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

async function verify(steps: ReadonlySet<StepName>, hasHtml: boolean): Promise<void> {
  const build = await check('build', async () => runStep(ROOT, ['tsc', '-b']));
  countCheck(build);
  await checkSources(steps);
  if (build.passed) {
    if (steps.has('tests')) await runTests(hasHtml);
    if (steps.has('e2e'))
      await runCounted('end-to-end tests', ['node', 'scripts/dist/test.js', '--suite', 'long']);
    if (steps.has('faults')) await runFaults();
    if (steps.has('own-node')) await runTestsOnOwnNode();
    if (steps.has('infra')) await runCounted('infra', ['node', 'scripts/dist/infra-check.js']);
    if (steps.has('contract'))
      countCheck(
        await check('contract', async () => runStep(ROOT, ['node', 'scripts/dist/contract-client.js'])),
      );
  } else {
    summary.push('skip what needs the build, which failed');
  }
  const total = `total time ${(performance.now() / 1000).toFixed(0)} s`;
  console.log(`\n${summary.join('\n')}\n${total}\n${totalsLine(totals)}`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    html: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const selected = selectSteps(positionals);
if (values.help) {
  console.log(stepsHelp());
} else if (selected === null) {
  console.error(`error: unknown step in ${positionals.join(' ')}\n\n${stepsHelp()}`);
  process.exitCode = EXIT_CODE.usage;
} else {
  await verify(selected, values.html);
}
