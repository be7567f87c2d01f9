/**
 * Reads that found no order, and wait for the right to say so: an order that a client was told of may still be on its
 * way into the store, so "missing" has to wait until everything that was told when the read was confirmed is there.
 */
import { Fifo } from './fifo.js';

interface Wait {
  readonly index: number;
  readonly items: number;
  readonly done: (complete: boolean) => void;
}

export class ReadWaits {
  readonly #itemsMax: number;
  #items = 0;
  /** In rising order of index, as later reads wait for the same or a later batch. */
  readonly #waits = new Fifo<Wait>();

  /** @param itemsMax items of all waiting reads together, at most */
  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  get size(): number {
    return this.#waits.size;
  }

  /**
   * Calls `done(true)` once everything up to log index `index` can be read, at once if it can; `done(false)` when that
   * is not to be waited for any more, or too much waits already. `items` is what the read weighs.
   */
  wait(index: number, readable: number, items: number, done: (complete: boolean) => void): void {
    if (index <= readable) done(true);
    else if (this.#items + items > this.#itemsMax) done(false);
    else {
      this.#items += items;
      this.#waits.push({ index, items, done });
    }
  }

  readableTo(index: number): void {
    while (this.#waits.first !== undefined && this.#waits.first.index <= index) {
      const wait = this.#waits.shift();
      this.#items -= wait?.items ?? 0;
      wait?.done(true);
    }
  }

  giveUp(): void {
    this.#items = 0;
    for (const { done } of this.#waits.takeAll()) done(false);
  }
}
