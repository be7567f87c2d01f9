/**
 * The driver: joins the core with a disk, a network, a clock and a state machine. All inputs of one turn of the event
 * loop are given to the core first and then worked off together, so that they share one append, one sync and one apply.
 * At most one persist and one apply are under way; whatever gathers meanwhile travels in the next.
 */
import { SYSTEM_CLOCK, passed, type Clock } from './clock.js';
import { Compactor } from './compactor.js';
import { RaftError, invariant } from './core/errors.js';
import type { MembershipChange } from './core/membership-change.js';
import { RaftCore } from './core/raft.js';
import type { Entry, LogBase, LogIndex, NodeId, PersistBatch, Ready, Term } from './core/types.js';
import { DiskWatch } from './disk-watch.js';
import { Group } from './group.js';
import {
  TICK_MS,
  coreConfig,
  slowDiskMs,
  type LogView,
  type NodeStatus,
  type RaftNodeOptions,
} from './options.js';
import { PendingReads } from './pending-reads.js';
import { checkStart, finishInstall, install } from './recovery.js';
import { Snapshots } from './snapshots.js';
import { Submissions } from './submissions.js';

/** One member of a group, running: it owns its storage and transport, and feeds its state machine. */
export class RaftNode {
  readonly #options: RaftNodeOptions;
  readonly #core: RaftCore;
  readonly #clock: Clock;
  readonly #reads: PendingReads;
  readonly #disk: DiskWatch;
  readonly #submissions = new Submissions();
  readonly #group: Group;
  readonly #snapshots: Snapshots;
  readonly #compactor: Compactor;
  #readIds = 0;
  /** Callers of `transferLeadership` that wait. */
  #transferWaiters = 0;
  #stopTicking: () => void = () => undefined;
  #isFlushDue = false;
  #persisting: Promise<void> = Promise.resolve();
  #applying: Promise<void> = Promise.resolve();
  #state: 'running' | 'failed' | 'stopped' = 'running';
  #stopping: Promise<void> | null = null;
  /** What `onChange` was told last. */
  #shown: Pick<NodeStatus, 'role' | 'term' | 'leader' | 'leading'> | null = null;
  /** What `status` said last. */
  #known: NodeStatus;

  private constructor(options: RaftNodeOptions) {
    const { id, storage, machine, transport } = options;
    checkStart(storage, machine);
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    const config = coreConfig(options, this.#clock);
    this.#reads = new PendingReads(config.limits.readsMax);
    this.#group = new Group({ id, transport, onMembership: options.onMembership ?? (() => undefined) });
    const start = { hardState: storage.hardState(), reader: storage, applied: machine.applied };
    this.#core = new RaftCore(config, start);
    this.#known = { ...this.#core.status(), leading: false };
    const onEvent = options.onEvent ?? (() => undefined);
    this.#disk = new DiskWatch(this.#clock, slowDiskMs(options), onEvent);
    this.#snapshots = new Snapshots({
      ...{ id, core: this.#core, transport, support: machine.snapshots ?? null, onEvent },
      input: (give) => this.#input(give),
      applied: async () => this.#applying,
      fail: (error) => this.#fail(error),
    });
    this.#compactor = new Compactor({
      ...{ options: options.compaction ?? {}, machine, storage, log: this.#core.log, onEvent },
      needed: () => [...this.#snapshots.needed, ...(this.#core.leadership?.neededEntries() ?? [])],
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
    node.#stopTicking = node.#clock.every(options.tickMs ?? TICK_MS, () => {
      node.#disk.tick();
      node.#input(() => node.#core.tick());
    });
    if (node.#isAlone) node.#input(() => node.#core.campaign());
    return node;
  }

  /** For checkers and tools. */
  get log(): LogView {
    return this.#core.log;
  }

  /** How this member stands now; what it said last once its log has failed, which then tells nothing any more. */
  status(): NodeStatus {
    try {
      this.#known = { ...this.#core.status(), leading: this.#isLeading };
    } catch (error) {
      // Who asks on the way down, to say why in its log, must not be thrown at.
      if (!(error instanceof RaftError)) throw error;
    }
    return this.#known;
  }

  /**
   * Whether this is a cluster of one, which need not wait for a timeout to lead. It may have grown since what the machine
   * shows: others may lead then, and count on the silence that a lease promises.
   */
  get #isAlone(): boolean {
    const { hasUnapplied, inForce } = this.#core.log.memberships;
    const { id, leaseReads } = this.#options;
    return !hasUnapplied && leaseReads !== true && inForce.voters.length === 1 && inForce.voters[0] === id;
  }

