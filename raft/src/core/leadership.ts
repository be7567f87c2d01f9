/**
 * The state of a leader, created for each term that a member wins and dropped when it steps down: replication,
 * commitment, confirmed reads, the quorum check, membership changes and leadership transfer.
 */
import { UncommittedBytes } from './backlog.js';
import { checkMembershipChange, type MemberReachability } from './membership-check.js';
import { makeEntry } from './entry.js';
import { RaftError } from './errors.js';
import { FollowerSet, type LeaderContext } from './followers.js';
import { changeMembership, leaveJoint, type MembershipChange } from './membership-change.js';
import { encodeMembership } from './membership-codec.js';
import type { HangDetector } from './health.js';
import { LeaderLease } from './lease.js';
import { LeadershipTransfer } from './leadership-transfer.js';
import { isJoint, isVoter, membersOf, votersOf, type Membership } from './membership.js';
import type { Progress } from './progress.js';
import { isQuorum, highestOfQuorum } from './quorum.js';
import { ReadQueue } from './read-queue.js';
import type {
  AppendAccepted,
  AppendRejected,
  EntryKind,
  HeartbeatResponse,
  LogIndex,
  NodeId,
  ReadGrant,
  ReadRequest,
} from './types.js';

/** Whether the member keeps its leadership after a tick. */
type TickResult = 'keep leading' | 'step down';

const NO_DATA = new Uint8Array(0);

export class LeaderState {
  readonly #context: LeaderContext;
  readonly #followers: FollowerSet;
  readonly #reads: ReadQueue;
  readonly #backlog: UncommittedBytes;
  /** Index of the no-op that opened the term. The commit index is unknown until it is committed (Raft 8). */
  readonly firstIndex: LogIndex;
  readonly #lease: LeaderLease | null;
  #heartbeatElapsed = 0;
  readonly #transfer: LeadershipTransfer;

  constructor(context: LeaderContext) {
    const { log, config } = context;
    this.#context = context;
    this.#reads = new ReadQueue(config.limits.readsMax);
    this.#lease = config.lease === null ? null : new LeaderLease(config.lease);
    this.#backlog = new UncommittedBytes(config.limits.uncommittedBytesMax);
    this.#followers = new FollowerSet(context);
    this.#transfer = new LeadershipTransfer(context, this.#followers, () => this.#lease?.invalidate());
    this.#followers.setMembers(membersOf(this.#membership));
    this.firstIndex = log.lastIndex + 1;
    this.#append('noop', NO_DATA);
  }

  /** Whether a quorum of the configuration in force has reported a commit index of at least `index`. */
  isCommitReportedByQuorum(index: LogIndex): boolean {
    return this.#reachedByQuorum(this.#context.log.commit, ({ reportedCommit }) => reportedCommit) >= index;
  }

