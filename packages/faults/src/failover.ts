/**
 * `npm run failover -- --times 30`: measures for how long orders and look-ups stop when the leader, a catalog
 * or both fail in different ways, and, for comparison, without a fault.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureTrials, percentile, type FailoverTrial } from './rules/failover.js';
import { decodeHistory } from './rules/history.js';
import { filterByName } from './rules/filter-by-name.js';
import type { Stall } from './rules/stalls.js';
import { isPassed } from './rules/check-result.js';
import { runScenario } from './run/run-scenario.js';
import type { ScenarioRun } from './run/scenario-run.js';
import { StallDetector } from './run/stall-detector.js';
import type { Scenario } from './run/scenario.js';

const HELP = `Usage: npm run failover -- [--times 30] [--only "words"]... [--results DIR]

Measures for how long clients get no answer when the leader, a catalog or both fail, in each of several ways.
  --times    trials of each fault (default 30)
  --only     measures only faults whose name contains these words; may be repeated
  --results  folder for histories, and for logs after a failure (default data/failover)`;

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '30' },
    only: { type: 'string', multiple: true, default: [] },
    results: { type: 'string', default: join('data', 'failover') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** A trial is longer than every timeout involved. */
const SPAN = { beforeMs: 50, withMs: 500, afterMs: 3_000 };

/** The processes that a trial disturbs. */
interface Victims {
  readonly leader: string;
  /** Catalogs take turns. */
  readonly catalog: string;
}

interface FaultCase {
  readonly name: string;
  /** If it returns a promise, that is awaited; the same applies to `undo`. */
  readonly inject: (run: ScenarioRun, victims: Victims) => unknown;
  readonly undo: (run: ScenarioRun, victims: Victims) => unknown;
  /** Whether the fault makes another replica the leader. */
  readonly changesLeader: boolean;
}

const FAULT_CASES: readonly FaultCase[] = [
  {
    // Baseline: gaps that the machine, its disk and the load cause without a fault.
    name: 'no fault, for comparison',
    inject: () => null,
    undo: () => null,
    changesLeader: false,
  },
  {
    name: 'crash (SIGKILL)',
    inject: async (run, { leader }) => run.kill(leader),
    undo: async (run, { leader }) => run.start(leader),
    changesLeader: true,
  },
  {
    name: 'leadership transfer (SIGTERM)',
    inject: async (run, { leader }) => run.kill(leader, 'SIGTERM'),
    undo: async (run, { leader }) => run.start(leader),
    changesLeader: true,
  },
  {
    name: 'pause (SIGSTOP)',
    inject: async (run, { leader }) => run.pause(leader),
    undo: async (run, { leader }) => run.resume(leader),
    changesLeader: true,
  },
  {
    name: 'network cut',
    inject: (run, { leader }) => run.isolate(leader),
    undo: (run) => run.healNetwork(),
    changesLeader: true,
  },
  {
    name: 'catalog killed',
    inject: async (run, { catalog }) => run.kill(catalog),
    undo: async (run, { catalog }) => run.start(catalog),
    changesLeader: false,
  },
  {
    name: 'catalog paused',
    inject: async (run, { catalog }) => run.pause(catalog),
    undo: async (run, { catalog }) => run.resume(catalog),
    changesLeader: false,
  },
  {
    name: 'host lost (leader and catalog killed)',
    inject: async (run, { leader, catalog }) => Promise.all([run.kill(leader), run.kill(catalog)]),
    undo: async (run, { leader, catalog }) => Promise.all([run.start(leader), run.start(catalog)]),
    changesLeader: true,
  },
];

async function measure(
  faultCase: FaultCase,
  times: number,
  results: string,
): Promise<{ trials: FailoverTrial[]; broken: string[] }> {
  const faults: number[] = [];
  let stalls: readonly Stall[] = [];
  const scenario: Scenario = {
    name: `failover: ${faultCase.name}`,
    workload: { clients: 16, clientsWithoutKeys: 8, clientsWithShortTimeout: 0, pauseMs: 2 },
    script: async (run) => {
      const watch = await StallDetector.start(() => run.now());
      try {
        for (let i = 0; i < times; i += 1) {
          const catalogs = run.names('catalog');
          const victims = { leader: await run.waitForLeader(), catalog: catalogs[i % catalogs.length] ?? '' };
          await run.waitForOrders(100);
          faults.push(run.now());
          await faultCase.inject(run, victims);
          await run.sleep(SPAN.afterMs);
          if (faultCase.changesLeader) await run.waitForOtherLeader(victims.leader);
          await faultCase.undo(run, victims);
          await run.waitForOrders(100);
          process.stdout.write(`\r${faultCase.name}: ${i + 1} of ${times}`);
        }
      } finally {
        stalls = await watch.stop();
      }
    },
  };
  const { folder, verdicts } = await runScenario(scenario, { seed: 1, results });
  process.stdout.write('\n');
  const history = decodeHistory(readFileSync(join(folder, 'history.jsonl'), 'utf8'));
  const broken = verdicts.filter((verdict) => !isPassed(verdict)).flatMap(({ problems }) => problems);
  return { trials: measureTrials(history, faults, SPAN, stalls), broken };
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  const results = resolve(values.results);
  mkdirSync(results, { recursive: true });
  const lines: string[] = [];
  const faultCases = filterByName(FAULT_CASES, values.only);
  if (faultCases.length === 0)
    throw new Error(
      `--only matches no fault; choose from: ${FAULT_CASES.map(({ name }) => name).join(', ')}`,
    );
  for (const faultCase of faultCases) {
    const { trials, broken } = await measure(faultCase, Number(values.times), results);
    console.log(
      `  longest order gap, its start after the fault, and longest look-up gap, in ms: ${trials.map(formatTrial).join(', ')}`,
    );
    const [load = 0] = loadavg();
    lines.push(`${faultCase.name}: ${formatTrials(trials)}`);
    lines.push(`  load average: ${load.toFixed(1)} on ${cpus().length} cores`);
    for (const problem of broken) lines.push(`  VIOLATED: ${problem}`);
    if (broken.length > 0) process.exitCode = 1;
  }
  console.log(`\n${lines.join('\n')}`);
}

function formatTrial({ gapMs, beganMs, stalledMs, lookupGapMs }: FailoverTrial): string {
  const stalled = stalledMs < 1 ? '' : ` (machine stalled for ${stalledMs.toFixed(0)})`;
  return `${gapMs.toFixed(0)} at ${beganMs.toFixed(0)}${stalled} and ${lookupGapMs.toFixed(0)}`;
}

function formatTrials(trials: readonly FailoverTrial[]): string {
  const figures = (values: readonly number[]): string => {
    const [p50, p99, max] = [percentile(values, 0.5), percentile(values, 0.99), Math.max(...values)];
    return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms`;
  };
  const errors = trials.reduce((sum, trial) => sum + trial.errors, 0);
  return [
    `${trials.length} trials, ${errors} client-visible errors`,
    `orders: ${figures(trials.map(({ gapMs }) => gapMs))}; without stalls of the machine ` +
      figures(trials.map(({ gapMs, stalledMs }) => gapMs - stalledMs)),
    `look-ups: ${figures(trials.map(({ lookupGapMs }) => lookupGapMs))}; without stalls of the machine ` +
      figures(trials.map(({ lookupGapMs, lookupStalledMs }) => lookupGapMs - lookupStalledMs)),
    `order gaps that began more than ${SPAN.withMs} ms after the fault: ${figures(trials.map(({ laterMs }) => laterMs))}`,
  ].join('\n  ');
}

await main();
