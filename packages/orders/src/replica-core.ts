/**
 * What a replica does with its node, its book and its links, whatever these are made of: announces who leads, opens the session
 * of a leader and closes it, takes commands in, and reads the book. Sockets, folders and signals are left to `Replica`.
 */
import type { InvalidItem, ReplicaReport, SeedStock } from '@trireme/domain';
import { TriremeError } from '@trireme/domain';
import { describeMembership } from '@trireme/raft';
import type { LogIndex, Membership, NodeStatus, RaftNode } from '@trireme/raft';
import { Throttle, type Link, type LinkHandler, type Log } from '@trireme/service';
import { CatalogLinks } from './catalog-links.js';
import type { CatalogSet } from './catalogs-routes.js';
import { Frontends, send } from './frontends.js';
import { membersFrame } from './group.js';
import { HeldFrames, busyAnswer, isForLeader } from './held-frames.js';
import type { BookMachine, MachineEvents } from './machine.js';
import { LeaderSession, type OrderStep, type Proposer } from './leader-session.js';
import { OrderLists } from './order-lists.js';
import { BookReads } from './reads.js';
import { formatAddress } from './rules/addresses.js';
import { parseFrontendFrame, type FrontendFrame } from './rules/frames.js';
import type { MemberClocks } from './rules/log-clock.js';
import type { MemberAddresses } from './rules/member-addresses.js';
import { RecentBatches } from './rules/recent-batches.js';
import { isSeeded, type BookMeta, type DecidedBatch } from './rules/state.js';
import type { Pacer } from './scan-pacer.js';
import { Seeding } from './seeding.js';
import { StockReads } from './stock-reads.js';

/** What tells a copy of a data folder from the original; see `LifeFile`. */
interface Lives {
  isOfOther(life: string): boolean;
  note(life: string): void;
}

interface ReplicaCoreOptions {
  /** Id of this member of the Raft group. */
  readonly id: string;
  /** Where members are reached. */
  readonly addresses: MemberAddresses;
  /** What a new cluster begins with, if this replica leads it first. */
  readonly seed: readonly SeedStock[];
  /** Told once it is known what the cluster was seeded with, as `seedHash` tells seeds apart, and the set of catalogs then. */
  readonly onSeeded?: (hash: string, catalogs: readonly string[]) => void;
  /** Ids of the catalogs that a new cluster begins with, if this replica leads it first. */
  readonly catalogs: readonly string[];
  /** Makes the random life of a new cluster: 16 hex digits. */
  readonly newLife: () => string;
  /** The other members' wall clocks, as the transport tells them. */
  readonly memberClocks: MemberClocks;
  readonly pacer: Pacer;
  /** What it tells front-ends that watch; null before log and book are open. */
  readonly report: () => ReplicaReport | null;
  /** Told of every change of the node's status. */
  readonly changed: (status: NodeStatus) => void;
  /** What the session uses of the node. */
  readonly proposer: (node: RaftNode) => Proposer;
  readonly log: Log;
  readonly fatal: (error: unknown) => void;
  readonly onStep: (step: OrderStep) => void;
}

type SubmitFrame = Extract<FrontendFrame, { t: 'submit' }>;

export class ReplicaCore {
  readonly #o: ReplicaCoreOptions;
  readonly #frontends: Frontends;
  readonly #catalogs: CatalogLinks;
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
  #session: LeaderSession | null = null;
  /** Nobody has granted authority by a round that ended later, on the monotonic clock; null while this replica is not the leader. */
  #electedAt: number | null = null;
  /** While this replica leads, and its log lacks what has to come before orders. */
  #seeding: Seeding | null = null;
  #lives: Lives | null = null;
  #isSeeded = false;
  readonly #held = new HeldFrames();
  #isStopping = false;

