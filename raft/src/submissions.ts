/** Proposals whose makers wait until they are applied at this member, which logged them as the leader. */
import { RaftError } from './core/errors.js';
import type { Leadership } from './core/leadership.js';
import type { LogIndex } from './core/types.js';

/** Submissions that wait at most: a machine that applies slowly must not have them pile up. */
export const SUBMISSIONS_MAX = 100_000;

interface Waiter {
  readonly index: LogIndex;
  readonly resolve: (index: LogIndex) => void;
  readonly reject: (error: RaftError) => void;
}

export class Submissions {
  /** In the order of their indexes, all of one leadership; those in front of `#head` are settled. */
  #waiters: Waiter[] = [];
  #head = 0;
  #leadership: Leadership | null = null;

  get size(): number {
    return this.#waiters.length - this.#head;
  }

  /** @throws RaftError `OVERLOADED` at the bound. */
  checkRoom(): void {
    if (this.size < SUBMISSIONS_MAX) return;
    throw new RaftError('OVERLOADED', `${SUBMISSIONS_MAX} submissions wait to be applied`);
  }

  /** Resolves with `index`, at which `leadership` has logged it, once that is applied. */
  async add(index: LogIndex, leadership: Leadership | null): Promise<LogIndex> {
    this.ledBy(leadership);
    this.#leadership = leadership;
    return new Promise((resolve, reject) => this.#waiters.push({ index, resolve, reject }));
  }

  /** Says which leadership this member has now: what an earlier one logged may be committed by others, or replaced. */
  ledBy(leadership: Leadership | null): void {
    if (this.#leadership === leadership) return;
    this.#leadership = leadership;
    this.giveUp('leadership was lost');
  }

  /** Everything up to `index` is applied. What is at the index of a submission is what was submitted, under one leadership. */
  applied(index: LogIndex): void {
    for (;;) {
      const first = this.#waiters[this.#head];
      if (first === undefined || first.index > index) break;
      first.resolve(first.index);
      this.#head += 1;
    }
    // Cut once in a while: to move all others up for every batch costs more than the memory is worth.
    if (this.#head <= this.#waiters.length / 2) return;
    this.#waiters = this.#waiters.slice(this.#head);
    this.#head = 0;
  }

  /** What waits now may or may not come about. */
  giveUp(why: string, cause?: RaftError): void {
    const error = new RaftError('LEADERSHIP_LOST', `${why} before the proposal was applied`, { cause });
    const lost = this.#waiters.slice(this.#head);
    this.#waiters = [];
    this.#head = 0;
    for (const { reject } of lost) reject(error);
  }
}
