/** `npm run sim:planted`: plants each bug of the table by itself, and says how many seeds it takes to find it. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runSeeds } from '../run/pool.js';
import { plant } from './mutant.js';
import type { Mutation } from './mutation.js';
import { MUTATIONS } from './mutations.js';

const { values } = parseArgs({
  options: {
    tries: { type: 'string', default: '3' },
    limit: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const HELP = `Usage: npm run sim:planted -- [--tries 3] [--limit 1000] [--seconds 60] [--jobs N] [--only words]

Plants each bug of the table in a copy of the compiled code and runs seeds until a check finds it.
  --tries    series of seeds for each bug; the table shows the median
  --limit    seeds in a series at most
  --only     plants only the bugs whose name holds these words`;

/** Series of seeds begin this far apart. */
const SERIES_STEP = 1_000_000;

interface Finding {
  /** Seeds that it took; infinite if the limit was reached. */
  readonly seeds: number;
  readonly check: string;
}

async function hunt(worker: string, series: number): Promise<Finding> {
  const from = 1 + series * SERIES_STEP;
  const found = await runSeeds({
    worker,
    jobs: Number(values.jobs),
    from,
    count: Number(values.limit),
    seconds: Number(values.seconds),
    onResult: () => undefined,
  });
  const check = found?.violation?.check;
  if (found === null || check === undefined) return { seeds: Infinity, check: 'nothing' };
  // A row that no longer fits the code around it may plant nonsense: that is not what a check has to find.
  if (check === 'crash') return { seeds: Infinity, check: 'nothing, it crashed' };
  return { seeds: found.seed - from + 1, check };
}

/** @returns whether every series found it. */
async function tryMutation(mutation: Mutation): Promise<boolean> {
  const mutant = plant(mutation);
  const findings: Finding[] = [];
  try {
    for (let series = 0; series < Number(values.tries); series += 1) {
      findings.push(await hunt(mutant.worker, series));
    }
  } finally {
    mutant.dispose();
  }
  const seeds = findings.map((finding) => finding.seeds).sort((a, b) => a - b);
  const median = seeds[Math.floor(seeds.length / 2)] ?? Infinity;
  const isFound = seeds.every((count) => count < Infinity);
  const checks = [...new Set(findings.map(({ check }) => check))].join(', ');
  console.log(
    `| ${mutation.name.padEnd(70)} | ${isFound ? 'yes' : 'NO '} | ${String(median).padStart(8)} | ${checks} |`,
  );
  return isFound;
}

if (values.help) {
  console.log(HELP);
} else {
  console.log(`| ${'planted bug'.padEnd(70)} | found | median seeds | found by |\n|---|---|---|---|`);
  let missed = 0;
  for (const mutation of MUTATIONS.filter(({ name }) => name.includes(values.only))) {
    if (!(await tryMutation(mutation))) missed += 1;
  }
  console.log(missed === 0 ? '\nall found' : `\n${missed} not found`);
  process.exitCode = missed === 0 ? 0 : 1;
}
