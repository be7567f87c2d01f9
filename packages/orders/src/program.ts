/** The command line of an order replica, and what its errors mean to whoever started it. */
import { InvariantError } from '@trireme/domain';
import { DEFAULT_COMPACTION, HttpTransport, RaftError, type RaftErrorCode } from '@trireme/raft';
import {
  EXIT,
  Metrics,
  UsageError,
  awaitRoom,
  createLog,
  processCommand,
  readIdentity,
  runProcess,
  wholeNumber,
  type CommonOptions,
} from '@trireme/service';
import { parsePeers } from './rules/peers.js';
import type { ReplicaObserver } from './observer.js';
import { PeerWatch } from './peer-watch.js';
import { Replica } from './replica.js';

interface Options extends CommonOptions {
  readonly peerPort: number;
  readonly peers: string;
  readonly catalog: string;
  readonly data: string;
  readonly compactEntries: number;
  readonly compactKeep: number;
}

const RAFT_EXIT_CODES: Partial<Record<RaftErrorCode, number>> = {
  LOG_DAMAGED: EXIT.damaged,
  BAD_CONFIG: EXIT.usage,
  STORAGE_FAILED: EXIT.unavailable,
  STORAGE_FULL: EXIT.full,
};

function exitCodeOf(error: unknown): number {
  if (error instanceof InvariantError) return EXIT.internal;
  if (error instanceof RaftError) return RAFT_EXIT_CODES[error.code] ?? EXIT.internal;
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return EXIT.full;
  // The system's errors when it cannot listen carry the call's name.
  if (error instanceof Error && 'syscall' in error) return EXIT.unavailable;
  return EXIT.internal;
}

/** What to do about an error of a replica, whose data are in `data`. */
function adviceOf(error: unknown, { id, data }: Options): string | null {
  if (!(error instanceof RaftError)) return null;
  if (error.code === 'LOG_DAMAGED') {
    return (
      `it stays down, as it must not vote with what is left. What is damaged: npm run doctor -- --data ${data}. ` +
      `To bring it back from the others' log: npx trireme members rejoin ${id}`
    );
  }
  if (error.code === 'STORAGE_FULL')
    return `make room on the disk of ${data}, and start it again: it loses nothing`;
  return null;
}

function readPeers(text: string): ReadonlyMap<string, string> {
  try {
    return parsePeers(text);
  } catch (error) {
    throw new UsageError(`--peers: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
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
    .addOption(option('--catalog <url>', "the catalog's internal port", 'TRIREME_CATALOG'))
    .addOption(option('--data <dir>', 'folder of log and book', 'TRIREME_DATA'))
    .addOption(
      option('--compact-entries <number>', 'log entries between two compactions', 'TRIREME_COMPACT_ENTRIES')
        .default(DEFAULT_COMPACTION.entriesMax)
        .argParser(wholeNumber(1, 100_000_000)),
    )
    .addOption(
      option('--compact-keep <number>', 'applied log entries that stay', 'TRIREME_COMPACT_KEEP')
        .default(DEFAULT_COMPACTION.entriesKept)
        .argParser(wholeNumber(0, 100_000_000)),
    );
  const options = command.parse().opts<Options>();
  const { id, host, port, peerPort, catalog, data } = options;
  const running: { replica: Replica | null } = { replica: null };
  const log = createLog({
    service: 'replica',
    id,
    level: options.logLevel,
    context: () => ({ term: running.replica?.term }),
  });
  await runProcess({
    log,
    exitWithParent: options.exitWithParent,
    exitCodeOf,
    adviceOf: (error) => adviceOf(error, options),
    start: async (fatal, stopping) => {
      const peers = readPeers(options.peers);
      if (!peers.has(id)) throw new UsageError(`--peers does not name this replica, ${id}`);
      const identity = readIdentity({ ...options, id: `replica-${id}` }, log);
      const { cluster, secret, tls = null } = identity;
      await awaitRoom({ folder: data, log, stopping });
      const metrics = new Metrics({ service: 'replica', id });
      const peerWatch = new PeerWatch(log, metrics);
      const transport = new HttpTransport({
        id,
        cluster,
        secret,
        peers,
        listen: { host, port: peerPort },
        ...(tls === null ? {} : { tls: { ...tls, nameOf: (member: string) => `replica-${member}` } }),
        onEvent: peerWatch.onEvent,
      });
      const members = [...peers.keys()];
      const replica = new Replica({
        id,
        members,
        data,
        host,
        port,
        catalog,
        identity,
        transport,
        peerLinks: peerWatch.links,
        compaction: { entriesMax: options.compactEntries, entriesKept: options.compactKeep },
        ...{ log, metrics },
        fatal,
        ...(observe === undefined ? {} : { observe }),
      });
      running.replica = replica;
      const listening = await replica.start();
      log.info({ host, port: listening, peerPort, status: replica.status() }, 'replica listens');
      return replica;
    },
  });
}
