/** The indexes of the membership entries in a log: one for each change since the last compaction. */
import type { Entry, LogIndex } from '../core/types.js';

export class MembershipIndexes {
  /** In ascending order. */
  #indexes: LogIndex[] = [];

  /** Adds the next entry of the log. */
  append({ kind, index }: Entry): void {
    if (kind === 'membership') this.#indexes.push(index);
  }

  /** The last membership entry at or before `index`; 0 if there is none. */
  lastAtOrBefore(index: LogIndex): LogIndex {
    return this.#indexes.findLast((found) => found <= index) ?? 0;
  }

  /** Removes all indexes outside of `low` to `high`, both included. */
  retain(low: LogIndex, high: LogIndex): void {
    this.#indexes = this.#indexes.filter((index) => index >= low && index <= high);
  }
}
