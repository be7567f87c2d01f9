/**
 * An order replica: the order book on a Raft node, with links to front-ends and catalogs. The work of a
 * leader is in LeaderSession; this class opens and closes the parts of every replica.
 */
import { join } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { LINK_PATHS, type SeedStock } from '@trireme/domain';
import { RaftNode, type CompactionOptions, type Transport } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { InternalServer, LinkListener, type LinkIdentity, type Log, type Metrics } from '@trireme/service';
import { BackupRoute } from '../backup/backup-route.js';
import { CATALOG_LINKS_MAX } from '../leader/catalog-links.js';
import { catalogsRoutes } from '../group/catalogs-routes.js';
import { groupRoutes } from '../group/group-routes.js';
import { ClusterLifeFile } from '../group/cluster-life-file.js';
import { recordOwner } from '../group/member-file.js';
import { NO_OBSERVER, type ReplicaObserver } from './observer.js';
import type { BookStateMachine } from '../book/machine.js';
import { checkBook, openBook } from '../book/open.js';
import { ReplicaCore } from './core.js';
import { ReplicaMetrics, replicaChecks, replicaReport, replicaStatus, type ReplicaParts } from './status.js';
import type { MemberClocks } from '../rules/leader/log-clock.js';
import type { MemberAddresses } from '../rules/group/member-addresses.js';
import type { PeerLinks } from '../rules/group/peer-links.js';
import { ScanPacer } from './scan-pacer.js';
import { newClusterLife } from '../leader/seeding.js';
import type { BookStore } from '../book/store.js';

interface ReplicaOptions {
  /**
   * Id of this member of the Raft group, such as `1`; with an incarnation for a replica that was added again:
   * `1.5f0c9a31`.
   */
  readonly id: string;
  /** The voters that the group started with; empty for a replica that waits to be added. */
  readonly members: readonly string[];
  /** Addresses of the members. */
  readonly addresses: MemberAddresses;
  /** Called once the log has durably recorded its owner. */
  readonly onOwnerRecorded?: (() => Promise<void>) | undefined;
  /** Data folder; the log and the book are created in it. */
  readonly data: string;
  readonly host: string;
  /** Port for front-ends; 0 lets the system choose. */
  readonly port: number;
  /** Stocks of a new cluster, if this replica is its first leader. */
  readonly seed: readonly SeedStock[];
  /** Called once the seed of the cluster is known, with its `seedHash` and the catalog set at that time. */
  readonly onSeeded?: ((hash: string, catalogs: readonly string[]) => void) | undefined;
  /** Catalog ids of a new cluster, if this replica is its first leader. */
  readonly catalogs: readonly string[];
  readonly identity: LinkIdentity;
  readonly transport: Transport;
  /** Open peer links, as reported by the transport. */
  readonly peerLinks: PeerLinks;
  /** The other members' wall clocks, as reported by the transport. */
  readonly memberClocks: MemberClocks;
  /** Default: `DEFAULT_COMPACTION` of the library. */
  readonly compaction?: Partial<CompactionOptions> | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fatal: (error: unknown) => void;
  readonly observe?: ReplicaObserver | undefined;
}

/** Time limit for the leadership transfer of a leader that stops, in milliseconds. */
const TRANSFER_MS = 2_000;
/**
 * How long a leader that stops continues as a follower after the transfer, in milliseconds. Its successor
 * meanwhile commits with the other replicas, and does not compete for CPU and disk with stores that are being
 * closed.
 */
const LINGER_MS = 100;

export class Replica {
  readonly #resources: ReplicaResources;
  readonly #opened: OpenedParts;
  readonly #server: InternalServer;
  /** Whether `stop` was called: not ready any more, but still working. */
  #isShuttingDown = false;

