/**
 * The parts of a replica that do not depend on sockets, folders or signals (those are in `Replica`):
 * announces the leader, opens and closes the leader session, accepts commands, and answers reads of the book.
 */
import type { InvalidItem, ReplicaReport, SeedStock } from '@trireme/domain';
import { TriremeError } from '@trireme/domain';
import { describeMembership } from '@trireme/raft';
import type { LogIndex, Membership, NodeStatus, RaftNode } from '@trireme/raft';
import { LogThrottle, type Link, type LinkHandler, type Log } from '@trireme/service';
import { CatalogLinks } from '../leader/catalog-links.js';
import type { CatalogSetControl } from '../group/catalogs-routes.js';
import { FrontendLinks, sendToFrontend } from './frontends.js';
import { membersFrame } from '../group/group-routes.js';
import { PendingFrames, busyAnswer, requiresLeader } from './pending-frames.js';
import type { BookStateMachine, MachineEvents } from '../book/machine.js';
import { LeaderSession, type OrderStep, type Proposer } from '../leader/session.js';
import { OrderLists } from './order-lists.js';
import { OrderReads } from './order-reads.js';
import { formatAddress } from '../rules/group/addresses.js';
import { parseFrontendFrame, type FrontendFrame } from '../rules/frames.js';
import type { MemberClocks } from '../rules/leader/log-clock.js';
import type { MemberAddresses } from '../rules/group/member-addresses.js';
import { RecentBatches } from '../rules/leader/recent-batches.js';
import { isSeeded, type BookMeta, type DecidedBatch } from '../rules/book/state.js';
import type { Pacer } from './scan-pacer.js';
import { Seeder } from '../leader/seeding.js';
import { StockReads } from './stock-reads.js';

/** Detects that the data folder is a copy; see `ClusterLifeFile`. */
interface ClusterLives {
  belongsToOtherFolder(life: string): boolean;
  record(life: string): void;
}

interface ReplicaCoreOptions {
  /** Id of this member of the Raft group. */
  readonly id: string;
  /** Addresses of the members. */
  readonly addresses: MemberAddresses;
  /** Stocks of a new cluster, if this replica is its first leader. */
  readonly seed: readonly SeedStock[];
  /** Called once the seed of the cluster is known, with its `seedHash` and the catalog set at that time. */
  readonly onSeeded?: (hash: string, catalogs: readonly string[]) => void;
  /** Catalog ids of a new cluster, if this replica is its first leader. */
  readonly catalogs: readonly string[];
  /** Creates the random life of a new cluster: 16 hex digits. */
  readonly newLife: () => string;
  /** The other members' wall clocks, as reported by the transport. */
  readonly memberClocks: MemberClocks;
  readonly pacer: Pacer;
  /** Report for front-ends that request it; null until log and book are open. */
  readonly report: () => ReplicaReport | null;
  /** Called with every change of the node's status. */
  readonly onStatusChange: (status: NodeStatus) => void;
  /** Wraps the node for the leader session. */
  readonly proposer: (node: RaftNode) => Proposer;
  readonly log: Log;
  readonly fatal: (error: unknown) => void;
  readonly onStep: (step: OrderStep) => void;
}

type SubmitFrame = Extract<FrontendFrame, { t: 'submit' }>;

export class ReplicaCore {
  readonly #options: ReplicaCoreOptions;
  readonly #frontends: FrontendLinks;
  readonly #catalogs: CatalogLinks;
  readonly #reads: OrderReads;
  readonly #lists: OrderLists;
  readonly #stockReads: StockReads;
  readonly #invalidLines = new LogThrottle();
  #machine: BookStateMachine | null = null;
  /** Recent batches of the open book; empty before one is open. */
  #recent = new RecentBatches({ seq: 0, index: 0, hash: '' });
  /** Log index of the catalog set that was last announced to front-ends. */
  #announcedCatalogsIndex = 0;
  #node: RaftNode | null = null;
  #session: LeaderSession | null = null;
  /**
   * Election time of this leader on the monotonic clock: no older leader confirmed a round after it. Null
   * unless leader.
   */
  #electedAt: number | null = null;
  /** Set while this replica leads and its log lacks the seed or a new life. */
  #seeding: Seeder | null = null;
  #clusterLives: ClusterLives | null = null;
  #isSeeded = false;
  readonly #heldFrames = new PendingFrames();
  #isStopping = false;

