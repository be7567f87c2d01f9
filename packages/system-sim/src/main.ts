/** `npm run sim:system`: many seeds, or one seed with its trace. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSeeds } from '@trireme/raft/sim';
import { crashedRun } from './crashed-run.js';
import { simulate, type RunResult } from './simulate.js';
import { Totals } from './totals.js';

const HELP = `Usage: npm run sim:system -- --seeds 2000 [--from 1] [--seconds 5] [--jobs ${availableParallelism()}]
       npm run sim:system -- --seed 17 [--seconds 5] [--trace]

Runs the whole system, clients included, on a virtual clock, network and disks under faults that each seed draws.
  --seeds    how many seeds to run
  --from     the first of them (1)
  --seconds  virtual seconds with faults in each run (5)
  --jobs     worker processes
  --seed     runs this one seed
  --trace    prints what happened in it, line by line`;

const PROGRESS_MS = 5_000;

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} must be a whole number from 1`);
  return value;
}

function tellViolation({ seed, violation }: RunResult, seconds: number): void {
  if (violation === null) return;
  const at = (violation.at / 1e6).toFixed(6);
  console.log(`\nVIOLATION of "${violation.check}" at ${at} s: ${violation.what}`);
  console.log(`replay: npm run sim:system -- --seed ${seed} --seconds ${seconds} --trace`);
}

async function runOne(seed: number, seconds: number, isTraced: boolean): Promise<boolean> {
  const sink = (line: string): void => console.log(line);
  const result = await simulate({ seed, seconds, ...(isTraced ? { sink } : {}) });
  tellViolation(result, seconds);
  console.log(`seed ${seed}: ${result.events} events, trace hash ${result.hash}, Node ${process.version}`);
  return result.violation === null;
}

async function runMany(from: number, count: number, seconds: number, jobs: number): Promise<boolean> {
  const totals = new Totals();
  const startedAt = performance.now();
  const wallMs = (): number => performance.now() - startedAt;
  const progress = setInterval(() => console.log(totals.progress(wallMs())), PROGRESS_MS);
  const worker = fileURLToPath(new URL('run-worker.js', import.meta.url));
  const onResult = (result: RunResult): void => totals.add(result);
  const broken = await runSeeds({ worker, jobs, from, count, seconds, onResult, crashed: crashedRun });
  clearInterval(progress);
  if (broken !== null) tellViolation(broken, seconds);
  const missing = broken === null ? totals.missing : [];
  console.log(`\n${totals.lines(wallMs()).join('\n')}\nNode                  ${process.version}`);
  for (const what of missing) console.log(`NOT COVERED: ${what}`);
  return broken === null && missing.length === 0;
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '5' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(HELP);
} else {
  const seconds = wholeNumber('--seconds', values.seconds);
  const isSound =
    values.seed === undefined
      ? await runMany(
          wholeNumber('--from', values.from),
          wholeNumber('--seeds', values.seeds),
          seconds,
          wholeNumber('--jobs', values.jobs),
        )
      : await runOne(wholeNumber('--seed', values.seed), seconds, values.trace);
  process.exitCode = isSound ? 0 : 1;
}
