/** Places orders through a front-end: a given number, or a steady load. */
import { TriremeClient } from '@trireme/client';

const ORDER = { name: 'AAPL', type: 'sell', quantity: 1 } as const;

export class OrderLoad {
  readonly #client: TriremeClient;
  #isRunning = false;
  #filled = 0;
  readonly #failures: string[] = [];
  #slowestMs = 0;

  /** The client does not retry: every request that fails at the front-end counts as a failure. */
  constructor(url: string, connections: number) {
    this.#client = new TriremeClient({ url, connections });
  }

  get filled(): number {
    return this.#filled;
  }

  /** Error message of each failed request. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Longest duration of an order, filled or failed, in milliseconds. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** Places `count` orders with `clients` concurrent clients. */
  async place(count: number, clients: number): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await this.#placeOne();
    };
    await Promise.all(Array.from({ length: clients }, worker));
  }

  /** Runs `work` while each of `clients` clients places one order after another. */
  async runDuring<T>(clients: number, work: () => Promise<T>): Promise<T> {
    this.#isRunning = true;
    const worker = async (): Promise<void> => {
      while (this.#isRunning) await this.#placeOne();
    };
    const flow = Array.from({ length: clients }, worker);
    try {
      return await work();
    } finally {
      this.#isRunning = false;
      await Promise.all(flow);
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #placeOne(): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.#client.order(ORDER);
      this.#filled += 1;
    } catch (error) {
      this.#failures.push(error instanceof Error ? error.message : String(error));
    } finally {
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
    }
  }
}
