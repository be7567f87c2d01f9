/**
 * A queue with an amortized constant-time `shift`; that of an array moves all later items. Removed items are
 * released at once.
 */

/** Maximum number of removed slots at the front before the array is compacted. */
const REMOVED_MAX = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #removed = 0;

  get size(): number {
    return this.#items.length - this.#removed;
  }

  get first(): T | undefined {
    return this.#items[this.#removed];
  }

  /** The item with `position` others before it; undefined if there is none. */
  at(position: number): T | undefined {
    return this.#items[this.#removed + position];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes and returns the first item; undefined if there is none. */
  shift(): T | undefined {
    const { first } = this;
    if (this.size === 0) return undefined;
    this.#items[this.#removed] = undefined;
    this.#removed += 1;
    if (this.#removed > REMOVED_MAX && this.#removed > this.size) {
      this.#items = this.#items.slice(this.#removed);
      this.#removed = 0;
    }
    return first;
  }

  /** Removes and returns all items, in order. */
  drain(): readonly T[] {
    const items = this.toArray;
    this.#items = [];
    this.#removed = 0;
    return items;
  }

  /** A copy of all items, in order. */
  get toArray(): readonly T[] {
    // The removed slots, before `#removed`, are the only ones that are undefined without `T` being so.
    return this.#items.slice(this.#removed) as T[];
  }
}
