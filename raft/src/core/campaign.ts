/**
 * The state of one pre-vote or election of this member: the requests to send and the answers so far. A pre-vote
 * changes no member's state (thesis 9.6); if it is won, an election with real votes follows.
 */
import { votersOf, type Membership } from './membership.js';
import { electionResult, type ElectionResult } from './quorum.js';
import type { NodeId, PreVoteRequest, Term, VoteRequest } from './types.js';
import type { RaftLog } from './log.js';

/** `transfer` is an election that the leader requested (thesis 3.10). */
export type CampaignKind = 'preVote' | 'vote' | 'transfer';

export class Campaign {
  readonly kind: CampaignKind;
  readonly #id: NodeId;
  /** The configuration in force. It cannot change meanwhile: no campaign starts with a committed change unapplied. */
  readonly #membership: Membership;
  /** The first answer of each member, this member's own vote included once it is durable. */
  readonly #votes = new Map<NodeId, boolean>();

  constructor(kind: CampaignKind, id: NodeId, membership: Membership) {
    this.kind = kind;
    this.#id = id;
    this.#membership = membership;
  }

  /** The requests to the other voters, to lead in `term` with `log`. */
  requests(term: Term, log: RaftLog): (PreVoteRequest | VoteRequest)[] {
    const from = this.#id;
    const { lastIndex, lastTerm, commit } = log;
    const commitTerm = log.term(commit);
    return votersOf(this.#membership)
      .filter((to) => to !== from)
      .map((to) => {
        const fields = { from, to, term, lastIndex, lastTerm };
        if (this.kind === 'preVote') return { type: 'preVoteRequest', ...fields, commit, commitTerm };
        return { type: 'voteRequest', ...fields, transfer: this.kind === 'transfer' };
      });
  }

  /** Counts an answer and returns the state of the election. */
  countVote(from: NodeId, granted: boolean): ElectionResult {
    if (!this.#votes.has(from)) this.#votes.set(from, granted);
    return electionResult(this.#membership, this.#votes);
  }
}
