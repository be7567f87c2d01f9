/**
 * One order replica: the book on a Raft node, answering front-ends over links. What it does as a leader is the office's;
 * here is what every replica does: announce who leads, read the book, export it, and stop in order.
 */
import { join } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { LINK_PATHS, TriremeError, type InvalidItem, type SeedStock } from '@trireme/domain';
import { LevelLog, RaftNode, describeMembership } from '@trireme/raft';
import type { CompactionOptions, LogIndex, Membership, NodeStatus, Transport } from '@trireme/raft';
import {
  InternalServer,
  LinkListener,
  Throttle,
  type Link,
  type LinkHandler,
  type LinkIdentity,
  type Log,
  type Metrics,
} from '@trireme/service';
import { CatalogLinks } from './catalog-links.js';
import { catalogsRoutes, type CatalogSet } from './catalogs-routes.js';
import { Frontends, send } from './frontends.js';
import { groupRoutes, membersFrame } from './group.js';
import { LifeFile } from './life-file.js';
import { recordOwner } from './member-file.js';
import type { BookMachine, MachineEvents } from './machine.js';
import { NOT_OBSERVED, type ReplicaObserver } from './observer.js';
import { Office } from './office.js';
import { checkBook, openBook } from './open-book.js';
import { OrderLists } from './order-lists.js';
import { BookReads } from './reads.js';
import { formatAddress } from './rules/addresses.js';
import { parseFrontendFrame, type FrontendFrame } from './rules/frames.js';
import type { MemberClocks } from './rules/log-clock.js';
import type { MemberAddresses } from './rules/member-addresses.js';
import { RecentBatches } from './rules/recent-batches.js';
import type { PeerLinks } from './rules/peer-links.js';
import { isSeeded, type BookMeta, type DecidedBatch } from './rules/state.js';
import { ScanPacer } from './scan-pacer.js';
import { StockReads } from './stock-reads.js';
import { Seeding } from './seeding.js';
import {
  ReplicaCounts,
  replicaChecks,
  replicaReport,
  replicaStatus,
  type ReplicaParts,
} from './replica-view.js';

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

/** For a leader that stops to hand over, in milliseconds. */
const HAND_OVER_MS = 2_000;
/**
 * How long one that has handed over then goes on as a follower, in milliseconds: meanwhile its successor commits by any
 * other disk of the group, and does not have to share cores and disk with stores that are being closed.
 */
const LINGER_MS = 100;
/** Submissions held between winning an election and being ready to lead, in frames; more are refused as busy. */
const HELD_FRAMES_MAX = 1_000;

type SubmitFrame = Extract<FrontendFrame, { t: 'submit' }>;

export class Replica {
  readonly #o: ReplicaOptions;
  readonly #observe: ReplicaObserver;
  readonly #frontends: Frontends;
  readonly #catalogs: CatalogLinks;
  readonly #server: InternalServer;
  readonly #counts: ReplicaCounts;
  readonly #reads: BookReads;
  readonly #lists: OrderLists;
  readonly #stockReads: StockReads;
  readonly #invalidLines = new Throttle();
  #machine: BookMachine | null = null;
  /** Of the book that is open; empty before one is. */
  #recent = new RecentBatches({ seq: 0, index: 0, hash: '' });
  /** Log index of the set of catalogs that front-ends were told. */
  #toldCatalogsIndex = 0;
  #node: RaftNode | null = null;
  #office: Office | null = null;
  /** While this replica leads, and its log lacks what has to come before orders. */
  #seeding: Seeding | null = null;
  #lifeFile: LifeFile | null = null;
  #isSeeded = false;
  #held: { readonly link: Link; readonly frame: SubmitFrame }[] = [];
  /** Asked to stop: not ready any more, and still at work. */
  #isLeaving = false;
  #isStopping = false;

