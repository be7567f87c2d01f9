/**
 * One client of the sweep: it looks a stock up, orders one unit with probability p, and so on; at the end it reads back
 * every order that it placed, and compares. It asks nobody and knows no time.
 */
import type { OrderRequest } from '@trireme/domain';
import { transactionNumber } from './requests.js';

/** Request types in the order in which they are told. */
export const REQUEST_KINDS = ['lookup', 'order', 'order read'] as const;

export type RequestKind = (typeof REQUEST_KINDS)[number];

/** What a client asks next. */
export type Step =
  | { readonly kind: 'lookup'; readonly name: string }
  | { readonly kind: 'order'; readonly order: OrderRequest }
  | { readonly kind: 'order read'; readonly number: number; readonly order: OrderRequest };

export class Trip {
  readonly #chooseStock: () => string;
  readonly #random: () => number;
  readonly #orderProbability: number;
  readonly #placed: { readonly number: number; readonly order: OrderRequest }[] = [];
  #lookupsLeft: number;
  #readsDone = 0;
  #wanted: OrderRequest | null = null;

  /**
   * @param options.lookups how many before reading back.
   * @param options.orderProbability from 0 to 1.
   * @param options.random gives numbers from 0 up to, but not including, 1.
   */
  constructor(options: {
    readonly lookups: number;
    readonly orderProbability: number;
    readonly chooseStock: () => string;
    readonly random: () => number;
  }) {
    this.#lookupsLeft = options.lookups;
    this.#orderProbability = options.orderProbability;
    this.#chooseStock = options.chooseStock;
    this.#random = options.random;
  }

  /** What to ask while shopping, null when all look-ups and their orders are done. */
  shop(): Step | null {
    const order = this.#wanted;
    if (order !== null) {
      this.#wanted = null;
      return { kind: 'order', order };
    }
    if (this.#lookupsLeft === 0) return null;
    this.#lookupsLeft -= 1;
    const name = this.#chooseStock();
    if (this.#random() < this.#orderProbability) {
      // As many sales as purchases: however long it goes on, no stock runs out.
      this.#wanted = { name, type: this.#random() < 0.5 ? 'buy' : 'sell', quantity: 1 };
    }
    return { kind: 'lookup', name };
  }

  /** The next order to read back, null when every one has been. */
  readBack(): Step | null {
    const placed = this.#placed[this.#readsDone];
    if (placed === undefined) return null;
    this.#readsDone += 1;
    return { kind: 'order read', ...placed };
  }

  /** Takes a 200 answer; false if it is not what the step should have got. */
  answered(step: Step, body: Buffer): boolean {
    switch (step.kind) {
      case 'lookup':
        return body.toString('latin1').startsWith(`{"data":{"name":"${step.name}",`);
      case 'order': {
        const number = transactionNumber(body);
        if (number !== null) this.#placed.push({ number, order: step.order });
        return number !== null;
      }
      case 'order read':
        return isOrder(body, step.number, step.order);
    }
  }
}

function isOrder(body: Buffer, number: number, order: OrderRequest): boolean {
  const { name, type, quantity } = order;
  const head = `{"data":{"number":${number},"name":"${name}","type":"${type}","quantity":${quantity},`;
  return body.toString('latin1').startsWith(head);
}
