/** What the benchmarks' command lines have in common. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Results } from './output/results.js';

/** Parser of an option that is a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Parser of an option that is a number within bounds. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

/** Options of every benchmark. */
export interface CommonOptions {
  readonly name: string;
  readonly publish: boolean;
}

/** Adds them. @param name of the result unless another is given. */
export function withCommonOptions(command: Command, name: string): Command {
  return command
    .option(
      '--name <name>',
      'folder in bench/results that the result goes to; one of that name is replaced',
      name,
    )
    .option(
      '--publish',
      'copy page, figures and plots into bench/results itself, where git keeps them',
      false,
    );
}

/** How the run was called, for whoever repeats it. */
export function calledAs(script: string): string {
  const given = process.argv.slice(2).filter((word) => word !== '--publish');
  return ['npm run', script, ...(given.length === 0 ? [] : ['--', ...given])].join(' ');
}

/**
 * Writes the page, shows it, or what is given instead, and says where the result is; publishes it if that was asked for.
 */
export function finish(results: Results, options: CommonOptions, page: string, shown = page): void {
  results.markdown(page);
  console.log(`\n${shown}`);
  if (options.publish) results.publish();
  console.log(`\nresults in ${results.path}`);
}

/** Runs a benchmark: what it throws becomes one line on standard error and exit code 1. */
export async function runBench(command: Command): Promise<void> {
  try {
    await command.parseAsync();
  } catch (error) {
    console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
