/**
 * One client of the sweep. It looks up stocks, and orders one unit after each look-up with probability p; at the
 * end it reads back its orders and compares them. It sends its next request when the last one is answered.
 */
import type { OrderRequest } from '@trireme/domain';
import { Connection } from '../generator/undici.js';
import { RequestCounter } from '../rules/outcomes.js';
import {
  lookup,
  placeOrder,
  transactionNumber,
  type HttpRequest,
  type RequestKind,
} from '../rules/requests.js';

export type SweepCounters = Readonly<Record<RequestKind, RequestCounter>>;

export interface SweepClientOptions {
  /** Number of look-ups. */
  readonly lookups: number;
  /** Probability of an order after a look-up, from 0 to 1. */
  readonly orderProbability: number;
  readonly chooseStock: () => string;
  /** Returns numbers from 0 to 1, exclusive. */
  readonly random: () => number;
}

export class SweepClient {
  readonly #connection: Pick<Connection, 'send'>;
  readonly #options: SweepClientOptions;
  readonly #counters: SweepCounters;
  readonly #placed: { readonly number: number; readonly order: OrderRequest }[] = [];

  constructor(connection: Pick<Connection, 'send'>, options: SweepClientOptions, counters: SweepCounters) {
    this.#connection = connection;
    this.#options = options;
    this.#counters = counters;
  }

  async shop(): Promise<void> {
    const { lookups, orderProbability, chooseStock, random } = this.#options;
    for (let i = 0; i < lookups; i += 1) {
      const name = chooseStock();
      await this.#send('lookup', lookup(name), (body) => body.startsWith(`{"data":{"name":"${name}",`));
      if (random() >= orderProbability) continue;
      // Buys and sells are equally likely, so no stock runs out in a long run.
      const order = { name, type: random() < 0.5 ? 'buy' : 'sell', quantity: 1 } as const;
      await this.#send('order', placeOrder(order), (body) => {
        const number = transactionNumber(body);
        if (number !== null) this.#placed.push({ number, order });
        return number !== null;
      });
    }
  }

  async readBack(): Promise<void> {
    for (const { number, order } of this.#placed) {
      const { name, type, quantity } = order;
      const head = `{"data":{"number":${number},"name":"${name}","type":"${type}","quantity":${quantity},`;
      await this.#send('order read', { path: `/orders/${number}` }, (body) => body.startsWith(head));
    }
  }

  /** @param isRight checks the body of a 200 answer. */
  async #send(kind: RequestKind, request: HttpRequest, isRight: (body: string) => boolean): Promise<void> {
    const sentMs = performance.now();
    const answer = await this.#connection.send(request);
    const counter = this.#counters[kind];
    if (counter.count(answer, performance.now() - sentMs) && !isRight(answer.body))
      counter.countFailure(`${kind} returned wrong content`);
  }
}

export interface SweepClientsResult {
  /** Latencies from sending a request to the end of its answer. */
  readonly counters: SweepCounters;
  /** Look-ups and orders per second; order reads do not count. */
  readonly perSecond: number;
}

/** Runs all clients concurrently, each on its own connection. Order reads start when all orders are placed. */
export async function runSweepClients(
  url: string,
  options: readonly SweepClientOptions[],
): Promise<SweepClientsResult> {
  const counters = {
    lookup: new RequestCounter(),
    order: new RequestCounter(),
    'order read': new RequestCounter(),
  };
  const connected = options.map((each) => {
    const connection = new Connection(url);
    return { connection, client: new SweepClient(connection, each, counters) };
  });
  const startMs = performance.now();
  await Promise.all(connected.map(async ({ client }) => client.shop()));
  const seconds = (performance.now() - startMs) / 1000;
  const answered = counters.lookup.latency.count + counters.order.latency.count;
  await Promise.all(connected.map(async ({ client }) => client.readBack()));
  await Promise.all(connected.map(async ({ connection }) => connection.close()));
  return { counters, perSecond: answered / seconds };
}
