/**
 * A map for entries that live only for milliseconds, thousands of them a second.
 *
 * V8 gives a `Map` with many insertions and deletions a new internal table from time to time, and the old table points to
 * the new one. When a dead table is in the old generation, minor collections treat it as live. It then keeps all later
 * tables and their entries alive, which every minor collection has to copy. Therefore `TransientMap` regularly copies its
 * entries to a new `Map`, to which no dead table points.
 */

/** Minimum number of insertions before the underlying map is replaced. */
const RENEW_AFTER = 256;

/** A map for entries that live only for milliseconds; the head of this file says why. */
export class TransientMap<Key, Value extends object> {
  readonly #renewAfter: number;
  #map = new Map<Key, Value>();
  /** Number of insertions into the current map, including the copied entries. */
  #inserted = 0;

  /** @param renewAfter minimum number of insertions before the underlying map is replaced */
  constructor(renewAfter = RENEW_AFTER) {
    this.#renewAfter = renewAfter;
  }

  /** Number of entries. */
  get size(): number {
    return this.#map.size;
  }

  /** @returns the value; undefined if the key is not present. */
  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  /** Adds an entry, or replaces its value. */
  set(key: Key, value: Value): void {
    // The second condition bounds the cost: at most half as many entries are copied as were inserted.
    if (this.#inserted >= this.#renewAfter && this.#inserted >= 2 * this.#map.size) {
      this.#map = new Map(this.#map);
      this.#inserted = this.#map.size;
    }
    this.#map.set(key, value);
    this.#inserted += 1;
  }

  /** @returns whether the key was present. */
  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  /** Removes all entries. */
  clear(): void {
    this.#map = new Map();
    this.#inserted = 0;
  }

  /** In insertion order. Entries deleted during the iteration are skipped; entries added during it may be. */
  *[Symbol.iterator](): Generator<[Key, Value], undefined> {
    const iterated = this.#map;
    for (const entry of iterated) {
      if (iterated === this.#map || this.#map.get(entry[0]) === entry[1]) yield entry;
    }
  }
}
