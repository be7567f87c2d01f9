/** What all benchmark commands share: options, a session, results, and a page at the end. */
import { Command, InvalidArgumentError } from 'commander';
import { Results } from './output/results.js';
import type { PageHead } from './rules/text.js';
import { describeMachine, machineLine, type Machine } from './system/machine.js';
import { runInSession, type BenchSession } from './system/session.js';

/** Options of every benchmark. */
export interface CommonOptions {
  readonly name: string;
  readonly publish: boolean;
}

/** One run of a benchmark. */
export interface BenchRun<Options extends CommonOptions> {
  readonly session: BenchSession;
  readonly options: Options;
  readonly results: Results;
  /** What every page says about its run. */
  readonly head: PageHead;
  /** What every JSON file says about its run. */
  readonly details: { readonly machine: Machine; readonly command: string; readonly options: Options };
}

export interface Report {
  readonly page: string;
  /** Printed instead of the page. */
  readonly shown?: string;
}

/**
 * Makes a sub-command that runs a benchmark, writes its page, and prints it with the path of the results.
 * @param name of the command, and default name of the result.
 * @param run measures, and writes all results but the page.
 */
export function benchCommand<Options extends CommonOptions>(
  name: string,
  summary: string,
  description: string,
  run: (run: BenchRun<Options>) => Promise<Report>,
): Command {
  return new Command(name)
    .summary(summary)
    .description(description)
    .option(
      '--name <name>',
      'name of the result folder in bench/results; an existing folder is replaced',
      name,
    )
    .option('--publish', 'also copy the page, JSON and plots to bench/results, which is in git', false)
    .action(async (options: Options) => {
      const results = new Results(options.name);
      const machine = describeMachine();
      const command = repeatCommand();
      const head = { machine: machineLine(machine), command };
      await runInSession(async (session) => {
        const details = { machine, command, options };
        const { page, shown = page } = await run({ session, options, results, head, details });
        results.markdown(page);
        console.log(`\n${shown}`);
        if (options.publish) results.publish();
        console.log(`\nresults in ${results.path}`);
      });
    });
}

/** The command line that repeats this run. */
function repeatCommand(): string {
  const args = process.argv.slice(2).filter((word) => word !== '--publish');
  return `npm run bench -- ${args.join(' ')}`;
}

/** Returns a parser for an option whose value is a whole number from `min` to `max`. */
export function integerParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** Returns a parser for an option whose value is a number from `min` to `max`. */
export function numberParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a number from ${min} to ${max}.`);
  };
}
