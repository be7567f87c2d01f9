/**
 * Orders that the leader has told to clients and that its store does not hold yet. What was told is as final as what is
 * stored, so whoever reads an order right after it was filled need not wait for its settlement.
 */
import type { Order, Outcome } from '@trireme/domain';
import { Fifo } from './fifo.js';
import type { PendingBatch } from './state.js';

interface ToldBatch {
  readonly batch: PendingBatch;
  readonly outcomes: readonly Outcome[];
  /** Number of the first order that it filled. */
  readonly first: number;
  /** Orders that it filled, from 1. */
  readonly count: number;
}

/** By batch, in the order of their numbers, which have no gaps. Bounded like the pending batches, which it is part of. */
export class ToldOrders {
  readonly #batches = new Fifo<ToldBatch>();

  /** The next batch was decided; `first` is the number that its first filled order has, if it has any. */
  add(batch: PendingBatch, outcomes: readonly Outcome[], first: number): void {
    const count = outcomes.reduce((sum, { kind }) => (kind === 'filled' ? sum + 1 : sum), 0);
    if (count > 0) this.#batches.push({ batch, outcomes, first, count });
  }

  /** The store holds everything up to the batch at log index `index`. */
  stored(index: number): void {
    while ((this.#batches.first?.batch.index ?? Infinity) <= index) this.#batches.shift();
  }

  /** The order `number`; null if it is not one of these. */
  find(number: number): Order | null {
    const told = this.#batchOf(number);
    if (told === undefined) return null;
    const { batch, outcomes, first } = told;
    let filled = first - 1;
    for (const [position, outcome] of outcomes.entries()) {
      if (outcome.kind !== 'filled') continue;
      filled += 1;
      const command = batch.commands[position];
      if (filled !== number || (command?.kind !== 'buy' && command?.kind !== 'sell')) continue;
      const { kind: type, name, quantity } = command;
      return { number, name, type, quantity, price: outcome.price, time: batch.time };
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