  constructor(options: ReplicaCoreOptions) {
    this.#o = options;
    const { addresses } = options;
    this.#frontends = new Frontends(addresses);
    this.#catalogs = new CatalogLinks({
      members: () => (this.#node === null ? null : membersFrame(this.#node.status(), addresses)),
      opened: (link, id) => this.#session?.catalogOpened(link, id),
      received: (link, frame) => this.#session?.catalogMessage(link, frame),
      closed: (link) => this.#session?.catalogClosed(link),
      moved: () => this.#announceCatalogs(),
    });
    const reading = {
      machine: () => this.#machine,
      session: () => this.#session,
      pacer: options.pacer,
      fatal: (error: unknown) => options.fatal(error),
    };
    this.#reads = new BookReads(reading);
    this.#lists = new OrderLists(reading);
    this.#stockReads = new StockReads(reading);
  }

  /** What the book tells. */
  readonly machineEvents: MachineEvents = {
    applied: (index, decided) => this.#applied(index, decided),
    stored: (index) => this.#session?.stored(index),
    failed: (error) => this.#o.fatal(error),
  };

  /** The book is open. To be called before the node is started. */
  opened(machine: BookMachine, lives: Lives): void {
    this.#machine = machine;
    this.#restartRecent(machine.book.meta);
    this.#lives = lives;
    this.#noteStart(machine.book.meta);
  }

  /** The node is there; it may have told of changes before. */
  started(node: RaftNode): void {
    this.#node = node;
    this.#announceCatalogs();
  }

  /** Answers what is open, and takes no more in. */
  stop(): void {
    this.#isStopping = true;
    this.#closeSession();
    this.#releaseHeld();
  }

  /** Null while this replica does not lead. */
  get session(): LeaderSession | null {
    return this.#session;
  }

  get reads(): BookReads {
    return this.#reads;
  }

  /** Links of front-ends. */
  get frontends(): number {
    return this.#frontends.size;
  }

  /** For links of catalogs. */
  get catalogHandler(): LinkHandler {
    return this.#catalogs.handler;
  }

  /** Null while the replica is starting. */
  get catalogSet(): CatalogSet | null {
    const meta = this.#machine?.book.meta;
    if (meta === undefined) return null;
    return {
      describe: () => {
        const session = this.#session;
        const ids = session?.catalogIds ?? meta.catalogs;
        const standings = session?.status.catalogs ?? [];
        const catalogs = ids.map((id) => {
          const url = this.#catalogs.urlOf(id);
          const standing = standings.find((one) => one.id === id);
          return { id, url, linked: url !== null, hasAuthority: standing?.hasAuthority ?? null };
        });
        return { index: meta.catalogsIndex, catalogs };
      },
      change: async (change) => {
        if (this.#session === null)
          throw new TriremeError('UNAVAILABLE', 'the leader is not ready yet: try again');
        await this.#session.changeCatalogs(change);
      },
    };
  }

  #applied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    const visible = this.#session?.visible ?? index;
    for (const batch of decided) this.#recent.add(batch, visible);
    this.#session?.applied(index, decided);
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
    this.#lives?.note(life);
    if (this.#isSeeded) return;
    this.#isSeeded = true;
    this.#o.onSeeded?.(seedHash, catalogs);
  }

  /** Whether something has to be in the log before this replica may take orders. */
  #lacksStart(meta: BookMeta): boolean {
    return !isSeeded(meta) || this.#lives?.isOfOther(meta.life) === true;
  }

  /** The status of the node has changed. */
  changed(status: NodeStatus): void {
    const { role, term, leader, leading } = status;
    this.#o.changed(status);
    this.#o.log.info({ role, term, leader, leading }, leading ? 'leads' : `is ${role}`);
    if (role !== 'leader') {
      this.#electedAt = null;
      this.#catalogs.endLead();
    } else if (this.#session === null) {
      this.#electedAt ??= performance.now();
      this.#catalogs.beginLead(term);
    }
    if (leading) this.#openSession();
    else this.#closeSession();
    if (role !== 'leader') this.#releaseHeld();
    this.#frontends.announce(status);
  }

  /** Another configuration is in force. */
  regrouped(membership: Membership): void {
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

  #openSession(): void {
    if (this.#session !== null || this.#isStopping || this.#machine === null || this.#node === null) return;
    const machine = this.#machine;
    if (this.#lacksStart(machine.book.meta)) {
      this.#seeding ??= new Seeding({
        ...{ node: this.#node, stocks: this.#o.seed, meta: () => machine.book.meta, log: this.#o.log },
        catalogs: this.#o.catalogs,
        isOfOther: (life) => this.#lives?.isOfOther(life) === true,
        newLife: this.#o.newLife,
        ...this.#clocks,
      });
      return;
    }
    this.#restartRecent(machine.book.meta);
    this.#session = new LeaderSession({
      node: this.#o.proposer(this.#node),
      machine,
      ...{ term: this.#node.status().term, recent: this.#recent, catalogs: this.#catalogs },
      electedAt: this.#electedAt ?? performance.now(),
      log: this.#o.log,
      answer: (answers) => this.#frontends.answer(answers),
      fatal: (error) => this.#o.fatal(error),
      onStep: this.#o.onStep,
      ...this.#clocks,
    });
    this.#catalogs.ready();
    this.#releaseHeld();
  }

  /** The log has what has to come before orders. */
  #openLate(): void {
    const status = this.#node?.status();
    if (status?.leading !== true) return;
    try {
      this.#openSession();
    } catch (error) {
      this.#o.fatal(error);
    }
  }

  get #clocks(): { readonly now: () => number; readonly wallClock: () => number } {
    return {
      now: () => performance.now(),
      wallClock: () => this.#o.memberClocks.median(Date.now(), performance.now()),
    };
  }

  #closeSession(): void {
    this.#seeding?.stop();
    this.#seeding = null;
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    // What it granted counts like that of an older leader, should this replica go on to lead.
    this.#electedAt = null;
    session.close();
  }

  #releaseHeld(): void {
    for (const { link, frame } of this.#held.takeAll()) this.#received(link, frame);
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

  /** This replica was elected, and its session is not open yet. */
  get #isBeginning(): boolean {
    return this.#session === null && !this.#isStopping && this.#node?.status().role === 'leader';
  }

  /** For links of front-ends. */
  readonly frontendHandler: LinkHandler = {
    opened: (link) => {
      this.#frontends.add(link, this.#node?.status() ?? null);
    },
    message: (link, message) => {
      const frame = parseFrontendFrame(message);
      // A frame that is not of the protocol costs its sender the link; anything else that goes wrong is ours.
      try {
        this.#received(link, frame);
      } catch (error) {
        this.#o.fatal(error);
      }
    },
    closed: (link) => {
      this.#frontends.delete(link);
      this.#held.forget(link);
      this.#session?.linkClosed(link.id);
    },
  };

  #received(link: Link, frame: FrontendFrame): void {
    if (this.#isBeginning && isForLeader(frame)) {
      if (!this.#held.hold(link, frame)) send(link, busyAnswer(frame));
      return;
    }
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
    const report = this.#o.report();
    if (report !== null) send(link, { t: 'report', report });
  }

  #submit(link: Link, frame: SubmitFrame): void {
    const session = this.#session;
    if (session !== null) {
      for (const { id, command, requestId } of frame.items) {
        session.submit(command, { link: link.id, id }, requestId);
      }
      return;
    }
    send(link, { t: 'submitted', items: frame.items.map(({ id }) => [id, 'refused', 'notLeader']) });
  }
}
