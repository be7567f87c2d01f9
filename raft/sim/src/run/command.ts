/** Command line of a simulator: runs many seeds on all cores, or one seed with its trace. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { TraceSink } from '../engine/trace.js';
import { runSeeds, type SeedResult, type CheckFailure } from './pool.js';

interface OneResult extends SeedResult {
  readonly hash: string;
  readonly events: number;
}

interface Totals<Result> {
  add(result: Result): void;
  progress(wallMs: number): string;
  lines(wallMs: number): readonly string[];
  /** Events that should have occurred in this many runs but did not. Empty by default. */
  readonly missing?: readonly string[];
}

export interface SimulatorCommand<Result extends OneResult> {
  /** The command as typed, such as `npm run sim`. */
  readonly name: string;
  /** Description in one sentence. */
  readonly what: string;
  readonly exampleSeeds: number;
  /** Virtual seconds with faults in each run. */
  readonly seconds: number;
  readonly progressMs: number;
  /** Path of the compiled worker. */
  readonly worker: string;
  readonly simulate: (options: {
    readonly seed: number;
    readonly seconds: number;
    readonly sink?: TraceSink | undefined;
  }) => Promise<Result>;
  /** Creates the result of a seed whose worker died or hung. */
  readonly crashed: (seed: number, violation: CheckFailure) => Result;
  readonly totals: Totals<Result>;
}

/** Runs the command with the arguments of the process. Sets exit code 1 if a check failed. */
export async function runSimulatorCommand<Result extends OneResult>(
  command: SimulatorCommand<Result>,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '200' },
      from: { type: 'string', default: '1' },
      seconds: { type: 'string', default: String(command.seconds) },
      jobs: { type: 'string', default: String(availableParallelism()) },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(helpOf(command));
    return;
  }
  const seconds = wholeNumber('--seconds', values.seconds);
  const isSound =
    values.seed === undefined
      ? await runMany(command, {
          from: wholeNumber('--from', values.from),
          count: wholeNumber('--seeds', values.seeds),
          seconds,
          jobs: wholeNumber('--jobs', values.jobs),
        })
      : await runOne(command, wholeNumber('--seed', values.seed), seconds, values.trace);
  process.exitCode = isSound ? 0 : 1;
}

function helpOf<Result extends OneResult>({
  name,
  what,
  exampleSeeds,
  seconds,
}: SimulatorCommand<Result>): string {
  return `Usage: ${name} -- --seeds ${exampleSeeds} [--from 1] [--seconds ${seconds}] [--jobs ${availableParallelism()}]
       ${name} -- --seed 17 [--seconds ${seconds}] [--trace]

${what}
  --seeds    number of seeds to run (default 200)
  --from     first seed (default 1)
  --seconds  virtual seconds with faults in each run (default ${seconds})
  --jobs     number of worker processes (default: one per core)
  --seed     run only this seed
  --trace    print the trace of the run; only with --seed`;
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${flag} must be an integer of at least 1: ${text}`);
  return value;
}

function printViolation({ seed, violation }: SeedResult, name: string, seconds: number): void {
  if (violation === null) return;
  const at = (violation.at / 1e6).toFixed(6);
  console.log(`\nVIOLATION of check "${violation.check}" at ${at} s: ${violation.what}`);
  console.log(`replay with: ${name} -- --seed ${seed} --seconds ${seconds} --trace`);
}

async function runOne<Result extends OneResult>(
  { name, simulate }: SimulatorCommand<Result>,
  seed: number,
  seconds: number,
  isTraced: boolean,
): Promise<boolean> {
  const sink = (line: string): void => console.log(line);
  const result = await simulate({ seed, seconds, sink: isTraced ? sink : undefined });
  printViolation(result, name, seconds);
  console.log(`seed ${seed}: ${result.events} events, trace hash ${result.hash}, Node ${process.version}`);
  return result.violation === null;
}

async function runMany<Result extends OneResult>(
  { name, totals, worker, crashed, progressMs }: SimulatorCommand<Result>,
  run: { readonly from: number; readonly count: number; readonly seconds: number; readonly jobs: number },
): Promise<boolean> {
  const startedAt = performance.now();
  const wallMs = (): number => performance.now() - startedAt;
  const progress = setInterval(() => console.log(totals.progress(wallMs())), progressMs);
  const onResult = (result: Result): void => totals.add(result);
  const broken = await runSeeds({ worker, ...run, onResult, crashed });
  clearInterval(progress);
  if (broken !== null) printViolation(broken, name, run.seconds);
  const missing = broken === null ? (totals.missing ?? []) : [];
  console.log(`\n${totals.lines(wallMs()).join('\n')}\nNode                  ${process.version}`);
  for (const what of missing) console.log(`NOT COVERED: ${what}`);
  return broken === null && missing.length === 0;
}
