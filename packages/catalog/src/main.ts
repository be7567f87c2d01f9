/** The catalog process. */
import {
  createLog,
  EXIT,
  failureOf,
  Metrics,
  processCommand,
  readIdentity,
  runProcess,
  wholeNumber,
  type CommonOptions,
} from '@trireme/service';
import { LEASE_MS_MAX } from './rules/leases.js';
import { CatalogService } from './service.js';

interface Options extends CommonOptions {
  readonly leaseMs: number;
}

const command = processCommand({
  name: 'catalog',
  description: 'Follows the log and answers look-ups of stocks. Keeps nothing on disk.',
});
command.addOption(
  command
    .createOption('--lease-ms <ms>', 'how long a front-end may answer from its cache without asking')
    .env('TRIREME_LEASE_MS')
    .default(500)
    .argParser(wholeNumber(1, LEASE_MS_MAX)),
);
const options = command.parse().opts<Options>();
const log = createLog({ service: 'catalog', id: options.id, level: options.logLevel });

await runProcess({
  log,
  exitWithParent: options.exitWithParent,
  exitCodeOf: (error) => failureOf(error)?.exitCode ?? EXIT.internal,
  start: async (fatal) => {
    const { host, port, leaseMs } = options;
    const metrics = new Metrics({ service: 'catalog', id: options.id });
    const identity = readIdentity(options, log, metrics);
    const service = new CatalogService({ identity, log, metrics, host, port, leaseMs, fatal });
    const listening = await service.start();
    log.info({ host, port: listening }, 'catalog listens');
    return service;
  },
});
