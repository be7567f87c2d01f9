/** The command line of an order replica, and the exit code and advice for each error. */
import { dirname, resolve } from 'node:path';
import { InvariantError } from '@trireme/domain';
import { DEFAULT_COMPACTION, RaftError, type RaftErrorCode } from '@trireme/raft';
import { HttpTransport } from '@trireme/raft/http';
import {
  EXIT_CODE,
  Metrics,
  UsageError,
  waitForFreeSpace,
  createLog,
  systemFailure,
  lockFolder,
  triremeCommand,
  processCommand,
  readIdentity,
  runProcess,
  parseWholeNumber,
  type CommonOptions,
  type Log,
  type RunningService,
} from '@trireme/service';
import { DEFAULT_SEED, seedHash } from '@trireme/state-machine';
import { addressComparisonWriter, readAddressComparisons } from './group/address-file.js';
import { FOUNDING_PATH, waitForFounders } from './group/founding.js';
import { ensureInstanceId } from './group/instance-file.js';
import { determineMember } from './group/member-file.js';
import { formatFounders, type FoundingAnswer, type Founders } from './rules/group/founding.js';
import type { ReplicaAddress } from './rules/group/addresses.js';
import { isSameSet, parseCatalogList } from './rules/leader/catalog-set.js';
import { MemberAddresses } from './rules/group/member-addresses.js';
import { nameOfMember } from './rules/group/member-ids.js';
import { parsePeers } from './rules/group/peer-list.js';
import type { ReplicaObserver } from './replica/observer.js';
import { PeerMonitor } from './group/peer-monitor.js';
import { Replica } from './replica/replica.js';
import { SeedError, loadSeedFile } from './leader/seed-file.js';

/** Catalogs of a new cluster if the flag is not set. */
const DEFAULT_CATALOGS: readonly string[] = ['catalog-1', 'catalog-2'];

interface Options extends CommonOptions {
  readonly peerPort: number;
  readonly peers: string;
  readonly replicas?: string;
  readonly bootstrap: boolean;
  readonly catalogs?: string;
  readonly data: string;
  readonly seedFile?: string;
  readonly compactEntries: number;
  readonly compactKeep: number;
  readonly compactLagging: number;
}

const RAFT_EXIT_CODES: Partial<Record<RaftErrorCode, number>> = {
  LOG_DAMAGED: EXIT_CODE.damaged,
  BAD_CONFIG: EXIT_CODE.usage,
  STORAGE_FULL: EXIT_CODE.full,
};

function exitCodeOf(error: unknown): number {
  if (error instanceof InvariantError) return EXIT_CODE.internal;
  if (error instanceof SeedError) return EXIT_CODE.usage;
  const known = error instanceof RaftError ? RAFT_EXIT_CODES[error.code] : undefined;
  return known ?? systemFailure(error)?.exitCode ?? unexplained(error);
}

/** A failed write without a known cause is a disk failure; anything else is a bug. */
function unexplained(error: unknown): number {
  return error instanceof RaftError && error.code === 'STORAGE_FAILED'
    ? EXIT_CODE.unavailable
    : EXIT_CODE.internal;
}

/** Advice for the operator about an error of a replica, whose data folder is `options.data`. */
function adviceOf(error: unknown, options: Options): string | null {
  if (error instanceof SeedError)
    return 'correct the seed file, or omit --seed-file to use the ten built-in stocks';
  if (!(error instanceof RaftError)) return null;
  const data = resolve(options.data);
  if (error.code === 'LOG_DAMAGED') {
    return (
      'this replica must not vote with damaged data and stays down. ' +
      `To list the damage: ${triremeCommand('doctor', '--data', data)}. ` +
      `To restore it from the other replicas: ${rejoinCommand(options)}; ` +
      'it restarts with an empty folder, and the old one is kept. See docs/OPERATIONS.md'
    );
  }
  if (error.code === 'BAD_CONFIG') {
    return (
      `--data, --id and --cluster must belong together, and only one process at a time may use ${data}. ` +
      'If another version wrote the folder, see docs/UPGRADING.md. To start with an empty folder, move this one away'
    );
  }
  if (error.code === 'STORAGE_FULL')
    return `free space on the disk of ${data}, then start the replica again; no data is lost`;
  return null;
}

/**
 * The command that adds this replica again as a new member; with the data folder of `npm start` if that runs
 * it.
 */
