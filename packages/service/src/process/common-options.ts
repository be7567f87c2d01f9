/** The common command-line options of all processes. Each can also be set by an environment variable. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { isName } from '../link/handshake.js';
import { LOG_LEVELS } from '../log.js';
import { EXIT_CODE } from './exit.js';

/** The values of the common options. */
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
 * Creates a command with the common options. The caller adds its own, and calls `parse` and
 * `opts<CommonOptions & ...>()`. An invalid option is reported on standard error, and the process exits with code 64.
 */
export function processCommand({
  name,
  description,
  id = name,
}: {
  readonly name: string;
  readonly description: string;
  /** Default of `--id`; the name unless given. */
  readonly id?: string;
}): Command {
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError('(see --help for the options)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.usage))
    .addOption(
      new Option('--id <id>', 'name of this process, unique in the cluster')
        .env('TRIREME_ID')
        .default(id)
        .argParser(parseName),
    )
    .addOption(
      new Option('--host <address>', 'address to listen on').env('TRIREME_HOST').default('127.0.0.1'),
    )
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 for any free port')
        .env('TRIREME_PORT')
        .default(0)
        .argParser(parsePort),
    )
    .addOption(
      new Option('--cluster <name>', 'name of the cluster; links from other clusters are refused')
        .env('TRIREME_CLUSTER')
        .default('trireme')
        .argParser(parseName),
    )
    .addOption(
      new Option('--secret-file <file>', "file with the cluster's secret").env('TRIREME_SECRET_FILE'),
    )
    .addOption(
      new Option(
        '--tls-ca <file>',
        "file with the cluster's CA certificate, for mutual TLS on internal ports",
      ).env('TRIREME_TLS_CA'),
    )
    .addOption(
      new Option('--tls-cert <file>', 'file with the certificate of this process').env('TRIREME_TLS_CERT'),
    )
    .addOption(
      new Option('--tls-key <file>', 'file with the private key of the certificate').env('TRIREME_TLS_KEY'),
    )
    .addOption(
      new Option('--log-level <level>', 'minimum level of log lines')
        .env('TRIREME_LOG_LEVEL')
        .default('info')
        .choices(LOG_LEVELS),
    )
    .addOption(
      new Option('--exit-with-parent', 'stop when standard input ends (as a variable: any value)')
        .env('TRIREME_EXIT_WITH_PARENT')
        .default(false),
    );
}

/** Parses an option's value as a whole number. @throws InvalidArgumentError outside `min` to `max`. */
export function parseWholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const parsePort = parseWholeNumber(0, 65_535);

function parseName(text: string): string {
  if (isName(text)) return text;
  throw new InvalidArgumentError('It must have 1 to 64 characters of A-Z a-z 0-9 . _ -');
}
