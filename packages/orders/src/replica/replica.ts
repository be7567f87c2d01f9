/**
 * An order replica: the order book on a Raft node, with links to front-ends and catalogs. The work of a
 * leader is in LeaderSession; this class opens and closes the parts of every replica.
 */
import { join } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { LINK_PATHS, type SeedStock } from '@trireme/domain';
import { LevelLog, RaftNode } from '@trireme/raft';
import type { CompactionOptions, Transport } from '@trireme/raft';
import { InternalServer, LinkListener, type LinkIdentity, type Log, type Metrics } from '@trireme/service';
import { CATALOG_LINKS_MAX } from '../leader/catalog-links.js';
import { catalogsRoutes } from '../group/catalogs-routes.js';
import { groupRoutes } from '../group/group-routes.js';
import { ClusterLifeFile } from '../group/cluster-life-file.js';
import { recordOwner } from '../group/member-file.js';
import type { BookStateMachine } from '../book/machine.js';
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
  readonly recorded?: () => Promise<void>;
  /** Data folder; the log and the book are created in it. */
  readonly data: string;
  readonly host: string;
  /** Port for front-ends; 0 lets the system choose. */
  readonly port: number;
  /** Stocks of a new cluster, if this replica is its first leader. */
  readonly seed: readonly SeedStock[];
  /** Called once the seed of the cluster is known, with its `seedHash` and the catalog set at that time. */
  readonly onSeeded?: (hash: string, catalogs: readonly string[]) => void;
  /** Catalog ids of a new cluster, if this replica is its first leader. */
  readonly catalogs: readonly string[];
  readonly identity: LinkIdentity;
  readonly transport: Transport;
  /** Open peer links, as reported by the transport. */
  readonly peerLinks: PeerLinks;
  /** The other members' wall clocks, as reported by the transport. */
  readonly memberClocks: MemberClocks;
  /** Default: `DEFAULT_COMPACTION` of the library. */
  readonly compaction?: Partial<CompactionOptions>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fatal: (error: unknown) => void;
  readonly observe?: ReplicaObserver;
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
  readonly #options: ReplicaOptions;
  readonly #observe: ReplicaObserver;
  readonly #core: ReplicaCore;
  readonly #server: InternalServer;
  readonly #counts: ReplicaMetrics;
  #machine: BookStateMachine<BookStore> | null = null;
  #node: RaftNode | null = null;
  #lifeFile: ClusterLifeFile | null = null;
  /** Whether `stop` was called: not ready any more, but still working. */
  #isShuttingDown = false;
  #isStopping = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#observe = options.observe ?? NO_OBSERVER;
    const { identity, log, host, port, metrics, addresses } = options;
    this.#counts = new ReplicaMetrics(metrics, () => this.#parts);
    this.#core = new ReplicaCore({
      ...options,
      newLife: newClusterLife,
      pacer: new ScanPacer(),
      report: () => replicaReport(this.#parts, options.peerLinks),
      onStatusChange: ({ leader }) => this.#counts.onLeader(leader),
      proposer: (node) => this.#counts.countFailures(node),
      fatal: (error) => this.#fatal(error),
      onStep: this.#observe.onStep,
    });
    const core = this.#core;
    const group = groupRoutes(() => this.#node, addresses);
    const catalogs = catalogsRoutes({ raft: () => this.#node, addresses, catalogs: () => core.catalogSet });
    this.#server = new InternalServer({
      ...{ host, port, identity, log, metrics },
      listeners: [
        new LinkListener({
          ...{ path: LINK_PATHS.frontendToReplica, clientRole: 'frontend', identity, log },
          handler: core.frontendHandler,
        }),
        new LinkListener({
          ...{ path: LINK_PATHS.catalogToReplica, clientRole: 'catalog', identity, log },
          ...{ handler: core.catalogHandler, linksMax: CATALOG_LINKS_MAX },
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
   * @returns the port for front-ends
   * @throws RaftError `LOG_DAMAGED` naming the damage, `BAD_CONFIG`; the system's error if it cannot listen.
   */
  async start(): Promise<number> {
    try {
      await this.#open();
      const port = await this.#server.listen();
      if (this.#machine !== null)
        void checkBook(this.#machine.store, this.#options.log, (e) => this.#fatal(e));
      return port;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { id, data, members, addresses, identity, transport } = this.#options;
    const { cluster } = identity;
    const onRepair = (what: string): void => this.#options.log.warn({ what }, 'storage repaired');
    const storage = await LevelLog.open({ path: join(data, 'log'), cluster, id, onRepair });
    try {
      await recordOwner(storage);
      await this.#options.recorded?.();
      const machine = await openBook({ data, cluster, id, listener: this.#core.machineEvents, onRepair });
      this.#machine = machine;
      this.#lifeFile = await ClusterLifeFile.open(data, (error) => this.#fatal(error));
      this.#core.onBookOpened(machine, this.#lifeFile);
      this.#node = await RaftNode.start({
        id,
        members,
        addresses: addresses.founders(members),
        storage: this.#observe.storage(this.#counts.measureStorage(storage)),
        transport: this.#observe.transport(transport),
        stateMachine: machine,
        compaction: this.#options.compaction ?? {},
        onEvent: (event) => {
          this.#counts.onNodeEvent(event);
          if (event.type === 'followerNeedsSnapshot')
            this.#options.log.warn(event, 'log compacted past a lagging follower; it needs a snapshot');
          else this.#options.log.info(event, event.type);
        },
        onChange: (status) => this.#core.onStatusChange(status),
        onMembership: (membership) => this.#core.onMembershipChange(membership),
        onFatal: (error) => this.#fatal(error),
      });
      this.#core.onNodeStarted(this.#node);
    } catch (error) {
      // A started node owns the log; otherwise it must be closed here.
      await storage.close();
      throw error;
    }
  }

  /** Transfers leadership, answers all open requests, and closes everything. */
  async stop(): Promise<void> {
    this.#isShuttingDown = true;
    if (this.#node !== null) await transferIfLeader(this.#node);
    this.#isStopping = true;
    this.#core.stop();
    // The answers are sent at the end of this turn; closing a link before that would lose them.
    await setImmediate();
    await this.#server.close();
    await this.#node?.stop();
    await this.#machine?.close();
    await this.#lifeFile?.idle();
  }

  /** Errors during the stop are ignored: parts that are already closed cause them. */
  #fatal(error: unknown): void {
    if (!this.#isStopping) this.#options.fatal(error);
  }

  /** The answer of `GET /status`. */
  status(): object {
    return replicaStatus(this.#parts);
  }

  /** Current term, for log lines; undefined until the log is open. */
  get term(): number | undefined {
    return this.#node?.status().term;
  }

  get #parts(): ReplicaParts {
    return {
      ...{ machine: this.#machine, node: this.#node, session: this.#core.session },
      frontends: this.#core.frontends,
      catalogs: this.#core.catalogSet?.describe().catalogs ?? [],
      outrun: this.#counts.outrunFollower(this.#node),
      isStopping: this.#isShuttingDown,
    };
  }
}

/** Transfers leadership if this replica leads and another member can take over. */
async function transferIfLeader(node: RaftNode): Promise<void> {
  const wasLeader = node.status().role === 'leader';
  if ((await node.transferLeadership(TRANSFER_MS, { isStopping: true })) && wasLeader) await delay(LINGER_MS);
}
