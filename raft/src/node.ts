/**
 * The driver: joins the core with a disk, a network, a clock and a state machine. All inputs of one turn of the event
 * loop are given to the core first and then worked off together, so that they share one append, one sync and one apply.
 * At most one persist and one apply are under way; whatever gathers meanwhile travels in the next.
 */
import { SYSTEM_CLOCK, type Clock } from './clock.js';
import { Compactor } from './compactor.js';
import type { CompactionOptions } from './compaction.js';
import { DEFAULT_LIMITS, type CoreLimits } from './core/config.js';
import { RaftError } from './core/errors.js';
import type { MembershipChange } from './core/membership-change.js';
import { initialMembership } from './core/membership.js';
import { RaftCore } from './core/raft.js';
import type { RaftLog } from './core/log.js';
import type {
  CoreStatus,
  Entry,
  LogBase,
  LogIndex,
  Membership,
  NodeId,
  PersistBatch,
  Ready,
  Term,
} from './core/types.js';
import { Group } from './group.js';
import type { StateMachine } from './machine.js';
import { PendingReads } from './pending-reads.js';
import { checkStart, finishInstall } from './recovery.js';
import { Snapshots, type SnapshotEvent } from './snapshots.js';
import type { LogStorage } from './storage/storage.js';
import type { Transport } from './transport/transport.js';

export interface NodeStatus extends CoreStatus {
  /** Leads, and has applied everything that earlier leaders committed: what it reads in its machine is complete. */
  readonly leading: boolean;
}

/** A member's log as it stands, in memory and on disk: to look at, not to change. */
export type LogView = Pick<
  RaftLog,
  'base' | 'lastIndex' | 'stableIndex' | 'commit' | 'applied' | 'term' | 'entries'
>;

export interface RaftNodeOptions {
  readonly id: NodeId;
  /**
   * The voters that the group begins with, this one included; of no account once the log names others. Empty for a
   * member that others let in: it waits for the leader that adds it.
   */
  readonly members: readonly NodeId[];
  /** Where these members are reached, for those that are let in later and learn of them from the log. */
  readonly addresses?: ReadonlyMap<NodeId, string>;
  readonly storage: LogStorage;
  readonly transport: Transport;
  readonly machine: StateMachine;
  /** Called when role, term, leader or `leading` has changed. */
  readonly onChange: (status: NodeStatus) => void;
  /** Called once when the node cannot go on: a failed disk, damage, a broken invariant. The process should exit. */
  readonly onFatal: (error: unknown) => void;
  /** Called with the configuration in force, at the start and whenever another one is applied. */
  readonly onMembership?: (membership: Membership) => void;
  /** Milliseconds between ticks. */
  readonly tickMs?: number;
  /** See `CoreConfig`. */
  readonly electionTicks?: number;
  readonly heartbeatTicks?: number;
  readonly limits?: Partial<CoreLimits>;
  /** See `CompactionOptions`; of no effect where the machine has no snapshots. */
  readonly compaction?: Partial<CompactionOptions>;
  /** Called for every compaction and snapshot. */
  readonly onEvent?: (event: SnapshotEvent) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * With ticks of 10 ms: heartbeats every 50 ms, and an election after 500 to 1000 ms of silence. A leader's crash is
 * noticed sooner, by its broken links; the timeout is for silence, and has to outlast a busy machine's pauses.
 */
const TICK_MS = 10;
const HEARTBEAT_TICKS = 5;
const ELECTION_TICKS = 50;

export class RaftNode {
  readonly #options: RaftNodeOptions;
  readonly #core: RaftCore;
  readonly #clock: Clock;
  readonly #reads: PendingReads;
  readonly #group: Group;
  readonly #snapshots: Snapshots;
  readonly #compactor: Compactor;
  #readIds = 0;
  /** The leadership that the membership change under way was logged by. */
  #changer: RaftCore['leadership'] = null;
  #stopTicking: () => void = () => undefined;
  #isFlushDue = false;
  #persisting: Promise<void> = Promise.resolve();
  #applying: Promise<void> = Promise.resolve();
  #state: 'running' | 'failed' | 'stopped' = 'running';
  #stopping: Promise<void> | null = null;
  #shown = '';