function rejoinCommand({ id, data, replicas, secretFile, tlsCa, exitWithParent }: Options): string {
  if (exitWithParent) return triremeCommand('members', 'rejoin', id, '--data', dirname(resolve(data)));
  const where = [
    ...['--replicas', replicas ?? 'URL,URL'],
    ...(secretFile === undefined ? [] : ['--secret-file', resolve(secretFile)]),
    ...(tlsCa === undefined ? [] : ['--tls-ca', resolve(tlsCa), '--tls-cert', 'FILE', '--tls-key', 'FILE']),
  ];
  return triremeCommand('members', 'rejoin', id, ...where);
}

/** The addresses of each replica, by its name. */
function readAddresses(options: Options): ReadonlyMap<string, ReplicaAddress> {
  const peers = readList('--peers', options.peers);
  const urls = options.replicas === undefined ? null : readList('--replicas', options.replicas);
  return new Map([...peers].map(([id, peerUrl]) => [id, { peerUrl, url: urls?.get(id) ?? null }]));
}

function readList(flag: string, text: string): ReadonlyMap<string, string> {
  return readFlag(flag, () => parsePeers(text));
}

function readCatalogs(text: string): readonly string[] {
  return readFlag('--catalogs', () => parseCatalogList(text));
}

/** @throws UsageError naming the flag, if `read` throws. */
function readFlag<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** The replica of this process; null until it has started. */
interface Running {
  replica: Replica | null;
}

async function startReplica(
  options: Options,
  context: {
    readonly log: Log;
    readonly metrics: Metrics;
    readonly fatal: (error: unknown) => void;
    readonly stopping: AbortSignal;
    readonly observe: ReplicaObserver | undefined;
    readonly running: Running;
  },
): Promise<RunningService> {
  const { log, metrics, fatal, stopping, observe, running } = context;
  const peerWatch = new PeerMonitor({ log, metrics, fatal });
  const { host, port, peerPort, data } = options;
  const catalogs = options.catalogs === undefined ? null : readCatalogs(options.catalogs);
  const flags = readAddresses(options);
  const own = flags.get(options.id);
  if (own === undefined) throw new UsageError(`--peers does not list this replica, ${options.id}; add it`);
  const identity = readIdentity({ ...options, id: `replica-${options.id}` }, log, metrics);
  const { cluster, secret, tls = null } = identity;
  const { seedFile } = options;
  const seed = seedFile === undefined ? null : await loadSeedFile(seedFile);
  await waitForFreeSpace({ folder: data, log, stopping });
  const lock = await lockFolder(data);
  if (lock === null)
    throw new RaftError(
      'BAD_CONFIG',
      `another process uses ${resolve(data)}, on this machine or in another container`,
    );
  const instance = await ensureInstanceId(data);
  const addresses = new MemberAddresses(
    flags,
    await readAddressComparisons(data),
    addressComparisonWriter(data, fatal),
  );
  /** Answer to other replicas that ask before they found a group. */
  let founding = (): FoundingAnswer => ({
    state: 'empty',
    name: options.id,
    instance,
    founders: [...flags.keys()].join(','),
  });
  const transportOf = (member: string, peers: Iterable<string>): HttpTransport =>
    new HttpTransport({
      id: member,
      cluster,
      secret,
      instance,
      advertise: own.peerUrl,
      // A replica that waits to be added has no peers: the members that added it dial it, and the log names
      // them.
      peers: new Map([...peers].map((peer) => [peer, flags.get(peer)?.peerUrl ?? ''])),
      urlOf: (address, peer) => addresses.resolve(peer, address)?.peerUrl ?? '',
      listen: { host, port: peerPort },
      tls:
        tls === null ? undefined : { source: tls, nameOf: (peer: string) => `replica-${nameOfMember(peer)}` },
      queries: { [FOUNDING_PATH]: () => founding() },
      onEvent: peerWatch.onEvent,
    });
  const found = async (incarnation: string | null): Promise<Founders | null> => {
    const asking = transportOf(options.id, flags.keys());
    try {
      await asking.listen();
      return await waitForFounders({
        name: options.id,
        instance,
        founders: [...flags.keys()],
        transport: asking,
        log,
        stopping,
        rejoin: rejoinCommand(options),
        isIncarnation: incarnation !== null,
      });
    } finally {
      await asking.stop();
    }
  };
  const { id, founders, onOwnerRecorded } = await determineMember({
    data,
    cluster,
    name: options.id,
    founders: [...flags.keys()],
    found: options.bootstrap ? found : null,
  });
  const transport = transportOf(id, founders.keys());
  founding = () =>
    founders.size === 0 && (running.replica?.term ?? 0) === 0
      ? { state: 'waiting', name: options.id, id }
      : { state: 'member', name: options.id, id, founders: formatFounders(founders) };
  const { replica, port: listening } = await Replica.start({
    id,
    addresses,
    onOwnerRecorded,
    data,
    host,
    port,
    seed: seed ?? DEFAULT_SEED,
    catalogs: catalogs ?? DEFAULT_CATALOGS,
    onSeeded: (hash, logged) => {
      if (seed !== null && hash !== seedHash(seed))
        log.warn({ seedFile }, 'seed file ignored: the cluster was created with another seed');
      if (catalogs !== null && !isSameSet(catalogs, logged))
        log.warn({ catalogs, logged }, '--catalogs ignored: the log has another catalog set');
    },
    identity,
    transport,
    log,
    metrics,
    fatal,
    members: [...founders.keys()],
    peerLinks: peerWatch.links,
    memberClocks: peerWatch.clocks,
    compaction: {
      entriesMax: options.compactEntries,
      entriesKept: options.compactKeep,
      laggingEntriesMax: options.compactLagging,
    },
    observe,
  });
  running.replica = replica;
  log.info({ host, port: listening, peerPort, status: replica.status() }, 'replica listens');
  return {
    stop: async () => {
      await replica.stop();
      await lock.release();
    },
  };
}

