/** The catalog process. */
import {
  createLog,
  EXIT,
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

const STORE_EXIT_CODES: Readonly<Record<StoreErrorCode, number>> = {
  DAMAGED: EXIT.damaged,
  OTHER_CLUSTER: EXIT.usage,
  OTHER_FORMAT: EXIT.damaged,
  LOCKED: EXIT.usage,
  OPEN_FAILED: EXIT.unavailable,
  WRITE_FAILED: EXIT.unavailable,
};

function exitCodeOf(error: unknown): number {
  if (error instanceof StoreError) return STORE_EXIT_CODES[error.code];
  if (error instanceof SeedError) return EXIT.usage;
  // The system's errors when it cannot listen carry the call's name.
  if (error instanceof Error && 'syscall' in error) return EXIT.unavailable;
  return EXIT.internal;
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
  start: async (fatal) => {
    const { data, cluster, host, port, leaseMs, seedFile } = options;
    const identity = readIdentity(options, log);
    const seed = seedFile === undefined ? DEFAULT_SEED : await loadSeedFile(seedFile);
    const metrics = new Metrics({ service: 'catalog', id: options.id });
    const store = await CatalogStore.open({ folder: data, cluster, seed });
    const service = new CatalogService({ store, identity, log, metrics, host, port, leaseMs, fatal });
    const listening = await service.start();
    const { lastIndex, stocks } = service.status();
    log.info({ host, port: listening, fresh: store.fresh, lastIndex, stocks }, 'catalog listens');
    return service;
  },
});
