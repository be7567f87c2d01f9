/**
 * The driver: connects the core to a disk, a network, a clock and a state machine. It passes all inputs of
 * one turn of the event loop to the core before it handles the result, so that they share one append, one
 * sync and one apply. At most one persist and one apply run at a time; inputs that arrive meanwhile are
 * batched into the next one.
 */
import { SYSTEM_CLOCK, waitUntil, type Clock } from './clock.js';
import { Compactor } from './compactor.js';
import { RaftError, invariant } from './core/errors.js';
import type { MembershipChange } from './core/membership-change.js';
import { RaftCore } from './core/raft.js';
import type {
  Entry,
  LogBase,
  LogIndex,
  LogView,
  NodeId,
  PersistBatch,
  Proposal,
  Ready,
  Term,
} from './core/types.js';
import { SlowWriteDetector } from './slow-write-detector.js';
import { MembershipTracker } from './membership-tracker.js';
import { TICK_MS, makeCoreConfig, slowWriteMs, type NodeStatus, type RaftNodeOptions } from './options.js';
import { PendingReads } from './pending-reads.js';
import { checkLogMatchesMachine, completeInterruptedInstall, installSnapshot } from './recovery.js';
import { SnapshotManager } from './snapshot-manager.js';
import { Submissions } from './submissions.js';

/** A transfer of leadership with callers of `transferLeadership` that wait for it. */
interface AwaitedTransfer {
  readonly term: Term;
  /** Number of the transfer in its term. */
  readonly number: number | null;
  waiters: number;
}

/**
 * A running member of a group. It owns its storage and transport, and applies committed entries to its state
 * machine.
 */
export class RaftNode {
  readonly #options: RaftNodeOptions;
  readonly #core: RaftCore;
  readonly #clock: Clock;
  readonly #reads: PendingReads;
  readonly #disk: SlowWriteDetector;
  readonly #submissions = new Submissions();
  readonly #group: MembershipTracker;
  readonly #snapshots: SnapshotManager;
  readonly #compactor: Compactor;
  #readIds = 0;
  /** The transfer that `transferLeadership` last started or joined; null before the first. */
  #transfer: AwaitedTransfer | null = null;
  #stopTicking: () => void = () => undefined;
  #isFlushScheduled = false;
  #persisting: Promise<void> = Promise.resolve();
  #applying: Promise<void> = Promise.resolve();
  #state: 'running' | 'failed' | 'stopped' = 'running';
  #stopping: Promise<void> | null = null;
  /** The status that `onChange` was last called with. */
  #reported: Pick<NodeStatus, 'role' | 'term' | 'leader' | 'leading'> | null = null;
  /** The last result of `status`. */
  #lastStatus: NodeStatus;

