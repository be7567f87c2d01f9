/** Options and output that all benchmark commands share. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Results } from './output/results.js';

/** Returns a parser for an option whose value is a whole number from `min` to `max`. */
export function integerParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** Returns a parser for an option whose value is a number from `min` to `max`. */
export function parseNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a number from ${min} to ${max}.`);
  };
}

/** Options of every benchmark. */
export interface CommonOptions {
  readonly name: string;
  readonly publish: boolean;
}

/** Adds the common options. @param name default name of the result. */
export function addCommonOptions(command: Command, name: string): Command {
  return command
    .option(
      '--name <name>',
      'name of the result folder in bench/results; an existing folder is replaced',
      name,
    )
    .option('--publish', 'also copy the page, JSON and plots to bench/results, which is in git', false);
}

/** The command line that repeats this run. */
export function commandLine(script: string): string {
  const args = process.argv.slice(2).filter((word) => word !== '--publish');
  return ['npm run', script, ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
}

/**
 * Writes the page, prints it (or `shown`) with the path of the results, and publishes them with `--publish`.
 */
export function publishPage(results: Results, options: CommonOptions, page: string, shown = page): void {
  results.markdown(page);
  console.log(`\n${shown}`);
  if (options.publish) results.publish();
  console.log(`\nresults in ${results.path}`);
}

/** Runs a benchmark. An error is printed as one line on standard error, with exit code 1. */
export async function runBench(command: Command): Promise<void> {
  try {
    await command.parseAsync();
  } catch (error) {
    console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
