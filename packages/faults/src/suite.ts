/** Runs fault scenarios, as `npm run faults` does without a drill, and reports the result of each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { renderReport } from './report/page.js';
import { formatTable } from './report/table.js';
import { runScenario, type ScenarioResult } from './run/run-scenario.js';
import { missingCapability } from './run/capabilities.js';
import { randomFaultsScenario } from './run/random-faults.js';
import { filterByName } from './rules/filter-by-name.js';
import { isPassed } from './rules/check-result.js';
import type { Scenario } from './run/scenario.js';
import { SCENARIOS } from './scenarios/index.js';

const HELP = `Usage: npm run faults -- [--only "words"]... [--list] [--jobs 1] [--seed 1] [--results DIR]
       npm run faults -- --minutes 15 [--seed 1]
       npm run faults -- rejoin|recover|hosts    runs a drill; with --help, prints its options

Runs fault scenarios, each on its own cluster, and checks everything that its clients saw.
  --only      runs only scenarios whose name contains these words; may be repeated
  --minutes   injects random faults for this many minutes instead
  --everyday  runs only the scenarios that are part of npm test
  --list      lists the names of the scenarios and runs none
  --jobs      number of scenarios that run at the same time (default 1)
  --seed      seed of all choices of clients and scripts (default 1)
  --results   folder for histories, logs after a failure, and the HTML report (default data/faults)`;

function parseOptions(args: string[]) {
  return parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      minutes: { type: 'string' },
      everyday: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      results: { type: 'string', default: join('data', 'faults') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;
}

type Options = ReturnType<typeof parseOptions>;

function chooseScenarios({ minutes, everyday: isEveryday, only }: Options): Scenario[] {
  if (minutes !== undefined) return [randomFaultsScenario(Number(minutes))];
  return filterByName(
    SCENARIOS.filter(({ everyday }) => !isEveryday || everyday === true),
    only,
  );
}

async function runOne(
  scenario: Scenario,
  { seed, minutes }: Options,
  results: string,
): Promise<ScenarioResult> {
  console.log(`\n... ${scenario.name}`);
  const result = await runScenario(scenario, {
    seed: Number(seed),
    results,
    onEvent: ({ atMs, what }) => console.log(`    ${(atMs / 1000).toFixed(2).padStart(7)} s  ${what}`),
  });
  const isKept = result.verdicts.every(isPassed);
  console.log(`${isKept ? 'ok  ' : 'FAIL'} ${scenario.name} (${(result.tookMs / 1000).toFixed(1)} s)`);
  for (const { check, examined, problems } of result.verdicts) {
    console.log(`       ${problems.length === 0 ? 'ok  ' : 'FAIL'} ${check}: ${examined}`);
    for (const problem of problems) console.log(`            ${problem}`);
  }
  if (!isKept) {
    const flags = minutes === undefined ? `--only "${scenario.name}"` : `--minutes ${minutes}`;
    console.log(`       history and logs: ${result.folder}`);
    console.log(`       repeat with: npm run faults -- ${flags} --seed ${seed}`);
  }
  return result;
}

/** Runs the scenarios that the arguments name. Sets exit code 1 if a check fails. */
export async function runSuite(args: string[]): Promise<void> {
  const options = parseOptions(args);
  const scenarios = chooseScenarios(options);
  if (options.help || options.list) {
    console.log(options.help ? HELP : scenarios.map(({ name }) => name).join('\n'));
    return;
  }
  const results = resolve(options.results);
  mkdirSync(results, { recursive: true });
  const played: ScenarioResult[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const broken: { name: string; reason: string }[] = [];
  const queue = scenarios.values();
  const worker = async (): Promise<void> => {
    for (const scenario of queue) {
      const { name } = scenario;
      const reason = missingCapability(scenario.needs ?? []);
      if (reason !== null) {
        console.log(`\nSKIP ${name}: ${reason}`);
        skipped.push({ name, reason });
        continue;
      }
      try {
        played.push(await runOne(scenario, options, results));
      } catch (error) {
        console.error(`FAIL ${name}:`, error);
        broken.push({ name, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, worker));
  const facts = { seed: options.seed, node: process.version, cores: String(cpus().length) };
  const report = join(results, 'report.html');
  writeFileSync(report, renderReport({ played, skipped, broken, facts }));
  console.log(`\n${formatTable(played, skipped, broken)}\nreport: ${report}`);
  const isClean = broken.length === 0 && played.every(({ verdicts }) => verdicts.every(isPassed));
  process.exitCode = isClean && played.length + skipped.length > 0 ? 0 : 1;
}
