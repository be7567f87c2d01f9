/**
 * What a member does and knows while it leads, made anew for each term that it wins and dropped when it steps down:
 * replication, commitment, confirmed reads, the quorum check, membership changes and the leadership transfer.
 */
import { Backlog } from './backlog.js';
import { checkChange, type MembersView } from './change-check.js';
import { makeEntry } from './entry.js';
import { RaftError } from './errors.js';
import { Followers, type LeaderContext } from './followers.js';
import { changeMembership, leaveJoint, type MembershipChange } from './membership-change.js';
import { encodeMembership } from './membership-codec.js';
import type { Health } from './health.js';
import { Lease } from './lease.js';
import { LeadershipTransfer } from './leadership-transfer.js';
import { isJoint, isVoter, membersOf, votersOf, type Membership } from './membership.js';
import type { Progress } from './progress.js';
import { isQuorum, reachedByQuorum } from './quorum.js';
import { ReadQueue } from './reads.js';
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

/** What a tick asks of the core. */
type Verdict = 'lead on' | 'step down';

const NO_DATA = new Uint8Array(0);

export class Leadership {
  readonly #context: LeaderContext;
  readonly #followers: Followers;
  readonly #reads: ReadQueue;
  readonly #backlog: Backlog;
  /** The no-op that opened the term: until it is committed nothing is known of what is (Raft 8). */
  readonly firstIndex: LogIndex;
  readonly #lease: Lease | null;
  #heartbeatElapsed = 0;
  readonly #transfer: LeadershipTransfer;

  constructor(context: LeaderContext) {
    const { log, config } = context;
    this.#context = context;
    this.#reads = new ReadQueue(config.limits.readsMax);
    this.#lease = config.lease === null ? null : new Lease(config.lease);
    this.#backlog = new Backlog(config.limits.uncommittedBytesMax);
    this.#followers = new Followers(context);
    this.#transfer = new LeadershipTransfer(context, this.#followers, () => this.#lease?.void());
    this.#followers.become(membersOf(this.#membership));
    this.firstIndex = log.lastIndex + 1;
    this.#append('noop', NO_DATA);
  }

  /** Whether a quorum of the configuration in force has said that it knows `index` to be committed. */
  isCommitKnown(index: LogIndex): boolean {
    return this.#reachedByQuorum(this.#context.log.commit, ({ commitKnown }) => commitKnown) >= index;
  }

