/**
 * The consensus core: the Raft state machine of one member. It does no I/O and has no clock: the driver passes it
 * ticks, messages and proposals, then calls `ready()` for the work to do. Everything is synchronous.
 *
 * These wait for the disk (Raft, figure 2: "updated on stable storage before responding"): vote requests, vote
 * responses (rejections too, because their term must be durable), accepted appends, and the leader's count of
 * itself. These do not: a leader's appends and heartbeats, pre-votes and their answers, rejected appends.
 */
import { VotingState } from './voting-state.js';
import { checkConfig, type CoreConfig, type DurableState } from './config.js';
import { RaftError, invariant } from './errors.js';
import { HangDetector } from './health.js';
import { MessageHandler } from './message-handler.js';
import type { LeaderState } from './leadership.js';
import { RaftLog } from './log.js';
import type { MembershipChange } from './membership-change.js';
import { Outbox } from './outbox.js';
import { ForwardedReads } from './remote-reads.js';
import { ElectionState } from './election-state.js';
import type {
  CoreStatus,
  Entry,
  ReceivedSnapshot,
  LogBase,
  LogIndex,
  Message,
  NodeId,
  Proposal,
  Ready,
  Role,
  Term,
} from './types.js';

/** Upper bound of the random first number of a member's read requests. */
const FIRST_REQUEST_MAX = 2 ** 48;

/**
 * The Raft state machine of one member, without I/O and clock (Raft, figure 2). Its driver passes inputs to it: `tick` at
 * a fixed interval, `step` for each message, `propose` and `requestRead` for clients. Then it calls `ready` and does the
 * work that this returns; see `Ready` for the order. All calls are synchronous and must not be nested.
 *
 * If a call throws a `RaftError` with another code than its documentation names, the process must stop.
 */
export class RaftCore {
  /** The configuration, as passed to the constructor. */
  readonly config: CoreConfig;
  /** @internal */
  readonly log: RaftLog;
  readonly #health: HangDetector;
  readonly #outbox: Outbox;
  readonly #election: ElectionState;
  /** Reads that this member forwards to its leader while it does not lead. */
  readonly #remoteReads: ForwardedReads;
  readonly #messages: MessageHandler;
  #readsLost: readonly number[] = [];