  private constructor(options: ReplicaOptions, resources: ReplicaResources, opened: OpenedParts) {
    this.#resources = resources;
    this.#opened = opened;
    const { identity, log, host, port, metrics, addresses } = options;
    const { core, node, counts } = resources;
    counts.describe(() => this.#parts);
    const group = groupRoutes({ node, addresses });
    const catalogs = catalogsRoutes({ node, addresses, set: core.catalogSet });
    const backups = new BackupRoute({
      store: () => core.machine.store,
      cluster: identity.cluster,
      pacer: new ScanPacer(),
      metrics,
    });
    this.#server = new InternalServer({
      host,
      port,
      identity,
      log,
      metrics,
      listeners: [
        new LinkListener({
          path: LINK_PATHS.frontendToReplica,
          clientRole: 'frontend',
          identity,
          log,
          handler: core.frontendHandler,
        }),
        new LinkListener({
          path: LINK_PATHS.catalogToReplica,
          clientRole: 'catalog',
          identity,
          log,
          handler: core.catalogHandler,
          linksMax: CATALOG_LINKS_MAX,
        }),
      ],
      status: () => this.status(),
      checks: () => replicaChecks(this.#parts),
      routes: {
        ...group.routes,
        ...catalogs.routes,
        '/export': async (_, response) => core.reads.export(response),
        '/backup': async (request, response) => backups.handle(request, response),
      },
      actions: { ...group.actions, ...catalogs.actions },
    });
    opened.server = this.#server;
  }

  /**
   * Opens and checks log and book, joins the group and listens.
   * @returns the replica, and the port for front-ends
   * @throws RaftError `LOG_DAMAGED` naming the damage, `BAD_CONFIG`; the system's error if it cannot listen.
   *   Everything is closed then.
   */
  static async start(options: ReplicaOptions): Promise<{ readonly replica: Replica; readonly port: number }> {
    const opened: OpenedParts = { closing: new AbortController() };
    try {
      const resources = await openResources(options, opened);
      const replica = new Replica(options, resources, opened);
      const port = await replica.#server.listen();
      void checkBook(resources.core.machine.store, options.log, resources.fatal);
      return { replica, port };
    } catch (error) {
      await closeParts(opened).catch((failure: unknown) =>
        options.log.warn({ error: failure }, 'cannot close everything after a failed start'),
      );
      throw error;
    }
  }

