/**
 * A map whose entries come and go within milliseconds, thousands of them a second.
 *
 * V8 makes a `Map` that is filled and emptied on end a new table every so often, and has the table before point to it. Once
 * one such table is old and dead, no minor collection can tell: it keeps the next one alive, that one the one after it, and
 * with them everything that ever stood there. A front-end that kept its open requests in a `Map` copied four times as much
 * in every minor collection, and took half as much CPU again for an order. So no `Map` here is used for long: what is left
 * of it is copied into another one, to which nothing dead points.
 */

/** Entries that a map takes at least before another one takes its place. */
const RENEW_AFTER = 256;

export class TransientMap<Key, Value extends object> {
  readonly #renewAfter: number;
  #map = new Map<Key, Value>();
  /** Entries that the present map has taken. */
  #taken = 0;

  /** @param renewAfter entries that a map takes at least before the next one */
  constructor(renewAfter = RENEW_AFTER) {
    this.#renewAfter = renewAfter;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  set(key: Key, value: Value): void {
    // At most half of what was taken is copied, however much of it stays.
    if (this.#taken >= this.#renewAfter && this.#taken >= 2 * this.#map.size) {
      this.#map = new Map(this.#map);
      this.#taken = this.#map.size;
    }
    this.#map.set(key, value);
    this.#taken += 1;
  }

  /** @returns whether it was there. */
  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map = new Map();
    this.#taken = 0;
  }

  /** In the order of entering. What goes on the way is passed over; what enters on the way may be. */
  *[Symbol.iterator](): Generator<[Key, Value], undefined> {
    const walked = this.#map;
    for (const entry of walked) {
      if (walked === this.#map || this.#map.get(entry[0]) === entry[1]) yield entry;
    }
  }
}
