/** Clients of the sweep, each on a connection of its own: a closed loop of look-ups, orders, and reading back. */
import type { Answer } from '../rules/response.js';
import { getRequest, orderBody, postRequest } from '../rules/requests.js';
import { Tally } from '../rules/tally.js';
import type { RequestKind, Step, Trip } from '../rules/trip.js';
import { closeAll, hostOf, openConnections, type Connection, type Target } from './connection.js';

export interface ShoppersResult {
  /** Latencies from when a request was sent to its whole answer. */
  readonly tallies: Readonly<Record<RequestKind, Tally>>;
  /** Look-ups and orders a second, while shopping. */
  readonly perSecond: number;
}

/** Runs the trips, all at once; when all have shopped, all read back. @throws the socket's error. */
export async function runShoppers(target: Target, trips: readonly Trip[]): Promise<ShoppersResult> {
  const connections = await openConnections(target, trips.length);
  const tallies = { lookup: new Tally(), order: new Tally(), 'order read': new Tally() };
  const shoppers = trips.map((trip, i) => {
    const connection = connections[i];
    if (connection === undefined) throw new RangeError('there is no connection for a trip');
    return new Shopper(trip, connection, hostOf(target), tallies);
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

class Shopper {
  readonly #trip: Trip;
  readonly #connection: Connection;
  readonly #host: string;
  readonly #tallies: Readonly<Record<RequestKind, Tally>>;

  constructor(
    trip: Trip,
    connection: Connection,
    host: string,
    tallies: Readonly<Record<RequestKind, Tally>>,
  ) {
    this.#trip = trip;
    this.#connection = connection;
    this.#host = host;
    this.#tallies = tallies;
  }

  async shop(): Promise<void> {
    await this.#walk(() => this.#trip.shop());
  }

  async readBack(): Promise<void> {
    await this.#walk(() => this.#trip.readBack());
  }

  async #walk(nextStep: () => Step | null): Promise<void> {
    return new Promise((resolve) => {
      const walkOn = (): void => {
        const step = nextStep();
        if (step === null) {
          resolve();
          return;
        }
        const sentMs = performance.now();
        this.#connection.send(this.#bytesOf(step), (answer) => {
          this.#take(step, answer, performance.now() - sentMs);
          walkOn();
        });
      };
      walkOn();
    });
  }

  #take(step: Step, answer: Answer, tookMs: number): void {
    const tally = this.#tallies[step.kind];
    if (tally.count(answer, tookMs) && !this.#trip.answered(step, answer.body)) {
      tally.fail(`not the ${step.kind} that was asked for`);
    }
  }

  #bytesOf(step: Step): Buffer {
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
