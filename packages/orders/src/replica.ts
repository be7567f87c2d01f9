/**
 * One order replica: the book on a Raft node, answering front-ends over links. What it does as a leader is the session's;
 * here is what every replica does: announce who leads, read the book, export it, and stop in order.
 */
import { join } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { LINK_PATHS, type SeedStock } from '@trireme/domain';
import { LevelLog, RaftNode } from '@trireme/raft';
import type { CompactionOptions, Transport } from '@trireme/raft';
import { InternalServer, LinkListener, type LinkIdentity, type Log, type Metrics } from '@trireme/service';
import { CATALOG_LINKS_MAX } from './catalog-links.js';
import { catalogsRoutes } from './catalogs-routes.js';
import { groupRoutes } from './group.js';
import { LifeFile } from './life-file.js';
import { recordOwner } from './member-file.js';
import type { BookMachine } from './machine.js';
import { NOT_OBSERVED, type ReplicaObserver } from './observer.js';
import { checkBook, openBook } from './open-book.js';
import { ReplicaCore } from './replica-core.js';
import {
  ReplicaCounts,
  replicaChecks,
  replicaReport,
  replicaStatus,
  type ReplicaParts,
} from './replica-view.js';
import type { MemberClocks } from './rules/log-clock.js';
import type { MemberAddresses } from './rules/member-addresses.js';
import type { PeerLinks } from './rules/peer-links.js';
import { ScanPacer } from './scan-pacer.js';
import { newLife } from './seeding.js';
import type { BookStore } from './store.js';

interface ReplicaOptions {
  /** Id of this member of the Raft group, such as `1`; of one that came back with an incarnation, as `1.5f0c9a31`. */
  readonly id: string;
  /** The voters that the group began with; empty for a replica that is to be let in. */
  readonly members: readonly string[];
  /** Where members are reached. */
  readonly addresses: MemberAddresses;
  /** Called once the log has recorded, durably, whose it is. */
  readonly recorded?: () => Promise<void>;
  /** Folder of this replica; the log and the book are made in it. */
  readonly data: string;
  readonly host: string;
  /** Port for front-ends; 0 lets the system choose. */
  readonly port: number;
  /** What a new cluster begins with, if this replica leads it first. */
  readonly seed: readonly SeedStock[];
  /** Told once it is known what the cluster was seeded with, as `seedHash` tells seeds apart, and the set of catalogs then. */
  readonly onSeeded?: (hash: string, catalogs: readonly string[]) => void;
  /** Ids of the catalogs that a new cluster begins with, if this replica leads it first. */
  readonly catalogs: readonly string[];
  readonly identity: LinkIdentity;
  readonly transport: Transport;
  /** What the transport tells of its links. */
  readonly peerLinks: PeerLinks;
  /** The other members' wall clocks, as the transport tells them. */
  readonly memberClocks: MemberClocks;
  /** The library's defaults unless set. */
  readonly compaction?: Partial<CompactionOptions>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fatal: (error: unknown) => void;
  readonly observe?: ReplicaObserver;
}

/** For a leader that stops to transfer leadership, in milliseconds. */
const TRANSFER_MS = 2_000;
/**
 * How long one that has transferred leadership then goes on as a follower, in milliseconds: meanwhile its successor commits by any
 * other disk of the group, and does not have to share cores and disk with stores that are being closed.
 */
const LINGER_MS = 100;
export class Replica {
  readonly #o: ReplicaOptions;
  readonly #observe: ReplicaObserver;
  readonly #core: ReplicaCore;
  readonly #server: InternalServer;
  readonly #counts: ReplicaCounts;
  #machine: BookMachine<BookStore> | null = null;
  #node: RaftNode | null = null;
  #lifeFile: LifeFile | null = null;
  /** Asked to stop: not ready any more, and still at work. */
  #isLeaving = false;
  #isStopping = false;

