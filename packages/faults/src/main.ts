/** `npm run faults`: plays scenarios and tells what came of each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pageOf } from './report/page.js';
import { formatTable } from './report/table.js';
import { play, type RunResult } from './run/play.js';
import { whyNot } from './run/capabilities.js';
import { chaos } from './run/chaos.js';
import { named } from './rules/named.js';
import { holds } from './rules/verdict.js';
import type { Scenario } from './run/scenario.js';
import { SCENARIOS } from './scenarios/index.js';

const HELP = `Usage: npm run faults -- [--only "words"]... [--list] [--jobs 1] [--seed 1] [--results DIR]

       npm run faults -- --minutes 15 [--seed 1]

Plays scenarios, each on a cluster of its own, and checks what its clients saw.
  --only     those whose name holds these words; may come several times
  --minutes  instead, draws several faults at a time for so long
  --everyday those that are part of npm test
  --list     names them and plays nothing
  --jobs     scenarios at a time (1)
  --seed     reproduces what clients and scripts choose (1)
  --results  where histories, logs after a failure, and the report as a page are kept (data/faults)`;

const { values } = parseArgs({
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
});

function chosen(): Scenario[] {
  if (values.minutes !== undefined) return [chaos(Number(values.minutes))];
  return named(
    SCENARIOS.filter(({ everyday }) => !values.everyday || everyday === true),
    values.only,
  );
}

async function playOne(scenario: Scenario, results: string): Promise<RunResult> {
  console.log(`\n... ${scenario.name}`);
  const result = await play(scenario, {
    seed: Number(values.seed),
    results,
    onEntry: ({ atMs, what }) => console.log(`    ${(atMs / 1000).toFixed(2).padStart(7)} s  ${what}`),
  });
  const isKept = result.verdicts.every(holds);
  console.log(`${isKept ? 'ok  ' : 'FAIL'} ${scenario.name} (${(result.tookMs / 1000).toFixed(1)} s)`);
  for (const { check, examined, problems } of result.verdicts) {
    console.log(`       ${problems.length === 0 ? 'ok  ' : 'FAIL'} ${check}: ${examined}`);
    for (const problem of problems) console.log(`            ${problem}`);
  }
  if (!isKept) {
    const again = values.minutes === undefined ? `--only "${scenario.name}"` : `--minutes ${values.minutes}`;
    console.log(`       history and logs: ${result.folder}`);
    console.log(`       again: npm run faults -- ${again} --seed ${values.seed}`);
  }
  return result;
}

async function main(): Promise<void> {
  const scenarios = chosen();
  if (values.help || values.list) {
    console.log(values.help ? HELP : scenarios.map(({ name }) => name).join('\n'));
    return;
  }
  const results = resolve(values.results);
  mkdirSync(results, { recursive: true });
  const played: RunResult[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const broken: { name: string; reason: string }[] = [];
  const queue = scenarios.values();
  const worker = async (): Promise<void> => {
    for (const scenario of queue) {
      const { name } = scenario;
      const reason = whyNot(scenario.needs ?? []);
      if (reason !== null) {
        console.log(`\nSKIP ${name}: ${reason}`);
        skipped.push({ name, reason });
        continue;
      }
      try {
        played.push(await playOne(scenario, results));
      } catch (error) {
        console.error(`FAIL ${name}:`, error);
        broken.push({ name, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  const facts = { seed: values.seed, node: process.version, cores: String(cpus().length) };
  const report = join(results, 'report.html');
  writeFileSync(report, pageOf({ played, skipped, broken, facts }));
  console.log(`\n${formatTable(played, skipped, broken)}\nreport: ${report}`);
  const isClean = broken.length === 0 && played.every(({ verdicts }) => verdicts.every(holds));
  process.exitCode = isClean && played.length + skipped.length > 0 ? 0 : 1;
}

await main();
