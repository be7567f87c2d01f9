/**
 * Where messages go in a member: by their term against the member's own (Raft 5.1), then by what they are. What is
 * done with them is the business of who leads, follows or asks for votes.
 */
import { invariant } from './errors.js';
import { takeAppend, takeHeartbeat, takeSnapshot } from './follow.js';
import type { RaftLog } from './log.js';
import type { Outbox } from './outbox.js';
import type { RemoteReads } from './remote-reads.js';
import type { ElectionState } from './election-state.js';
import type { InstallSnapshot, Message, NodeId, PreVoteRequest, PreVoteResponse, Term } from './types.js';

interface MessageHandlerContext {
  readonly id: NodeId;
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly election: ElectionState;
  readonly remoteReads: RemoteReads;
}

export class MessageHandler {
  readonly #id: NodeId;
  readonly #log: RaftLog;
  readonly #outbox: Outbox;
  readonly #election: ElectionState;
  readonly #remoteReads: RemoteReads;

  constructor({ id, log, outbox, election, remoteReads }: MessageHandlerContext) {
    this.#id = id;
    this.#log = log;
    this.#outbox = outbox;
    this.#election = election;
    this.#remoteReads = remoteReads;
  }

  get #term(): Term {
    return this.#election.term;
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
      if (isGrant || (!isRefusal && this.#election.hearsLeader)) return;
      this.#election.becomeFollower(term, null);
    }
    this.#election.learnCommit(message);
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
      return this.#election.role === 'follower' && this.#log.restore(message.base);
    }
    if (message.term > this.#term) this.#election.becomeFollower(message.term, message.from);
    this.#election.followLeader(message.from);
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
        this.#election.takePreVoteRequest(message);
        return false;
      case 'preVoteResponse':
        if (message.granted) {
          if (this.#election.role === 'preCandidate' && message.term === this.#term + 1) {
            this.#election.countVote(message.from, true);
          }
          return false;
        }
        this.#election.becomeFollower(message.term, null);
        return false;
      case 'voteRequest':
        // A member that hears from a leader does not help to depose it (thesis 4.2.3), unless the leader asked.
        if (!message.transfer && this.#election.hearsLeader) return false;
        this.#election.becomeFollower(message.term, null);
        return true;
      case 'appendRequest':
      case 'heartbeat':
        this.#election.becomeFollower(message.term, message.from);
        return true;
      case 'voteResponse':
      case 'appendAccepted':
      case 'appendRejected':
      case 'heartbeatResponse':
      case 'readRequest':
      case 'readResponse':
      case 'timeoutNow':
        this.#election.becomeFollower(message.term, null);
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
        this.#election.answerPreVote(to, this.#term, false);
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
        this.#election.takePreVoteRequest(message);
        return;
      case 'preVoteResponse':
        // One granted for this term belongs to an earlier pre-vote: the one under way asks for the next term.
        if (this.#election.role === 'preCandidate' && !message.granted)
          this.#election.countVote(message.from, false);
        return;
      case 'voteRequest':
        this.#election.takeVoteRequest(message);
        return;
      case 'voteResponse':
        if (this.#election.role === 'candidate') this.#election.countVote(message.from, message.granted);
        return;
      case 'appendRequest':
        this.#election.followLeader(message.from);
        takeAppend(message, this.#log, this.#outbox);
        return;
      case 'heartbeat':
        this.#election.followLeader(message.from);
        takeHeartbeat(message, this.#log, this.#outbox);
        return;
      case 'appendAccepted':
        this.#election.leadership?.appendAccepted(message);
        return;
      case 'appendRejected':
        this.#election.leadership?.appendRejected(message);
        return;
      case 'heartbeatResponse':
        this.#election.leadership?.heartbeatResponse(message);
        return;
      case 'readRequest':
        this.#election.leadership?.readRequest(message);
        return;
      case 'readResponse':
        if (message.from === this.#election.leader)
          this.#remoteReads.answered(message.request, message.index);
        return;
      case 'timeoutNow':
        this.#election.campaignAtOnce();
        return;
    }
  }
}