  private constructor(options: RaftNodeOptions) {
    const { id, members, storage, machine, transport } = options;
    checkStart(storage, machine);
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#options = options;
    this.#reads = new PendingReads(limits.readsMax);
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#group = new Group({
      id,
      transport: options.transport,
      onMembership: options.onMembership ?? (() => undefined),
    });
    this.#core = new RaftCore(
      {
        id,
        initial: initialMembership(members, options.addresses),
        electionTicks: options.electionTicks ?? ELECTION_TICKS,
        heartbeatTicks: options.heartbeatTicks ?? HEARTBEAT_TICKS,
        random: options.random ?? Math.random,
        limits,
      },
      { hardState: storage.hardState(), reader: storage, applied: machine.applied },
    );
    const onEvent = options.onEvent ?? (() => undefined);
    this.#snapshots = new Snapshots({
      ...{ id, core: this.#core, transport, support: machine.snapshots ?? null, onEvent },
      input: (give) => this.#input(give),
      applied: async () => this.#applying,
      fail: (error) => this.#fail(error),
    });
    this.#compactor = new Compactor({
      ...{ options: options.compaction ?? {}, machine, storage, log: this.#core.log, onEvent },
      needed: () => this.#snapshots.needed,
      fail: (error) => this.#fail(error),
    });
  }

  /**
   * Starts a member on an opened storage and machine. The node owns storage and transport from here: `stop` closes them.
   * @throws RaftError `LOG_DAMAGED` if the log does not reach what the machine has applied, or begins behind it;
   *   `BAD_CONFIG`.
   */
  static async start(options: RaftNodeOptions): Promise<RaftNode> {
    await finishInstall(options.storage, options.machine);
    const node = new RaftNode(options);
    await options.transport.start({
      message: (message) => node.#input(() => node.#core.step(message)),
      unreachable: (peer) => node.#input(() => node.#core.unreachable(peer)),
      linkLost: (peer) => node.#input(() => node.#core.linkLost(peer)),
      snapshot: async (snapshot) => node.#snapshots.receive(snapshot),
    });
    // What the first message showed may have stopped it already.
    if (node.#state !== 'running') return node;
    node.#stopTicking = node.#clock.every(options.tickMs ?? TICK_MS, () =>
      node.#input(() => node.#core.tick()),
    );
    // A cluster of one need not wait for a timeout to lead.
    const { voters } = node.#core.log.memberships.inForce;
    if (voters.length === 1 && voters[0] === options.id) node.#input(() => node.#core.campaign());
    return node;
  }

  /** For checkers and tools. */
  get log(): LogView {
    return this.#core.log;
  }

  status(): NodeStatus {
    const leadership = this.#core.leadership;
    const leading =
      leadership !== null && leadership.hasCommittedInTerm && this.#core.log.applied >= leadership.firstIndex;
    return { ...this.#core.status(), leading };
  }

  /**
   * Logs `data` as one entry, to be replicated with whatever else comes in this turn. Its fate shows in the state
   * machine: it is committed if the entry applied at `index` is of `term`.
   * @throws RaftError `NOT_LEADER`, `OVERLOADED` or `STOPPED`: the proposal surely had no effect.
   */
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term } {
    this.#checkRunning();
    const proposal = this.#core.propose(data);
    this.#flushSoon();
    return proposal;
  }

  /**
   * Resolves once this member was confirmed as the leader after the call, and its machine has applied everything that
   * was committed before: a read of the machine is then linearizable (ReadIndex, thesis 6.4).
   * @throws RaftError `NOT_LEADER`, `OVERLOADED`, `LEADERSHIP_LOST` or `STOPPED`.
   */
  async read(): Promise<LogIndex> {
    this.#checkRunning();
    this.#reads.checkRoom();
    const id = ++this.#readIds;
    this.#core.read(id);
    this.#flushSoon();
    return this.#reads.add(id);
  }

  /**
   * Changes the group: resolves once the configuration that `change` leads to is applied here, the joint one before it
   * left again. Learners and new voters have the log by then or are being sent it. Only a leader can do it, one change
   * at a time; one that removes itself hands leadership over afterwards.
   * @throws RaftError `NOT_LEADER`, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP` or `STOPPED`: it surely had no
   * effect; `LEADERSHIP_LOST`: it may yet come about.
   */
  async changeMembership(change: MembershipChange): Promise<void> {
    this.#checkRunning();
    const { leadership } = this.#core;
    const index = this.#core.changeMembership(change);
    this.#changer = leadership;
    this.#flushSoon();
    return this.#group.settled(index);
  }

  /** How far the log of `member` agrees with this leader's, durably; null where this member does not lead it. */
  matchOf(member: NodeId): LogIndex | null {
    return this.#core.leadership?.progressOf(member)?.match ?? null;
  }

  /**
   * Hands leadership to the member whose log reaches furthest and waits until this one no longer leads, at most
   * `timeoutMs` milliseconds. Returns whether it does not lead any more; without another live member it goes on.
   */
  async handOver(timeoutMs: number): Promise<boolean> {
    const { leadership } = this.#core;
    if (leadership === null) return true;
    const successor = leadership.bestSuccessor();
    if (successor === null) return false;
    this.#input(() => this.#core.transfer(successor));
    let waitedMs = 0;
    await new Promise<void>((resolve) => {
      const stop = this.#clock.every(TICK_MS, () => {
        waitedMs += TICK_MS;
        const isLeading = this.#core.leadership === leadership && this.#state === 'running';
        if (isLeading && waitedMs < timeoutMs) return;
        stop();
        resolve();
      });
    });
    return this.#core.leadership !== leadership;
  }

  /**
   * Stops: waits for the write and the apply under way, then closes transport and storage. Also after a failure. Every
   * call resolves when all is closed.
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    this.#state = 'stopped';
    this.#stopTicking();
    const stopped = new RaftError('STOPPED', 'the node has stopped');
    this.#reads.rejectAll(stopped);
    this.#group.giveUp(stopped);
    this.#snapshots.cancel();
    try {
      await this.#options.transport.stop();
    } finally {
      await Promise.allSettled([this.#persisting, this.#applying]);
      await Promise.allSettled([this.#compactor.stop(), this.#snapshots.stop()]);
      await this.#options.storage.close();
    }
  }

  #checkRunning(): void {
    if (this.#state !== 'running') throw new RaftError('STOPPED', 'the node has stopped');
  }

  #input(give: () => void): void {
    if (this.#state !== 'running') return;
    try {
      give();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#clock.defer(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#state !== 'running') return;
    try {
      this.#work(this.#core.ready());
      this.#showChange();
    } catch (error) {
      this.#fail(error);
    }
  }

  #work(ready: Ready): void {
    if (ready.membership !== null) this.#group.admit(ready.membership);
    for (const message of ready.send) this.#options.transport.send(message);
    if (ready.membership !== null) this.#group.news(ready.membership, this.#core.log.applied);
    if (this.#group.isChanging && this.#core.leadership !== this.#changer) {
      this.#group.giveUp(new RaftError('LEADERSHIP_LOST', 'leadership was lost during the change'));
    }
    if (ready.persist !== null) this.#persisting = this.#persist(ready.persist);
    for (const follower of ready.snapshots) this.#snapshots.send(follower);
    if (ready.apply.length > 0) this.#applying = this.#apply(ready.apply);
    if (ready.reads.length > 0) {
      this.#reads.confirm(ready.reads);
      this.#reads.serve(this.#core.log.applied);
    }
    if (ready.readsLost.length > 0) {
      const lost = new RaftError('LEADERSHIP_LOST', 'leadership was lost during the read');
      this.#reads.reject(ready.readsLost, lost);
    }
  }

  async #persist(batch: PersistBatch): Promise<void> {
    try {
      if (batch.base === undefined) await this.#options.storage.persist(batch);
      else await this.#install(batch, batch.base);
      if (this.#state !== 'running') return;
      this.#core.persisted();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (batch.base !== undefined) {
      this.#snapshots.installed(batch.base);
      this.#reads.serve(batch.base.index);
    }
    this.#flush();
  }

  /**
   * Installs a snapshot. A crash may come between any two of these steps:
   *
   *     1. term and vote are written, so that the log's term is never below that of its base
   *     2. the snapshot becomes the state machine, which from now on says what it was restored from
   *     3. the log begins anew behind it
   *
   * Before 2 nothing has happened: the log goes on as it was. Between 2 and 3 the machine is ahead of its log; the next
   * start sees from what the machine says that it is step 3 that is missing, and does it (`finishInstall`). The other
   * way round the log would begin behind a machine that has not got so far.
   */
  async #install({ hardState, entries }: PersistBatch, base: LogBase): Promise<void> {
    const { storage } = this.#options;
    await this.#applying;
    await this.#compactor.idle;
    if (hardState !== null) await storage.persist({ hardState, entries: [] });
    if (this.#state !== 'running') return;
    await this.#snapshots.install(base);
    await storage.persist({ base, hardState: null, entries });
  }

  async #apply(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#options.machine.apply(entries);
      if (this.#state !== 'running') return;
      this.#core.applied(entries.at(-1)?.index ?? 0);
      this.#compactor.applied(entries);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#reads.serve(this.#core.log.applied);
    this.#flush();
  }

  #showChange(): void {
    const status = this.status();
    const shown = `${status.role} ${status.term} ${String(status.leader)} ${status.leading}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (status.role !== 'leader') this.#snapshots.abortSending();
    this.#options.onChange(status);
  }

  /** After a failure nothing is sent, acknowledged or written any more. */
  #fail(error: unknown): void {
    if (this.#state !== 'running') return;
    this.#state = 'failed';
    this.#stopTicking();
    const failed = new RaftError('STOPPED', 'the node has failed', { cause: error });
    this.#reads.rejectAll(failed);
    this.#group.giveUp(failed);
    this.#options.onFatal(error);
  }
}