  private constructor(options: RaftNodeOptions) {
    const { id, storage, stateMachine, transport } = options;
    checkLogMatchesMachine(storage, stateMachine);
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    const config = makeCoreConfig(options, this.#clock);
    this.#reads = new PendingReads(config.limits.readsMax);
    this.#group = new MembershipTracker({
      id,
      transport,
      onMembership: options.onMembership ?? (() => undefined),
    });
    const start = { hardState: storage.hardState(), reader: storage, applied: stateMachine.applied };
    this.#core = new RaftCore(config, start);
    this.#lastStatus = { ...this.#core.status(), leading: false };
    const onEvent = options.onEvent ?? (() => undefined);
    this.#disk = new SlowWriteDetector(this.#clock, slowWriteMs(options), onEvent);
    this.#snapshots = new SnapshotManager({
      id,
      core: this.#core,
      transport,
      support: stateMachine.snapshots ?? null,
      onEvent,
      stepCore: (give) => this.#input(give),
      waitForApply: async () => this.#applying,
      fail: (error) => this.#fail(error),
    });
    this.#compactor = new Compactor({
      options: options.compaction ?? {},
      machine: stateMachine,
      storage,
      log: this.#core.log,
      onEvent,
      retentionNeeds: () => [
        ...this.#snapshots.retentionNeeds,
        ...(this.#core.leadership?.retainedIndexes() ?? []),
      ],
      onFailure: (error) => this.#fail(error),
    });
  }

  /**
   * Starts a member on an opened storage and machine. From then on the node owns storage and transport:
   * `stop` closes them.
   * @throws RaftError `LOG_DAMAGED` if the last index that the machine has applied is not within the log;
   *   `BAD_CONFIG` if an option is invalid.
   */
  static async start(options: RaftNodeOptions): Promise<RaftNode> {
    await completeInterruptedInstall(options.storage, options.stateMachine);
    const node = new RaftNode(options);
    await options.transport.start({
      onMessage: (message) => node.#input(() => node.#core.step(message)),
      onUnreachable: (peer) => node.#input(() => node.#core.onUnreachable(peer)),
      onLinkLost: (peer) => node.#input(() => node.#core.onLinkLost(peer)),
      onSnapshot: async (snapshot) => node.#snapshots.receive(snapshot),
    });
    // Handling the first message may already have failed and stopped the node.
    if (node.#state !== 'running') return node;
    node.#stopTicking = node.#clock.every(options.tickMs ?? TICK_MS, () => {
      node.#disk.tick();
      node.#input(() => node.#core.tick());
    });
    if (node.#isAlone) node.#input(() => node.#core.campaign());
    return node;
  }

  /** The log of this member, read-only; for checkers and tools. */
  get log(): LogView {
    return this.#core.log;
  }

  /**
   * The current status. After a failure of the log, which can no longer be read then, the last known status.
   */
  status(): NodeStatus {
    try {
      this.#lastStatus = { ...this.#core.status(), leading: this.#isLeading };
    } catch (error) {
      // A caller that logs the status after a failure must not get another exception.
      if (!(error instanceof RaftError)) throw error;
    }
    return this.#lastStatus;
  }

  /**
   * Whether this member is the only voter, and so need not wait for an election timeout. Unapplied
   * configurations may name more voters, and with lease reads another leader may rely on this member not to
   * campaign.
   */
  get #isAlone(): boolean {
    const { hasUnapplied, current } = this.#core.log.memberships;
    const { id, leaseReads } = this.#options;
    return !hasUnapplied && leaseReads !== true && current.voters.length === 1 && current.voters[0] === id;
  }

  get #isLeading(): boolean {
    const { leadership, log } = this.#core;
    return leadership !== null && leadership.hasCommittedInTerm && log.applied >= leadership.firstIndex;
  }

  /**
   * Logs `data` as one entry, which is replicated together with the other proposals of this turn. The state
   * machine shows the outcome: the proposal is committed if the entry that is applied at `index` has `term`.
   * @throws RaftError `NOT_LEADER`, `OVERLOADED`, `TOO_LARGE` or `STOPPED`: the proposal had no effect.
   */
  propose(data: Uint8Array): Proposal {
    this.#checkRunning();
    const proposal = this.#core.propose(data);
    this.#scheduleFlush();
    return proposal;
  }

  /**
   * Logs `data` like `propose`, and resolves with its index once this member's machine has applied it.
   * @throws RaftError as `propose`, and `OVERLOADED` if `SUBMISSIONS_MAX` are waiting: the command had no
   *   effect. `LEADERSHIP_LOST` if leadership was lost, or the node stopped, before it was applied: it may
   *   still be applied.
   */
  async submit(data: Uint8Array): Promise<LogIndex> {
    this.#submissions.checkCapacity();
    const { index } = this.propose(data);
    return this.#submissions.add(index, this.#core.leadership);
  }

  /**
   * Resolves once the leader was confirmed after the call, and this member's machine has applied everything
   * that was committed before the call: a read of the machine is then linearizable (ReadIndex, thesis 6.4). A
   * follower asks the leader. With `lease` a leader with a valid lease is not confirmed first, which saves a
   * round trip.
   * @throws RaftError `NOT_LEADER` if no leader is known, `OVERLOADED`, `LEADERSHIP_LOST`, `READ_TIMEOUT`,
   *   `STOPPED`, or `BAD_CONFIG` for `lease` without the option `leaseReads`. A read has no effect, so it may
   *   be retried.
   */
  async read({ lease = false }: { readonly lease?: boolean } = {}): Promise<LogIndex> {
    this.#checkRunning();
    this.#reads.checkCapacity();
    if (lease) {
      if (this.#options.leaseReads !== true) {
        throw new RaftError('BAD_CONFIG', 'lease reads are disabled: set leaseReads on every member');
      }
      const index = this.#core.leaseIndex();
      if (index !== null) return this.#reads.addConfirmed(index, this.#core.log.applied);
    }
    const id = ++this.#readIds;
    this.#core.requestRead(id);
    this.#scheduleFlush();
    return this.#reads.add(id);
  }

  /**
   * Changes the membership. Resolves once the new configuration is applied here, the joint configuration is
   * left, and a quorum of the new configuration knows that it is committed: removed members may be stopped
   * then. Learners and new voters have the log by then, or are receiving it. Only the leader can change the
   * membership, one change at a time. A leader that removes itself transfers leadership afterwards; it is
   * better to call `transferLeadership` first.
   * @param options.force makes the change even if too few of the new voters answer this leader, or a new
   *   voter lacks much of the log: the group may be unable to commit anything afterwards
   * @throws RaftError `NOT_LEADER`, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP`, `NOT_CAUGHT_UP`,
   *   `QUORUM_UNREACHABLE` or `STOPPED`: the change had no effect. `LEADERSHIP_LOST`: it may still take
   *   effect.
   */
  async changeMembership(
    change: MembershipChange,
    options: { readonly force?: boolean } = {},
  ): Promise<void> {
    this.#checkRunning();
    this.#group.checkCapacity();
    const { leadership } = this.#core;
    const index = this.#core.changeMembership(change, options);
    this.#scheduleFlush();
    invariant(leadership !== null, 'only a leader changes the membership');
    return this.#group.waitForChange(index, leadership);
  }

  /**
   * The last index up to which the durable log of `member` matches this leader's; null if this member does
   * not lead it.
   */
  matchIndexOf(member: NodeId): LogIndex | null {
    return this.#core.leadership?.progressOf(member)?.match ?? null;
  }

  /** Whether `member` answers this leader, or is this leader; null if this member does not lead. */
  isReachable(member: NodeId): boolean | null {
    return this.#core.leadership?.isReachable(member) ?? null;
  }

  /**
   * Transfers leadership and waits until this member no longer leads, at most `timeoutMs` milliseconds. After
   * that time it cancels this transfer if it is still in progress, unless another caller waits for it. Without
   * another live voter this member keeps leading.
   * @param options.to the voter to lead next. Without it, the running transfer is used, or a new one to the
   *   voter with the longest log
   * @param options.isStopping whether `stop` comes next: then transfers that failed recently are ignored
   * @returns whether this member no longer leads
   * @throws RaftError `BAD_CONFIG` if `to` is not another voter; `TRANSFER_REFUSED` if a transfer to another
   *   voter is in progress, `to` does not answer, or a transfer failed recently.
   */
  async transferLeadership(
    timeoutMs: number,
    options: { readonly to?: NodeId | undefined; readonly isStopping?: boolean } = {},
  ): Promise<boolean> {
    const { to, isStopping = false } = options;
    const { leadership } = this.#core;
    if (leadership === null) return true;
    if (this.#state !== 'running') return false;
    if (to !== undefined || !leadership.isTransferring) {
      const successor = to ?? leadership.bestSuccessor();
      if (successor === null) return false;
      this.#core.transferLeadership(successor, { isStopping });
      this.#scheduleFlush();
    }
    const isLeading = (): boolean => this.#core.leadership === leadership && this.#state === 'running';
    const transfer = this.#awaitedTransfer(this.#core.term, leadership.transferNumber);
    transfer.waiters += 1;
    await waitUntil(this.#clock, timeoutMs, () => !isLeading());
    transfer.waiters -= 1;
    if (transfer.waiters === 0 && leadership.transferNumber === transfer.number) leadership.cancelTransfer();
    return this.#core.leadership !== leadership;
  }

  #awaitedTransfer(term: Term, number: number | null): AwaitedTransfer {
    if (this.#transfer?.term !== term || this.#transfer.number !== number)
      this.#transfer = { term, number, waiters: 0 };
    return this.#transfer;
  }

  /**
   * Cancels the transfer of leadership in progress, if any; this member accepts proposals again. If the target was
   * already told to campaign, it may still win, so callers of `transferLeadership` wait until their time limit.
   *
   * A leader that is no longer a voter steps down at the next tick all the same, and one whose state machine hangs
   * starts another transfer then. A started transfer ends the lease for the rest of the term, even if it is
   * cancelled: reads with `lease` are then confirmed like others.
   */
  cancelTransfer(): void {
    this.#core.cancelTransfer();
  }

  /**
   * Makes the machine durable and compacts this member's log now, in addition to automatic compaction. A
   * follower that lacks removed entries then needs a snapshot.
   * @param entriesKept applied entries to keep; those of the options unless given
   * @returns the base of the log: the last entry that it no longer holds
   * @throws RaftError `BAD_CONFIG`, `NOT_READY` while a snapshot is being installed, or `STOPPED`.
   */
  async compact(entriesKept?: number): Promise<LogBase> {
    this.#checkRunning();
    const base = await this.#compactor.compact(entriesKept);
    this.#checkRunning();
    return base;
  }

  /**
   * Stops the node: waits for the running write and apply, then closes transport and storage. Must also be
   * called after a failure. Every call resolves when everything is closed.
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
    this.#submissions.rejectAll('the node has stopped', stopped);
    this.#group.rejectAll(stopped);
    this.#snapshots.cancelTransfers();
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
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#clock.defer(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#state !== 'running') return;
    try {
      this.#handleReady(this.#core.ready());
      this.#reportChange();
    } catch (error) {
      this.#fail(error);
    }
  }

  #handleReady(ready: Ready): void {
    if (ready.membership !== null) this.#group.addPeers(ready.membership);
    for (const message of ready.send) this.#options.transport.send(message);
    if (ready.membership !== null) this.#group.onMembership(ready.membership);
    this.#group.resolveChanges(this.#core.log, this.#core.leadership);
    this.#group.setLeader(this.#core.leader);
    this.#submissions.setLeadership(this.#core.leadership);
    if (ready.persist !== null) this.#persisting = this.#persist(ready.persist);
    for (const follower of ready.snapshotsTo) this.#snapshots.send(follower);
    if (ready.apply.length > 0) this.#applying = this.#apply(ready.apply);
    this.#reads.handleReady(ready, this.#core.log.applied);
  }

  async #persist(batch: PersistBatch): Promise<void> {
    try {
      if (batch.base === undefined) {
        this.#disk.onWriteStart();
        await this.#options.storage.persist(batch);
        this.#disk.onWriteEnd();
      } else await this.#install(batch, batch.base);
      if (this.#state !== 'running') return;
      this.#core.onPersisted();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (batch.base !== undefined) {
      this.#snapshots.onInstalled(batch.base);
      this.#reads.onApplied(batch.base.index);
    }
    this.#flush();
  }

  async #install(batch: PersistBatch, base: LogBase): Promise<void> {
    await this.#applying;
    await this.#compactor.pause();
    const isRunning = (): boolean => this.#state === 'running';
    await installSnapshot(batch, base, {
      storage: this.#options.storage,
      snapshots: this.#snapshots,
      isRunning,
    });
    this.#compactor.resume();
  }

  async #apply(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#options.stateMachine.apply(entries);
      if (this.#state !== 'running') return;
      this.#core.onApplied(entries.at(-1)?.index ?? 0);
      this.#compactor.onApplied(entries);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#submissions.onApplied(this.#core.log.applied);
    this.#reads.onApplied(this.#core.log.applied);
    this.#flush();
  }

  #reportChange(): void {
    const { role, term, leader } = this.#core;
    const last = this.#reported;
    const leading = this.#isLeading;
    const isSame = last?.role === role && last.term === term && last.leader === leader;
    if (isSame && last.leading === leading) return;
    this.#reported = { role, term, leader, leading };
    if (role !== 'leader') this.#snapshots.abortSending();
    this.#options.onChange?.(this.status());
  }

  /** After a failure the node sends, acknowledges and writes nothing more. */
  #fail(error: unknown): void {
    if (this.#state !== 'running') return;
    this.#state = 'failed';
    this.#stopTicking();
    const failed = new RaftError('STOPPED', 'the node has failed', { cause: error });
    this.#reads.rejectAll(failed);
    this.#submissions.rejectAll('the node has failed', failed);
    this.#group.rejectAll(failed);
    this.#options.onFatal(error);
  }
}