  constructor(options: ReplicaOptions) {
    this.#o = options;
    this.#observe = options.observe ?? NOT_OBSERVED;
    const { identity, log, host, port, metrics, addresses } = options;
    this.#frontends = new Frontends(addresses);
    this.#counts = new ReplicaCounts(metrics, () => this.#parts);
    this.#catalogs = new CatalogLinks({
      ...{ identity, log },
      members: () => (this.#node === null ? null : membersFrame(this.#node.status(), addresses)),
      opened: (link, id) => this.#office?.catalogOpened(link, id),
      received: (link, frame) => this.#office?.catalogMessage(link, frame),
      closed: (link) => this.#office?.catalogClosed(link),
      moved: () => this.#announceCatalogs(),
    });
    const reading = {
      machine: () => this.#machine,
      office: () => this.#office,
      pacer: new ScanPacer(),
      fatal: (error: unknown) => this.#fatal(error),
    };
    this.#reads = new BookReads(reading);
    this.#lists = new OrderLists(reading);
    this.#stockReads = new StockReads(reading);
    const group = groupRoutes(() => this.#node, addresses);
    const catalogs = catalogsRoutes({ raft: () => this.#node, addresses, catalogs: () => this.#catalogSet });
    this.#server = new InternalServer({
      ...{ host, port, identity, log, metrics },
      listeners: [this.#frontendListener(), this.#catalogs.listener],
      status: () => this.status(),
      checks: () => replicaChecks(this.#parts),
      routes: {
        ...group.routes,
        ...catalogs.routes,
        '/export': async (_, response) => this.#reads.export(response),
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
      this.#announceCatalogs();
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
      const events: MachineEvents = {
        applied: (index, decided) => this.#applied(index, decided),
        stored: (index) => this.#office?.stored(index),
        failed: (error) => this.#fatal(error),
      };
      const machine = await openBook({ data, cluster, id, events, onRepair });
      this.#machine = machine;
      this.#restartRecent(machine.book.meta);
      this.#lifeFile = await LifeFile.open(data, (error) => this.#fatal(error));
      this.#noteStart(machine.book.meta);
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
        onChange: (status) => this.#changed(status),
        onMembership: (membership) => this.#regrouped(membership),
        onFatal: (error) => this.#fatal(error),
      });
    } catch (error) {
      // A node that started owns the log; one that did not leaves it to us.
      await storage.close();
      throw error;
    }
  }

  /** Hands leadership over, answers what is open, closes everything. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    if (this.#node !== null) await leave(this.#node);
    this.#isStopping = true;
    this.#closeOffice();
    this.#releaseHeld();
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

  /** Null while the replica is starting. */
  get #catalogSet(): CatalogSet | null {
    const meta = this.#machine?.book.meta;
    if (meta === undefined) return null;
    return {
      describe: () => {
        const office = this.#office;
        const ids = office?.catalogIds ?? meta.catalogs;
        const standings = office?.status.catalogs ?? [];
        const catalogs = ids.map((id) => {
          const url = this.#catalogs.urlOf(id);
          const standing = standings.find((one) => one.id === id);
          return { id, url, linked: url !== null, hasAuthority: standing?.hasAuthority ?? null };
        });
        return { index: meta.catalogsIndex, catalogs };
      },
      change: async (change) => {
        if (this.#office === null)
          throw new TriremeError('UNAVAILABLE', 'the leader is not ready yet: try again');
        await this.#office.changeCatalogs(change);
      },
    };
  }

  get #parts(): ReplicaParts {
    return {
      ...{ machine: this.#machine, node: this.#node, office: this.#office },
      frontends: this.#frontends.size,
      catalogs: this.#catalogSet?.describe().catalogs ?? [],
      outrun: this.#counts.outrun(this.#node),
      isStopping: this.#isLeaving,
    };
  }

  #applied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    const visible = this.#office?.visible ?? index;
    for (const batch of decided) this.#recent.add(batch, visible);
    this.#office?.applied(index, decided);
    const meta = this.#machine?.book.meta;
    if (meta === undefined) return;
    if (meta.catalogsIndex > this.#toldCatalogsIndex) this.#announceCatalogs();
    this.#noteStart(meta);
    if (this.#seeding === null) return;
    this.#seeding.advance();
    if (this.#lacksStart(meta)) return;
    this.#seeding = null;
    this.#openLate();
  }

  /** Notes what the log began with, each thing once. */
  #noteStart({ life, seedHash, catalogs }: BookMeta): void {
    if (seedHash === '') return;
    this.#lifeFile?.note(life);
    if (this.#isSeeded) return;
    this.#isSeeded = true;
    this.#o.onSeeded?.(seedHash, catalogs);
  }

  /** Whether something has to be in the log before this replica may take orders. */
  #lacksStart(meta: BookMeta): boolean {
    return !isSeeded(meta) || this.#lifeFile?.isOfOther(meta.life) === true;
  }

  #changed(status: NodeStatus): void {
    const { role, term, leader, leading } = status;
    this.#counts.ledBy(leader);
    this.#o.log.info({ role, term, leader, leading }, leading ? 'leads' : `is ${role}`);
    if (leading) this.#openOffice();
    else this.#closeOffice();
    if (role !== 'leader') this.#releaseHeld();
    this.#frontends.announce(this.#announced(status));
  }

  #regrouped(membership: Membership): void {
    const { id } = this.#o;
    const group = describeMembership(membership);
    this.#o.memberClocks.regrouped(membership.voters);
    if (membership.addresses.has(id)) this.#o.log.info({ group }, 'is in the group');
    else this.#o.log.warn({ group, id }, 'is not in the group: it waits for an operator to add it');
    for (const [member, logged] of membership.addresses) {
      const address = this.#o.addresses.resolve(member, logged);
      if (address !== null && formatAddress(address) !== logged)
        this.#o.log.info(
          { member, address, logged },
          'the address of the flags is used, not that of the log',
        );
    }
    if (this.#node === null) return;
    const status = this.#node.status();
    this.#frontends.regrouped(status);
    this.#catalogs.sendToAll(membersFrame(status, this.#o.addresses));
  }

  #openOffice(): void {
    if (this.#office !== null || this.#isStopping || this.#machine === null || this.#node === null) return;
    const machine = this.#machine;
    if (this.#lacksStart(machine.book.meta)) {
      this.#seeding ??= new Seeding({
        ...{ node: this.#node, stocks: this.#o.seed, meta: () => machine.book.meta, log: this.#o.log },
        catalogs: this.#o.catalogs,
        isOfOther: (life) => this.#lifeFile?.isOfOther(life) === true,
        ...this.#clocks,
      });
      return;
    }
    if (!machine.isStored) {
      // A failure is told by the machine.
      machine.flush().then(
        () => this.#openLate(),
        () => undefined,
      );
      return;
    }
    this.#restartRecent(machine.book.meta);
    this.#office = new Office({
      node: this.#counts.counted(this.#node),
      ...{ machine, book: machine.book, store: machine.store },
      ...{ term: this.#node.status().term, recent: this.#recent, catalogs: this.#catalogs },
      log: this.#o.log,
      answer: (answers) => this.#frontends.answer(answers),
      fatal: (error) => this.#fatal(error),
      onStep: this.#observe.onStep,
      ...this.#clocks,
    });
    this.#releaseHeld();
  }

  /** All is written that was to be. By now it may not lead any more, or again have something to write. */
  #openLate(): void {
    const status = this.#node?.status();
    if (status?.leading !== true) return;
    try {
      this.#openOffice();
      if (this.#office !== null) this.#frontends.announce(this.#announced(status));
    } catch (error) {
      this.#fatal(error);
    }
  }

  /** As front-ends are told it: who leads takes no orders and answers no reads before its office is open. */
  #announced(status: NodeStatus): NodeStatus {
    return { ...status, leading: this.#office !== null };
  }

  get #clocks(): { readonly now: () => number; readonly wallClock: () => number } {
    return {
      now: () => performance.now(),
      wallClock: () => this.#o.memberClocks.median(Date.now(), performance.now()),
    };
  }

  #closeOffice(): void {
    this.#seeding?.stop();
    this.#seeding = null;
    const office = this.#office;
    this.#office = null;
    office?.close();
  }

  #releaseHeld(): void {
    for (const { link, frame } of this.#held.splice(0)) this.#submit(link, frame);
  }

  /** The book may be another one by now, by a snapshot, or have begun a new life. */
  #restartRecent({ lastSeq: seq, lastIndex: index, hash }: BookMeta): void {
    const { last } = this.#recent;
    if (last.index !== index || last.hash !== hash) this.#recent.restart({ seq, index, hash });
  }

  /** Tells front-ends which catalogs there are, and where. */
  #announceCatalogs(): void {
    const meta = this.#machine?.book.meta;
    if (meta === undefined) return;
    this.#toldCatalogsIndex = meta.catalogsIndex;
    this.#frontends.setCatalogs(this.#catalogs.wires(meta.catalogs));
  }

  #frontendListener(): LinkListener {
    const { identity, log } = this.#o;
    const handler: LinkHandler = {
      opened: (link) => {
        const status = this.#node?.status();
        this.#frontends.add(link, status === undefined ? null : this.#announced(status));
      },
      message: (link, message) => {
        const frame = parseFrontendFrame(message);
        // A frame that is not of the protocol costs its sender the link; anything else that goes wrong is ours.
        try {
          this.#received(link, frame);
        } catch (error) {
          this.#fatal(error);
        }
      },
      closed: (link) => {
        this.#frontends.delete(link);
        this.#held = this.#held.filter((held) => held.link !== link);
        this.#office?.linkClosed(link.id);
      },
    };
    return new LinkListener({
      path: LINK_PATHS.frontendToReplica,
      admits: 'frontend',
      identity,
      log,
      handler,
    });
  }

  #received(link: Link, frame: FrontendFrame): void {
    switch (frame.t) {
      case 'submit':
        this.#refuseInvalid(link, 'submitted', frame.invalid);
        this.#submit(link, frame);
        return;
      case 'get':
        this.#refuseInvalid(link, 'got', frame.invalid);
        this.#reads.get(link, frame.items);
        return;
      case 'list':
        this.#lists.list(link, frame);
        return;
      case 'lookup':
        this.#refuseInvalid(link, 'stocks', frame.invalid);
        this.#stockReads.lookUp(link, frame.items);
        return;
      case 'listStocks':
        this.#stockReads.list(link, frame);
        return;
      case 'invalidList':
        this.#warnInvalid(link, frame.reason);
        send(link, { t: 'pageInvalid', id: frame.id, reason: frame.reason });
        return;
      case 'report':
        this.#report(link);
    }
  }

  /** Nothing that is not valid comes from a front-end of this version. It is refused by itself: the link is for everybody. */
  #refuseInvalid(link: Link, t: 'submitted' | 'got' | 'stocks', invalid: readonly InvalidItem[]): void {
    const [first] = invalid;
    if (first === undefined) return;
    this.#warnInvalid(link, first.reason);
    const items = invalid.map(({ id, reason }) => [id, 'invalid', reason] as const);
    send(link, t === 'stocks' ? { t, life: this.#machine?.book.meta.life ?? '', items } : { t, items });
  }

  #warnInvalid(link: Link, reason: string): void {
    const untold = this.#invalidLines.due(link.peer, performance.now());
    if (untold !== null) this.#o.log.warn({ peer: link.peer, reason, untold }, 'invalid request refused');
  }

  #report(link: Link): void {
    const report = replicaReport(this.#parts, this.#o.peerLinks);
    if (report !== null) send(link, { t: 'report', report });
  }

  #submit(link: Link, frame: SubmitFrame): void {
    const office = this.#office;
    if (office !== null) {
      for (const { id, command, requestId } of frame.items) {
        office.submit(command, { link: link.id, id }, requestId);
      }
      return;
    }
    const isElected = !this.#isStopping && this.#node?.status().role === 'leader';
    if (isElected && this.#held.length < HELD_FRAMES_MAX) {
      this.#held.push({ link, frame });
      return;
    }
    const why = isElected ? 'busy' : 'notLeader';
    send(link, { t: 'submitted', items: frame.items.map(({ id }) => [id, 'refused', why]) });
  }
}

/** Hands over if it leads and someone can take over. */
async function leave(node: RaftNode): Promise<void> {
  const led = node.status().role === 'leader';
  if ((await node.handOver(HAND_OVER_MS, { isStopping: true })) && led) await delay(LINGER_MS);
}
