/** A member's term and vote, with the two rules that never bend: terms only rise, and a term has one vote. */
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

  /** Enters a later term, in which no vote is given yet. */
  enter(term: Term): void {
    invariant(term > this.#term, `term ${term} after ${this.#term}`);
    this.#term = term;
    this.#vote = null;
    this.#dirty = true;
  }

  /** Gives the term's one vote; giving it to the same member again changes nothing. */
  give(vote: NodeId): void {
    if (this.#vote === vote) return;
    invariant(this.#vote === null, `second vote in term ${this.#term}: ${String(this.#vote)}, then ${vote}`);
    this.#vote = vote;
    this.#dirty = true;
  }

  /** Whether all of it was handed out to be written. */
  get isWritten(): boolean {
    return !this.#dirty;
  }

  /** What has to be written, or null if the disk will have it all. */
  takeUnwritten(): HardState | null {
    if (!this.#dirty) return null;
    this.#dirty = false;
    return { term: this.#term, vote: this.#vote };
  }
}