  get #membership(): Membership {
    return this.#context.log.memberships.current;
  }

  get #isVoter(): boolean {
    return isVoter(this.#membership, this.#context.config.id);
  }

  /** Whether an entry of this term is committed, which makes the commit index valid for reads (Raft 8). */
  get hasCommittedInTerm(): boolean {
    return this.#context.log.commit >= this.firstIndex;
  }

  /** The replication progress of a follower, for status. */
  progressOf(member: NodeId): Readonly<Progress> | undefined {
    return this.#followers.get(member);
  }

  /**
   * Appends one entry to the log.
   * @throws RaftError `TOO_LARGE`, `OVERLOADED` or, during a leadership transfer, `NOT_LEADER`; the proposal
   *   had no effect.
   */
  propose(data: Uint8Array): LogIndex {
    this.#checkNotTransferring();
    const { proposalBytesMax } = this.#context.config.limits;
    if (data.byteLength > proposalBytesMax) {
      throw new RaftError(
        'TOO_LARGE',
        `proposal of ${data.byteLength} bytes exceeds the limit of ${proposalBytesMax} bytes`,
      );
    }
    this.#backlog.checkLimit(data);
    const index = this.#append('command', data);
    this.#backlog.add(index, data);
    return index;
  }

  /**
   * Logs the configuration that results from `change`. The leader accepts one change at a time: the next one
   * once this one is applied and a joint configuration is left. It accepts none before an entry of its term is
   * committed: a change of an earlier leader could otherwise be committed in addition (Ongaro's correction to
   * thesis 4.1 on the raft-dev list, 2015).
   * @param force whether to skip the checks of membership-check.ts
   * @throws RaftError `NOT_LEADER` during a leadership transfer, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP`,
   *   `NOT_CAUGHT_UP` or `QUORUM_UNREACHABLE`; the change had no effect.
   */
  changeMembership(change: MembershipChange, force: boolean): LogIndex {
    this.#checkNotTransferring();
    if (!this.hasCommittedInTerm) {
      throw new RaftError(
        'NOT_READY',
        'the leader has not committed an entry in its term yet; retry shortly',
      );
    }
    if (this.#context.log.memberships.hasUnapplied || isJoint(this.#membership)) {
      throw new RaftError(
        'CHANGE_PENDING',
        'another membership change is in progress; retry once it is done',
      );
    }
    const next = changeMembership(this.#membership, change);
    if (!force) checkMembershipChange(this.#membership, next, this.#membersView);
    return this.#append('membership', encodeMembership(next));
  }

  get #membersView(): MemberReachability {
    const { config, log } = this.#context;
    return {
      isReachable: (member) => this.isReachable(member),
      lagOf: (member) => {
        if (member === config.id) return 0;
        const progress = this.#followers.get(member);
        return progress === undefined ? null : log.lastIndex - progress.match;
      },
    };
  }

  /** Whether `member` answers this leader, or is this leader. */
  isReachable(member: NodeId): boolean {
    return member === this.#context.config.id || this.#followers.isReachable(member);
  }

  /** The link from or to `member` broke. */
  onLinkLost(member: NodeId): void {
    this.#followers.onLinkLost(member);
  }

  #checkNotTransferring(): void {
    if (!this.#transfer.isInProgress) return;
    throw new RaftError('NOT_LEADER', 'leadership is being transferred; retry with the new leader');
  }

  #append(kind: EntryKind, data: Uint8Array): LogIndex {
    const { log, term } = this.#context;
    const index = log.lastIndex + 1;
    log.append([makeEntry(index, term, kind, data)]);
    return index;
  }

  /** @throws RaftError `OVERLOADED` if too many reads are pending. */
  read(id: number): void {
    this.#reads.add(id);
  }

  /** Handles a follower's read request. At the limit of pending reads it gets no answer and expires there. */
  onReadRequest({ from, request }: ReadRequest): void {
    if (this.#followers.get(from) !== undefined && this.#reads.hasRoom) this.#reads.add({ from, request });
  }

  /** Whether reads at the commit index need no confirmed round: the lease is valid and so is the commit index. */
  get hasLease(): boolean {
    return this.hasCommittedInTerm && this.#lease?.isValid === true;
  }

  takeGrantedReads(): readonly ReadGrant[] {
    return this.#reads.takeGranted();
  }

  /** Drops all pending reads and returns their ids; they fail because this leadership ends. */
  failReads(): readonly number[] {
    return this.#reads.failAll();
  }

  /**
   * Transfers leadership to `to` once its log is complete; cancelled after an election timeout (thesis 3.10).
   * @throws RaftError `BAD_CONFIG` or `TRANSFER_REFUSED`, see `LeadershipTransfer.request`.
   */
  transfer(to: NodeId, isStopping: boolean): void {
    this.#transfer.request(to, isStopping);
  }

  /** Whether a transfer is in progress; the leader accepts no proposals meanwhile. */
  get isTransferring(): boolean {
    return this.#transfer.isInProgress;
  }

  /** The number of the transfer in progress, from 1 in each term; null if there is none. */
  get transferNumber(): number | null {
    return this.#transfer.number;
  }

  /** Cancels the transfer in progress, if any. */
  cancelTransfer(): void {
    this.#transfer.cancel();
  }

  /** Of the other voters that answered within an election timeout, the one with the longest log; null if none did. */
  bestSuccessor(): NodeId | null {
    return this.#followers.mostUpToDateOf(this.#membership.voters);
  }

  /** Advances time by one tick. @param health the health of this member's own disk and state machine */
  tick({ isDiskHung, isStateMachineHung }: HangDetector): TickResult {
    const { config } = this.#context;
    this.#followers.tick();
    this.#heartbeatElapsed += 1;
    if (this.#heartbeatElapsed >= config.heartbeatTicks) {
      this.#heartbeat();
      this.#transfer.sendTimeoutNow();
    }
    this.#transfer.tick();
    // A leader without a vote stays leader only while it transfers leadership.
    if (!this.#isVoter && !this.#transfer.isInProgress) return 'step down';
    if (isStateMachineHung && !this.#transfer.isInProgress) this.#transferToBest();
    if (this.#transfer.shouldStepDown(isDiskHung, this.bestSuccessor())) return 'step down';
    return this.#hasQuorum(isDiskHung) ? 'keep leading' : 'step down';
  }

  /**
   * Whether a quorum has answered within an election timeout (thesis 6.2); otherwise a partitioned leader must
   * step down. A leader with a hung disk does not count itself, unless it is the only voter and has no possible
   * successor.
   */
  #hasQuorum(isDiskHanging: boolean): boolean {
    const { id } = this.#context.config;
    const countsItself = !isDiskHanging || votersOf(this.#membership).length === 1;
    const isLive = (member: NodeId): boolean =>
      member === id ? countsItself : this.#followers.isActive(member);
    return isQuorum(this.#membership, isLive);
  }

  #heartbeat(): void {
    this.#heartbeatElapsed = 0;
    if (this.#lease !== null) this.#reads.startRound();
    this.#lease?.onHeartbeatSent(this.#reads.round);
    this.#followers.sendHeartbeats(this.#reads.round);
  }

  /**
   * Another configuration is in force. A leader that is no voter in it has led until now to commit it (thesis 4.2.2).
   * It now starts to transfer leadership if it can, and otherwise steps down at the next tick.
   */
  onMembershipChanged(): void {
    this.#followers.setMembers(membersOf(this.#membership));
    // The other members use the previous configuration until they learn of the commit, so send it now. Not if this
    // member transfers leadership: its successor may not campaign while it knows of a committed, unapplied change.
    if (this.#isVoter) this.#heartbeat();
    this.#transfer.onMembershipChanged();
    if (!this.#isVoter && !this.#transfer.isInProgress) this.#transferToBest();
  }

  #transferToBest(): void {
    const successor = this.bestSuccessor();
    if (successor !== null) this.#transfer.start(successor);
  }

  /** Advances the commit index, opens a read round if reads wait, and replicates: once for all inputs of a turn. */
  advance(): void {
    this.#advanceCommit();
    this.#leaveJoint();
    if (this.hasCommittedInTerm && this.#reads.openRound(this.#context.log.commit)) this.#heartbeat();
    this.#confirmRounds();
    this.#answerReads();
    this.#followers.replicate();
  }

  /** Logs the exit from an applied joint configuration; any leader does this, not only the one that entered it. */
  #leaveJoint(): void {
    if (!isJoint(this.#membership) || this.#context.log.memberships.hasUnapplied) return;
    if (!this.hasCommittedInTerm || this.#transfer.isInProgress) return;
    this.#append('membership', encodeMembership(leaveJoint(this.#membership)));
  }

  onAppendAccepted({ from, match }: AppendAccepted): void {
    this.#followers.onAppendAccepted(from, match);
    this.#transfer.sendTimeoutNow();
  }

  onAppendRejected({ from, prevIndex, hintIndex, hintTerm }: AppendRejected): void {
    this.#followers.onAppendRejected(from, prevIndex, hintIndex, hintTerm);
  }

  onHeartbeatResponse({ from, round, commit }: HeartbeatResponse): void {
    this.#followers.onHeartbeatResponse(from, round, commit);
    this.#confirmRounds();
  }

  onUnreachable(member: NodeId): void {
    this.#followers.get(member)?.onUnreachable();
  }

  /** For each live follower that receives the log: the index after which it needs entries. */
  retainedIndexes(): readonly { readonly to: NodeId; readonly index: LogIndex }[] {
    return this.#followers.retainedIndexes();
  }

  /** Followers that need a snapshot, each returned once. */
  takeSnapshots(): readonly NodeId[] {
    return this.#followers.takeSnapshots();
  }

  onSnapshotAccepted(member: NodeId, index: LogIndex): void {
    this.#followers.onSnapshotAccepted(member, index);
  }

  onSnapshotFailed(member: NodeId): void {
    this.#followers.get(member)?.onSnapshotFailed();
  }

  /** Commits the entries that a quorum has on disk, if the last of them is of this term (Raft 5.4.2). */
  #advanceCommit(): void {
    const { log, term } = this.#context;
    // The leader counts itself, if it has a vote, only for entries on its own disk.
    const reached = this.#reachedByQuorum(log.stableIndex, ({ match }) => match);
    if (reached > log.commit && log.term(reached) === term) log.commitTo(reached);
    // Entries stay in the leader's memory until its own disk has them, even if a quorum with faster disks
    // commits them.
    this.#backlog.release(Math.min(log.commit, log.stableIndex));
  }

  /** Grants the reads, and extends the lease, of the latest round that a quorum has confirmed. */
  #confirmRounds(): void {
    const confirmed = this.#reachedByQuorum(this.#reads.round, (progress) => progress.acknowledgedRound);
    this.#reads.onRoundConfirmed(confirmed);
    this.#lease?.onRoundConfirmed(confirmed);
  }

  #answerReads(): void {
    const { config, term, send } = this.#context;
    for (const { to, request, index } of this.#reads.takeRemoteGranted()) {
      send({ type: 'readResponse', from: config.id, to, term, request, index });
    }
  }

  #reachedByQuorum(own: number, valueOf: (progress: Progress) => number): number {
    return highestOfQuorum(this.#membership, (member) => {
      if (member === this.#context.config.id) return own;
      const progress = this.#followers.get(member);
      return progress === undefined ? 0 : valueOf(progress);
    });
  }
}
