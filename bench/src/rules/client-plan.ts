/**
 * The requests of one client of the sweep. It looks up stocks, and orders one unit after each look-up with
 * probability p; at the end it reads back its orders and compares them. Pure: another class sends the
 * requests.
 */
import type { OrderRequest } from '@trireme/domain';
import { lookup, placeOrder, transactionNumber, type HttpRequest } from './requests.js';

/** The next request of a client. */
export type ClientStep = { readonly request: HttpRequest } & (
  | { readonly kind: 'lookup'; readonly name: string }
  | { readonly kind: 'order'; readonly order: OrderRequest }
  | { readonly kind: 'order read'; readonly number: number; readonly order: OrderRequest }
);

export class ClientPlan {
  readonly #chooseStock: () => string;
  readonly #random: () => number;
  readonly #orderProbability: number;
  readonly #placed: { readonly number: number; readonly order: OrderRequest }[] = [];
  #lookupsLeft: number;
  #readsDone = 0;
  #wanted: OrderRequest | null = null;

  /**
   * @param options.lookups number of look-ups.
   * @param options.orderProbability probability of an order after a look-up, from 0 to 1.
   * @param options.random returns numbers from 0 to 1, exclusive.
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

  /** The next look-up or order; null when all are done. */
  nextLookupOrOrder(): ClientStep | null {
    const order = this.#wanted;
    if (order !== null) {
      this.#wanted = null;
      return { kind: 'order', order, request: placeOrder(order) };
    }
    if (this.#lookupsLeft === 0) return null;
    this.#lookupsLeft -= 1;
    const name = this.#chooseStock();
    if (this.#random() < this.#orderProbability) {
      // Buys and sells are equally likely, so no stock runs out in a long run.
      this.#wanted = { name, type: this.#random() < 0.5 ? 'buy' : 'sell', quantity: 1 };
    }
    return { kind: 'lookup', name, request: lookup(name) };
  }

  /** The next order read; null when all orders have been read back. */
  nextOrderRead(): ClientStep | null {
    const placed = this.#placed[this.#readsDone];
    if (placed === undefined) return null;
    this.#readsDone += 1;
    return { kind: 'order read', ...placed, request: { path: `/orders/${placed.number}` } };
  }

  /** Checks the body of a 200 answer. @returns false if it is wrong for the step */
  checkAnswer(step: ClientStep, body: string): boolean {
    switch (step.kind) {
      case 'lookup':
        return body.startsWith(`{"data":{"name":"${step.name}",`);
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

function isOrder(body: string, number: number, order: OrderRequest): boolean {
  const { name, type, quantity } = order;
  const head = `{"data":{"number":${number},"name":"${name}","type":"${type}","quantity":${quantity},`;
  return body.startsWith(head);
}
