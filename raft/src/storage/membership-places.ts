/** Where a log has membership entries: as many numbers as changes since it was compacted. */
import type { Entry, LogIndex } from '../core/types.js';

export class MembershipPlaces {
  /** In order. */
  #indexes: LogIndex[] = [];

  /** Notes an entry that is next in the log. */
  append({ kind, index }: Entry): void {
    if (kind === 'membership') this.#indexes.push(index);
  }

  /** The last place at or before `index`; 0 if there is none. */
  last(index: LogIndex): LogIndex {
    return this.#indexes.findLast((one) => one <= index) ?? 0;
  }

  /** The log has only the entries from `low` up to and including `high`. */
  keep(low: LogIndex, high: LogIndex): void {
    this.#indexes = this.#indexes.filter((index) => index >= low && index <= high);
  }
}
