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
import { CATALOG_LINKS_MAX } from '../leader/catalog-links.js';
import { catalogsRoutes } from '../group/catalogs-routes.js';
import { groupRoutes } from '../group/group-routes.js';
import { ClusterLifeFile } from '../group/cluster-life-file.js';
import { recordOwner } from '../group/member-file.js';
import { NO_OBSERVER, type ReplicaObserver } from './observer.js';
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
  readonly #server: InternalServer;
  /** Whether `stop` was called: not ready any more, but still working. */
  #isShuttingDown = false;

  private constructor(options: ReplicaOptions, resources: ReplicaResources) {
    this.#resources = resources;
    const { identity, log, host, port, metrics, addresses } = options;
    const { core, node, counts } = resources;
    counts.describe(() => this.#parts);
    const group = groupRoutes({ node, addresses });
    const catalogs = catalogsRoutes({ node, addresses, set: core.catalogSet });
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
      },
      actions: { ...group.actions, ...catalogs.actions },
    });
  }

  /**
   * Opens and checks log and book, joins the group and listens.
   * @returns the replica, and the port for front-ends
   * @throws RaftError `LOG_DAMAGED` naming the damage, `BAD_CONFIG`; the system's error if it cannot listen.
   */
  static async start(options: ReplicaOptions): Promise<{ readonly replica: Replica; readonly port: number }> {
    const resources = await openResources(options);
    const replica = new Replica(options, resources);
    try {
      const port = await replica.#server.listen();
      void checkBook(resources.core.machine.store, options.log, resources.fatal);
      return { replica, port };
    } catch (error) {
      await replica.stop();
      throw error;
    }
  }

  /** Transfers leadership, answers all open requests, and closes everything. */
  async stop(): Promise<void> {
    const { core, node, lifeFile, closing } = this.#resources;
    this.#isShuttingDown = true;
    await transferIfLeader(node);
    closing.abort();
    core.stop();
    // The answers are sent at the end of this turn; closing a link before that would lose them.
    await setImmediate();
    await this.#server.close();
    await node.stop();
    await core.machine.close();
    await lifeFile.idle();
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

/** What a replica opens before it listens. */
interface ReplicaResources {
  readonly core: ReplicaCore<BookStore>;
  readonly node: RaftNode;
  readonly lifeFile: ClusterLifeFile;
  readonly counts: ReplicaMetrics;
  /** Reports an error after which the process has to stop. */
  readonly fatal: (error: unknown) => void;
  /** Aborted once the replica closes: parts that are already closed cause errors, which are ignored then. */
  readonly closing: AbortController;
}

/** Opens and checks log and book, and joins the group. */
async function openResources(options: ReplicaOptions): Promise<ReplicaResources> {
  const { id, data, identity, log } = options;
  const { cluster } = identity;
  const onRepair = (what: string): void => log.warn({ what }, 'storage repaired');
  const closing = new AbortController();
  const fatal = (error: unknown): void => {
    if (!closing.signal.aborted) options.fatal(error);
  };
  const storage = await LevelLog.open({ path: join(data, 'log'), cluster, id, onRepair });
  try {
    await recordOwner(storage);
    await options.onOwnerRecorded?.();
    const lifeFile = await ClusterLifeFile.open(data, fatal);
    const counts = new ReplicaMetrics(options.metrics);
    const core: ReplicaCore<BookStore> = new ReplicaCore<BookStore>({
      id,
      createMachine: await openBook({ data, cluster, id, onRepair }),
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
    try {
      const node = await startNode(options, storage, core, counts, fatal);
      core.onNodeStarted(node);
      return { core, node, lifeFile, counts, fatal, closing };
    } catch (error) {
      closing.abort();
      core.stop();
      await core.machine.close();
      await lifeFile.idle();
      throw error;
    }
  } catch (error) {
    // A started node owns the log; otherwise it must be closed here.
    await storage.close();
    throw error;
  }
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
