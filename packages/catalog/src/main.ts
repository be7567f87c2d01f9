/** The catalog process. */
import { resolve } from 'node:path';
import {
  awaitRoom,
  createLog,
  EXIT,
  failureOf,
  operatorCommand,
  Metrics,
  processCommand,
  readIdentity,
  runProcess,
  wholeNumber,
  type CommonOptions,
} from '@trireme/service';
import { LEASE_MS_MAX } from './rules/leases.js';
import { DEFAULT_SEED, loadSeedFile, SeedError } from './seed.js';
import { CatalogService } from './service.js';
import { StoreError, type StoreErrorCode } from './store-error.js';
import { CatalogStore } from './store.js';

interface Options extends CommonOptions {
  readonly data: string;
  readonly seedFile?: string;
  readonly leaseMs: number;
}

const STORE_EXIT_CODES: Readonly<Partial<Record<StoreErrorCode, number>>> = {
  DAMAGED: EXIT.damaged,
  OTHER_CLUSTER: EXIT.usage,
  OTHER_FORMAT: EXIT.usage,
  LOCKED: EXIT.usage,
  NOT_A_CATALOG: EXIT.usage,
  FULL: EXIT.full,
};

function exitCodeOf(error: unknown): number {
  if (error instanceof SeedError) return EXIT.usage;
  const known = error instanceof StoreError ? STORE_EXIT_CODES[error.code] : undefined;
  return (
    known ?? failureOf(error)?.exitCode ?? (error instanceof StoreError ? EXIT.unavailable : EXIT.internal)
  );
}

/** What to do about an error of a catalog, whose data are in `data`. */
function adviceOf(error: unknown, data: string): string | null {
  if (error instanceof SeedError)
    return 'mend the seed file, or leave --seed-file out for the ten built-in stocks';
  if (!(error instanceof StoreError)) return null;
  if (STORE_EXIT_CODES[error.code] === EXIT.usage) {
    return (
      `--data and --cluster must belong together, and one process at a time may use ${data}. A folder that another version ` +
      'wrote: infra/UPGRADING.md. A catalog that starts with an empty folder is rebuilt from its seed file and the order book'
    );
  }
  if (error.code === 'DAMAGED') {
    return (
      `what is damaged: ${operatorCommand('doctor', '--data', data)}. ` +
      `To bring it back: move ${data} away and start the catalog, which is rebuilt from its seed file and the order book`
    );
  }
  if (error.code === 'FULL') return `make room on the disk of ${data}, and start it again: it loses nothing`;
  return null;
}

const command = processCommand({ name: 'catalog', description: 'Keeps stock: decides each log index once.' });
command
  .addOption(
    command.createOption('--data <dir>', 'folder of the store').env('TRIREME_DATA').makeOptionMandatory(),
  )
  .addOption(
    command
      .createOption(
        '--seed-file <file>',
        'stocks that an empty folder begins with, instead of the ten built in',
      )
      .env('TRIREME_SEED_FILE'),
  )
  .addOption(
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
  exitCodeOf,
  adviceOf: (error) => adviceOf(error, resolve(options.data)),
  start: async (fatal, stopping) => {
    const { data, cluster, host, port, leaseMs, seedFile } = options;
    const metrics = new Metrics({ service: 'catalog', id: options.id });
    const identity = readIdentity(options, log, metrics);
    const seed = seedFile === undefined ? DEFAULT_SEED : await loadSeedFile(seedFile);
    await awaitRoom({ folder: data, log, stopping });
    const store = await CatalogStore.open({ folder: data, cluster, seed });
    const service = new CatalogService({ store, identity, log, metrics, host, port, leaseMs, fatal });
    const listening = await service.start();
    const { lastIndex, stocks } = service.status();
    log.info({ host, port: listening, fresh: store.fresh, lastIndex, stocks }, 'catalog listens');
    return service;
  },
});
