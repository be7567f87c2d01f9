/** The command line of an order replica, and what its errors mean to whoever started it. */
import { dirname, resolve } from 'node:path';
import { InvariantError } from '@trireme/domain';
import { DEFAULT_COMPACTION, HttpTransport, RaftError, type RaftErrorCode } from '@trireme/raft';
import {
  EXIT,
  Metrics,
  UsageError,
  awaitRoom,
  createLog,
  failureOf,
  lockFolder,
  operatorCommand,
  processCommand,
  readIdentity,
  runProcess,
  wholeNumber,
  type CommonOptions,
  type Log,
  type RunningService,
} from '@trireme/service';
import { DEFAULT_SEED, seedHash } from '@trireme/state-machine';
import { comparisonWriter, readComparisons } from './address-file.js';
import { FOUNDING_PATH, awaitFounding } from './founding.js';
import { claimInstance } from './instance-file.js';
import { claimMember } from './member-file.js';
import { formatFounders, type FoundingAnswer, type Founders } from './rules/founding.js';
import type { ReplicaAddress } from './rules/addresses.js';
import { isSameSet, parseCatalogList } from './rules/catalog-set.js';
import { MemberAddresses } from './rules/member-addresses.js';
import { nameOfMember } from './rules/member-ids.js';
import { parsePeers } from './rules/peers.js';
import type { ReplicaObserver } from './observer.js';
import { PeerWatch } from './peer-watch.js';
import { Replica } from './replica.js';
import { SeedError, loadSeedFile } from './seed-file.js';

/** Of a new cluster, unless the flag names others. */
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
  LOG_DAMAGED: EXIT.damaged,
  BAD_CONFIG: EXIT.usage,
  STORAGE_FULL: EXIT.full,
};

function exitCodeOf(error: unknown): number {
  if (error instanceof InvariantError) return EXIT.internal;
  if (error instanceof SeedError) return EXIT.usage;
  const known = error instanceof RaftError ? RAFT_EXIT_CODES[error.code] : undefined;
  return known ?? failureOf(error)?.exitCode ?? unexplained(error);
}

/** A write that failed and does not say why is the disk's; anything else is a bug. */
function unexplained(error: unknown): number {
  return error instanceof RaftError && error.code === 'STORAGE_FAILED' ? EXIT.unavailable : EXIT.internal;
}

/** What to do about an error of a replica, whose data are in `data`. */
function adviceOf(error: unknown, options: Options): string | null {
  if (error instanceof SeedError)
    return 'mend the seed file, or leave --seed-file out for the ten built-in stocks';
  if (!(error instanceof RaftError)) return null;
  const data = resolve(options.data);
  if (error.code === 'LOG_DAMAGED') {
    return (
      `it stays down, as it must not vote with what is left. What is damaged: ${operatorCommand('doctor', '--data', data)}. ` +
      `To bring it back from the others' log: ${rejoinCommand(options)}; it begins again with an empty folder, the old one is ` +
      'kept. packages/cluster/OPERATING.md tells more'
    );
  }
  if (error.code === 'BAD_CONFIG') {
    return (
      `--data, --id and --cluster must belong together, and one process at a time may use ${data}. A folder that another ` +
      'version wrote: infra/UPGRADING.md. To begin with an empty folder, move this one away'
    );
  }
  if (error.code === 'STORAGE_FULL')
    return `make room on the disk of ${data}, and start it again: it loses nothing`;
  return null;
}

/** Has this replica come back as a new member; by the data folder of `npm start` where that runs it. */
function rejoinCommand({ id, data, replicas, secretFile, tlsCa, exitWithParent }: Options): string {
  if (exitWithParent) return operatorCommand('members', 'rejoin', id, '--data', dirname(resolve(data)));
  const where = [
    ...['--replicas', replicas ?? 'URL,URL'],
    ...(secretFile === undefined ? [] : ['--secret-file', resolve(secretFile)]),
    ...(tlsCa === undefined ? [] : ['--tls-ca', resolve(tlsCa), '--tls-cert', 'FILE', '--tls-key', 'FILE']),
  ];
  return operatorCommand('members', 'rejoin', id, ...where);
}

