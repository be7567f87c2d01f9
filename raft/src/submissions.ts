/**
 * Submissions: proposals that this leader logged, and whose callers wait until this member has applied them.
 */
import { RaftError } from './core/errors.js';
import type { LeaderState } from './core/leadership.js';
import type { LogIndex } from './core/types.js';

/** The bound on waiting submissions, which would pile up if a state machine applies slowly. */
export const SUBMISSIONS_MAX = 100_000;

interface Waiter {
  readonly index: LogIndex;
  readonly resolve: (index: LogIndex) => void;
  readonly reject: (error: RaftError) => void;
}

export class Submissions {
  /** In the order of their indexes, all of one leadership; those before `#head` are settled. */
  #waiters: Waiter[] = [];
  #head = 0;
  #leadership: LeaderState | null = null;

  get size(): number {
    return this.#waiters.length - this.#head;
  }

  /** @throws RaftError `OVERLOADED` at the bound. */
  checkCapacity(): void {
    if (this.size < SUBMISSIONS_MAX) return;
    throw new RaftError(
      'OVERLOADED',
      `${SUBMISSIONS_MAX} submissions are already waiting to be applied; retry later`,
    );
  }

  /** Resolves with `index`, at which `leadership` logged the proposal, once it is applied. */
  async add(index: LogIndex, leadership: LeaderState | null): Promise<LogIndex> {
    this.setLeadership(leadership);
    this.#leadership = leadership;
    return new Promise((resolve, reject) => this.#waiters.push({ index, resolve, reject }));
  }

  /**
   * Sets the current leadership. Proposals of an earlier one are rejected: other leaders may commit or
   * replace them.
   */
  setLeadership(leadership: LeaderState | null): void {
    if (this.#leadership === leadership) return;
    this.#leadership = leadership;
    this.rejectAll('leadership was lost');
  }

  /**
   * Resolves the submissions up to `index`, which are applied. Within one leadership the entry at a
   * submission's index is the submitted one.
   */
  onApplied(index: LogIndex): void {
    for (;;) {
      const first = this.#waiters[this.#head];
      if (first === undefined || first.index > index) break;
      first.resolve(first.index);
      this.#head += 1;
    }
    // Moving the others up for every batch would cost more than the memory that it frees.
    if (this.#head <= this.#waiters.length / 2) return;
    this.#waiters = this.#waiters.slice(this.#head);
    this.#head = 0;
  }

  /** Rejects all waiting submissions: their outcome is unknown. */
  rejectAll(why: string, cause?: RaftError): void {
    const error = new RaftError(
      'LEADERSHIP_LOST',
      `${why} before the proposal was applied; it may still be applied`,
      { cause },
    );
    const lost = this.#waiters.slice(this.#head);
    this.#waiters = [];
    this.#head = 0;
    for (const { reject } of lost) reject(error);
  }
}
