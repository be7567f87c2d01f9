/** The catalog process. */
import { isCatalogId } from '@trireme/domain';
import {
  createLog,
  EXIT_CODE,
  systemFailure,
  Metrics,
  parseHttpUrl,
  parseReplicas,
  processCommand,
  readIdentity,
  runProcess,
  UsageError,
  type CommonOptions,
} from '@trireme/service';
import { CatalogService } from './service.js';

interface Options extends CommonOptions {
  readonly replicas: string;
  readonly url?: string;
}

const command = processCommand({
  name: 'catalog',
  description: 'Runs a catalog: follows the log and answers stock look-ups. Stores nothing on disk.',
  id: 'catalog-1',
});
command
  .addOption(
    command
      .createOption(
        '--replicas <list>',
        'order replicas as ID=URL, separated by commas, such as 1=http://127.0.0.1:8191,2=http://127.0.0.1:8192',
      )
      .env('TRIREME_REPLICAS')
      .makeOptionMandatory(),
  )
  .addOption(
    command
      .createOption(
        '--url <url>',
        'URL of this port as front-ends reach it (default: from --host and --port)',
      )
      .env('TRIREME_URL'),
  );
const options = command.parse().opts<Options>();
const log = createLog({ service: 'catalog', id: options.id, level: options.logLevel });

await runProcess({
  log,
  exitWithParent: options.exitWithParent,
  exitCodeOf: (error) => systemFailure(error)?.exitCode ?? EXIT_CODE.internal,
  start: async (fatal) => {
    const { id, host, port } = options;
    if (!isCatalogId(id)) {
      throw new UsageError(
        `invalid --id ${options.id}: use "catalog", or "catalog-" or "catalog." followed by 1 to 56 characters of A-Z a-z 0-9 . _ -`,
      );
    }
    const replicas = parseReplicas(options.replicas);
    const url = options.url === undefined ? undefined : parseHttpUrl(options.url);
    const metrics = new Metrics({ service: 'catalog', id });
    const identity = readIdentity(options, log, metrics);
    const service = new CatalogService({ identity, log, metrics, host, port, url, replicas, fatal });
    const listening = await service.start();
    log.info({ host, port: listening }, 'catalog is listening');
    return service;
  },
});
