/**
 * Where messages go in a member: by their term against the member's own (Raft 5.1), then by what they are. What is
 * done with them is the business of who leads, follows or asks for votes.
 */
import { invariant } from './errors.js';
import { takeAppend, takeHeartbeat, takeSnapshot } from './follow.js';
import type { RaftLog } from './log.js';
import type { Outbox } from './outbox.js';
import type { RemoteReads } from './remote-reads.js';
import type { Standing } from './standing.js';
import type { InstallSnapshot, Message, NodeId, PreVoteRequest, PreVoteResponse, Term } from './types.js';

interface InboxContext {
  readonly id: NodeId;
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly standing: Standing;
  readonly remoteReads: RemoteReads;
}

export class Inbox {
  readonly #id: NodeId;
  readonly #log: RaftLog;
  readonly #outbox: Outbox;
  readonly #standing: Standing;
  readonly #remoteReads: RemoteReads;

  constructor({ id, log, outbox, standing, remoteReads }: InboxContext) {
    this.#id = id;
    this.#log = log;
    this.#outbox = outbox;
    this.#standing = standing;
    this.#remoteReads = remoteReads;
  }

  get #term(): Term {
    return this.#standing.term;
  }

  /** Takes a message from another member. Whoever claims to be this member is ignored. */
  step(message: Message): void {
    if (!this.#isFromOther(message)) return;
    if (message.type === 'preVoteRequest' || message.type === 'preVoteResponse') this.#learnCommit(message);
    if (message.term > this.#term && !this.#stepHigherTerm(message)) return;
    if (message.term < this.#term) {
      this.#stepLowerTerm(message);
      return;
    }
    this.stepSameTerm(message);
  }

  /**
   * Learns what is committed from who asks whether it could be elected, and from who answers. Only as of a term that this
   * member is in: what is committed here is taken to be in the log of each leader that it follows, which holds for what
   * was committed up to that leader's term. Who hears a leader hears of commits from it.
   */
  #learnCommit(message: PreVoteRequest | PreVoteResponse): void {
    const isRefusal = message.type === 'preVoteResponse' && !message.granted;
    const term = isRefusal ? message.term : message.term - 1;
    if (term > this.#term) {
      // Who grants says only that its term is below the one asked for: by an earlier life of this member, here.
      const isGrant = message.type === 'preVoteResponse' && message.granted;
      if (isGrant || (!isRefusal && this.#standing.hearsLeader)) return;
      this.#standing.becomeFollower(term, null);
    }
    this.#standing.learnCommit(message);
  }

  /**
   * Takes a snapshot that has come, whole. Returns whether it is to be installed. One from a leader of an earlier term is
   * as good to who follows: it holds nothing but what is committed. Were it dropped, whose disk is slower with it than
   * leaders stay would never be done. Who asks for votes, or leads, has spoken of the log as it is, and keeps it.
   */
  install(message: InstallSnapshot): boolean {
    if (!this.#isFromOther(message)) return false;
    if (message.term < this.#term) {
      this.#answerDeposed(message.from);
      return this.#standing.role === 'follower' && this.#log.restore(message.base);
    }
    if (message.term > this.#term) this.#standing.becomeFollower(message.term, message.from);
    this.#standing.followLeader(message.from);
    return takeSnapshot(message, this.#log, this.#outbox);
  }

  #isFromOther({ from, to }: Message | InstallSnapshot): boolean {
    invariant(to === this.#id, `message for ${to} came to ${this.#id}`);
    return from !== this.#id;
  }

  /** Returns whether to go on with the message. */
  #stepHigherTerm(message: Message): boolean {
    switch (message.type) {
      case 'preVoteRequest':
        // The term in it is only asked for: no one adopts it (thesis 9.6).
        this.#standing.takePreVoteRequest(message);
        return false;
      case 'preVoteResponse':
        if (message.granted) {
          if (this.#standing.role === 'preCandidate' && message.term === this.#term + 1) {
            this.#standing.countVote(message.from, true);
          }
          return false;
        }
        this.#standing.becomeFollower(message.term, null);
        return false;
      case 'voteRequest':
        // A member that hears from a leader does not help to depose it (thesis 4.2.3), unless the leader asked.
        if (!message.transfer && this.#standing.hearsLeader) return false;
        this.#standing.becomeFollower(message.term, null);
        return true;
      case 'appendRequest':
      case 'heartbeat':
        this.#standing.becomeFollower(message.term, message.from);
        return true;
      case 'voteResponse':
      case 'appendAccepted':
      case 'appendRejected':
      case 'heartbeatResponse':
      case 'readRequest':
      case 'readResponse':
      case 'timeoutNow':
        this.#standing.becomeFollower(message.term, null);
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
        this.#standing.answerPreVote(to, this.#term, false);
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
    const { commit } = this.#log;
    this.#outbox.send({ type: 'heartbeatResponse', from: this.#id, to, term: this.#term, round: 0, commit });
  }

  /** What a message of this member's own term, from another or from itself, means to it in its role. */
  stepSameTerm(message: Message): void {
    switch (message.type) {
      case 'preVoteRequest':
        this.#standing.takePreVoteRequest(message);
        return;
      case 'preVoteResponse':
        // One granted for this term belongs to an earlier pre-vote: the one under way asks for the next term.
        if (this.#standing.role === 'preCandidate' && !message.granted)
          this.#standing.countVote(message.from, false);
        return;
      case 'voteRequest':
        this.#standing.takeVoteRequest(message);
        return;
      case 'voteResponse':
        if (this.#standing.role === 'candidate') this.#standing.countVote(message.from, message.granted);
        return;
      case 'appendRequest':
        this.#standing.followLeader(message.from);
        takeAppend(message, this.#log, this.#outbox);
        return;
      case 'heartbeat':
        this.#standing.followLeader(message.from);
        takeHeartbeat(message, this.#log, this.#outbox);
        return;
      case 'appendAccepted':
        this.#standing.leadership?.appendAccepted(message);
        return;
      case 'appendRejected':
        this.#standing.leadership?.appendRejected(message);
        return;
      case 'heartbeatResponse':
        this.#standing.leadership?.heartbeatResponse(message);
        return;
      case 'readRequest':
        this.#standing.leadership?.readRequest(message);
        return;
      case 'readResponse':
        if (message.from === this.#standing.leader)
          this.#remoteReads.answered(message.request, message.index);
        return;
      case 'timeoutNow':
        this.#standing.campaignAtOnce();
        return;
    }
  }
}