/** Runs a replica with the flags of the command line until it is stopped. `observe` is for tests. */
export async function main(observe?: ReplicaObserver): Promise<void> {
  const command = processCommand({
    name: 'replica',
    description: 'Runs an order replica: a member of the Raft group that stores the orders.',
  });
  const option = (flags: string, description: string, env: string): ReturnType<typeof command.createOption> =>
    command.createOption(flags, description).env(env).makeOptionMandatory();
  command
    .addOption(
      option(
        '--peer-port <number>',
        'port that the other replicas connect to',
        'TRIREME_PEER_PORT',
      ).argParser(parseWholeNumber(1, 65_535)),
    )
    .addOption(
      option(
        '--peers <list>',
        'peer URLs of all replicas, including this one: 1=http://host:port,2=...',
        'TRIREME_PEERS',
      ),
    )
    .addOption(
      command
        .createOption(
          '--replicas <list>',
          'internal URLs of all replicas, in the same form; announced to front-ends, catalogs and operators',
        )
        .env('TRIREME_REPLICAS'),
    )
    .addOption(
      command
        .createOption(
          '--bootstrap',
          'found a new group once every replica of --peers has confirmed that its data folder is empty',
        )
        .env('TRIREME_BOOTSTRAP')
        .default(false),
    )
    .addOption(
      command
        .createOption(
          '--catalogs <list>',
          `catalog ids of a new cluster (default ${DEFAULT_CATALOGS.join()}); "" for none`,
        )
        .env('TRIREME_CATALOGS'),
    )
    .addOption(option('--data <dir>', 'data folder for the log and the order book', 'TRIREME_DATA'))
    .addOption(
      command
        .createOption(
          '--seed-file <file>',
          'JSON file with the stocks of a new cluster (default: ten built-in stocks)',
        )
        .env('TRIREME_SEED_FILE'),
    )
    .addOption(
      option(
        '--compact-entries <number>',
        'number of log entries that triggers a compaction',
        'TRIREME_COMPACT_ENTRIES',
      )
        .default(DEFAULT_COMPACTION.entriesMax)
        .argParser(parseWholeNumber(1, 100_000_000)),
    )
    .addOption(
      option(
        '--compact-keep <number>',
        'applied log entries to keep after a compaction',
        'TRIREME_COMPACT_KEEP',
      )
        .default(DEFAULT_COMPACTION.entriesKept)
        .argParser(parseWholeNumber(0, 100_000_000)),
    )
    .addOption(
      option(
        '--compact-lagging <number>',
        'maximum number of applied log entries to keep for a lagging replica',
        'TRIREME_COMPACT_LAGGING',
      )
        .default(DEFAULT_COMPACTION.laggingEntriesMax)
        .argParser(parseWholeNumber(0, 100_000_000)),
    );
  const options = command.parse().opts<Options>();
  const running: Running = { replica: null };
  const log = createLog({
    service: 'replica',
    id: options.id,
    level: options.logLevel,
    context: () => ({ term: running.replica?.term }),
  });
  const metrics = new Metrics({ service: 'replica', id: options.id });
  await runProcess({
    log,
    exitWithParent: options.exitWithParent,
    exitCodeOf,
    adviceOf: (error) => adviceOf(error, options),
    start: async (fatal, stopping) =>
      startReplica(options, { log, metrics, fatal, stopping, observe, running }),
  });
}
