/**
 * What a member does and knows while it asks to lead, made anew for each election: whom it asks, and who has answered.
 * First all are asked whether an election could be won, which changes nothing (thesis 9.6), then for their votes.
 */
import { votersOf, type Membership } from './membership.js';
import { electionState, type ElectionState } from './quorum.js';
import type { NodeId, PreVoteRequest, Term, VoteRequest } from './types.js';
import type { RaftLog } from './log.js';

/** `transfer` is an election that the leader itself asked for (thesis 3.10). */
export type CampaignKind = 'preVote' | 'vote' | 'transfer';

export class Campaign {
  readonly kind: CampaignKind;
  readonly #id: NodeId;
  /** The one in force; it cannot change meanwhile, as nothing that is committed is unapplied when a campaign begins. */
  readonly #membership: Membership;
  /** Answers, each member's first; the own vote among them once it is durable. */
  readonly #votes = new Map<NodeId, boolean>();

  constructor(kind: CampaignKind, id: NodeId, membership: Membership) {
    this.kind = kind;
    this.#id = id;
    this.#membership = membership;
  }

  /** What to ask the other voters: to lead in `term`, with `log`. */
  requests(term: Term, log: RaftLog): (PreVoteRequest | VoteRequest)[] {
    const from = this.#id;
    const { lastIndex, lastTerm, commit } = log;
    const commitTerm = log.term(commit);
    return votersOf(this.#membership)
      .filter((to) => to !== from)
      .map((to) => {
        const asked = { from, to, term, lastIndex, lastTerm };
        if (this.kind === 'preVote') return { type: 'preVoteRequest', ...asked, commit, commitTerm };
        return { type: 'voteRequest', ...asked, transfer: this.kind === 'transfer' };
      });
  }

  /** Counts an answer and says where the election stands. */
  count(from: NodeId, granted: boolean): ElectionState {
    if (!this.#votes.has(from)) this.#votes.set(from, granted);
    return electionState(this.#membership, this.#votes);
  }
}