  get #isLeading(): boolean {
    const { leadership, log } = this.#core;
    return leadership !== null && leadership.hasCommittedInTerm && log.applied >= leadership.firstIndex;
  }

  /**
   * Logs `data` as one entry, to be replicated with whatever else comes in this turn. Its fate shows in the state
   * machine: it is committed if the entry applied at `index` is of `term`.
   * @throws RaftError `NOT_LEADER`, `OVERLOADED`, `TOO_LARGE` or `STOPPED`: the proposal surely had no effect.
   */
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term } {
    this.#checkRunning();
    const proposal = this.#core.propose(data);
    this.#flushSoon();
    return proposal;
  }

  /**
   * Logs `data` like `propose`, and resolves with its index once this member's machine has applied it.
   * @throws RaftError what `propose` throws, also `OVERLOADED` where `SUBMISSIONS_MAX` wait: it surely had no effect;
   *   `LEADERSHIP_LOST` where leadership was lost, or the node stopped, before it was applied: it may yet come about.
   */
  async submit(data: Uint8Array): Promise<LogIndex> {
    this.#submissions.checkRoom();
    const { index } = this.propose(data);
    return this.#submissions.add(index, this.#core.leadership);
  }

  /**
   * Resolves once the leader was confirmed after the call, and this member's machine has applied everything that was
   * committed before: a read of the machine is then linearizable (ReadIndex, thesis 6.4). Who does not lead asks the
   * leader. With `lease` a leader whose lease holds is not confirmed first, which saves a round trip.
   * @throws RaftError `NOT_LEADER` where no leader is known, `OVERLOADED`, `LEADERSHIP_LOST`, `READ_TIMEOUT`, `STOPPED`,
   * or `BAD_CONFIG` for `lease` without the option `leaseReads`. A read has no effect and may be asked again.
   */
  async read({ lease = false }: { readonly lease?: boolean } = {}): Promise<LogIndex> {
    this.#checkRunning();
    this.#reads.checkRoom();
    if (lease) {
      if (this.#options.leaseReads !== true) throw new RaftError('BAD_CONFIG', 'lease reads are off');
      const index = this.#core.leaseIndex();
      if (index !== null) return this.#reads.addConfirmed(index, this.#core.log.applied);
    }
    const id = ++this.#readIds;
    this.#core.read(id);
    this.#flushSoon();
    return this.#reads.add(id);
  }

  /**
   * Changes the group: resolves once the configuration that `change` leads to is applied here, the joint one before it
   * left again, and a quorum of the new one knows it to be committed: who has left may be stopped then. Learners and new
   * voters have the log by then or are being sent it. Only a leader can do it, one change at a time; one that removes
   * itself transfers leadership afterwards, and is better asked to do that first (`transferLeadership`).
   * @param options.force makes the change although too few of the voters after it answer this leader, or a new voter does
   *   not have the log: the group may be unable to decide anything afterwards
   * @throws RaftError `NOT_LEADER`, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP`, `NOT_CAUGHT_UP`, `QUORUM_UNREACHABLE` or
   *   `STOPPED`: it surely had no effect; `LEADERSHIP_LOST`: it may yet come about.
   */
  async changeMembership(
    change: MembershipChange,
    options: { readonly force?: boolean } = {},
  ): Promise<void> {
    this.#checkRunning();
    this.#group.checkRoom();
    const { leadership } = this.#core;
    const index = this.#core.changeMembership(change, options);
    this.#flushSoon();
    invariant(leadership !== null, 'who does not lead changes nothing');
    return this.#group.settled(index, leadership);
  }

  /** How far the log of `member` agrees with this leader's, durably; null where this member does not lead it. */
  matchOf(member: NodeId): LogIndex | null {
    return this.#core.leadership?.progressOf(member)?.match ?? null;
  }

  /** Whether `member` answers this leader, or is it; null where this member does not lead. */
  isReachable(member: NodeId): boolean | null {
    return this.#core.leadership?.isReachable(member) ?? null;
  }

  /**
   * Transfers leadership and waits until this member no longer leads, at most `timeoutMs` milliseconds. Then the transfer is
   * cancelled, unless another caller waits for it. Returns whether it does not lead any more; without another live member
   * it goes on.
   * @param options.to the voter to lead next. Without it the transfer under way will do, or one to the voter whose log
   *   reaches furthest
   * @param options.isStopping whether `stop` comes next: then transfers that failed just before do not count
   * @throws RaftError `BAD_CONFIG` if `to` is no other voter; `TRANSFER_REFUSED` if a transfer to another one is under way,
   *   `to` is silent, or transfers have failed just before.
   */
  async transferLeadership(
    timeoutMs: number,
    { to, isStopping = false }: { readonly to?: NodeId; readonly isStopping?: boolean } = {},
  ): Promise<boolean> {
    const { leadership } = this.#core;
    if (leadership === null) return true;
    if (this.#state !== 'running') return false;
    if (to !== undefined || !leadership.isTransferring) {
      const successor = to ?? leadership.bestSuccessor();
      if (successor === null) return false;
      this.#core.transfer(successor, { isStopping });
      this.#flushSoon();
    }
    const isLeading = (): boolean => this.#core.leadership === leadership && this.#state === 'running';
    this.#transferWaiters += 1;
    await passed(this.#clock, timeoutMs, () => !isLeading());
    this.#transferWaiters -= 1;
    if (this.#transferWaiters === 0) leadership.cancelTransfer();
    return this.#core.leadership !== leadership;
  }

  /**
   * Makes the machine durable and compacts this member's log now, which it does by itself from time to time. A follower
   * that lacks entries that went needs a snapshot.
   * @param entriesKept applied entries that stay; those of the options unless given
   * @returns the last entry that the log does not hold any more
   * @throws RaftError `BAD_CONFIG`, `NOT_READY` while a snapshot is installed, or `STOPPED`.
   */
  async compact(entriesKept?: number): Promise<LogBase> {
    this.#checkRunning();
    const base = await this.#compactor.now(entriesKept);
    this.#checkRunning();
    return base;
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
    this.#submissions.giveUp('the node has stopped', stopped);
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
    if (ready.membership !== null) this.#group.news(ready.membership);
    this.#group.settle(this.#core.log, this.#core.leadership);
    this.#group.ledBy(this.#core.leader);
    this.#submissions.ledBy(this.#core.leadership);
    if (ready.persist !== null) this.#persisting = this.#persist(ready.persist);
    for (const follower of ready.snapshots) this.#snapshots.send(follower);
    if (ready.apply.length > 0) this.#applying = this.#apply(ready.apply);
    this.#reads.settle(ready, this.#core.log.applied);
  }

  async #persist(batch: PersistBatch): Promise<void> {
    try {
      if (batch.base === undefined) {
        this.#disk.begin();
        await this.#options.storage.persist(batch);
        this.#disk.end();
      } else await this.#install(batch, batch.base);
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

  async #install(batch: PersistBatch, base: LogBase): Promise<void> {
    await this.#applying;
    await this.#compactor.hold();
    const isRunning = (): boolean => this.#state === 'running';
    await install(batch, base, { storage: this.#options.storage, snapshots: this.#snapshots, isRunning });
    this.#compactor.release();
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
    this.#submissions.applied(this.#core.log.applied);
    this.#reads.serve(this.#core.log.applied);
    this.#flush();
  }

  #showChange(): void {
    const { role, term, leader } = this.#core;
    const shown = this.#shown;
    const leading = this.#isLeading;
    const isSame = shown?.role === role && shown.term === term && shown.leader === leader;
    if (isSame && shown.leading === leading) return;
    this.#shown = { role, term, leader, leading };
    if (role !== 'leader') this.#snapshots.abortSending();
    this.#options.onChange?.(this.status());
  }

  /** After a failure nothing is sent, acknowledged or written any more. */
  #fail(error: unknown): void {
    if (this.#state !== 'running') return;
    this.#state = 'failed';
    this.#stopTicking();
    const failed = new RaftError('STOPPED', 'the node has failed', { cause: error });
    this.#reads.rejectAll(failed);
    this.#submissions.giveUp('the node has failed', failed);
    this.#group.giveUp(failed);
    this.#options.onFatal(error);
  }
}
