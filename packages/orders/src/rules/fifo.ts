/**
 * A queue whose `shift` stays cheap however long it is: an array's own moves everything behind it. What was taken out is
 * let go at once.
 */

/** Taken items that are kept in front before they are cut off. */
const TAKEN_MAX = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #taken = 0;

  get size(): number {
    return this.#items.length - this.#taken;
  }

  get first(): T | undefined {
    return this.#items[this.#taken];
  }

  /** The item with `position` others before it; undefined if there is none. */
  at(position: number): T | undefined {
    return this.#items[this.#taken + position];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first item out; undefined if there is none. */
  shift(): T | undefined {
    const { first } = this;
    if (this.size === 0) return undefined;
    this.#items[this.#taken] = undefined;
    this.#taken += 1;
    if (this.#taken > TAKEN_MAX && this.#taken > this.size) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return first;
  }

  /** Takes everything out, in order. */
  takeAll(): readonly T[] {
    const items = this.all;
    this.#items = [];
    this.#taken = 0;
    return items;
  }

  /** A copy of all items, in order. */
  get all(): readonly T[] {
    // Only what was taken is undefined where `T` is not.
    return this.#items.slice(this.#taken) as T[];
  }
}
