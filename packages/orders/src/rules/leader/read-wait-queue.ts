/**
 * Reads that found no order and wait until they may answer "missing": an order that a client was notified of
 * may not be stored yet, so they wait until everything acknowledged before the confirmed read is stored.
 */
import { Fifo } from './fifo.js';

interface Wait {
  readonly index: number;
  readonly items: number;
  readonly done: (complete: boolean) => void;
}

export class ReadWaitQueue {
  readonly #itemsMax: number;
  #items = 0;
  /** In ascending order of index, because later reads wait for the same or a later batch. */
  readonly #waits = new Fifo<Wait>();

  /** @param itemsMax maximum number of items of all waiting reads */
  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  get size(): number {
    return this.#waits.size;
  }

  /**
   * Calls `done(true)` once everything up to log index `index` is readable, at once if it is already;
   * `done(false)` if the wait is given up, or if too many items wait already. `items` is the number of items
   * of the read.
   */
  wait(index: number, readable: number, items: number, done: (complete: boolean) => void): void {
    if (index <= readable) done(true);
    else if (this.#items + items > this.#itemsMax) done(false);
    else {
      this.#items += items;
      this.#waits.push({ index, items, done });
    }
  }

  onReadable(index: number): void {
    while (this.#waits.first !== undefined && this.#waits.first.index <= index) {
      const wait = this.#waits.shift();
      this.#items -= wait?.items ?? 0;
      wait?.done(true);
    }
  }

  cancelAll(): void {
    this.#items = 0;
    for (const { done } of this.#waits.drain()) done(false);
  }
}