  /**
   * @param start what the member has on disk
   * @throws RaftError `BAD_CONFIG`, naming the invalid value; `INVARIANT` if log, hard state and applied index do not
   *   fit together; `LOG_DAMAGED` if the log cannot be read.
   */
  constructor(config: CoreConfig, start: DurableState) {
    checkConfig(config);
    this.config = config;
    this.log = new RaftLog(start.reader, start.applied, config.initialMembership);
    const voting = new VotingState(start.hardState);
    const { lastTerm } = this.log;
    invariant(
      voting.term >= lastTerm,
      `hard state has term ${voting.term}, but the last log entry has term ${lastTerm}`,
    );
    this.#health = new HangDetector(config.electionTicks);
    this.#outbox = new Outbox(this.log, voting, this.#health);
    this.#election = new ElectionState({
      config,
      log: this.log,
      voting,
      outbox: this.#outbox,
      health: this.#health,
      onRoleLeft: (leadership) => this.#loseReads(leadership),
    });
    const bounds = { sizeMax: config.limits.readsMax, ticksMax: config.electionTicks };
    this.#remoteReads = new ForwardedReads(bounds, Math.floor(config.random() * FIRST_REQUEST_MAX));
    this.#messages = new MessageHandler({
      id: config.id,
      log: this.log,
      outbox: this.#outbox,
      election: this.#election,
      remoteReads: this.#remoteReads,
    });
  }

  /** The member's current term. */
  get term(): Term {
    return this.#election.term;
  }

  /** The member's role in its term. */
  get role(): Role {
    return this.#election.role;
  }

  /** The leader of the current term: this member or another; null if none is known. */
  get leader(): NodeId | null {
    return this.#election.leader;
  }

  /** The state of this member's leadership; null while it does not lead. @internal */
  get leadership(): LeaderState | null {
    return this.#election.leadership;
  }

  /** The member's status. */
  status(): CoreStatus {
    const { base, lastIndex, commit, applied, memberships } = this.log;
    const { role, term, leader } = this;
    const indexes = { firstIndex: base.index + 1, lastIndex, commit, applied };
    const { current: membership, currentIndex: membershipIndex } = memberships;
    return { id: this.config.id, role, term, leader, ...indexes, membership, membershipIndex };
  }

  /**
   * The base of the log if it were compacted up to `index`: pass it to the log store to compact it, or to a follower with
   * a snapshot of the state machine as of `index` (Raft 7).
   * @throws RaftError `INVARIANT` if `index` is not applied, or compacted already.
   */
  baseAt(index: LogIndex): LogBase {
    return this.log.baseAt(index);
  }

  /** Advances time by one tick. Call it at a fixed interval; timeouts are counted in ticks. */
  tick(): void {
    this.#health.tick();
    this.#remoteReads.tick();
    this.#election.tick();
  }

  /** Starts an election now, pre-vote first, if this member may campaign. For tests, or to skip the timeout. */
  campaign(): void {
    this.#election.campaign();
  }

  /**
   * The link from `member` broke, as it does when a process dies. If `member` leads, this hints that its
   * leadership is over. A leader treats `member` as unreachable until it answers again.
   */
  onLinkLost(member: NodeId): void {
    this.leadership?.onLinkLost(member);
    this.#election.onLinkLost(member);
  }

  /** Messages to `member` were lost or may have been: the leader probes again for where the logs match. */
  onUnreachable(member: NodeId): void {
    this.leadership?.onUnreachable(member);
  }

  /** `member` has installed the snapshot as of `index` durably; replication continues after it. */
  onSnapshotAccepted(member: NodeId, index: LogIndex): void {
    this.leadership?.onSnapshotAccepted(member, index);
  }

  /** The snapshot for `member` could not be sent, or was refused. The next one follows once the member answers. */
  onSnapshotFailed(member: NodeId): void {
    this.leadership?.onSnapshotFailed(member);
  }

  /**
   * The state machine starts or finishes to write a part of an incoming snapshot. If the write takes too long, this
   * member stops answering, as with a hung log write: a leader must not count it if it cannot acknowledge entries.
   */
  onSnapshotWrite(isUnderWay: boolean): void {
    if (isUnderWay) this.#health.begin('receive');
    else this.#health.end('receive');
  }

  /**
   * Handles a received snapshot. Returns whether to install it: a `persist` batch of one of the next `ready`
   * calls then has its base. Otherwise the snapshot is stale, or the member already has the entries that it
   * covers.
   */
  handleSnapshot(message: ReceivedSnapshot): boolean {
    return this.#messages.handleSnapshot(message);
  }

  /**
   * Appends `data` as one entry to the leader's log (Raft 5.3). Another leader may replace it until it is committed.
   * @param data at most `proposalBytesMax` bytes; copied
   * @throws RaftError `NOT_LEADER`, `OVERLOADED` or `TOO_LARGE`: the proposal had no effect.
   */
  propose(data: Uint8Array): Proposal {
    return { index: this.#requireLeadership().propose(data), term: this.term };
  }

  /**
   * Requests a linearizable read; a later `ready` lists it in `reads`, `failedReads` or `expiredReads`. A follower
   * forwards the request to its leader (ReadIndex, thesis 6.4).
   * @param id chosen by the driver; the reads that wait must have different ids
   * @throws RaftError `OVERLOADED`, or `NOT_LEADER` if no leader is known.
   */
  requestRead(id: number): void {
    if (this.leadership === null && this.leader !== null) this.#remoteReads.add(id);
    else this.#requireLeadership().read(id);
  }

  /** The index at which a linearizable read may be served now, without a confirmed round; null without a lease. */
  leaseIndex(): LogIndex | null {
    return this.leadership?.hasLease === true ? this.log.commit : null;
  }

  /**
   * Logs a membership change; it takes effect when it is applied (Raft 6, thesis 4).
   * @param options.force whether to log the change even if too few voters answer, or new voters lack too much
   *   of the log
   * @throws RaftError `NOT_LEADER`, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP`, `NOT_CAUGHT_UP` or
   *   `QUORUM_UNREACHABLE`: the change had no effect.
   * @returns the index of the entry that carries the new configuration
   */
  changeMembership(change: MembershipChange, options: { readonly force?: boolean } = {}): LogIndex {
    return this.#requireLeadership().changeMembership(change, options.force ?? false);
  }

  /**
   * Transfers leadership to `to` (thesis 3.10). The leader refuses proposals meanwhile. The transfer is cancelled one
   * election timeout after the first request for it, or by `cancelTransfer`.
   * @param options.isStopping whether this member stops next: then recently failed transfers do not count
   * @throws RaftError `NOT_LEADER`; `BAD_CONFIG` if `to` is not another voter; `TRANSFER_REFUSED` if a transfer to
   *   another member is in progress, `to` does not answer, or transfers have failed recently.
   */
  transferLeadership(to: NodeId, options: { readonly isStopping?: boolean } = {}): void {
    this.#requireLeadership().transfer(to, options.isStopping ?? false);
  }

  /**
   * Cancels the transfer in progress, if any. If its target was already told to campaign, the target may still
   * win.
   */
  cancelTransfer(): void {
    this.leadership?.cancelTransfer();
  }

  #requireLeadership(): LeaderState {
    if (this.leadership !== null) return this.leadership;
    const message =
      this.leader === null
        ? 'this member is not the leader, and the leader is unknown; retry once one is elected'
        : `this member is not the leader: the leader is ${this.leader}`;
    throw new RaftError('NOT_LEADER', message);
  }

  /**
   * Handles a message from another member. Messages that claim to be from this member are ignored. Messages from
   * senders outside the configuration in force are handled: a lagging member may not know its leader yet, nor the
   * candidate that needs its vote (thesis 4.1). The transport rejects processes that do not belong to the cluster.
   */
  step(message: Message): void {
    this.#messages.step(message);
  }

  /** Fails the pending reads when a role ends: no leader will confirm them. */
  #loseReads(leadership: LeaderState | null): void {
    // Not push(...own): a spread of 100,000 arguments overflows the stack.
    const own = leadership?.failReads() ?? [];
    this.#readsLost = this.#readsLost.concat(own, this.#remoteReads.failAll());
  }

  /** The work to do now; call it after inputs, and after `onPersisted` and `onApplied`. `Ready` says what to do with it. */
  ready(): Ready {
    this.leadership?.advance();
    const persist = this.#outbox.takePersist();
    this.#deliver(this.#outbox.takeDurableHeld());
    this.#sendReadRequest();
    const readsLost = this.#readsLost;
    this.#readsLost = [];
    return {
      send: this.#outbox.takeSendable(),
      persist,
      apply: this.#takeCommitted(),
      reads: this.#remoteReads.takeGranted().concat(this.leadership?.takeGrantedReads() ?? []),
      failedReads: readsLost,
      expiredReads: this.#remoteReads.takeExpired(),
      snapshotsTo: this.leadership?.takeSnapshots() ?? [],
      membership: this.log.memberships.takeChange(),
    };
  }

  /**
   * Waits until the term in which the commit was learned is durable. Otherwise this member could crash and follow an
   * earlier leader again, and that leader's log need not contain the applied entries.
   */
  #takeCommitted(): readonly Entry[] {
    if (!this.#outbox.isHardStateDurable) return [];
    const entries = this.log.takeEntriesToApply(this.config.limits.applyBytesMax);
    if (entries.length > 0) this.#health.begin('apply');
    return entries;
  }

  /** Requests an index from the leader for all reads of this turn. */
  #sendReadRequest(): void {
    if (this.leader === null || this.leadership !== null) return;
    const request = this.#remoteReads.takeRequest();
    if (request === null) return;
    const { id: from } = this.config;
    this.#outbox.send({ type: 'readRequest', from, to: this.leader, term: this.term, request });
  }

  /** The last batch of `persist` is durable; if it had a base, the snapshot is installed as well. */
  onPersisted(): void {
    this.#deliver(this.#outbox.onPersisted());
  }

  #deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      // A message of an earlier term is void: this member must not act in that term any more.
      if (message.term !== this.term) continue;
      if (message.to === this.config.id) this.#messages.stepSameTerm(message);
      else this.#outbox.send(message);
    }
  }

  /** The state machine has applied all entries of the last `apply`, up to `index`. */
  onApplied(index: LogIndex): void {
    this.#health.end('apply');
    if (this.log.onApplied(index)) this.leadership?.onMembershipChanged();
  }
}
