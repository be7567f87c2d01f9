/** Runs shoppers against front-ends and reports latencies, failures and mismatches. */
import { build, type Histogram } from 'hdr-histogram-js';
import { TriremeClient } from './client.js';
import { ClientError } from './errors.js';
import { SeededRandom } from './rules/random.js';
import { REQUEST_TYPES, type LatencySummary, type ShoppingReport, type RequestType } from './rules/report.js';
import { findDuplicates, findMismatch, Shopper, type PlacedOrder } from './rules/shopper.js';

export interface ShoppingOptions {
  /** URLs of front-ends, at least one; shopper i uses number i modulo their count. */
  readonly urls: readonly string[];
  /** Number of concurrent shoppers. */
  readonly clients: number;
  /** Look-ups of each shopper; orders come in addition. */
  readonly requests: number;
  /** Probability of an order for an available stock, from 0 to 1. */
  readonly orderProbability: number;
  /** Seed of the shoppers' choices. */
  readonly seed: number;
}

/** Maximum latency that the histograms record, in microseconds; a longer one counts as this. */
const LATENCY_US_MAX = 60_000_000;

/** Distance between the seeds of shoppers, so that neighbouring seeds do not share shoppers. */
const SEED_STEP = 0x9e3779b9;

/** Page size when the stocks are listed at the start. */
const PAGE_SIZE = 100;

/**
 * Runs all shoppers, then reads back every order that they placed.
 * @throws ClientError if the stocks cannot be listed at the start; later failures are part of the report.
 */
export async function runShoppers(options: ShoppingOptions): Promise<ShoppingReport> {
  const clients = options.urls.map((url) => new TriremeClient({ url, connections: options.clients }));
  const [first] = clients;
  if (first === undefined) throw new RangeError('urls must not be empty');
  try {
    const names = await listNames(first);
    const statistics = new Statistics();
    const trips = Array.from({ length: options.clients }, (_, i) => {
      const random = new SeededRandom(options.seed + i * SEED_STEP);
      const shopper = new Shopper({ random, names, orderProbability: options.orderProbability });
      return new ShoppingTrip(clients[i % clients.length] ?? first, shopper, statistics);
    });
    await Promise.all(trips.map(async (trip) => trip.buy(options.requests)));
    await Promise.all(trips.map(async (trip) => trip.readBack()));
    return statistics.report();
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
      after: after ?? undefined,
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
  readonly #statistics: Statistics;

  constructor(client: TriremeClient, shopper: Shopper, statistics: Statistics) {
    this.#client = client;
    this.#shopper = shopper;
    this.#statistics = statistics;
  }

  async buy(requests: number): Promise<void> {
    for (let i = 0; i < requests; i++) {
      const name = this.#shopper.chooseStock();
      const stock = await this.#statistics.time('lookup', async () => this.#client.stock(name));
      const order = stock === null ? null : this.#shopper.decide(stock);
      if (order === null) continue;
      const placed = await this.#statistics.time('order', async () => this.#client.order(order));
      if (placed !== null) this.#shopper.recordPlaced(order, placed.number);
    }
    this.#statistics.addPlaced(this.#shopper.placed);
  }

  async readBack(): Promise<void> {
    for (const placed of this.#shopper.placed) {
      const read = await this.#statistics.time('order read', async () => this.#readOrder(placed.number));
      // A failed read is counted as a failure and is not a mismatch.
      if (read !== null) this.#statistics.addMismatch(findMismatch(placed, read.order));
    }
  }

  /** Reads an order; null if it is not found, which is a mismatch. */
  async #readOrder(number: number): Promise<{ order: PlacedOrder | null }> {
    try {
      return { order: await this.#client.getOrder(number) };
    } catch (error) {
      if (error instanceof ClientError && error.status === 'ORDER_NOT_FOUND') return { order: null };
      throw error;
    }
  }
}

/** Collects counts and latencies for the report. */
class Statistics {
  readonly #histograms: Readonly<Record<RequestType, Histogram>> = {
    lookup: newHistogram(),
    order: newHistogram(),
    'order read': newHistogram(),
  };
  readonly #failures = new Map<string, number>();
  readonly #mismatches: string[] = [];
  readonly #placed: PlacedOrder[] = [];
  #rejected = 0;

  /** Runs a request, records its latency or failure, and returns its result; null if it failed or was rejected. */
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

  report(): ShoppingReport {
    const latencies = REQUEST_TYPES.map((type) => [type, latencyOf(this.#histograms[type])] as const);
    return {
      latency: Object.fromEntries(latencies) as Record<RequestType, LatencySummary>,
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

function latencyOf(histogram: Histogram): LatencySummary {
  const ms = (us: number): number => us / 1000;
  return {
    count: histogram.totalCount,
    mean: ms(histogram.mean),
    p50: ms(histogram.getValueAtPercentile(50)),
    p99: ms(histogram.getValueAtPercentile(99)),
  };
}