  constructor(options: ReplicaOptions) {
    this.#o = options;
    this.#observe = options.observe ?? NOT_OBSERVED;
    const { identity, log, host, port, metrics, addresses } = options;
    this.#counts = new ReplicaCounts(metrics, () => this.#parts);
    this.#core = new ReplicaCore({
      ...options,
      newLife,
      pacer: new ScanPacer(),
      report: () => replicaReport(this.#parts, options.peerLinks),
      changed: ({ leader }) => this.#counts.ledBy(leader),
      proposer: (node) => this.#counts.counted(node),
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
          ...{ path: LINK_PATHS.frontendToReplica, admits: 'frontend', identity, log },
          handler: core.frontendHandler,
        }),
        new LinkListener({
          ...{ path: LINK_PATHS.catalogToReplica, admits: 'catalog', identity, log },
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
   * Opens log and book, checks both, joins the group and listens.
   * @returns the port for front-ends
   * @throws RaftError `LOG_DAMAGED` naming what is damaged, `BAD_CONFIG`; the system's error if it cannot listen.
   */
  async start(): Promise<number> {
    try {
      await this.#open();
      const port = await this.#server.listen();
      if (this.#machine !== null) void checkBook(this.#machine.store, this.#o.log, (e) => this.#fatal(e));
      return port;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { id, data, members, addresses, identity, transport } = this.#o;
    const { cluster } = identity;
    const onRepair = (what: string): void => this.#o.log.warn({ what }, 'storage repaired');
    const storage = await LevelLog.open({ path: join(data, 'log'), cluster, id, onRepair });
    try {
      await recordOwner(storage);
      await this.#o.recorded?.();
      const machine = await openBook({ data, cluster, id, events: this.#core.machineEvents, onRepair });
      this.#machine = machine;
      this.#lifeFile = await LifeFile.open(data, (error) => this.#fatal(error));
      this.#core.opened(machine, this.#lifeFile);
      this.#node = await RaftNode.start({
        id,
        members,
        addresses: addresses.founders(members),
        storage: this.#observe.storage(this.#counts.timed(storage)),
        transport: this.#observe.transport(transport),
        machine,
        compaction: this.#o.compaction ?? {},
        onEvent: (event) => {
          this.#counts.told(event);
          if (event.type === 'followerOutrun')
            this.#o.log.warn(event, 'log cut before a follower had it: it needs a snapshot');
          else this.#o.log.info(event, event.type);
        },
        onChange: (status) => this.#core.changed(status),
        onMembership: (membership) => this.#core.regrouped(membership),
        onFatal: (error) => this.#fatal(error),
      });
      this.#core.started(this.#node);
    } catch (error) {
      // A node that started owns the log; one that did not leaves it to us.
      await storage.close();
      throw error;
    }
  }

  /** Transfers leadership, answers what is open, closes everything. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    if (this.#node !== null) await leave(this.#node);
    this.#isStopping = true;
    this.#core.stop();
    // What was just answered leaves at the end of this turn; a link that is closed before takes it along.
    await setImmediate();
    await this.#server.close();
    await this.#node?.stop();
    await this.#machine?.close();
    await this.#lifeFile?.idle();
  }

  /** Once it is stopping, what fails because something else is closed already is no news. */
  #fatal(error: unknown): void {
    if (!this.#isStopping) this.#o.fatal(error);
  }

  /** What `GET /status` shows. */
  status(): object {
    return replicaStatus(this.#parts);
  }

  /** For log lines; undefined until the log is open. */
  get term(): number | undefined {
    return this.#node?.status().term;
  }

  get #parts(): ReplicaParts {
    return {
      ...{ machine: this.#machine, node: this.#node, session: this.#core.session },
      frontends: this.#core.frontends,
      catalogs: this.#core.catalogSet?.describe().catalogs ?? [],
      outrun: this.#counts.outrun(this.#node),
      isStopping: this.#isLeaving,
    };
  }
}

/** Transfers leadership if it leads and someone can take over. */
async function leave(node: RaftNode): Promise<void> {
  const led = node.status().role === 'leader';
  if ((await node.transferLeadership(TRANSFER_MS, { isStopping: true })) && led) await delay(LINGER_MS);
}
