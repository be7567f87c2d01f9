/** Runs shoppers against front-ends and reports what came of it. */
import { build, type Histogram } from 'hdr-histogram-js';
import { TriremeClient } from './client.js';
import { ClientError } from './errors.js';
import { SeededRandom } from './rules/random.js';
import { REQUEST_TYPES, type Latency, type Report, type RequestType } from './rules/report.js';
import { findDuplicates, findMismatch, Shopper, type PlacedOrder } from './rules/shopper.js';

export interface ShoppingOptions {
  /** Front-ends; shopper i uses number i modulo their count. At least one. */
  readonly urls: readonly string[];
  /** Shoppers at once. */
  readonly clients: number;
  /** Look-ups of each shopper; what it orders comes on top. */
  readonly requests: number;
  /** From 0 to 1: how often a stock that is left is ordered. */
  readonly orderProbability: number;
  /** Reproduces what each shopper chooses. */
  readonly seed: number;
}

/** Longest latency that is told apart, in microseconds; what took longer counts as this. */
const LATENCY_US_MAX = 60_000_000;

/** Keeps the shoppers of one seed from being those of the next one, shifted by one. */
const SEED_STEP = 0x9e3779b9;

/** Stocks asked for at once when shoppers learn what there is. */
const PAGE_SIZE = 100;

/**
 * Sends every shopper shopping, then has each read back all that it ordered.
 * @throws ClientError if the stocks cannot be listed at the start; later failures are part of the report.
 */
export async function shop(options: ShoppingOptions): Promise<Report> {
  const clients = options.urls.map((url) => new TriremeClient({ url, connections: options.clients }));
  const [first] = clients;
  if (first === undefined) throw new RangeError('there is no front-end to shop at');
  try {
    const names = await listNames(first);
    const tally = new Tally();
    const trips = Array.from({ length: options.clients }, (_, i) => {
      const random = new SeededRandom(options.seed + i * SEED_STEP);
      const shopper = new Shopper({ random, names, orderProbability: options.orderProbability });
      return new ShoppingTrip(clients[i % clients.length] ?? first, shopper, tally);
    });
    await Promise.all(trips.map(async (trip) => trip.buy(options.requests)));
    await Promise.all(trips.map(async (trip) => trip.readBack()));
    return tally.report();
  } finally {
    await Promise.all(clients.map(async (client) => client.close()));
  }
}

async function listNames(client: TriremeClient): Promise<string[]> {
  const names: string[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<TriremeClient['stocks']>> = await client.stocks({
      limit: PAGE_SIZE,
      ...(after === null ? {} : { after }),
    });
    names.push(...page.data.map(({ name }) => name));
    after = page.next;
  } while (after !== null);
  return names;
}

/** One shopper with the client that it uses. */
class ShoppingTrip {
  readonly #client: TriremeClient;
  readonly #shopper: Shopper;
  readonly #tally: Tally;

  constructor(client: TriremeClient, shopper: Shopper, tally: Tally) {
    this.#client = client;
    this.#shopper = shopper;
    this.#tally = tally;
  }

  async buy(requests: number): Promise<void> {
    for (let i = 0; i < requests; i++) {
      const name = this.#shopper.chooseStock();
      const stock = await this.#tally.time('lookup', async () => this.#client.stock(name));
      const order = stock === null ? null : this.#shopper.decide(stock);
      if (order === null) continue;
      const placed = await this.#tally.time('order', async () => this.#client.order(order));
      if (placed !== null) this.#shopper.recordPlaced(order, placed.number);
    }
    this.#tally.addPlaced(this.#shopper.placed);
  }

  async readBack(): Promise<void> {
    for (const placed of this.#shopper.placed) {
      const read = await this.#tally.time('order read', async () => this.#readOrder(placed.number));
      // A read that failed is counted as that; it says nothing about the order.
      if (read !== null) this.#tally.addMismatch(findMismatch(placed, read.order));
    }
  }

  /** An order that is not there is an answer too, and a mismatch. */
  async #readOrder(number: number): Promise<{ order: PlacedOrder | null }> {
    try {
      return { order: await this.#client.getOrder(number) };
    } catch (error) {
      if (error instanceof ClientError && error.status === 'ORDER_NOT_FOUND') return { order: null };
      throw error;
    }
  }
}

/** Counts and times for the report. */
class Tally {
  readonly #histograms: Readonly<Record<RequestType, Histogram>> = {
    lookup: newHistogram(),
    order: newHistogram(),
    'order read': newHistogram(),
  };
  readonly #failures = new Map<string, number>();
  readonly #mismatches: string[] = [];
  readonly #placed: PlacedOrder[] = [];
  #rejected = 0;

  /** Times a request; null if it failed or was rejected, which is counted. */
  async time<T>(type: RequestType, request: () => Promise<T>): Promise<T | null> {
    const startedAt = performance.now();
    let result: T | null = null;
    try {
      result = await request();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (error.status !== 'INSUFFICIENT_STOCK') {
        const what = `${type}: ${error.status}`;
        this.#failures.set(what, (this.#failures.get(what) ?? 0) + 1);
        return null;
      }
      this.#rejected++;
    }
    const tookUs = Math.round((performance.now() - startedAt) * 1000);
    this.#histograms[type].recordValue(Math.min(tookUs, LATENCY_US_MAX));
    return result;
  }

  addPlaced(placed: readonly PlacedOrder[]): void {
    this.#placed.push(...placed);
  }

  addMismatch(mismatch: string | null): void {
    if (mismatch !== null) this.#mismatches.push(mismatch);
  }

  report(): Report {
    const latencies = REQUEST_TYPES.map((type) => [type, latencyOf(this.#histograms[type])] as const);
    return {
      latency: Object.fromEntries(latencies) as Record<RequestType, Latency>,
      failures: this.#failures,
      filled: this.#placed.length,
      rejected: this.#rejected,
      mismatches: [...this.#mismatches, ...findDuplicates(this.#placed)],
    };
  }
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  });
}

function latencyOf(histogram: Histogram): Latency {
  const ms = (us: number): number => us / 1000;
  return {
    count: histogram.totalCount,
    mean: ms(histogram.mean),
    p50: ms(histogram.getValueAtPercentile(50)),
    p99: ms(histogram.getValueAtPercentile(99)),
  };
}
