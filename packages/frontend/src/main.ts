/** The front-end process. */
import { STOCKS_MAX } from '@trireme/domain';
import {
  createLog,
  EXIT,
  failureOf,
  Metrics,
  parseReplicas,
  processCommand,
  readIdentity,
  readSecret,
  runProcess,
  wholeNumber,
  type CommonOptions,
} from '@trireme/service';
import { startFrontend } from './frontend.js';
import { parseOrigin } from './origin.js';

interface Options extends CommonOptions {
  readonly replicas: string;
  readonly cacheSize: number;
  readonly cache: boolean;
  readonly deadlineMs: number;
  readonly operatorTokenFile?: string;
  readonly lingerMs: number;
  readonly corsOrigin?: string;
  readonly rateLimit?: number;
}

/** From the signal to the end, in milliseconds, beside the time that it lingers. */
const STOP_MS_MAX = 10_000;

function exitCodeOf(error: unknown): number {
  return failureOf(error)?.exitCode ?? EXIT.internal;
}

const command = processCommand({
  name: 'frontend',
  description: 'The public HTTP API of a Trireme cluster.',
});
command
  .addOption(
    command
      .createOption(
        '--replicas <list>',
        'order replicas, as in 1=http://127.0.0.1:8191,2=http://127.0.0.1:8192',
      )
      .env('TRIREME_REPLICAS')
      .makeOptionMandatory(),
  )
  .addOption(
    command
      .createOption('--cache-size <stocks>', 'stocks in the cache at most')
      .env('TRIREME_CACHE_SIZE')
      .default(5)
      .argParser(wholeNumber(0, STOCKS_MAX)),
  )
  .addOption(command.createOption('--no-cache', 'ask a catalog for every lookup').env('TRIREME_NO_CACHE'))
  .addOption(
    command
      .createOption('--deadline-ms <ms>', 'within which every request is answered')
      .env('TRIREME_DEADLINE_MS')
      .default(5_000)
      .argParser(wholeNumber(10, 600_000)),
  )
  .addOption(
    command
      .createOption('--operator-token-file <file>', 'token of those who may list and restock stocks')
      .env('TRIREME_OPERATOR_TOKEN_FILE'),
  )
  .addOption(
    command
      .createOption(
        '--cors-origin <origin>',
        'origin whose pages may use this API, as in https://shop.example, or *; none unless set',
      )
      .env('TRIREME_CORS_ORIGIN'),
  )
  .addOption(
    command
      .createOption(
        '--rate-limit <requests>',
        'requests a second that one client address may make, twice as many at once; no bound unless set',
      )
      .env('TRIREME_RATE_LIMIT')
      .argParser(wholeNumber(1, 1_000_000)),
  )
  .addOption(
    command
      .createOption(
        '--linger-ms <ms>',
        'how long it stays open when stopping, not ready any more, for balancers',
      )
      .env('TRIREME_LINGER_MS')
      .default(0)
      .argParser(wholeNumber(0, 60_000)),
  );
const options = command.parse().opts<Options>();
const log = createLog({ service: 'frontend', id: options.id, level: options.logLevel });

await runProcess({
  log,
  exitWithParent: options.exitWithParent,
  exitCodeOf,
  stopMsMax: STOP_MS_MAX + options.lingerMs,
  start: async () => {
    const metrics = new Metrics({ service: 'frontend', id: options.id });
    return startFrontend({
      // The secret guards the links between processes. The public port is open to everyone by its nature, so that
      // the rule of the internal ports, loopback or a secret, says nothing about where it may listen.
      identity: readIdentity({ ...options, host: '127.0.0.1' }, log, metrics),
      host: options.host,
      port: options.port,
      replicas: parseReplicas(options.replicas),
      cacheSize: options.cache ? options.cacheSize : 0,
      deadlineMs: options.deadlineMs,
      corsOrigin: options.corsOrigin === undefined ? null : parseOrigin(options.corsOrigin),
      requestsPerSecond: options.rateLimit ?? null,
      operatorToken:
        options.operatorTokenFile === undefined ? null : readSecret(options.operatorTokenFile, log),
      log,
      metrics,
      lingerMs: options.lingerMs,
    });
  },
});
