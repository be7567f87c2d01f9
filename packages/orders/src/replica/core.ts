/**
 * The parts of a replica that do not depend on sockets, folders or signals (those are in `Replica`):
 * announces the leader, and opens and closes the leader session. `FrontendRequests` answers front-ends.
 */
import { TriremeError, type ReplicaReport, type SeedStock } from '@trireme/domain';
import {
  describeMembership,
  type LogIndex,
  type Membership,
  type NodeStatus,
  type RaftNode,
} from '@trireme/raft';
import type { LinkHandler, Log } from '@trireme/service';
import { CatalogLinks } from '../leader/catalog-links.js';
import type { CatalogSetControl } from '../group/catalogs-routes.js';
import { FrontendRequests } from './frontend-requests.js';
import { FrontendLinks } from './frontends.js';
import { membersFrame } from '../group/group-routes.js';
import type { BookStateMachine, BookStorage, MachineEvents } from '../book/machine.js';
import { LeaderSession, type OrderStep, type Proposer } from '../leader/session.js';
import type { OrderReads } from './order-reads.js';
import { formatAddress } from '../rules/group/addresses.js';
import type { MemberClocks } from '../rules/leader/log-clock.js';
import type { MemberAddresses } from '../rules/group/member-addresses.js';
import { RecentBatches } from '../rules/leader/recent-batches.js';
import { isSeeded, type BookMeta, type DecidedBatch } from '../rules/book/state.js';
import type { Pacer } from './scan-pacer.js';
import { Seeder } from '../leader/seeding.js';

/** Detects that the data folder is a copy; see `ClusterLifeFile`. */
interface ClusterLives {
  belongsToOtherFolder(life: string): boolean;
  record(life: string): void;
}

interface ReplicaCoreOptions<Store extends BookStorage> {
  /** Id of this member of the Raft group. */
  readonly id: string;
  /** Creates the state machine on the open book. */
  readonly createMachine: (events: MachineEvents) => BookStateMachine<Store>;
  readonly lives: ClusterLives;
  /** Addresses of the members. */
  readonly addresses: MemberAddresses;
  /** Stocks of a new cluster, if this replica is its first leader. */
  readonly seed: readonly SeedStock[];
  /** Called once the seed of the cluster is known, with its `seedHash` and the catalog set at that time. */
  readonly onSeeded?: ((hash: string, catalogs: readonly string[]) => void) | undefined;
  /** Catalog ids of a new cluster, if this replica is its first leader. */
  readonly catalogs: readonly string[];
  /** Creates the random life of a new cluster: 16 hex digits. */
  readonly newLife: () => string;
  /** The other members' wall clocks, as reported by the transport. */
  readonly memberClocks: MemberClocks;
  readonly pacer: Pacer;
  /** Report for front-ends that request it; null for none. */
  readonly report: (node: RaftNode) => ReplicaReport | null;
  /** Called with every change of the node's status. */
  readonly onStatusChange: (status: NodeStatus) => void;
  /** Wraps the node for the leader session. */
  readonly proposer: (node: RaftNode) => Proposer;
  readonly log: Log;
  readonly fatal: (error: unknown) => void;
  readonly onStep: (step: OrderStep) => void;
}

/** What this replica has while it leads. */
type Leadership =
  | { readonly state: 'none' }
  /** Elected at `at` on the monotonic clock: no older leader confirmed a round after that. */
  | { readonly state: 'elected'; readonly at: number }
  /** As `elected`, while the log lacks the seed or a new life. */
  | { readonly state: 'seeding'; readonly at: number; readonly seeder: Seeder }
  | { readonly state: 'open'; readonly session: LeaderSession };

const NOT_LEADING: Leadership = { state: 'none' };

export class ReplicaCore<Store extends BookStorage = BookStorage> {
  /** The order book. */
  readonly machine: BookStateMachine<Store>;
  readonly #options: ReplicaCoreOptions<Store>;
  readonly #frontends: FrontendLinks;
  readonly #catalogs: CatalogLinks;
  readonly #requests: FrontendRequests;
  readonly #recent: RecentBatches;
  /** Log index of the catalog set that was last announced to front-ends. */
  #announcedCatalogsIndex = 0;
  /** Null until it is started: it reports its first changes before that. */
  #node: RaftNode | null = null;
  #leadership: Leadership = NOT_LEADING;
  #isSeeded = false;
  #isStopping = false;

