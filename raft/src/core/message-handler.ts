/**
 * Dispatches the messages that a member receives: by comparing their term with the member's own (Raft 5.1), then by
 * type. `ElectionState`, `LeaderState` and follower.ts handle them.
 */
import { invariant } from './errors.js';
import { handleAppend, handleHeartbeat, handleSnapshot } from './follower.js';
import type { RaftLog } from './log.js';
import type { Outbox } from './outbox.js';
import type { ForwardedReads } from './remote-reads.js';
import type { ElectionState } from './election-state.js';
import type { ReceivedSnapshot, Message, NodeId, PreVoteRequest, PreVoteResponse, Term } from './types.js';

interface MessageHandlerContext {
  readonly id: NodeId;
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly election: ElectionState;
  readonly remoteReads: ForwardedReads;
}

export class MessageHandler {
  readonly #id: NodeId;
  readonly #log: RaftLog;
  readonly #outbox: Outbox;
  readonly #election: ElectionState;
  readonly #remoteReads: ForwardedReads;

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

  /** Handles a message from another member. Messages that claim to be from this member are ignored. */
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
   * Learns from pre-votes and their answers which entries are committed. This member must first be in the
   * sender's term: it assumes that the log of each leader it follows contains everything committed here, which
   * is true only for commits up to that leader's term. A member with a live leader learns of commits from the
   * leader.
   */
  #learnCommit(message: PreVoteRequest | PreVoteResponse): void {
    const isRefusal = message.type === 'preVoteResponse' && !message.granted;
    const term = isRefusal ? message.term : message.term - 1;
    if (term > this.#term) {
      // A grant says only that the sender's term is below the requested one. Here it answers a pre-vote of an earlier
      // instance of this member.
      const isGrant = message.type === 'preVoteResponse' && message.granted;
      if (isGrant || (!isRefusal && this.#election.hasLiveLeader)) return;
      this.#election.becomeFollower(term, null);
    }
    this.#election.learnCommit(message);
  }

  /**
   * Handles a complete snapshot. Returns whether to install it. A follower also accepts one from a leader of an
   * earlier term, because a snapshot contains only committed entries. Otherwise a slow follower would never catch
   * up if leaders change before it has received a whole snapshot. Candidates and leaders keep the log that they
   * have reported to others.
   */
  handleSnapshot(message: ReceivedSnapshot): boolean {
    if (!this.#isFromOther(message)) return false;
    if (message.term < this.#term) {
      this.#answerDeposed(message.from);
      return this.#election.role === 'follower' && this.#log.handleSnapshot(message.base);
    }
    if (message.term > this.#term) this.#election.becomeFollower(message.term, message.from);
    this.#election.onLeaderMessage(message.from);
    return handleSnapshot(message, this.#log, this.#outbox);
  }

  #isFromOther({ from, to }: Message | ReceivedSnapshot): boolean {
    invariant(to === this.#id, `message for ${to} was delivered to ${this.#id}`);
    return from !== this.#id;
  }

  /** Returns whether to handle the message as one of this member's term. */
  #stepHigherTerm(message: Message): boolean {
    switch (message.type) {
      case 'preVoteRequest':
        // A pre-vote names a possible term; receivers do not adopt it (thesis 9.6).
        this.#election.handlePreVoteRequest(message);
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
        // A member with a live leader does not help to depose it (thesis 4.2.3), unless the leader requested
        // the election.
        if (!message.transfer && this.#election.hasLiveLeader) return false;
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
   * The leader would otherwise ignore a member whose term is higher. The term of this answer makes the leader
   * step down, and the next election brings all members to one term.
   */
  #answerDeposed(to: NodeId): void {
    const { commit } = this.#log;
    this.#outbox.send({ type: 'heartbeatResponse', from: this.#id, to, term: this.#term, round: 0, commit });
  }

  /** Handles a message of this member's own term, from another member or from itself. */
  stepSameTerm(message: Message): void {
    switch (message.type) {
      case 'preVoteRequest':
        this.#election.handlePreVoteRequest(message);
        return;
      case 'preVoteResponse':
        // A grant for this term belongs to an earlier pre-vote: the pre-vote in progress is for the next term.
        if (this.#election.role === 'preCandidate' && !message.granted)
          this.#election.countVote(message.from, false);
        return;
      case 'voteRequest':
        this.#election.handleVoteRequest(message);
        return;
      case 'voteResponse':
        if (this.#election.role === 'candidate') this.#election.countVote(message.from, message.granted);
        return;
      case 'appendRequest':
        this.#election.onLeaderMessage(message.from);
        handleAppend(message, this.#log, this.#outbox);
        return;
      case 'heartbeat':
        this.#election.onLeaderMessage(message.from);
        handleHeartbeat(message, this.#log, this.#outbox);
        return;
      case 'appendAccepted':
        this.#election.leadership?.onAppendAccepted(message);
        return;
      case 'appendRejected':
        this.#election.leadership?.onAppendRejected(message);
        return;
      case 'heartbeatResponse':
        this.#election.leadership?.onHeartbeatResponse(message);
        return;
      case 'readRequest':
        this.#election.leadership?.onReadRequest(message);
        return;
      case 'readResponse':
        if (message.from === this.#election.leader)
          this.#remoteReads.onReadResponse(message.request, message.index);
        return;
      case 'timeoutNow':
        this.#election.campaignForTransfer();
        return;
    }
  }
}
