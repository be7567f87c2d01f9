/** Options that several commands have. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseWholeNumber } from '@trireme/service';
import { DATA_DEFAULT } from './command-line.js';
import { EXIT_HELP } from './errors.js';

/** Options of every command that talks to a cluster. */
export interface CommonOptions {
  readonly data: string;
  /** Internal URLs; if given, the data folder is ignored. */
  readonly replicas?: readonly string[];
  readonly secretFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly json: boolean;
}

/** Options of a command that changes the group or the catalog set. */
export interface ChangeOptions extends CommonOptions {
  readonly timeoutSeconds: number;
  readonly force?: boolean;
  readonly url?: string;
  readonly peerUrl?: string;
}

const FORCE_HELP =
  'make the change even if it leaves too few reachable voters or if the new voter lacks log entries; the group may ' +
  'then be unable to accept orders';

/** `--data` of a command that needs, or can use, the data folder of a cluster. */
export function dataOption(): Option {
  return new Option('--data <folder>', 'data folder of a cluster that npm start runs')
    .env('TRIREME_DATA')
    .default(DATA_DEFAULT);
}

/** `--timeout-seconds` of a command that may be run again. */
export function timeoutOption(secondsDefault: number): Option {
  return new Option('--timeout-seconds <n>', 'time limit in seconds; run the same command again to continue')
    .env('TRIREME_TIMEOUT_SECONDS')
    .argParser(parseWholeNumber(1, 86_400))
    .default(secondsDefault);
}

export function addCommonOptions(command: Command): Command {
  return command
    .addOption(dataOption())
    .addOption(
      new Option('--replicas <urls>', 'internal URLs of replicas, separated by commas; replaces --data')
        .env('TRIREME_REPLICAS')
        .argParser(parseUrls),
    )
    .addOption(
      new Option('--secret-file <file>', 'file with the secret of the cluster (default: that of --data)').env(
        'TRIREME_SECRET_FILE',
      ),
    )
    .addOption(
      new Option(
        '--tls-ca <file>',
        'certificate authority of the cluster (PEM); requires --tls-cert and --tls-key',
      ).env('TRIREME_TLS_CA'),
    )
    .addOption(new Option('--tls-cert <file>', 'certificate of the operator (PEM)').env('TRIREME_TLS_CERT'))
    .addOption(new Option('--tls-key <file>', 'private key of the certificate (PEM)').env('TRIREME_TLS_KEY'))
    .addOption(new Option('--json', 'print the result as JSON').env('TRIREME_JSON').default(false))
    .addHelpText('after', EXIT_HELP);
}

/** Adds the options of a command that changes the group or the catalog set. */
export function addChangeOptions(command: Command): Command {
  return addCommonOptions(command).addOption(timeoutOption(600));
}

/** Adds the options of a command after which a replica joins the group. */
export function addJoinOptions(command: Command): Command {
  return addChangeOptions(command)
    .addOption(
      new Option('--url <url>', 'internal URL of the replica, if npm start does not run the cluster')
        .env('TRIREME_URL')
        .argParser(parseUrl),
    )
    .addOption(
      new Option('--peer-url <url>', 'peer URL of the replica, if npm start does not run the cluster')
        .env('TRIREME_PEER_URL')
        .argParser(parseUrl),
    );
}

export function addForceOption(command: Command, description = FORCE_HELP): Command {
  return command.option('--force', description, false);
}

/** Parses `URL,URL`. Each URL may have the replica's name before it (`1=URL`), as in the flag of the processes. */
function parseUrls(text: string): readonly string[] {
  const urls = text.split(',').map((item) => item.replace(/^[^=/]+=/, '').replace(/\/$/, ''));
  if (urls.every((url) => URL.canParse(url) && /^https?:/.test(url))) return urls;
  throw new InvalidArgumentError('It must be URLs, for example http://127.0.0.1:8191,http://127.0.0.1:8192.');
}

export function parseUrl(text: string): string {
  const [url, ...more] = parseUrls(text);
  if (url !== undefined && more.length === 0) return url;
  throw new InvalidArgumentError('It must be one URL.');
}
