/**
 * The consensus core: one member's Raft state machine. It does no I/O and has no clock: the driver gives it ticks,
 * messages and proposals, and then asks `ready()` what to do. Everything is synchronous.
 *
 * What waits for the disk (Raft, figure 2: "updated on stable storage before responding"): votes given, votes asked
 * for, accepted appends, and the leader's count of itself. What does not: appends and heartbeats of a leader,
 * pre-votes, refusals.
 */
import { Ballot } from './ballot.js';
import { Campaign, type CampaignKind } from './campaign.js';
import { checkConfig, type CoreConfig, type CoreStart } from './config.js';
import { RaftError, invariant } from './errors.js';
import { takeAppend, takeHeartbeat, takeSnapshot } from './follow.js';
import { Leadership } from './leadership.js';
import { RaftLog } from './log.js';
import type { MembershipChange } from './membership-change.js';
import { isVoter } from './membership.js';
import { Outbox } from './outbox.js';
import { RemoteReads } from './remote-reads.js';
import { ElectionTimer } from './timer.js';
import type {
  CoreStatus,
  InstallSnapshot,
  LogIndex,
  Message,
  NodeId,
  PreVoteRequest,
  PreVoteResponse,
  Ready,
  Role,
  Term,
  VoteRequest,
} from './types.js';

/** Ticks, at most, between the loss of the link to the leader and the pre-vote that it causes. */
const LOST_LEADER_TICKS_MAX = 3;
/** Where the numbers of a member's read requests may begin. */
const REQUESTS_MAX = 2 ** 48;

export class RaftCore {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly #ballot: Ballot;
  readonly #outbox: Outbox;
  #leader: NodeId | null = null;
  #leadership: Leadership | null = null;
  /** The election under way; null while this member leads or follows. */
  #campaign: Campaign | null = null;
  readonly #timer: ElectionTimer;
  /** Reads that its leader is asked for while this member does not lead. */
  readonly #remoteReads: RemoteReads;
  #readsLost: readonly number[] = [];

  /** @throws RaftError `BAD_CONFIG` naming the value that is out of its bounds. */
  constructor(config: CoreConfig, start: CoreStart) {
    checkConfig(config);
    this.config = config;
    this.log = new RaftLog(start.reader, start.applied, config.initial);
    this.#ballot = new Ballot(start.hardState);
    this.#outbox = new Outbox(this.log, this.#ballot);
    invariant(
      this.term >= this.log.lastTerm,
      `term ${this.term} is below the log's last ${this.log.lastTerm}`,
    );
    this.#timer = new ElectionTimer(config.electionTicks, config.random);
    const bounds = { sizeMax: config.limits.readsMax, ticksMax: config.electionTicks };
    this.#remoteReads = new RemoteReads(bounds, Math.floor(config.random() * REQUESTS_MAX));
  }

  get term(): Term {
    return this.#ballot.term;
  }

