/**
 * Clients of the sweep, each on its own connection: a closed loop of look-ups and orders, then of order
 * reads.
 */
import type { HttpAnswer } from '../rules/answer-parser.js';
import { getRequest, orderBody, postRequest } from '../rules/requests.js';
import { RequestCounter } from '../rules/counter.js';
import type { RequestKind, ClientStep, ClientPlan } from '../rules/client-plan.js';
import { closeAll, hostOf, openConnections, type Connection, type Target } from './connection.js';

export interface SweepClientsResult {
  /** Latencies from sending a request to the end of its answer. */
  readonly tallies: Readonly<Record<RequestKind, RequestCounter>>;
  /** Look-ups and orders per second; order reads do not count. */
  readonly perSecond: number;
}

/**
 * Runs all trips concurrently. Order reads start when all trips have placed their orders.
 * @throws the socket's error.
 */
export async function runSweepClients(
  target: Target,
  trips: readonly ClientPlan[],
): Promise<SweepClientsResult> {
  const connections = await openConnections(target, trips.length);
  const tallies = {
    lookup: new RequestCounter(),
    order: new RequestCounter(),
    'order read': new RequestCounter(),
  };
  const shoppers = trips.map((trip, i) => {
    const connection = connections[i];
    if (connection === undefined) throw new RangeError(`no connection for trip ${i}`);
    return new SweepClient(trip, connection, hostOf(target), tallies);
  });
  try {
    const startMs = performance.now();
    await Promise.all(shoppers.map(async (shopper) => shopper.shop()));
    const seconds = (performance.now() - startMs) / 1000;
    const answered = tallies.lookup.latency.count + tallies.order.latency.count;
    await Promise.all(shoppers.map(async (shopper) => shopper.readBack()));
    return { tallies, perSecond: answered / seconds };
  } finally {
    closeAll(connections);
  }
}

class SweepClient {
  readonly #trip: ClientPlan;
  readonly #connection: Connection;
  readonly #host: string;
  readonly #tallies: Readonly<Record<RequestKind, RequestCounter>>;

  constructor(
    trip: ClientPlan,
    connection: Connection,
    host: string,
    tallies: Readonly<Record<RequestKind, RequestCounter>>,
  ) {
    this.#trip = trip;
    this.#connection = connection;
    this.#host = host;
    this.#tallies = tallies;
  }

  async shop(): Promise<void> {
    await this.#runSteps(() => this.#trip.nextLookupOrOrder());
  }

  async readBack(): Promise<void> {
    await this.#runSteps(() => this.#trip.nextOrderRead());
  }

  async #runSteps(nextStep: () => ClientStep | null): Promise<void> {
    return new Promise((resolve) => {
      const runNext = (): void => {
        const step = nextStep();
        if (step === null) {
          resolve();
          return;
        }
        const sentMs = performance.now();
        this.#connection.send(this.#bytesOf(step), (answer) => {
          this.#record(step, answer, performance.now() - sentMs);
          runNext();
        });
      };
      runNext();
    });
  }

  #record(step: ClientStep, answer: HttpAnswer, tookMs: number): void {
    const tally = this.#tallies[step.kind];
    if (tally.count(answer, tookMs) && !this.#trip.checkAnswer(step, answer.body)) {
      tally.countFailure(`${step.kind} returned wrong content`);
    }
  }

  #bytesOf(step: ClientStep): Buffer {
    switch (step.kind) {
      case 'lookup':
        return getRequest(this.#host, `/stocks/${step.name}`);
      case 'order':
        return postRequest(this.#host, '/orders', orderBody(step.order));
      case 'order read':
        return getRequest(this.#host, `/orders/${step.number}`);
    }
  }
}
