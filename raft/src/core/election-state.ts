/**
 * The role of a member in its term, and the transitions between roles (Raft 5.2): timeouts, campaigns, votes. This is
 * the only place that raises the term.
 */
import type { VotingState } from './voting-state.js';
import { Campaign, type CampaignKind } from './campaign.js';
import type { CoreConfig } from './config.js';
import { invariant } from './errors.js';
import type { HangDetector } from './health.js';
import { LeaderState } from './leadership.js';
import type { RaftLog } from './log.js';
import { isVoter } from './membership.js';
import type { Outbox } from './outbox.js';
import { ElectionTimer } from './election-timer.js';
import type { NodeId, PreVoteRequest, PreVoteResponse, Role, Term, VoteRequest } from './types.js';

/**
 * Quick pre-vote retries after the link to the leader broke, at most, and the longest delay between two of
 * them. Other members may notice the failure a moment later and reject until then. After the retries, whole
 * timeouts apply.
 */
const LOST_LEADER_RETRIES_MAX = 6;
const RETRY_TICKS_MAX = 5;

interface ElectionContext {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly voting: VotingState;
  readonly outbox: Outbox;
  readonly health: HangDetector;
  /** Called when a role ends, with the leadership that ends, if any. */
  readonly onRoleLeft: (leadership: LeaderState | null) => void;
}

export class ElectionState {
  readonly #config: CoreConfig;
  readonly #log: RaftLog;
  readonly #voting: VotingState;
  readonly #outbox: Outbox;
  readonly #health: HangDetector;
  readonly #onRoleLeft: ElectionContext['onRoleLeft'];
  readonly #timer: ElectionTimer;
  #leader: NodeId | null = null;
  #leadership: LeaderState | null = null;
  /** The campaign in progress; null while this member leads or follows. */
  #campaign: Campaign | null = null;
  /** Quick pre-vote retries left since the link to the leader broke. */
  #preVoteRetries = 0;