  get role(): Role {
    if (this.#leadership !== null) return 'leader';
    if (this.#campaign === null) return 'follower';
    return this.#campaign.kind === 'preVote' ? 'preCandidate' : 'candidate';
  }

  get leader(): NodeId | null {
    return this.#leader;
  }

  /** What this member does as a leader; null while it does not lead. */
  get leadership(): Leadership | null {
    return this.#leadership;
  }

  status(): CoreStatus {
    const { base, lastIndex, commit, applied, memberships } = this.log;
    const { role, term, leader } = this;
    const places = { firstIndex: base.index + 1, lastIndex, commit, applied };
    return { id: this.config.id, role, term, leader, ...places, membership: memberships.inForce };
  }

  /** One unit of time has passed. */
  tick(): void {
    if (this.#leadership !== null) {
      if (this.#leadership.tick() === 'step down') this.#becomeFollower(this.term, null);
      return;
    }
    this.#remoteReads.tick();
    if (this.#timer.tick()) this.campaign();
  }

  /** Starts an election now, pre-vote first, if this member may. For tests and for a first start that need not wait. */
  campaign(): void {
    if (this.#leadership !== null) return;
    if (this.#mayCampaign) this.#ask('preVote');
    else this.#becomeFollower(this.term, null);
  }

  /**
   * Whether this member has a vote, as far as it can know: while a change is committed here and not applied, it may have
   * lost it, or be about to count by a configuration that others have left behind (see membership-log.ts).
   */
  get #mayCampaign(): boolean {
    const { memberships, commit } = this.log;
    return isVoter(memberships.inForce, this.config.id) && !memberships.hasCommittedUnapplied(commit);
  }

  /**
   * The link from `member` broke as it does when a process dies. If it leads, stop waiting out its timeout: ask the
   * others soon, after a few random ticks so that not all ask at once. A pre-vote disturbs no one if it was wrong.
   */
  linkLost(member: NodeId): void {
    // Under leases the leader was promised a whole timeout, and may live.
    if (this.config.lease !== null) return;
    if (this.role !== 'follower' || this.#leader !== member) return;
    this.#leader = null;
    this.#timer.hurry(LOST_LEADER_TICKS_MAX);
  }

  /** Messages to `member` may be lost. */
  unreachable(member: NodeId): void {
    this.#leadership?.unreachable(member);
  }

  /** The snapshot for `member`, as of `index`, was taken by it. */
  snapshotSent(member: NodeId, index: LogIndex): void {
    this.#leadership?.snapshotSent(member, index);
  }

  /** The snapshot for `member` could not be sent, or was refused. Another one follows once the member is heard of. */
  snapshotFailed(member: NodeId): void {
    this.#leadership?.snapshotFailed(member);
  }

  /**
   * A snapshot has been received. Returns whether it is to be installed: a batch of one of the next `ready` then names
   * its base. Else it is of no use: stale, of a stranger, or behind what this member has.
   */
  installSnapshot(message: InstallSnapshot): boolean {
    if (!this.#isFromOther(message)) return false;
    if (message.term < this.term) {
      this.#answerDeposed(message.from);
      return false;
    }
    if (message.term > this.term) this.#becomeFollower(message.term, message.from);
    this.#followLeader(message.from);
    return takeSnapshot(message, this.log, this.#outbox);
  }

  /**
   * Appends `data` as one entry to the leader's log.
   * @throws RaftError `NOT_LEADER` or `OVERLOADED`: the proposal surely had no effect.
   */
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term } {
    return { index: this.#leading().propose(data), term: this.term };
  }

  /**
   * Asks for a linearizable read; `ready().reads` grants it, or `readsLost` or `readsExpired` names it. `id` is the
   * driver's own. Who follows asks its leader.
   * @throws RaftError `OVERLOADED`, or `NOT_LEADER` where no leader is known.
   */
  read(id: number): void {
    if (this.#leadership === null && this.#leader !== null) this.#remoteReads.add(id);
    else this.#leading().read(id);
  }

  /** An index that a linearizable read may be served at now, without asking anyone; null where no lease is held. */
  leaseIndex(): LogIndex | null {
    return this.#leadership?.isLeaseHeld === true ? this.log.commit : null;
  }

  /**
   * Logs a change of the group's membership; it takes effect once it is applied.
   * @throws RaftError `NOT_LEADER`, `NOT_READY`, `CHANGE_PENDING` or `BAD_MEMBERSHIP`: it surely had no effect.
   */
  changeMembership(change: MembershipChange): LogIndex {
    return this.#leading().changeMembership(change);
  }

  /** Hands leadership to `to`. @throws RaftError `NOT_LEADER`, or `BAD_CONFIG` if it is no other voter. */
  transfer(to: NodeId): void {
    this.#leading().transfer(to);
  }

  #leading(): Leadership {
    if (this.#leadership === null)
      throw new RaftError('NOT_LEADER', `leader is ${this.#leader ?? 'unknown'}`);
    return this.#leadership;
  }

  /**
   * Takes a message from another member. Whoever claims to be this member is ignored. Who is not in the configuration
   * that is in force here is heard all the same: a member that lags behind may not know its leader, nor the candidate
   * that needs its vote (thesis 4.1). Strangers to the cluster are kept out by the transport, and count in no majority.
   */
  step(message: Message): void {
    if (!this.#isFromOther(message)) return;
    if (message.type === 'preVoteResponse') this.#learnCommit(message);
    if (message.term > this.term && !this.#stepHigherTerm(message)) return;
    if (message.term < this.term) {
      this.#stepLowerTerm(message);
      return;
    }
    this.#stepSameTerm(message);
  }

  #isFromOther({ from, to }: Message | InstallSnapshot): boolean {
    const { id } = this.config;
    invariant(to === id, `message for ${to} came to ${id}`);
    return from !== id;
  }

  /** Returns whether to go on with the message. */
  #stepHigherTerm(message: Message): boolean {
    switch (message.type) {
      case 'preVoteRequest':
        // The term in it is only asked for: no one adopts it (thesis 9.6).
        this.#handlePreVoteRequest(message);
        return false;
      case 'preVoteResponse':
        if (message.granted) {
          if (this.role === 'preCandidate' && message.term === this.term + 1) {
            this.#countVote(message.from, true);
          }
          return false;
        }
        this.#becomeFollower(message.term, null);
        return false;
      case 'voteRequest':
        // A member that hears from a leader does not help to depose it (thesis 4.2.3), unless the leader asked.
        if (!message.transfer && this.#hearsLeader) return false;
        this.#becomeFollower(message.term, null);
        return true;
      case 'appendRequest':
      case 'heartbeat':
        this.#becomeFollower(message.term, message.from);
        return true;
      case 'voteResponse':
      case 'appendAccepted':
      case 'appendRejected':
      case 'heartbeatResponse':
      case 'readRequest':
      case 'readResponse':
      case 'timeoutNow':
        this.#becomeFollower(message.term, null);
        return true;
    }
  }

  #stepLowerTerm(message: Message): void {
    const to = message.from;
    switch (message.type) {
      case 'appendRequest':
      case 'heartbeat':
        this.#answerDeposed(to);
        return;
      case 'preVoteRequest':
        this.#answerPreVote(to, this.term, false);
        return;
      case 'voteRequest':
      case 'preVoteResponse':
      case 'voteResponse':
      case 'appendAccepted':
      case 'appendRejected':
      case 'heartbeatResponse':
      case 'readRequest':
      case 'readResponse':
      case 'timeoutNow':
        return;
    }
  }

  /**
   * An isolated member with a raised term would otherwise never be heard: the answer's term makes the leader step down,
   * and the next election brings all to one term.
   */
  #answerDeposed(to: NodeId): void {
    this.#outbox.send({ type: 'heartbeatResponse', from: this.config.id, to, term: this.term, round: 0 });
  }

  #stepSameTerm(message: Message): void {
    switch (message.type) {
      case 'preVoteRequest':
        this.#handlePreVoteRequest(message);
        return;
      case 'preVoteResponse':
        // One granted for this term belongs to an earlier pre-vote: the one under way asks for the next term.
        if (this.role === 'preCandidate' && !message.granted) this.#countVote(message.from, false);
        return;
      case 'voteRequest':
        this.#handleVoteRequest(message);
        return;
      case 'voteResponse':
        if (this.role === 'candidate') this.#countVote(message.from, message.granted);
        return;
      case 'appendRequest':
        this.#followLeader(message.from);
        takeAppend(message, this.log, this.#outbox);
        return;
      case 'heartbeat':
        this.#followLeader(message.from);
        takeHeartbeat(message, this.log, this.#outbox);
        return;
      case 'appendAccepted':
        this.#leadership?.appendAccepted(message);
        return;
      case 'appendRejected':
        this.#leadership?.appendRejected(message);
        return;
      case 'heartbeatResponse':
        this.#leadership?.heartbeatResponse(message);
        return;
      case 'readRequest':
        this.#leadership?.readRequest(message);
        return;
      case 'readResponse':
        if (message.from === this.#leader) this.#remoteReads.answered(message.request, message.index);
        return;
      case 'timeoutNow':
        if (this.role === 'follower' && this.#mayCampaign) this.#ask('transfer');
        return;
    }
  }

  /**
   * A leader of this term is heard within the shortest election timeout, or is this member itself. Under leases it counts
   * whichever term the leader was of and whatever was heard since; a start counts as well, as it may have been heard just
   * before.
   */
  get #hearsLeader(): boolean {
    if (this.#leadership !== null) return true;
    if (this.config.lease !== null) return this.#timer.silence < this.config.electionTicks;
    return this.#leader !== null && this.#timer.isFresh;
  }

  #handlePreVoteRequest(message: PreVoteRequest): void {
    const granted =
      message.term > this.term &&
      !this.#hearsLeader &&
      this.log.isUpToDate(message.lastIndex, message.lastTerm);
    const term = granted ? message.term : this.term;
    this.#answerPreVote(message.from, term, granted);
  }

  #answerPreVote(to: NodeId, term: Term, granted: boolean): void {
    const { commit } = this.log;
    const commitTerm = this.log.term(commit);
    const from = this.config.id;
    this.#outbox.send({ type: 'preVoteResponse', from, to, term, granted, commit, commitTerm });
  }

  /** What is committed stays so, whoever says it in whichever term. A campaign that it shows to be void is given up. */
  #learnCommit({ commit, commitTerm }: PreVoteResponse): void {
    this.log.commitKnown(commit, commitTerm);
    if (this.#campaign !== null && !this.#mayCampaign) this.#becomeFollower(this.term, null);
  }

  #handleVoteRequest(message: VoteRequest): void {
    if (this.config.lease !== null && !message.transfer && this.#hearsLeader) return;
    const { vote } = this.#ballot;
    const isFree = vote === message.from || (vote === null && this.#leader === null);
    const granted = isFree && this.log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted && vote === null) {
      // A member that asks for itself gives way to the one that it votes for; the timer starts anew.
      this.#becomeFollower(this.term, null);
      this.#ballot.give(message.from);
    }
    this.#outbox.hold({
      type: 'voteResponse',
      from: this.config.id,
      to: message.from,
      term: this.term,
      granted,
    });
  }

  #followLeader(leader: NodeId): void {
    invariant(this.#leadership === null, `${leader} leads term ${this.term} as well`);
    invariant(
      this.#leader === null || this.#leader === leader,
      `term ${this.term} has leaders ${String(this.#leader)}, ${leader}`,
    );
    if (this.role !== 'follower' || this.#leader === null) this.#becomeFollower(this.term, leader);
    this.#timer.heard();
  }

  #ask(kind: CampaignKind): void {
    this.#leaveRole();
    const campaign = new Campaign(kind, this.config.id, this.log.memberships.inForce);
    this.#campaign = campaign;
    if (kind === 'preVote') {
      for (const request of campaign.requests(this.term + 1, this.log)) this.#outbox.send(request);
      this.#countVote(this.config.id, true);
      return;
    }
    const { id } = this.config;
    this.#ballot.enter(this.term + 1);
    this.#ballot.give(id);
    // Held until term and vote are durable: a member that forgot its candidacy must not win by old answers.
    for (const request of campaign.requests(this.term, this.log)) this.#outbox.hold(request);
    // The own vote counts like another's: once it is durable.
    this.#outbox.hold({ type: 'voteResponse', from: id, to: id, term: this.term, granted: true });
  }

  #countVote(from: NodeId, granted: boolean): void {
    switch (this.#campaign?.count(from, granted)) {
      case 'won':
        if (this.role === 'preCandidate') this.#ask('vote');
        else this.#becomeLeader();
        return;
      case 'lost':
        this.#becomeFollower(this.term, null);
        return;
      case 'open':
      case undefined:
        return;
    }
  }

  #becomeLeader(): void {
    this.#leaveRole();
    this.#leader = this.config.id;
    this.#leadership = new Leadership({
      config: this.config,
      log: this.log,
      term: this.term,
      send: (message) => this.#outbox.send(message),
    });
  }

  #becomeFollower(term: Term, leader: NodeId | null): void {
    this.#leaveRole();
    if (term > this.term) this.#ballot.enter(term);
    this.#leader = leader;
  }

  /** Forgets what the role so far was about; the timer starts anew. */
  #leaveRole(): void {
    // Not push(...): a hundred thousand arguments overflow the stack.
    const own = this.#leadership?.abandonReads() ?? [];
    this.#readsLost = this.#readsLost.concat(own, this.#remoteReads.abandon());
    this.#leadership = null;
    this.#campaign = null;
    this.#leader = null;
    this.#timer.reset();
  }

  /** What to do now. Every message, entry and read is handed out once. */
  ready(): Ready {
    this.#leadership?.pump();
    const persist = this.#outbox.takePersist();
    this.#deliver(this.#outbox.takeHeldForNothing());
    this.#askLeader();
    const readsLost = this.#readsLost;
    this.#readsLost = [];
    return {
      send: this.#outbox.takeSendable(),
      persist,
      apply: this.log.takeCommitted(this.config.limits.applyBytesMax),
      reads: this.#remoteReads.takeGranted().concat(this.#leadership?.takeGrantedReads() ?? []),
      readsLost,
      readsExpired: this.#remoteReads.takeExpired(),
      snapshots: this.#leadership?.takeSnapshots() ?? [],
      membership: this.log.memberships.takeNews(),
    };
  }

  /** Asks the leader for all reads that came in this turn. */
  #askLeader(): void {
    if (this.#leader === null || this.#leadership !== null) return;
    const request = this.#remoteReads.next();
    if (request === null) return;
    const { id: from } = this.config;
    this.#outbox.send({ type: 'readRequest', from, to: this.#leader, term: this.term, request });
  }

  /** The batch of the last `ready` is durable. */
  persisted(): void {
    this.#deliver(this.#outbox.persisted());
  }

  #deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      // What was said in an earlier term is void, and this member must not speak for that term any more.
      if (message.term !== this.term) continue;
      if (message.to === this.config.id) this.#stepSameTerm(message);
      else this.#outbox.send(message);
    }
  }

  /** The state machine has applied everything that was handed out, up to `index`. */
  applied(index: LogIndex): void {
    if (this.log.appliedTo(index)) this.#leadership?.membershipChanged();
  }
}
