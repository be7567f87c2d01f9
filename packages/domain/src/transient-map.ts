/**
 * A map whose entries come and go within milliseconds, thousands of them a second.
 *
 * V8 makes a `Map` that is filled and emptied on end a new table every so often, and has the table before point to it. Once
 * one such table is old and dead, no minor collection can tell: it keeps the next one alive, that one the one after it, and
 * with them everything that ever stood there. A front-end that kept its open requests in a `Map` copied four times as much
 * in every minor collection, and took half as much CPU again for an order. So no `Map` here lives for long: entries go
 * to a young one, which takes the place of the one before as soon as nothing is left of that.
 */

/** Entries that a map takes before another one takes its place. */
const RENEW_AFTER = 1024;

export class TransientMap<Key, Value extends object> {
  readonly #renewAfter: number;
  #young = new Map<Key, Value>();
  /** Takes no entries any more. */
  #old = new Map<Key, Value>();
  #added = 0;

  /** @param renewAfter entries that one map takes before the next one, if nothing is left of the one before by then */
  constructor(renewAfter = RENEW_AFTER) {
    this.#renewAfter = renewAfter;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: Key): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: Key, value: Value): void {
    if (this.#old.has(key)) {
      this.#old.set(key, value);
      return;
    }
    if (this.#added >= this.#renewAfter && this.#old.size === 0 && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#added = 0;
    }
    this.#young.set(key, value);
    this.#added += 1;
  }

  /** @returns whether it was there. */
  delete(key: Key): boolean {
    return this.#young.delete(key) || this.#old.delete(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#added = 0;
  }

  /** In the order of entering. What is deleted on the way is passed over; what enters on the way may be. */
  *[Symbol.iterator](): Generator<[Key, Value], undefined> {
    const maps = [this.#old, this.#young];
    for (const map of maps) yield* map;
  }
}
