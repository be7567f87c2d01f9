/**
 * What a member is in its term, follower, candidate or leader, and how it becomes another (Raft 5.2): timeouts, campaigns,
 * votes asked for and given. Terms rise here and nowhere else.
 */
import type { VotingState } from './voting-state.js';
import { Campaign, type CampaignKind } from './campaign.js';
import type { CoreConfig } from './config.js';
import { invariant } from './errors.js';
import type { Health } from './health.js';
import { Leadership } from './leadership.js';
import type { RaftLog } from './log.js';
import { isVoter } from './membership.js';
import type { Outbox } from './outbox.js';
import { ElectionTimer } from './timer.js';
import type { NodeId, PreVoteRequest, PreVoteResponse, Role, Term, VoteRequest } from './types.js';

/**
 * How often a pre-vote for a lost link to the leader is asked again at most, and ticks until then at most: the others may see
 * their links break a moment later than this member, and refuse as long as they do not. After that, whole timeouts count.
 */
const LOST_LEADER_REPEATS = 6;
const REPEAT_TICKS_MAX = 5;

interface StandingContext {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly voting: VotingState;
  readonly outbox: Outbox;
  readonly health: Health;
  /** Called when a role is left, with the leadership that ends if there was one. */
  readonly left: (leadership: Leadership | null) => void;
}

export class ElectionState {
  readonly #config: CoreConfig;
  readonly #log: RaftLog;
  readonly #voting: VotingState;
  readonly #outbox: Outbox;
  readonly #health: Health;
  readonly #left: StandingContext['left'];
  readonly #timer: ElectionTimer;
  #leader: NodeId | null = null;
  #leadership: Leadership | null = null;
  /** The election under way; null while this member leads or follows. */
  #campaign: Campaign | null = null;
  /** Pre-votes that may yet be asked for again soon, since the leader was lost. */
  #repeats = 0;

  constructor({ config, log, voting, outbox, health, left }: StandingContext) {
    this.#config = config;
    this.#log = log;
    this.#voting = voting;
    this.#outbox = outbox;
    this.#health = health;
    this.#left = left;
    this.#timer = new ElectionTimer(config.electionTicks, config.random);
  }