  get #membership(): Membership {
    return this.#context.log.memberships.inForce;
  }

  get #isVoter(): boolean {
    return isVoter(this.#membership, this.#context.config.id);
  }

  /** Whether an entry of this term is committed, so that the commit index can be trusted for reads (Raft 8). */
  get hasCommittedInTerm(): boolean {
    return this.#context.log.commit >= this.firstIndex;
  }

  /** What is known of a follower, for status. */
  progressOf(member: NodeId): Readonly<Progress> | undefined {
    return this.#followers.get(member);
  }

  /**
   * Appends one entry to the log.
   * @throws RaftError `TOO_LARGE`, `OVERLOADED` or, during a leadership transfer, `NOT_LEADER`; the proposal then had no effect.
   */
  propose(data: Uint8Array): LogIndex {
    this.#checkStaying();
    const { proposalBytesMax } = this.#context.config.limits;
    if (data.byteLength > proposalBytesMax) {
      throw new RaftError(
        'TOO_LARGE',
        `a proposal of ${data.byteLength} bytes, at most ${proposalBytesMax} are taken`,
      );
    }
    this.#backlog.checkRoom(data);
    const index = this.#append('command', data);
    this.#backlog.add(index, data);
    return index;
  }

  /**
   * Logs the configuration that `change` leads to. One change at a time: the next is taken once this one is applied
   * here and, if it is joint, left again. None is taken before an entry of this term is committed, or an earlier
   * leader's change could still come back beside it (Ongaro's correction to thesis 4.1 on the raft-dev list, 2015).
   * @param force whether to log a change that change-check.ts refuses
   * @throws RaftError `NOT_LEADER` during a leadership transfer, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP`, `NOT_CAUGHT_UP` or
   *   `QUORUM_UNREACHABLE`; the change then had no effect.
   */
  changeMembership(change: MembershipChange, force: boolean): LogIndex {
    this.#checkStaying();
    if (!this.hasCommittedInTerm) throw new RaftError('NOT_READY', 'nothing is committed in this term yet');
    if (this.#context.log.memberships.hasUnapplied || isJoint(this.#membership)) {
      throw new RaftError('CHANGE_PENDING', 'another membership change is under way');
    }
    const next = changeMembership(this.#membership, change);
    if (!force) checkChange(this.#membership, next, this.#view);
    return this.#append('membership', encodeMembership(next));
  }

  get #view(): MembersView {
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

  /** Whether `member` answers this leader, or is it. */
  isReachable(member: NodeId): boolean {
    return member === this.#context.config.id || this.#followers.isReachable(member);
  }

  /** The link from or to `member` broke. */
  linkLost(member: NodeId): void {
    this.#followers.linkLost(member);
  }

  #checkStaying(): void {
    if (this.#transfer.isUnderWay) throw new RaftError('NOT_LEADER', 'leadership is being transferred');
  }

  #append(kind: EntryKind, data: Uint8Array): LogIndex {
    const { log, term } = this.#context;
    const index = log.lastIndex + 1;
    log.append([makeEntry(index, term, kind, data)]);
    return index;
  }

  /** @throws RaftError `OVERLOADED` when too many reads wait. */
  read(id: number): void {
    this.#reads.add(id);
  }

  /** A follower's read; at the bound it gets no answer and asks again. */
  readRequest({ from, request }: ReadRequest): void {
    if (this.#followers.get(from) !== undefined && this.#reads.hasRoom) this.#reads.add({ from, request });
  }

  /** Whether the commit index may be read by without asking: leases are on, this leader's holds, and it is trusted. */
  get isLeaseHeld(): boolean {
    return this.hasCommittedInTerm && this.#lease?.isHeld === true;
  }

  takeGrantedReads(): readonly ReadGrant[] {
    return this.#reads.takeGranted();
  }

  /** Ids of every read that was not granted; they are lost with the leadership. */
  abandonReads(): readonly number[] {
    return this.#reads.abandon();
  }

  /**
   * Transfers leadership to `to` once its log is complete; given up after an election timeout (thesis 3.10).
   * @throws RaftError `BAD_CONFIG` or `TRANSFER_REFUSED`, as LeadershipTransfer.request says.
   */
  transfer(to: NodeId, isStopping: boolean): void {
    this.#transfer.request(to, isStopping);
  }

  /** Whether a transfer is under way, so that no proposals are taken. */
  get isTransferring(): boolean {
    return this.#transfer.isUnderWay;
  }

  /** Gives up the transfer under way, if there is one. */
  cancelTransfer(): void {
    this.#transfer.cancel();
  }

  /** The other voter whose log reaches furthest of those heard of within an election timeout; null if there is none. */
  bestSuccessor(): NodeId | null {
    return this.#followers.furthestOf(this.#membership.voters);
  }

  /** One unit of time has passed; `health` is that of this member's own disk and state machine. */
  tick({ isDiskHanging, isMachineHanging }: Health): Verdict {
    const { config } = this.#context;
    this.#followers.tick();
    this.#heartbeatElapsed += 1;
    if (this.#heartbeatElapsed >= config.heartbeatTicks) {
      this.#heartbeat();
      this.#transfer.advance();
    }
    this.#transfer.tick();
    // Who has no vote leads only as long as its leadership transfer lasts.
    if (!this.#isVoter && !this.#transfer.isUnderWay) return 'step down';
    if (isMachineHanging && !this.#transfer.isUnderWay) this.#transferToBest();
    if (this.#transfer.givesWay(isDiskHanging, this.bestSuccessor())) return 'step down';
    return this.#hasQuorum(isDiskHanging) ? 'lead on' : 'step down';
  }

  /**
   * Whether a quorum was heard of within an election timeout (thesis 6.2); a leader cut off must not go on believing. One
   * whose disk hangs does not count itself, but for one that no one else could take over from.
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
    if (this.#lease !== null) this.#reads.nextRound();
    this.#lease?.sent(this.#reads.round);
    this.#followers.heartbeat(this.#reads.round);
  }

  /**
   * Another configuration is in force. A leader that it has no vote for has led until here because someone had to
   * commit it (thesis 4.2.2): now it transfers leadership if it can, and steps down with a tick.
   */
  membershipChanged(): void {
    this.#followers.become(membersOf(this.#membership));
    // Until they know it to be committed the others go by the one before: tell them now. Not where this member hands
    // over: its successor may not campaign while it knows of a change that it has not applied.
    if (this.#isVoter) this.#heartbeat();
    this.#transfer.membershipChanged();
    if (!this.#isVoter && !this.#transfer.isUnderWay) this.#transferToBest();
  }

  #transferToBest(): void {
    const successor = this.bestSuccessor();
    if (successor !== null) this.#transfer.begin(successor);
  }

  /** Sends what can be sent and opens a read round if reads wait: called once for all inputs of a turn. */
  pump(): void {
    this.#commitReached();
    this.#leaveJoint();
    if (this.hasCommittedInTerm && this.#reads.openRound(this.#context.log.commit)) this.#heartbeat();
    this.#confirm();
    this.#answerReads();
    this.#followers.replicate();
  }

  /** A joint configuration that is applied is left by itself, whoever leads by then and whoever asked for it. */
  #leaveJoint(): void {
    if (!isJoint(this.#membership) || this.#context.log.memberships.hasUnapplied) return;
    if (!this.hasCommittedInTerm || this.#transfer.isUnderWay) return;
    this.#append('membership', encodeMembership(leaveJoint(this.#membership)));
  }

  appendAccepted({ from, match }: AppendAccepted): void {
    this.#followers.accepted(from, match);
    this.#transfer.advance();
  }

  appendRejected({ from, prevIndex, hintIndex, hintTerm }: AppendRejected): void {
    this.#followers.rejected(from, prevIndex, hintIndex, hintTerm);
  }

  heartbeatResponse({ from, round, commit }: HeartbeatResponse): void {
    this.#followers.confirmed(from, round, commit);
    this.#confirm();
  }

  unreachable(member: NodeId): void {
    this.#followers.get(member)?.unreachable();
  }

  /** After which index each live follower needs the log, of those that are fed from it. */
  neededEntries(): readonly { readonly to: NodeId; readonly index: LogIndex }[] {
    return this.#followers.neededEntries();
  }

  /** Followers that need a snapshot from now on, each named once. */
  takeSnapshots(): readonly NodeId[] {
    return this.#followers.takeSnapshots();
  }

  snapshotSent(member: NodeId, index: LogIndex): void {
    this.#followers.snapshotSent(member, index);
  }

  snapshotFailed(member: NodeId): void {
    this.#followers.get(member)?.snapshotFailed();
  }

  /** Commits what a quorum has on disk, if the last of it is of this term (Raft 5.4.2). */
  #commitReached(): void {
    const { log, term } = this.#context;
    // The leader counts itself, where it has a vote, only up to where its own disk has come.
    const reached = this.#reachedByQuorum(log.stableIndex, ({ match }) => match);
    if (reached > log.commit && log.term(reached) === term) log.commitTo(reached);
    // A quorum with faster disks than ours does not free our memory.
    this.#backlog.release(Math.min(log.commit, log.stableIndex));
  }

  /** What a quorum has answered extends the lease and grants reads. */
  #confirm(): void {
    const confirmed = this.#reachedByQuorum(this.#reads.round, (progress) => progress.roundAcknowledged);
    this.#reads.confirmed(confirmed);
    this.#lease?.confirmed(confirmed);
  }

  #answerReads(): void {
    const { config, term, send } = this.#context;
    for (const { to, request, index } of this.#reads.takeRemoteGranted()) {
      send({ type: 'readResponse', from: config.id, to, term, request, index });
    }
  }

  #reachedByQuorum(own: number, valueOf: (progress: Progress) => number): number {
    return reachedByQuorum(this.#membership, (member) => {
      if (member === this.#context.config.id) return own;
      const progress = this.#followers.get(member);
      return progress === undefined ? 0 : valueOf(progress);
    });
  }
}
