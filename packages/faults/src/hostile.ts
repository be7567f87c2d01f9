/** `npm run hostile`: attacks every port of a cluster while clients place orders, and reports the results. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hostileScenario } from './hostile/hostile-scenario.js';
import { attackTable, type AttackResult } from './rules/attack-results.js';
import { isPassed } from './rules/check-result.js';
import { runScenario } from './run/run-scenario.js';

const HELP = `Usage: npm run hostile -- [--every 1] [--quick] [--seed 1] [--results DIR]

Sends malformed and hostile requests to every port while clients place orders. Checks that each attack is refused or
disconnected, that no process exits or leaks memory, that no order fails, and that the order books contain only the
orders of the clients.
  --every    runs only every n-th attack (default 1)
  --quick    skips attacks that take several seconds
  --seed     seed of the clients' choices (default 1)
  --results  folder for the history, and for logs after a failure (default data/hostile)`;

const { values } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    results: { type: 'string', default: join('data', 'hostile') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  const results = resolve(values.results);
  mkdirSync(results, { recursive: true });
  const attacks: AttackResult[] = [];
  const scenario = hostileScenario({
    every: Number(values.every),
    slow: !values.quick,
    onResult: (result) => attacks.push(result),
  });
  const { verdicts, availability, resources, folder } = await runScenario(scenario, {
    seed: Number(values.seed),
    results,
  });
  console.log(`${attackTable(attacks)}\n\n${resources}\n`);
  for (const { check, examined, problems } of verdicts) {
    console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${check}: ${examined}`);
    for (const problem of problems) console.log(`       ${problem}`);
  }
  const { operations, failed, unknown } = availability;
  console.log(
    `${operations} client operations meanwhile, ${failed} failed, ${unknown} unknown; history in ${folder}`,
  );
  process.exitCode = verdicts.every(isPassed) ? 0 : 1;
}

await main();