  /** Opens no port and starts no node; call `onNodeStarted` with the node. */
  constructor(options: ReplicaCoreOptions<Store>) {
    this.#options = options;
    const { addresses } = options;
    const machine = options.createMachine({
      onApplied: (index, decided) => this.#onApplied(index, decided),
      onStored: (index) => this.session?.onStored(index),
      onError: (error) => options.fatal(error),
    });
    this.machine = machine;
    const { meta } = machine.book;
    this.#recent = new RecentBatches({ seq: meta.lastSeq, index: meta.lastIndex, hash: meta.hash });
    this.#frontends = new FrontendLinks(addresses);
    this.#catalogs = new CatalogLinks({
      members: () => (this.#node === null ? null : membersFrame(this.#node.status(), addresses)),
      onOpen: (link, id) => this.session?.onCatalogOpened(link, id),
      onFrame: (link, frame) => this.session?.onCatalogFrame(link, frame),
      onClose: (link) => this.session?.onCatalogClosed(link),
      onUrlChange: () => this.#announceCatalogs(),
    });
    this.#requests = new FrontendRequests({
      machine,
      session: () => this.session,
      isSessionPending: () => this.#isSessionPending,
      report: () => (this.#node === null ? null : options.report(this.#node)),
      pacer: options.pacer,
      log: options.log,
      fatal: (error) => options.fatal(error),
    });
    this.#recordSeed(meta);
  }

  /** The node was started; it may already have reported changes. */
  onNodeStarted(node: RaftNode): void {
    this.#node = node;
    this.#announceCatalogs();
  }

  /** Answers all open requests and accepts no more. */
  stop(): void {
    this.#isStopping = true;
    this.#closeSession();
    this.#requests.release();
  }

  /** Null while this replica does not lead. */
  get session(): LeaderSession | null {
    return this.#leadership.state === 'open' ? this.#leadership.session : null;
  }

  get reads(): OrderReads {
    return this.#requests.orderReads;
  }

  /** Number of linked front-ends. */
  get frontends(): number {
    return this.#frontends.size;
  }

  /** Handler for links from catalogs. */
  get catalogHandler(): LinkHandler {
    return this.#catalogs.handler;
  }

  readonly catalogSet: CatalogSetControl = {
    describe: () => {
      const { meta } = this.machine.book;
      const { session } = this;
      const ids = session?.catalogIds ?? meta.catalogs;
      const states = session?.status.catalogs ?? [];
      const catalogs = ids.map((id) => {
        const url = this.#catalogs.urlOf(id);
        const state = states.find((one) => one.id === id);
        return { id, url, linked: url !== null, hasAuthority: state?.hasAuthority ?? null };
      });
      return { index: meta.catalogsIndex, catalogs };
    },
    change: async (change) => {
      const { session } = this;
      if (session === null) throw new TriremeError('UNAVAILABLE', 'the leader is not ready yet; try again');
      await session.changeCatalogs(change);
    },
  };

  #onApplied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    const { session } = this;
    const visible = session?.visible ?? index;
    for (const batch of decided) this.#recent.add(batch, visible);
    session?.onApplied(index, decided);
    const { meta } = this.machine.book;
    if (meta.catalogsIndex > this.#announcedCatalogsIndex) this.#announceCatalogs();
    this.#recordSeed(meta);
    const leadership = this.#leadership;
    if (leadership.state !== 'seeding') return;
    leadership.seeder.advance();
    if (this.#needsSeeding(meta)) return;
    this.#leadership = { state: 'elected', at: leadership.at };
    this.#openSessionAfterSeeding();
  }

  /** Records the life and the seed of the cluster, once each. */
  #recordSeed({ life, seedHash, catalogs }: BookMeta): void {
    if (seedHash === '') return;
    this.#options.lives.record(life);
    if (this.#isSeeded) return;
    this.#isSeeded = true;
    this.#options.onSeeded?.(seedHash, catalogs);
  }

  /** Whether the log needs a seed or a new life before this replica may accept orders. */
  #needsSeeding(meta: BookMeta): boolean {
    return !isSeeded(meta) || this.#options.lives.belongsToOtherFolder(meta.life);
  }

  /** The status of the node has changed. */
  onStatusChange(status: NodeStatus): void {
    const { role, term, leader, leading } = status;
    this.#options.onStatusChange(status);
    this.#options.log.info({ role, term, leader, leading }, 'raft status changed');
    if (role !== 'leader') {
      this.#catalogs.onLeadershipLost();
      this.#closeSession();
      this.#leadership = NOT_LEADING;
      this.#requests.release();
    } else {
      if (this.#leadership.state === 'none') this.#leadership = { state: 'elected', at: performance.now() };
      if (this.#leadership.state !== 'open') this.#catalogs.onElected(term);
      if (leading) this.#openSession();
      else this.#closeSession();
    }
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

  /** Opens the session of an elected leader, or seeds the cluster first. */
  #openSession(): void {
    const leadership = this.#leadership;
    if (leadership.state !== 'elected' || this.#isStopping || this.#node === null) return;
    const { machine } = this;
    const { log, lives, seed, catalogs, newLife } = this.#options;
    if (this.#needsSeeding(machine.book.meta)) {
      const seeder = new Seeder({
        node: this.#node,
        stocks: seed,
        catalogs,
        meta: () => machine.book.meta,
        isOfOther: (life) => lives.belongsToOtherFolder(life),
        newLife,
        log,
        ...this.#clocks,
      });
      this.#leadership = { state: 'seeding', at: leadership.at, seeder };
      return;
    }
    this.#restartRecent(machine.book.meta);
    const session = new LeaderSession({
      node: this.#options.proposer(this.#node),
      machine,
      term: this.#node.status().term,
      recent: this.#recent,
      catalogs: this.#catalogs,
      electedAt: leadership.at,
      log,
      answer: (answers) => this.#frontends.sendAnswers(answers),
      fatal: (error) => this.#options.fatal(error),
      onStep: this.#options.onStep,
      ...this.#clocks,
    });
    this.#leadership = { state: 'open', session };
    this.#catalogs.onSessionOpened();
    this.#requests.release();
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
    const leadership = this.#leadership;
    if (leadership.state === 'seeding') {
      leadership.seeder.stop();
      this.#leadership = { state: 'elected', at: leadership.at };
    } else if (leadership.state === 'open') {
      // If this replica stays leader, authority that the closed session granted counts like that of an older
      // leader: its next session needs a later election time.
      this.#leadership = NOT_LEADING;
      leadership.session.close();
    }
  }

  /** Restarts the recent batches if a snapshot replaced the book, or the log began a new life. */
  #restartRecent({ lastSeq: seq, lastIndex: index, hash }: BookMeta): void {
    const { last } = this.#recent;
    if (last.index !== index || last.hash !== hash) this.#recent.restart({ seq, index, hash });
  }

  /** Announces the catalogs and their URLs to front-ends. */
  #announceCatalogs(): void {
    const { meta } = this.machine.book;
    this.#announcedCatalogsIndex = meta.catalogsIndex;
    this.#frontends.setCatalogs(this.#catalogs.toWire(meta.catalogs));
  }

  /** Whether this replica was elected and its session is not open yet. */
  get #isSessionPending(): boolean {
    return this.session === null && !this.#isStopping && this.#node?.status().role === 'leader';
  }

  /** Handler for links from front-ends. */
  readonly frontendHandler: LinkHandler = {
    onOpen: (link) => {
      this.#frontends.add(link, this.#node?.status() ?? null);
    },
    onMessage: (link, message) => this.#requests.onMessage(link, message),
    onClose: (link) => {
      this.#frontends.delete(link);
      this.#requests.onLinkClosed(link);
      this.session?.onFrontendClosed(link.id);
    },
  };
}
