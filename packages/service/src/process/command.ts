/** The command line that every process has in common. Each flag is also a variable, and `--help` shows both. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { isName } from '../rules/handshake.js';
import { LOG_LEVELS } from '../log.js';
import { EXIT } from './exit.js';

/** What the common flags give. */
export interface CommonOptions {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly cluster: string;
  readonly secretFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly exitWithParent: boolean;
}

/**
 * A command with the common flags; whoever takes it adds its own and calls `parse` and `opts<CommonOptions & ...>()`.
 * A wrong flag or value is told on standard error and ends the process with exit code 64.
 */
export function processCommand(o: {
  readonly name: string;
  readonly description: string;
  /** Id of the process unless the flag is given; the name unless set. */
  readonly id?: string;
}): Command {
  return new Command(o.name)
    .description(o.description)
    .allowExcessArguments(false)
    .showHelpAfterError('(--help lists the flags)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage))
    .addOption(
      new Option('--id <id>', 'name of this process, unique in its cluster')
        .env('TRIREME_ID')
        .default(o.id ?? o.name)
        .argParser(parseName),
    )
    .addOption(
      new Option('--host <address>', 'address to listen on').env('TRIREME_HOST').default('127.0.0.1'),
    )
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 lets the system choose')
        .env('TRIREME_PORT')
        .default(0)
        .argParser(parsePort),
    )
    .addOption(
      new Option('--cluster <name>', 'name of the cluster; links from another one are refused')
        .env('TRIREME_CLUSTER')
        .default('trireme')
        .argParser(parseName),
    )
    .addOption(
      new Option('--secret-file <file>', "file with the cluster's secret").env('TRIREME_SECRET_FILE'),
    )
    .addOption(
      new Option('--tls-ca <file>', "the cluster's authority, for mutual TLS on internal ports").env(
        'TRIREME_TLS_CA',
      ),
    )
    .addOption(new Option('--tls-cert <file>', "this process's certificate").env('TRIREME_TLS_CERT'))
    .addOption(new Option('--tls-key <file>', 'the key of that certificate').env('TRIREME_TLS_KEY'))
    .addOption(
      new Option('--log-level <level>', 'least weight of what is logged')
        .env('TRIREME_LOG_LEVEL')
        .default('info')
        .choices(LOG_LEVELS),
    )
    .addOption(
      new Option('--exit-with-parent', 'stop when standard input ends (as a variable: set to anything)')
        .env('TRIREME_EXIT_WITH_PARENT')
        .default(false),
    );
}

/** A flag's value as a whole number. @throws InvalidArgumentError outside `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const parsePort = wholeNumber(0, 65_535);

function parseName(text: string): string {
  if (isName(text)) return text;
  throw new InvalidArgumentError('It must have 1 to 64 characters of A-Z a-z 0-9 . _ -');
}