  get term(): Term {
    return this.#voting.term;
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

  /** One unit of time has passed. */
  tick(): void {
    if (this.#leadership === null) {
      if (this.#timer.tick()) this.campaign();
    } else if (this.#leadership.tick(this.#health) === 'step down') {
      this.becomeFollower(this.term, null);
    }
  }

  /** Starts an election now, pre-vote first, if this member may. For tests and for a first start that need not wait. */
  campaign(): void {
    if (this.#leadership !== null) return;
    if (this.#mayCampaign) this.#ask('preVote');
    else this.#giveUp();
  }

  /** The leader transfers leadership: campaigns without asking first, if this member may. */
  campaignAtOnce(): void {
    if (this.role === 'follower' && this.#mayCampaign) this.#ask('transfer');
  }

  /**
   * Whether this member has a vote, as far as it can know: while a change is committed here and not applied, it may have
   * lost it, or be about to count by a configuration that others have left behind (see membership-log.ts). And whether it
   * could use it: while the disk hangs not even the own vote would count, and who applies nothing tells no one what became
   * of what was logged.
   */
  get #mayCampaign(): boolean {
    const { memberships, commit } = this.#log;
    if (this.#health.isDiskHanging || this.#health.isMachineHanging) return false;
    return isVoter(memberships.inForce, this.#config.id) && !memberships.hasCommittedUnapplied(commit);
  }

  /**
   * The link from `member` broke as it does when a process dies. If it leads, stop waiting out its timeout: ask the
   * others now. Those that hear the leader refuse; of three members that ask at the same moment all but one give way, and of
   * more nearly always.
   */
  linkLost(member: NodeId): void {
    // Under leases the leader was promised a whole timeout, and may live.
    if (this.#config.lease !== null) return;
    if (this.role !== 'follower' || this.#leader !== member) return;
    this.#repeats = LOST_LEADER_REPEATS;
    this.campaign();
  }

  /**
   * A leader of this term is heard within the shortest election timeout, or is this member itself. Under leases it counts
   * whichever term the leader was of and whatever was heard since; a start counts as well, as it may have been heard just
   * before.
   */
  get hearsLeader(): boolean {
    if (this.#leadership !== null) return true;
    if (this.#config.lease !== null) return this.#timer.silence < this.#config.electionTicks;
    return this.#leader !== null && this.#timer.isFresh;
  }

  /**
   * Answers whether an election could be won (thesis 9.6): not by this member's vote while that cannot become durable.
   *
   * Two that lose their leader at the same moment would each let the other go on, become candidates of one term, vote for
   * themselves, and both wait out a whole timeout. So of two that ask at once and could both win, the one with the lesser
   * id gives way; where messages of a member come in the order in which it sent them, it does so before it could be let go on.
   */
  takePreVoteRequest(message: PreVoteRequest): void {
    const granted =
      message.term > this.term &&
      !this.hearsLeader &&
      !this.#health.isDiskHanging &&
      this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted && this.role === 'preCandidate' && this.#config.id < message.from) {
      this.becomeFollower(this.term, null);
    }
    const term = granted ? message.term : this.term;
    this.answerPreVote(message.from, term, granted);
  }

  /** Answers as of `term`, and tells what is committed. */
  answerPreVote(to: NodeId, term: Term, granted: boolean): void {
    const { commit } = this.#log;
    const commitTerm = this.#log.term(commit);
    const from = this.#config.id;
    this.#outbox.send({ type: 'preVoteResponse', from, to, term, granted, commit, commitTerm });
  }

  /** What is committed stays so, whoever says it in whichever term. A campaign that it shows to be void is given up. */
  learnCommit({ commit, commitTerm }: PreVoteRequest | PreVoteResponse): void {
    this.#log.commitKnown(commit, commitTerm);
    if (this.#campaign !== null && !this.#mayCampaign) this.#giveUp();
  }

  /** Gives its vote, or refuses it (Raft 5.2, 5.4.1). */
  takeVoteRequest(message: VoteRequest): void {
    if (this.#config.lease !== null && !message.transfer && this.hearsLeader) return;
    const { vote } = this.#voting;
    const isFree = vote === message.from || (vote === null && this.#leader === null);
    const granted = isFree && this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted && vote === null) {
      // A member that asks for itself gives way to the one that it votes for; the timer starts anew.
      this.becomeFollower(this.term, null);
      this.#voting.give(message.from);
    }
    this.#outbox.hold({
      type: 'voteResponse',
      from: this.#config.id,
      to: message.from,
      term: this.term,
      granted,
    });
  }

  /** `leader` has shown that it leads this term. */
  followLeader(leader: NodeId): void {
    invariant(this.#leadership === null, `${leader} leads term ${this.term} as well`);
    invariant(
      this.#leader === null || this.#leader === leader,
      `term ${this.term} has leaders ${String(this.#leader)}, ${leader}`,
    );
    if (this.role !== 'follower' || this.#leader === null) this.becomeFollower(this.term, leader);
    this.#repeats = 0;
    this.#timer.heard();
  }

  #ask(kind: CampaignKind): void {
    this.#leaveRole();
    const campaign = new Campaign(kind, this.#config.id, this.#log.memberships.inForce);
    this.#campaign = campaign;
    if (kind === 'preVote') {
      for (const request of campaign.requests(this.term + 1, this.#log)) this.#outbox.send(request);
      if (this.#repeats > 0) {
        this.#repeats -= 1;
        this.#timer.hurry(REPEAT_TICKS_MAX);
      }
      this.countVote(this.#config.id, true);
      return;
    }
    const { id } = this.#config;
    this.#voting.enter(this.term + 1);
    this.#voting.give(id);
    // Held until term and vote are durable: a member that forgot its candidacy must not win by old answers.
    for (const request of campaign.requests(this.term, this.#log)) this.#outbox.hold(request);
    // The own vote counts like another's: once it is durable.
    this.#outbox.hold({ type: 'voteResponse', from: id, to: id, term: this.term, granted: true });
  }

  /** Counts an answer to the campaign under way. */
  countVote(from: NodeId, granted: boolean): void {
    // The requests go out only now: the others' disks have the whole timeout, else slow ones could elect no one.
    if (from === this.#config.id && this.role === 'candidate') this.#timer.reset();
    switch (this.#campaign?.count(from, granted)) {
      case 'won':
        if (this.role === 'preCandidate') this.#ask('vote');
        else this.#becomeLeader();
        return;
      case 'lost':
        this.#giveUp();
        return;
      case 'open':
      case undefined:
        return;
    }
  }

  /** Follows nobody; a pre-vote for a lost link to the leader is asked again soon. */
  #giveUp(): void {
    const isVote = this.role === 'candidate';
    this.becomeFollower(this.term, null);
    if (!isVote && this.#repeats > 0) this.#timer.hurry(REPEAT_TICKS_MAX);
  }

  #becomeLeader(): void {
    this.#leaveRole();
    this.#repeats = 0;
    this.#leader = this.#config.id;
    this.#leadership = new Leadership({
      config: this.#config,
      log: this.#log,
      term: this.term,
      send: (message) => this.#outbox.send(message),
    });
  }

  /** Follows in `term`, which is this one or a later. */
  becomeFollower(term: Term, leader: NodeId | null): void {
    this.#leaveRole();
    if (term > this.term) this.#voting.enter(term);
    this.#leader = leader;
  }

  /** Forgets what the role so far was about; the timer starts anew. */
  #leaveRole(): void {
    this.#left(this.#leadership);
    this.#leadership = null;
    this.#campaign = null;
    this.#leader = null;
    this.#timer.reset();
  }
}