  constructor({ config, log, voting, outbox, health, onRoleLeft }: ElectionContext) {
    this.#config = config;
    this.#log = log;
    this.#voting = voting;
    this.#outbox = outbox;
    this.#health = health;
    this.#onRoleLeft = onRoleLeft;
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

  /** The state of this member's leadership; null while it does not lead. */
  get leadership(): LeaderState | null {
    return this.#leadership;
  }

  /** Advances time by one tick. */
  tick(): void {
    if (this.#leadership === null) {
      if (this.#timer.tick()) this.campaign();
    } else if (this.#leadership.tick(this.#health) === 'step down') {
      this.becomeFollower(this.term, null);
    }
  }

  /** Starts an election now, pre-vote first, if this member may campaign. For tests, or to skip the timeout. */
  campaign(): void {
    if (this.#leadership !== null) return;
    if (this.#mayCampaign) this.#startCampaign('preVote');
    else this.#endCampaign();
  }

  /** The leader transfers leadership to this member: campaigns without a pre-vote, if this member may campaign. */
  campaignForTransfer(): void {
    if (this.role === 'follower' && this.#mayCampaign) this.#startCampaign('transfer');
  }

  /**
   * Whether this member is a voter and could act as a leader. While a membership change is committed but not
   * applied, this member may have lost its vote, or may count votes by an outdated configuration (see
   * membership-log.ts). With a hung disk not even its own vote would count; with a hung state machine it could
   * not answer proposals.
   */
  get #mayCampaign(): boolean {
    const { memberships, commit } = this.#log;
    if (this.#health.isDiskHung || this.#health.isStateMachineHung) return false;
    return isVoter(memberships.current, this.#config.id) && !memberships.hasCommittedUnapplied(commit);
  }

  /**
   * The link from `member` broke, as it does when a process dies. If `member` leads, starts a pre-vote now instead of
   * after the timeout. Members that still receive the leader's messages reject it. If several members ask at the same
   * moment, all but one step back: always in a group of three, nearly always in larger groups.
   */
  onLinkLost(member: NodeId): void {
    // With leases this member has promised a whole election timeout to the leader, which may be alive.
    if (this.#config.lease !== null) return;
    if (this.role !== 'follower' || this.#leader !== member) return;
    this.#preVoteRetries = LOST_LEADER_RETRIES_MAX;
    this.campaign();
  }

  /**
   * Whether this member leads, or received a message from the leader of its term within the shortest election
   * timeout. With leases, a leader of any term counts. So does the start of the process: a leader may rely on a
   * promise that this member gave just before.
   */
  get hasLiveLeader(): boolean {
    if (this.#leadership !== null) return true;
    if (this.#config.lease !== null) return this.#timer.ticksSinceLeader < this.#config.electionTicks;
    return this.#leader !== null && this.#timer.hasRecentLeader;
  }

  /**
   * Answers whether this member would vote for the sender (thesis 9.6). It would not while its disk hangs,
   * because the vote could not become durable.
   *
   * Two members that lose their leader at the same moment would grant each other's pre-votes, become candidates
   * of the same term, vote for themselves, and wait a whole timeout. So if both could win, the pre-candidate
   * with the lower id steps back. If messages between two members arrive in order, it does so before the
   * other's answer arrives.
   */
  handlePreVoteRequest(message: PreVoteRequest): void {
    const granted =
      message.term > this.term &&
      !this.hasLiveLeader &&
      !this.#health.isDiskHung &&
      this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted && this.role === 'preCandidate' && this.#config.id < message.from) {
      this.becomeFollower(this.term, null);
    }
    const term = granted ? message.term : this.term;
    this.answerPreVote(message.from, term, granted);
  }

  /** Answers a pre-vote with `term`, and reports the commit index. */
  answerPreVote(to: NodeId, term: Term, granted: boolean): void {
    const { commit } = this.#log;
    const commitTerm = this.#log.term(commit);
    const from = this.#config.id;
    this.#outbox.send({ type: 'preVoteResponse', from, to, term, granted, commit, commitTerm });
  }

  /** Learns that entries are committed, which holds in every term. Ends a campaign that this makes void. */
  learnCommit({ commit, commitTerm }: PreVoteRequest | PreVoteResponse): void {
    this.#log.learnCommit(commit, commitTerm);
    if (this.#campaign !== null && !this.#mayCampaign) this.#endCampaign();
  }

  /** Grants or rejects a vote (Raft 5.2, 5.4.1). */
  handleVoteRequest(message: VoteRequest): void {
    if (this.#config.lease !== null && !message.transfer && this.hasLiveLeader) return;
    const { vote } = this.#voting;
    const isFree = vote === message.from || (vote === null && this.#leader === null);
    const granted = isFree && this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted && vote === null) {
      // A pre-candidate that votes for another member becomes a follower, which also restarts its timer.
      this.becomeFollower(this.term, null);
      this.#voting.recordVote(message.from);
    }
    this.#outbox.sendWhenDurable({
      type: 'voteResponse',
      from: this.#config.id,
      to: message.from,
      term: this.term,
      granted,
    });
  }

  /** A message has shown that `leader` leads this term. */
  onLeaderMessage(leader: NodeId): void {
    invariant(
      this.#leadership === null,
      `${leader} claims to lead term ${this.term}, which this member leads`,
    );
    invariant(
      this.#leader === null || this.#leader === leader,
      `term ${this.term} has two leaders: ${String(this.#leader)} and ${leader}`,
    );
    if (this.role !== 'follower' || this.#leader === null) this.becomeFollower(this.term, leader);
    this.#preVoteRetries = 0;
    this.#timer.onLeaderMessage();
  }

  #startCampaign(kind: CampaignKind): void {
    this.#leaveRole();
    const campaign = new Campaign(kind, this.#config.id, this.#log.memberships.current);
    this.#campaign = campaign;
    if (kind === 'preVote') {
      for (const request of campaign.requests(this.term + 1, this.#log)) this.#outbox.send(request);
      if (this.#preVoteRetries > 0) {
        this.#preVoteRetries -= 1;
        this.#timer.shorten(RETRY_TICKS_MAX);
      }
      this.countVote(this.#config.id, true);
      return;
    }
    const { id } = this.#config;
    this.#voting.enterTerm(this.term + 1);
    this.#voting.recordVote(id);
    // Held until term and vote are durable: after a crash, a member must not win with votes for a forgotten
    // candidacy.
    for (const request of campaign.requests(this.term, this.#log)) this.#outbox.sendWhenDurable(request);
    // This member's own vote counts once it is durable.
    this.#outbox.sendWhenDurable({ type: 'voteResponse', from: id, to: id, term: this.term, granted: true });
  }

  /** Counts an answer to the campaign in progress. */
  countVote(from: NodeId, granted: boolean): void {
    // The vote requests leave only now. Restarting the timer gives slow disks the whole timeout to answer.
    if (from === this.#config.id && this.role === 'candidate') this.#timer.reset();
    switch (this.#campaign?.countVote(from, granted)) {
      case 'won':
        if (this.role === 'preCandidate') this.#startCampaign('vote');
        else this.#becomeLeader();
        return;
      case 'lost':
        this.#endCampaign();
        return;
      case 'open':
      case undefined:
        return;
    }
  }

  /** Becomes a follower without a leader; after a broken link to the leader, the pre-vote is retried soon. */
  #endCampaign(): void {
    const isVote = this.role === 'candidate';
    this.becomeFollower(this.term, null);
    if (!isVote && this.#preVoteRetries > 0) this.#timer.shorten(RETRY_TICKS_MAX);
  }

  #becomeLeader(): void {
    this.#leaveRole();
    this.#preVoteRetries = 0;
    this.#leader = this.#config.id;
    this.#leadership = new LeaderState({
      config: this.#config,
      log: this.#log,
      term: this.term,
      send: (message) => this.#outbox.send(message),
    });
  }

  /** Becomes a follower in `term`, the current term or a later one. */
  becomeFollower(term: Term, leader: NodeId | null): void {
    this.#leaveRole();
    if (term > this.term) this.#voting.enterTerm(term);
    this.#leader = leader;
  }

  /** Discards the state of the current role and restarts the timer. */
  #leaveRole(): void {
    this.#onRoleLeft(this.#leadership);
    this.#leadership = null;
    this.#campaign = null;
    this.#leader = null;
    this.#timer.reset();
  }
}
