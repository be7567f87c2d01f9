/** Plants each bug of a table separately, and counts the seeds until a check finds it. */
import { runSeeds, type PoolOptions, type SeedResult } from '../run/pool.js';
import type { Mutant } from './mutant.js';
import type { Mutation } from './mutation.js';

/** The bugs to plant, and the effort to find them. */
interface HuntOptions<Result extends SeedResult> extends Pick<
  PoolOptions<Result>,
  'jobs' | 'seconds' | 'crashed'
> {
  readonly mutations: readonly Mutation[];
  readonly plant: (mutation: Mutation) => Mutant;
  /** Number of series of seeds for each bug; the table shows the median. */
  readonly tries: number;
  /** Maximum number of seeds in a series. */
  readonly limit: number;
}

/** Distance between the first seeds of two series. */
const SERIES_STEP = 1_000_000;

interface Finding {
  /** Number of seeds until the bug was found; infinite if it was not. */
  readonly seeds: number;
  readonly check: string;
}

async function hunt<Result extends SeedResult>(
  { limit, ...options }: HuntOptions<Result>,
  worker: string,
  series: number,
): Promise<Finding> {
  const from = 1 + series * SERIES_STEP;
  const found = await runSeeds({ ...options, worker, from, count: limit, onResult: () => undefined });
  const check = found?.violation?.check;
  if (found === null || check === undefined) return { seeds: Infinity, check: 'nothing' };
  // A crash may come from an outdated row that plants invalid code, so it does not count as found.
  if (check === 'crash') return { seeds: Infinity, check: 'nothing, it crashed' };
  return { seeds: found.seed - from + 1, check };
}

/** @returns whether every series found the bug. */
async function tryMutation<Result extends SeedResult>(
  options: HuntOptions<Result>,
  mutation: Mutation,
): Promise<boolean> {
  const mutant = options.plant(mutation);
  const findings: Finding[] = [];
  try {
    for (let series = 0; series < options.tries; series += 1) {
      findings.push(await hunt(options, mutant.worker, series));
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

/** Plants every bug and prints a table. @returns the number of bugs that were not found */
export async function runMutations<Result extends SeedResult>(options: HuntOptions<Result>): Promise<number> {
  console.log(`| ${'planted bug'.padEnd(70)} | found | median seeds | found by |\n|---|---|---|---|`);
  let missed = 0;
  for (const mutation of options.mutations) if (!(await tryMutation(options, mutation))) missed += 1;
  return missed;
}
