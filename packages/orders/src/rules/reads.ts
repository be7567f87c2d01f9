/**
 * Reads that found no order, and wait for the right to say so: an order that a client was told of may still be on its
 * way into the book, so "missing" has to wait until every batch that was told of when the read was confirmed is settled.
 */
import { Fifo } from './fifo.js';

interface Wait {
  readonly index: number;
  readonly items: number;
  readonly done: (settled: boolean) => void;
}

export class SettledWaits {
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
   * Calls `done(true)` once batches up to log index `index` are settled, at once if they are; `done(false)` when that
   * is not to be waited for any more, or too much waits already. `items` is what the read weighs.
   */
  wait(index: number, settledIndex: number, items: number, done: (settled: boolean) => void): void {
    if (index <= settledIndex) done(true);
    else if (this.#items + items > this.#itemsMax) done(false);
    else {
      this.#items += items;
      this.#waits.push({ index, items, done });
    }
  }

  settledTo(settledIndex: number): void {
    while (this.#waits.first !== undefined && this.#waits.first.index <= settledIndex) {
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
