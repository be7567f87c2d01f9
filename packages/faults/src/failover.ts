/**
 * `npm run failover -- --times 30`: how long orders stand still when the leader goes, in each way in which it can, and for
 * comparison when nothing at all happens.
 */
import { mkdirSync, readFileSync } from 'node:fs';
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

interface Way {
  readonly name: string;
  /** Both are waited for where there is something to wait for. */
  readonly fault: (run: Run, leader: string) => unknown;
  readonly undo: (run: Run, leader: string) => unknown;
}

/** What the machine, its disk and the load do to orders by themselves: the measure of all other figures. */
const NOTHING: Way = { name: 'nothing, for comparison', fault: () => null, undo: () => null };

const WAYS: readonly Way[] = [
  NOTHING,
  {
    name: 'crash (SIGKILL)',
    fault: async (run, leader) => run.kill(leader),
    undo: async (run, leader) => run.start(leader),
  },
  {
    name: 'hand-over (SIGTERM)',
    fault: async (run, leader) => run.kill(leader, 'SIGTERM'),
    undo: async (run, leader) => run.start(leader),
  },
  {
    name: 'pause (SIGSTOP)',
    fault: async (run, leader) => run.pause(leader),
    undo: async (run, leader) => run.resume(leader),
  },
  {
    name: 'silent cut',
    fault: (run, leader) => run.isolate(leader),
    undo: (run) => run.healNetwork(),
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
          const leader = await run.leader();
          await run.progress(100);
          faults.push(run.now());
          await way.fault(run, leader);
          await run.sleep(SPAN.afterMs);
          if (way !== NOTHING) await run.newLeader(leader);
          await way.undo(run, leader);
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
      `  longest gap, and when it began after the fault, in ms: ${trials.map(tellTrial).join(', ')}`,
    );
    lines.push(`${way.name}: ${tellTrials(trials)}`);
    for (const problem of broken) lines.push(`  VIOLATED: ${problem}`);
    if (broken.length > 0) process.exitCode = 1;
  }
  console.log(`\n${lines.join('\n')}`);
}

function tellTrial({ gapMs, beganMs, stalledMs }: Trial): string {
  const stalled = stalledMs < 1 ? '' : ` (the machine stood still for ${stalledMs.toFixed(0)})`;
  return `${gapMs.toFixed(0)} at ${beganMs.toFixed(0)}${stalled}`;
}

function tellTrials(trials: readonly Trial[]): string {
  const figures = (values: readonly number[]): string => {
    const [p50, p99, most] = [percentile(values, 0.5), percentile(values, 0.99), Math.max(...values)];
    return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${most.toFixed(0)} ms`;
  };
  const errors = trials.reduce((sum, trial) => sum + trial.errors, 0);
  return (
    `${trials.length} trials, ${figures(trials.map(({ gapMs }) => gapMs))}, ${errors} client-visible errors; ` +
    `without the time that the machine stood still ${figures(trials.map(({ gapMs, stalledMs }) => gapMs - stalledMs))}; ` +
    `gaps that began more than ${SPAN.withMs} ms later ${figures(trials.map(({ laterMs }) => laterMs))}`
  );
}

await main();
