/**
 * Orders that are visible and not stored yet. They are final, so that a client that reads its order right
 * after the answer need not wait for the disk.
 */
import type { Command, Order, Outcome } from '@trireme/domain';
import { Fifo } from './fifo.js';

interface VisibleBatch {
  readonly index: number;
  readonly time: number;
  readonly commands: readonly Command[];
  readonly outcomes: readonly Outcome[];
  /** Number of the first order that it filled. */
  readonly first: number;
  /** Number of orders that it filled. */
  readonly count: number;
}

/**
 * Ordered by order number, without gaps. Bounded like the batches of the command queue, of which these are a
 * part.
 */
export class UnstoredOrders {
  readonly #batches = new Fifo<VisibleBatch>();

  /** The next batch is visible. A batch that filled no orders is not kept. */
  add(batch: VisibleBatch): void {
    if (batch.count > 0) this.#batches.push(batch);
  }

  /** The store contains everything up to the batch at log index `index`. */
  dropStored(index: number): void {
    while ((this.#batches.first?.index ?? Infinity) <= index) this.#batches.shift();
  }

  /** Order `number`; null if it is not one of these. */
  find(number: number): Order | null {
    const batch = this.#batchOf(number);
    if (batch === undefined) return null;
    const { commands, outcomes, time, first } = batch;
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
  #batchOf(number: number): VisibleBatch | undefined {
    let low = 0;
    let high = this.#batches.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches.at(middle);
      if (batch !== undefined && batch.first + batch.count <= number) low = middle + 1;
      else high = middle;
    }
    const batch = this.#batches.at(low);
    return batch !== undefined && batch.first <= number ? batch : undefined;
  }
}
