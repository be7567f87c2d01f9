/** A member's term and vote. Enforces that terms only rise and that a member votes once a term. */
import { invariant } from './errors.js';
import type { HardState, NodeId, Term } from './types.js';

export class VotingState {
  #term: Term;
  #vote: NodeId | null;
  #dirty = false;

  constructor(start: HardState) {
    this.#term = start.term;
    this.#vote = start.vote;
  }

  get term(): Term {
    return this.#term;
  }

  get vote(): NodeId | null {
    return this.#vote;
  }

  /** Enters a later term, without a vote. */
  enterTerm(term: Term): void {
    invariant(term > this.#term, `cannot enter term ${term} after term ${this.#term}`);
    this.#term = term;
    this.#vote = null;
    this.#dirty = true;
  }

  /** Records the vote of the term; a repeated vote for the same member changes nothing. */
  recordVote(vote: NodeId): void {
    if (this.#vote === vote) return;
    invariant(this.#vote === null, `second vote in term ${this.#term}: ${String(this.#vote)}, then ${vote}`);
    this.#vote = vote;
    this.#dirty = true;
  }

  /** Whether the latest term and vote were handed out to be written. */
  get isHandedOut(): boolean {
    return !this.#dirty;
  }

  /** The term and vote to write, once; null if they have not changed since the last call. */
  takeChanged(): HardState | null {
    if (!this.#dirty) return null;
    this.#dirty = false;
    return { term: this.#term, vote: this.#vote };
  }
}
