/**
 * Orders that are visible and that the store does not hold yet. They are as final as what is stored, so whoever reads an
 * order right after it was filled need not wait for the disk.
 */
import type { Command, Order, Outcome } from '@trireme/domain';
import { Fifo } from './fifo.js';

interface ToldBatch {
  readonly index: number;
  readonly time: number;
  readonly commands: readonly Command[];
  readonly outcomes: readonly Outcome[];
  /** Number of the first order that it filled. */
  readonly first: number;
  /** Orders that it filled. */
  readonly count: number;
}

/** By batch, in the order of their numbers, which have no gaps. Bounded like the batches of the queue, which they are part of. */
export class ToldOrders {
  readonly #batches = new Fifo<ToldBatch>();

  /** The next batch is visible; one that filled nothing need not stay. */
  add(told: ToldBatch): void {
    if (told.count > 0) this.#batches.push(told);
  }

  /** The store holds everything up to the batch at log index `index`. */
  stored(index: number): void {
    while ((this.#batches.first?.index ?? Infinity) <= index) this.#batches.shift();
  }

  /** The order `number`; null if it is not one of these. */
  find(number: number): Order | null {
    const told = this.#batchOf(number);
    if (told === undefined) return null;
    const { commands, outcomes, time, first } = told;
    let filled = first - 1;
    for (const [position, outcome] of outcomes.entries()) {
      if (outcome.kind !== 'filled') continue;
      filled += 1;
      const command = commands[position];
      if (filled !== number || (command?.kind !== 'buy' && command?.kind !== 'sell')) continue;
      const { kind: type, name, quantity } = command;
      return { number, name, type, quantity, price: outcome.price, time };
    }
    return null;
  }

  /** The batch that filled `number`. */
  #batchOf(number: number): ToldBatch | undefined {
    let low = 0;
    let high = this.#batches.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const told = this.#batches.at(middle);
      if (told !== undefined && told.first + told.count <= number) low = middle + 1;
      else high = middle;
    }
    const told = this.#batches.at(low);
    return told !== undefined && told.first <= number ? told : undefined;
  }
}
