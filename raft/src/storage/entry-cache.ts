/**
 * The latest entries of the log in memory: a contiguous window that ends at the last entry. At its bound it
 * evicts the oldest entries; a single entry larger than the bound leaves it empty.
 */
import { invariant } from '../core/errors.js';
import type { Entry, LogIndex } from '../core/types.js';

/** Memory of an entry in addition to its record: the object, two views and an array slot; rounded up. */
const ENTRY_OVERHEAD_BYTES = 256;

export class EntryCache {
  readonly #bytesMax: number;
  #entries: Entry[] = [];
  /** Entries before this position are evicted; the array is cut when they are more than half of it. */
  #head = 0;
  #bytes = 0;

  /** @param bytesMax bound on the memory of the cached entries, in bytes; 0 caches nothing. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Estimated memory of the cached entries, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The entry at `index`, or undefined if it is not cached. */
  get(index: LogIndex): Entry | undefined {
    const first = this.#entries[this.#head];
    if (first === undefined || index < first.index) return undefined;
    return this.#entries[this.#head + index - first.index];
  }

  /** Appends the next entry of the log. */
  append(entry: Entry): void {
    const last = this.#entries.at(-1);
    invariant(
      last === undefined || this.size === 0 || entry.index === last.index + 1,
      'the entry does not follow the last cached entry',
    );
    this.#entries.push(entry);
    this.#bytes += costOf(entry);
    while (this.#bytes > this.#bytesMax) this.#evict();
    if (this.#head > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Removes the entries from `index` on. */
  truncate(index: LogIndex): void {
    for (;;) {
      const last = this.#entries.at(-1);
      if (last === undefined || this.size === 0 || last.index < index) return;
      this.#entries.pop();
      this.#bytes -= costOf(last);
    }
  }

  /** Removes all entries; the log may then continue at any index. */
  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #evict(): void {
    const first = this.#entries[this.#head];
    invariant(first !== undefined, 'an empty cache has bytes to evict');
    this.#bytes -= costOf(first);
    this.#head += 1;
  }
}

function costOf(entry: Entry): number {
  return entry.record.byteLength + ENTRY_OVERHEAD_BYTES;
}
