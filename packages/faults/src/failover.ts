/**
 * `npm run failover -- --times 30`: how long orders and look-ups stand still when the leader goes, in each way in which it can,
 * when a catalog or both go, and for comparison when nothing at all happens.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureTrials, percentile, type Trial } from './rules/failover.js';
import { decodeHistory } from './rules/history.js';
import { named } from './rules/named.js';
import type { Stall } from './rules/stalls.js';
import { holds } from './rules/verdict.js';
import { play } from './run/play.js';
import type { Run } from './run/run.js';
import { StallWatch } from './run/stall-watch.js';
import type { Scenario } from './run/scenario.js';

const { values } = parseArgs({
  options: {
    /** Trials of each kind. */
    times: { type: 'string', default: '30' },
    /** Words of the ways to measure; all of them unless given. */
    only: { type: 'string', multiple: true, default: [] },
    results: { type: 'string', default: join('data', 'failover') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** A trial ends well after every timeout that takes part in it. */
const SPAN = { beforeMs: 50, withMs: 500, afterMs: 3_000 };

/** What is done to it. */
interface Victims {
  readonly leader: string;
  /** In turn each of the catalogs. */
  readonly catalog: string;
}

interface Way {
  readonly name: string;
  /** Both are waited for where there is something to wait for. */
  readonly fault: (run: Run, victims: Victims) => unknown;
  readonly undo: (run: Run, victims: Victims) => unknown;
  /** Whether another replica has to lead afterwards. */
  readonly unseats: boolean;
}

const WAYS: readonly Way[] = [
  {
    // What the machine, its disk and the load do to orders by themselves: the measure of all other figures.
    name: 'nothing, for comparison',
    fault: () => null,
    undo: () => null,
    unseats: false,
  },
  {
    name: 'crash (SIGKILL)',
    fault: async (run, { leader }) => run.kill(leader),
    undo: async (run, { leader }) => run.start(leader),
    unseats: true,
  },
  {
    name: 'leadership transfer (SIGTERM)',
    fault: async (run, { leader }) => run.kill(leader, 'SIGTERM'),
    undo: async (run, { leader }) => run.start(leader),
    unseats: true,
  },
  {
    name: 'pause (SIGSTOP)',
    fault: async (run, { leader }) => run.pause(leader),
    undo: async (run, { leader }) => run.resume(leader),
    unseats: true,
  },
  {
    name: 'silent cut',
    fault: (run, { leader }) => run.isolate(leader),
    undo: (run) => run.healNetwork(),
    unseats: true,
  },
  {
    name: 'catalog killed',
    fault: async (run, { catalog }) => run.kill(catalog),
    undo: async (run, { catalog }) => run.start(catalog),
    unseats: false,
  },
  {
    name: 'catalog paused',
    fault: async (run, { catalog }) => run.pause(catalog),
    undo: async (run, { catalog }) => run.resume(catalog),
    unseats: false,
  },
  {
    name: 'host lost (leader and catalog killed)',
    fault: async (run, { leader, catalog }) => Promise.all([run.kill(leader), run.kill(catalog)]),
    undo: async (run, { leader, catalog }) => Promise.all([run.start(leader), run.start(catalog)]),
    unseats: true,
  },
];

async function measure(
  way: Way,
  times: number,
  results: string,
): Promise<{ trials: Trial[]; broken: string[] }> {
  const faults: number[] = [];
  let stalls: readonly Stall[] = [];
  const scenario: Scenario = {
    name: `fail-over: ${way.name}`,
    workload: { clients: 16, unkeyed: 8, impatient: 0, pauseMs: 2 },
    script: async (run) => {
      const watch = new StallWatch(() => run.now());
      try {
        for (let i = 0; i < times; i += 1) {
          const catalogs = run.names('catalog');
          const victims = { leader: await run.leader(), catalog: catalogs[i % catalogs.length] ?? '' };
          await run.progress(100);
          faults.push(run.now());
          await way.fault(run, victims);
          await run.sleep(SPAN.afterMs);
          if (way.unseats) await run.newLeader(victims.leader);
          await way.undo(run, victims);
          await run.progress(100);
          process.stdout.write(`\r${way.name}: ${i + 1} of ${times}`);
        }
      } finally {
        stalls = await watch.stop();
      }
    },
  };
  const { folder, verdicts } = await play(scenario, { seed: 1, results });
  process.stdout.write('\n');
  const history = decodeHistory(readFileSync(join(folder, 'history.jsonl'), 'utf8'));
  const broken = verdicts.filter((verdict) => !holds(verdict)).flatMap(({ problems }) => problems);
  return { trials: measureTrials(history, faults, SPAN, stalls), broken };
}

async function main(): Promise<void> {
  if (values.help) {
    console.log('Usage: npm run failover -- [--times 30] [--only "words of a way"]... [--results DIR]');
    return;
  }
  const results = resolve(values.results);
  mkdirSync(results, { recursive: true });
  const lines: string[] = [];
  const ways = named(WAYS, values.only);
  if (ways.length === 0)
    throw new Error(`no way is named so: there are ${WAYS.map(({ name }) => name).join(', ')}`);
  for (const way of ways) {
    const { trials, broken } = await measure(way, Number(values.times), results);
    console.log(
      `  longest gap of orders, and when it began after the fault, and of look-ups, in ms: ${trials.map(tellTrial).join(', ')}`,
    );
    const [load = 0] = loadavg();
    lines.push(`${way.name}: ${tellTrials(trials)}`);
    lines.push(`  processes that ran or waited for one of ${cpus().length} cores: ${load.toFixed(1)}`);
    for (const problem of broken) lines.push(`  VIOLATED: ${problem}`);
    if (broken.length > 0) process.exitCode = 1;
  }
  console.log(`\n${lines.join('\n')}`);
}

function tellTrial({ gapMs, beganMs, stalledMs, lookupGapMs }: Trial): string {
  const stalled = stalledMs < 1 ? '' : ` (the machine stood still for ${stalledMs.toFixed(0)})`;
  return `${gapMs.toFixed(0)} at ${beganMs.toFixed(0)}${stalled} and ${lookupGapMs.toFixed(0)}`;
}

function tellTrials(trials: readonly Trial[]): string {
  const figures = (values: readonly number[]): string => {
    const [p50, p99, most] = [percentile(values, 0.5), percentile(values, 0.99), Math.max(...values)];
    return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${most.toFixed(0)} ms`;
  };
  const errors = trials.reduce((sum, trial) => sum + trial.errors, 0);
  return [
    `${trials.length} trials, ${errors} client-visible errors`,
    `orders: ${figures(trials.map(({ gapMs }) => gapMs))}; without the time that the machine stood still ` +
      figures(trials.map(({ gapMs, stalledMs }) => gapMs - stalledMs)),
    `look-ups: ${figures(trials.map(({ lookupGapMs }) => lookupGapMs))}; without that time ` +
      figures(trials.map(({ lookupGapMs, lookupStalledMs }) => lookupGapMs - lookupStalledMs)),
    `gaps of orders that began more than ${SPAN.withMs} ms later: ${figures(trials.map(({ laterMs }) => laterMs))}`,
  ].join('\n  ');
}

await main();