  constructor(options: ReplicaCoreOptions) {
    this.#options = options;
    const { addresses } = options;
    this.#frontends = new FrontendLinks(addresses);
    this.#catalogs = new CatalogLinks({
      members: () => (this.#node === null ? null : membersFrame(this.#node.status(), addresses)),
      onOpen: (link, id) => this.#session?.onCatalogOpened(link, id),
      onFrame: (link, frame) => this.#session?.onCatalogFrame(link, frame),
      onClose: (link) => this.#session?.onCatalogClosed(link),
      onUrlChange: () => this.#announceCatalogs(),
    });
    const reading = {
      machine: () => this.#machine,
      session: () => this.#session,
      pacer: options.pacer,
      fatal: (error: unknown) => options.fatal(error),
    };
    this.#reads = new OrderReads(reading);
    this.#lists = new OrderLists(reading);
    this.#stockReads = new StockReads(reading);
  }

  /** Events of the book. */
  readonly machineEvents: MachineEvents = {
    onApplied: (index, decided) => this.#onApplied(index, decided),
    onStored: (index) => this.#session?.onStored(index),
    onError: (error) => this.#options.fatal(error),
  };

  /** The book is open. Call before the node is started. */
  onBookOpened(machine: BookStateMachine, lives: ClusterLives): void {
    this.#machine = machine;
    this.#restartRecent(machine.book.meta);
    this.#clusterLives = lives;
    this.#recordSeed(machine.book.meta);
  }

  /** The node was created; it may already have called `changed`. */
  onNodeStarted(node: RaftNode): void {
    this.#node = node;
    this.#announceCatalogs();
  }

  /** Answers all open requests and accepts no more. */
  stop(): void {
    this.#isStopping = true;
    this.#closeSession();
    this.#releaseHeld();
  }

  /** Null while this replica does not lead. */
  get session(): LeaderSession | null {
    return this.#session;
  }

  get reads(): OrderReads {
    return this.#reads;
  }

  /** Number of linked front-ends. */
  get frontends(): number {
    return this.#frontends.size;
  }

  /** Handler for links from catalogs. */
  get catalogHandler(): LinkHandler {
    return this.#catalogs.handler;
  }

  /** Null while the replica is starting. */
  get catalogSet(): CatalogSetControl | null {
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
          throw new TriremeError('UNAVAILABLE', 'the leader is not ready yet; try again');
        await this.#session.changeCatalogs(change);
      },
    };
  }

  #onApplied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    const visible = this.#session?.visible ?? index;
    for (const batch of decided) this.#recent.add(batch, visible);
    this.#session?.onApplied(index, decided);
    const meta = this.#machine?.book.meta;
    if (meta === undefined) return;
    if (meta.catalogsIndex > this.#announcedCatalogsIndex) this.#announceCatalogs();
    this.#recordSeed(meta);
    if (this.#seeding === null) return;
    this.#seeding.advance();
    if (this.#needsSeeding(meta)) return;
    this.#seeding = null;
    this.#openSessionAfterSeeding();
  }

  /** Records the life and the seed of the cluster, once each. */
  #recordSeed({ life, seedHash, catalogs }: BookMeta): void {
    if (seedHash === '') return;
    this.#clusterLives?.record(life);
    if (this.#isSeeded) return;
    this.#isSeeded = true;
    this.#options.onSeeded?.(seedHash, catalogs);
  }

  /** Whether the log needs a seed or a new life before this replica may accept orders. */
  #needsSeeding(meta: BookMeta): boolean {
    return !isSeeded(meta) || this.#clusterLives?.belongsToOtherFolder(meta.life) === true;
  }

  /** The status of the node has changed. */
  onStatusChange(status: NodeStatus): void {
    const { role, term, leader, leading } = status;
    this.#options.onStatusChange(status);
    this.#options.log.info({ role, term, leader, leading }, 'raft status changed');
    if (role !== 'leader') {
      this.#electedAt = null;
      this.#catalogs.onLeadershipLost();
    } else if (this.#session === null) {
      this.#electedAt ??= performance.now();
      this.#catalogs.onElected(term);
    }
    if (leading) this.#openSession();
    else this.#closeSession();
    if (role !== 'leader') this.#releaseHeld();
    this.#frontends.announceLeader(status);
  }

  /** Another group configuration took effect. */
  onMembershipChange(membership: Membership): void {
    const { id } = this.#options;
    const group = describeMembership(membership);
    this.#options.memberClocks.setVoters(membership.voters);
    if (membership.addresses.has(id)) this.#options.log.info({ group }, 'group configuration changed');
    else
      this.#options.log.warn({ group, id }, 'not in the group; waiting for an operator to add this replica');
    for (const [member, logged] of membership.addresses) {
      const address = this.#options.addresses.resolve(member, logged);
      if (address !== null && formatAddress(address) !== logged)
        this.#options.log.info(
          { member, address, logged },
          'using the address from the flags instead of the one in the log',
        );
    }
    if (this.#node === null) return;
    const status = this.#node.status();
    this.#frontends.announceMembers(status);
    this.#catalogs.broadcast(membersFrame(status, this.#options.addresses));
  }

  #openSession(): void {
    if (this.#session !== null || this.#isStopping || this.#machine === null || this.#node === null) return;
    const machine = this.#machine;
    if (this.#needsSeeding(machine.book.meta)) {
      this.#seeding ??= new Seeder({
        ...{
          node: this.#node,
          stocks: this.#options.seed,
          meta: () => machine.book.meta,
          log: this.#options.log,
        },
        catalogs: this.#options.catalogs,
        isOfOther: (life) => this.#clusterLives?.belongsToOtherFolder(life) === true,
        newLife: this.#options.newLife,
        ...this.#clocks,
      });
      return;
    }
    this.#restartRecent(machine.book.meta);
    this.#session = new LeaderSession({
      node: this.#options.proposer(this.#node),
      machine,
      ...{ term: this.#node.status().term, recent: this.#recent, catalogs: this.#catalogs },
      electedAt: this.#electedAt ?? performance.now(),
      log: this.#options.log,
      answer: (answers) => this.#frontends.sendAnswers(answers),
      fatal: (error) => this.#options.fatal(error),
      onStep: this.#options.onStep,
      ...this.#clocks,
    });
    this.#catalogs.onSessionOpened();
    this.#releaseHeld();
  }

  /** The log has everything that must come before orders. */
  #openSessionAfterSeeding(): void {
    const status = this.#node?.status();
    if (status?.leading !== true) return;
    try {
      this.#openSession();
    } catch (error) {
      this.#options.fatal(error);
    }
  }

  get #clocks(): { readonly now: () => number; readonly wallClock: () => number } {
    return {
      now: () => performance.now(),
      wallClock: () => this.#options.memberClocks.median(Date.now(), performance.now()),
    };
  }

  #closeSession(): void {
    this.#seeding?.stop();
    this.#seeding = null;
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    // If this replica stays leader, authority that the closed session granted counts like that of an older
    // leader.
    this.#electedAt = null;
    session.close();
  }

  #releaseHeld(): void {
    for (const { link, frame } of this.#heldFrames.drain()) this.#handleFrame(link, frame);
  }

  /** Restarts the recent batches if a snapshot replaced the book, or the log began a new life. */
  #restartRecent({ lastSeq: seq, lastIndex: index, hash }: BookMeta): void {
    const { last } = this.#recent;
    if (last.index !== index || last.hash !== hash) this.#recent.restart({ seq, index, hash });
  }

  /** Announces the catalogs and their URLs to front-ends. */
  #announceCatalogs(): void {
    const meta = this.#machine?.book.meta;
    if (meta === undefined) return;
    this.#announcedCatalogsIndex = meta.catalogsIndex;
    this.#frontends.setCatalogs(this.#catalogs.toWire(meta.catalogs));
  }

  /** Whether this replica was elected and its session is not open yet. */
  get #isSessionPending(): boolean {
    return this.#session === null && !this.#isStopping && this.#node?.status().role === 'leader';
  }

  /** Handler for links from front-ends. */
  readonly frontendHandler: LinkHandler = {
    onOpen: (link) => {
      this.#frontends.add(link, this.#node?.status() ?? null);
    },
    onMessage: (link, message) => {
      const frame = parseFrontendFrame(message);
      // A malformed frame closes its link; any other error is a bug of this replica.
      try {
        this.#handleFrame(link, frame);
      } catch (error) {
        this.#options.fatal(error);
      }
    },
    onClose: (link) => {
      this.#frontends.delete(link);
      this.#heldFrames.removeLink(link);
      this.#session?.onFrontendClosed(link.id);
    },
  };

  #handleFrame(link: Link, frame: FrontendFrame): void {
    if (this.#isSessionPending && requiresLeader(frame)) {
      if (!this.#heldFrames.tryAdd(link, frame)) sendToFrontend(link, busyAnswer(frame));
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
        this.#logInvalid(link, frame.reason);
        sendToFrontend(link, { t: 'pageInvalid', id: frame.id, reason: frame.reason });
        return;
      case 'report':
        this.#sendReport(link);
    }
  }

  /** Refuses invalid items one by one: the link serves many clients. A front-end of this version sends none. */
  #refuseInvalid(link: Link, t: 'submitted' | 'got' | 'stocks', invalid: readonly InvalidItem[]): void {
    const [first] = invalid;
    if (first === undefined) return;
    this.#logInvalid(link, first.reason);
    const items = invalid.map(({ id, reason }) => [id, 'invalid', reason] as const);
    sendToFrontend(
      link,
      t === 'stocks' ? { t, life: this.#machine?.book.meta.life ?? '', items } : { t, items },
    );
  }

  #logInvalid(link: Link, reason: string): void {
    const suppressed = this.#invalidLines.suppressedIfDue(link.peer, performance.now());
    if (suppressed !== null)
      this.#options.log.warn({ peer: link.peer, reason, suppressed }, 'invalid request refused');
  }

  #sendReport(link: Link): void {
    const report = this.#options.report();
    if (report !== null) sendToFrontend(link, { t: 'report', report });
  }

  #submit(link: Link, frame: SubmitFrame): void {
    const session = this.#session;
    if (session !== null) {
      for (const { id, command, requestId } of frame.items) {
        session.submit(command, { link: link.id, id }, requestId);
      }
      return;
    }
    sendToFrontend(link, {
      t: 'submitted',
      items: frame.items.map(({ id }) => [id, 'refused', 'notLeader']),
    });
  }
}
