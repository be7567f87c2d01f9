/**
 * Reads that found no order, and wait for the right to say so: an order that a client was told of may still be on its
 * way into the book, so "missing" has to wait until every batch that was pending when the read was confirmed is settled.
 */
export class SettledWaits {
  readonly #sizeMax: number;
  /** In rising order of index, as later reads wait for the same or a later batch. */
  readonly #waits: { readonly index: number; readonly done: (settled: boolean) => void }[] = [];

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#waits.length;
  }

  /**
   * Calls `done(true)` once batches up to log index `index` are settled, at once if they are; `done(false)` when that
   * is not to be waited for any more, or too many wait already.
   */
  wait(index: number, settledIndex: number, done: (settled: boolean) => void): void {
    if (index <= settledIndex) done(true);
    else if (this.#waits.length >= this.#sizeMax) done(false);
    else this.#waits.push({ index, done });
  }

  settledTo(settledIndex: number): void {
    while (this.#waits[0] !== undefined && this.#waits[0].index <= settledIndex)
      this.#waits.shift()?.done(true);
  }

  giveUp(): void {
    for (const { done } of this.#waits.splice(0)) done(false);
  }
}
