/** The front-end process. */
import { STOCKS_MAX } from '@trireme/domain';
import {
  createLog,
  EXIT_CODE,
  systemFailure,
  Metrics,
  parseReplicas,
  processCommand,
  readIdentity,
  readSecret,
  runProcess,
  parseWholeNumber,
  type CommonOptions,
} from '@trireme/service';
import { startFrontend } from './frontend.js';
import { parseOrigin } from './http/responses.js';

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

/** Milliseconds from the stop signal to the exit, in addition to the linger time. */
const STOP_MS_MAX = 10_000;

function exitCodeOf(error: unknown): number {
  return systemFailure(error)?.exitCode ?? EXIT_CODE.internal;
}

const command = processCommand({
  name: 'frontend',
  description: 'Serves the public HTTP API of a Trireme cluster.',
});
command
  .addOption(
    command
      .createOption(
        '--replicas <list>',
        'order replicas to connect to, for example 1=http://127.0.0.1:8191,2=http://127.0.0.1:8192',
      )
      .env('TRIREME_REPLICAS')
      .makeOptionMandatory(),
  )
  .addOption(
    command
      .createOption('--cache-size <stocks>', 'maximum number of stocks in the cache')
      .env('TRIREME_CACHE_SIZE')
      .default(5)
      .argParser(parseWholeNumber(0, STOCKS_MAX)),
  )
  .addOption(
    command
      .createOption('--no-cache', 'disable the cache: ask a catalog for every look-up')
      .env('TRIREME_NO_CACHE'),
  )
  .addOption(
    command
      .createOption('--deadline-ms <ms>', 'time limit of a request in ms')
      .env('TRIREME_DEADLINE_MS')
      .default(5_000)
      .argParser(parseWholeNumber(10, 600_000)),
  )
  .addOption(
    command
      .createOption(
        '--operator-token-file <file>',
        'file with the token that is required to list and restock stocks',
      )
      .env('TRIREME_OPERATOR_TOKEN_FILE'),
  )
  .addOption(
    command
      .createOption(
        '--cors-origin <origin>',
        'origin whose pages may use this API, for example https://shop.example, or * for all; none by default',
      )
      .env('TRIREME_CORS_ORIGIN'),
  )
  .addOption(
    command
      .createOption(
        '--rate-limit <requests>',
        'requests per second that one client address may make, with bursts of twice as many; unlimited by default',
      )
      .env('TRIREME_RATE_LIMIT')
      .argParser(parseWholeNumber(1, 1_000_000)),
  )
  .addOption(
    command
      .createOption(
        '--linger-ms <ms>',
        'time in ms to keep serving after a stop signal, reporting not ready, so that load balancers stop routing here',
      )
      .env('TRIREME_LINGER_MS')
      .default(0)
      .argParser(parseWholeNumber(0, 60_000)),
  );
const options = command.parse().opts<Options>();
const log = createLog({ service: 'frontend', id: options.id, level: options.logLevel });

await runProcess({
  log,
  exitWithParent: options.exitWithParent,
  exitCodeOf,
  stopTimeoutMs: STOP_MS_MAX + options.lingerMs,
  start: async () => {
    const metrics = new Metrics({ service: 'frontend', id: options.id });
    return startFrontend({
      // The secret protects the internal links only. The public port may listen on any address without one, so
      // `readIdentity` gets a loopback host.
      identity: readIdentity({ ...options, host: '127.0.0.1' }, log, metrics),
      host: options.host,
      port: options.port,
      replicas: parseReplicas(options.replicas),
      cacheSize: options.cache ? options.cacheSize : 0,
      deadlineMs: options.deadlineMs,
      corsOrigin: options.corsOrigin === undefined ? null : parseOrigin(options.corsOrigin),
      rateLimitPerSecond: options.rateLimit ?? null,
      operatorToken:
        options.operatorTokenFile === undefined ? null : readSecret(options.operatorTokenFile, log),
      log,
      metrics,
      lingerMs: options.lingerMs,
    });
  },
});
