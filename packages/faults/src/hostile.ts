/** `npm run hostile`: attacks every port of a cluster while orders flow, and tells what came of it. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assault } from './hostile/assault.js';
import { assaultTable, type AttackResult } from './rules/assault.js';
import { holds } from './rules/verdict.js';
import { play } from './run/play.js';

const HELP = `Usage: npm run hostile -- [--every 1] [--quick] [--seed 1] [--results DIR]

Sends malformed and hostile requests to every port while clients order, and checks that each is refused or cut off, that
no process ends or grows, that no order fails, and that nothing but the clients' orders is in the books.
  --every    every how many-th attack is carried out (1)
  --quick    leaves out those that take seconds each
  --seed     reproduces what clients choose (1)
  --results  where the history, and logs after a failure, are kept (data/hostile)`;

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
  const scenario = assault({
    every: Number(values.every),
    slow: !values.quick,
    onResult: (result) => attacks.push(result),
  });
  const { verdicts, availability, resources, folder } = await play(scenario, {
    seed: Number(values.seed),
    results,
  });
  console.log(`${assaultTable(attacks)}\n\n${resources}\n`);
  for (const { check, examined, problems } of verdicts) {
    console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${check}: ${examined}`);
    for (const problem of problems) console.log(`       ${problem}`);
  }
  const { operations, failed, unknown } = availability;
  console.log(
    `${operations} operations of clients beside it, ${failed} failed, ${unknown} unknown; history in ${folder}`,
  );
  process.exitCode = verdicts.every(holds) ? 0 : 1;
}

await main();