/** Where each replica is reached, by its name. */
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

/** @throws UsageError that names the flag, for what `read` throws. */
function readFlag<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** @param made called with the replica before it starts */
async function startReplica(
  options: Options,
  context: {
    readonly log: Log;
    readonly metrics: Metrics;
    readonly fatal: (error: unknown) => void;
    readonly stopping: AbortSignal;
    readonly observe: ReplicaObserver | undefined;
  },
  made: (replica: Replica) => void,
): Promise<RunningService> {
  const { log, metrics, fatal, stopping, observe } = context;
  const peerWatch = new PeerWatch({ log, metrics, fatal });
  const { host, port, peerPort, data } = options;
  const catalogs = options.catalogs === undefined ? null : readCatalogs(options.catalogs);
  const flags = readAddresses(options);
  const own = flags.get(options.id);
  if (own === undefined) throw new UsageError(`--peers does not name this replica, ${options.id}`);
  const identity = readIdentity({ ...options, id: `replica-${options.id}` }, log, metrics);
  const { cluster, secret, tls = null } = identity;
  const { seedFile } = options;
  const seed = seedFile === undefined ? null : await loadSeedFile(seedFile);
  await awaitRoom({ folder: data, log, stopping });
  const lock = await lockFolder(data);
  if (lock === null)
    throw new RaftError('BAD_CONFIG', `another process uses ${resolve(data)}, here or in another container`);
  const instance = await claimInstance(data);
  const addresses = new MemberAddresses(flags, await readComparisons(data), comparisonWriter(data, fatal));
  /** What the others are told who ask before they found a group. */
  let founding = (): FoundingAnswer => ({
    ...{ state: 'empty', name: options.id, instance, founders: [...flags.keys()].join(',') },
  });
  const transportOf = (member: string, peers: Iterable<string>): HttpTransport =>
    new HttpTransport({
      ...{ id: member, cluster, secret, instance, advertise: own.peerUrl },
      // Who is let in knows no one: those who have it in the group dial it, and the log names them.
      peers: new Map([...peers].map((peer) => [peer, flags.get(peer)?.peerUrl ?? ''])),
      urlOf: (address, peer) => addresses.resolve(peer, address)?.peerUrl ?? '',
      listen: { host, port: peerPort },
      ...(tls === null
        ? {}
        : { tls: { source: tls, nameOf: (peer: string) => `replica-${nameOfMember(peer)}` } }),
      questions: { [FOUNDING_PATH]: () => founding() },
      onEvent: peerWatch.onEvent,
    });
  const found = async (incarnation: string | null): Promise<Founders | null> => {
    const asking = transportOf(options.id, flags.keys());
    try {
      await asking.listen();
      return await awaitFounding({
        ...{ name: options.id, instance, founders: [...flags.keys()], transport: asking, log, stopping },
        ...{ rejoin: rejoinCommand(options), isIncarnation: incarnation !== null },
      });
    } finally {
      await asking.stop();
    }
  };
  const { id, founders, recorded } = await claimMember({
    ...{ data, cluster, name: options.id, founders: [...flags.keys()] },
    found: options.bootstrap ? found : null,
  });
  const transport = transportOf(id, founders.keys());
  const replica = new Replica({
    ...{
      id,
      addresses,
      recorded,
      data,
      host,
      port,
      seed: seed ?? DEFAULT_SEED,
      catalogs: catalogs ?? DEFAULT_CATALOGS,
      onSeeded: (hash, logged) => {
        if (seed !== null && hash !== seedHash(seed))
          log.warn({ seedFile }, 'the seed file is not what this cluster was seeded with, and is not used');
        if (catalogs !== null && !isSameSet(catalogs, logged))
          log.warn({ catalogs, logged }, 'the set of catalogs stands in the log; --catalogs is not used');
      },
      identity,
      transport,
      log,
      metrics,
      fatal,
    },
    members: [...founders.keys()],
    peerLinks: peerWatch.links,
    memberClocks: peerWatch.clocks,
    compaction: {
      entriesMax: options.compactEntries,
      entriesKept: options.compactKeep,
      laggingEntriesMax: options.compactLagging,
    },
    ...(observe === undefined ? {} : { observe }),
  });
  founding = () =>
    founders.size === 0 && (replica.term ?? 0) === 0
      ? { state: 'waiting', name: options.id, id }
      : { state: 'member', name: options.id, id, founders: formatFounders(founders) };
  made(replica);
  const listening = await replica.start();
  log.info({ host, port: listening, peerPort, status: replica.status() }, 'replica listens');
  return {
    stop: async () => {
      await replica.stop();
      await lock.release();
    },
  };
}

