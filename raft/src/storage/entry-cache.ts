/**
 * The latest entries of the log, in memory: a contiguous window that ends at the last entry. At its bound the
 * oldest entries leave; a single entry beyond the bound leaves it empty.
 */
import { invariant } from '../core/errors.js';
import type { Entry, LogIndex } from '../core/types.js';

/** What an entry takes in memory beside its record: the object, two views and its place in the array; rounded up. */
const ENTRY_OVERHEAD_BYTES = 256;

export class EntryCache {
  readonly #bytesMax: number;
  #entries: Entry[] = [];
  /** Entries in front of it have left; the array is cut when they are more than half of it. */
  #head = 0;
  #bytes = 0;

  /** @param bytesMax bound on the memory of the cached entries, in bytes; 0 caches nothing. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Memory of the cached entries in bytes, as it is counted against the bound. */
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

  /** Takes the entry behind the last one. */
  append(entry: Entry): void {
    const last = this.#entries.at(-1);
    invariant(
      last === undefined || this.size === 0 || entry.index === last.index + 1,
      'cache window has a hole',
    );
    this.#entries.push(entry);
    this.#bytes += costOf(entry);
    while (this.#bytes > this.#bytesMax) this.#evict();
    if (this.#head > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Drops the entries at and behind `index`. */
  truncate(index: LogIndex): void {
    for (;;) {
      const last = this.#entries.at(-1);
      if (last === undefined || this.size === 0 || last.index < index) return;
      this.#entries.pop();
      this.#bytes -= costOf(last);
    }
  }

  /** Drops everything: the log begins anew elsewhere. */
  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #evict(): void {
    const first = this.#entries[this.#head];
    invariant(first !== undefined, 'an empty cache counts bytes');
    this.#bytes -= costOf(first);
    this.#head += 1;
  }
}

function costOf(entry: Entry): number {
  return entry.record.byteLength + ENTRY_OVERHEAD_BYTES;
}