  /**
   * Transfers leadership, answers all open requests, and closes everything.
   * @throws the first error of closing; the other parts are closed then as well.
   */
  async stop(): Promise<void> {
    this.#isShuttingDown = true;
    await runAll([async () => transferIfLeader(this.#resources.node), async () => closeParts(this.#opened)]);
  }

  /** The answer of `GET /status`. */
  status(): object {
    return replicaStatus(this.#parts);
  }

  /** Current term, for log lines. */
  get term(): number {
    return this.#resources.node.status().term;
  }

  get #parts(): ReplicaParts {
    const { core, node, counts } = this.#resources;
    return {
      machine: core.machine,
      node,
      session: core.session,
      frontends: core.frontends,
      catalogs: core.catalogSet.describe().catalogs,
      needsSnapshot: counts.followerNeedingSnapshot(node),
      isStopping: this.#isShuttingDown,
    };
  }
}

/** What a replica works with. */
interface ReplicaResources {
  readonly core: ReplicaCore<BookStore>;
  readonly node: RaftNode;
  readonly counts: ReplicaMetrics;
  /** Reports an error after which the process has to stop. */
  readonly fatal: (error: unknown) => void;
}

/** What a replica has opened so far and must close, in the order of opening. */
interface OpenedParts {
  /** Aborted once the replica closes: parts that are already closed cause errors, which are ignored then. */
  readonly closing: AbortController;
  storage?: LevelLog;
  lifeFile?: ClusterLifeFile;
  machine?: BookStateMachine<BookStore>;
  core?: ReplicaCore<BookStore>;
  node?: RaftNode;
  server?: InternalServer;
}

/** Answers all open requests and closes the parts. @throws the first error, once everything is closed. */
async function closeParts(parts: OpenedParts): Promise<void> {
  const { closing, storage, lifeFile, machine, core, node, server } = parts;
  closing.abort();
  await runAll([
    () => core?.stop(),
    // The answers are sent at the end of this turn; closing a link before that would lose them.
    async () => setImmediate(),
    async () => server?.close(),
    async () => node?.stop(),
    async () => machine?.close(),
    async () => lifeFile?.idle(),
    // A started node owns the log and has closed it.
    async () => (node === undefined ? storage?.close() : undefined),
  ]);
}

/** Runs the steps one after another, each even if an earlier one failed. @throws the first error. */
async function runAll(steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Opens and checks log and book, and joins the group. @param opened receives each part once it is open */
async function openResources(options: ReplicaOptions, opened: OpenedParts): Promise<ReplicaResources> {
  const { id, data, identity, log } = options;
  const { cluster } = identity;
  const onRepair = (what: string): void => log.warn({ what }, 'storage repaired');
  const fatal = (error: unknown): void => {
    if (!opened.closing.signal.aborted) options.fatal(error);
  };
  const storage = await LevelLog.open({ path: join(data, 'log'), cluster, id, onRepair });
  opened.storage = storage;
  await recordOwner(storage);
  await options.onOwnerRecorded?.();
  const lifeFile = await ClusterLifeFile.open(data, fatal);
  opened.lifeFile = lifeFile;
  const counts = new ReplicaMetrics(options.metrics);
  const createMachine = await openBook({
    data,
    cluster,
    id,
    onRepair,
    // A restore from backups can be compared with what this replica had.
    onSynced: ({ applied: index, orders, hash }) => log.info({ index, orders, hash }, 'order book synced'),
  });
  const core: ReplicaCore<BookStore> = new ReplicaCore<BookStore>({
    id,
    createMachine: (events) => (opened.machine = createMachine(events)),
    lives: lifeFile,
    addresses: options.addresses,
    seed: options.seed,
    onSeeded: options.onSeeded,
    catalogs: options.catalogs,
    newLife: newClusterLife,
    memberClocks: options.memberClocks,
    pacer: new ScanPacer(),
    report: (started) => replicaReport({ node: started, machine: core.machine }, options.peerLinks),
    onStatusChange: ({ leader }) => counts.onLeader(leader),
    proposer: (started) => counts.countFailures(started),
    log,
    fatal,
    onStep: (options.observe ?? NO_OBSERVER).onStep,
  });
  opened.core = core;
  const node = await startNode(options, storage, core, counts, fatal);
  opened.node = node;
  core.onNodeStarted(node);
  return { core, node, counts, fatal };
}

async function startNode(
  options: ReplicaOptions,
  storage: LevelLog,
  core: ReplicaCore<BookStore>,
  counts: ReplicaMetrics,
  fatal: (error: unknown) => void,
): Promise<RaftNode> {
  const { id, members, addresses, log, observe = NO_OBSERVER } = options;
  return RaftNode.start({
    id,
    members,
    addresses: addresses.founders(members),
    storage: observe.storage(counts.measureStorage(storage)),
    transport: observe.transport(options.transport),
    stateMachine: core.machine,
    compaction: options.compaction ?? {},
    onEvent: (event) => {
      counts.onNodeEvent(event);
      if (event.type === 'followerNeedsSnapshot')
        log.warn(event, 'log compacted past a lagging follower; it needs a snapshot');
      else log.info(event, event.type);
    },
    onChange: (status) => core.onStatusChange(status),
    onMembership: (membership) => core.onMembershipChange(membership),
    onFatal: fatal,
  });
}

/** Transfers leadership if this replica leads and another member can take over. */
async function transferIfLeader(node: RaftNode): Promise<void> {
  const wasLeader = node.status().role === 'leader';
  if ((await node.transferLeadership(TRANSFER_MS, { isStopping: true })) && wasLeader) await delay(LINGER_MS);
}