/** Runs a replica by its command line until it is stopped. `observe` is for tests. */
export async function main(observe?: ReplicaObserver): Promise<void> {
  const command = processCommand({ name: 'replica', description: 'Agrees on orders and keeps the book.' });
  const option = (flags: string, description: string, env: string): ReturnType<typeof command.createOption> =>
    command.createOption(flags, description).env(env).makeOptionMandatory();
  command
    .addOption(
      option('--peer-port <number>', 'port for the other replicas', 'TRIREME_PEER_PORT').argParser(
        wholeNumber(1, 65_535),
      ),
    )
    .addOption(
      option('--peers <list>', 'every replica, this one too: 1=http://host:port,2=...', 'TRIREME_PEERS'),
    )
    .addOption(
      command
        .createOption(
          '--replicas <list>',
          'their internal ports, likewise; for who asks the group where it is',
        )
        .env('TRIREME_REPLICAS'),
    )
    .addOption(
      command
        .createOption(
          '--bootstrap',
          'the group is new: an empty folder makes a founder once every replica of --peers has said that it is empty too',
        )
        .env('TRIREME_BOOTSTRAP')
        .default(false),
    )
    .addOption(
      command
        .createOption(
          '--catalogs <list>',
          `ids of the catalogs that a new cluster begins with, such as ${DEFAULT_CATALOGS.join()}, which it is unless set; "" for none`,
        )
        .env('TRIREME_CATALOGS'),
    )
    .addOption(option('--data <dir>', 'folder of log and book', 'TRIREME_DATA'))
    .addOption(
      command
        .createOption(
          '--seed-file <file>',
          'stocks that a new cluster begins with, instead of the ten built in',
        )
        .env('TRIREME_SEED_FILE'),
    )
    .addOption(
      option('--compact-entries <number>', 'log entries between two compactions', 'TRIREME_COMPACT_ENTRIES')
        .default(DEFAULT_COMPACTION.entriesMax)
        .argParser(wholeNumber(1, 100_000_000)),
    )
    .addOption(
      option('--compact-keep <number>', 'applied log entries that stay', 'TRIREME_COMPACT_KEEP')
        .default(DEFAULT_COMPACTION.entriesKept)
        .argParser(wholeNumber(0, 100_000_000)),
    )
    .addOption(
      option(
        '--compact-lagging <number>',
        'applied log entries that stay at most for a replica that is up and lags',
        'TRIREME_COMPACT_LAGGING',
      )
        .default(DEFAULT_COMPACTION.laggingEntriesMax)
        .argParser(wholeNumber(0, 100_000_000)),
    );
  const options = command.parse().opts<Options>();
  const running: { replica: Replica | null } = { replica: null };
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
      startReplica(options, { log, metrics, fatal, stopping, observe }, (replica) => {
        running.replica = replica;
      }),
  });
}
