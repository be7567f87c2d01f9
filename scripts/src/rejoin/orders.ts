/** Orders through a front-end: a given number of them, or a steady flow. */
import { TriremeClient } from '@trireme/client';

const ORDER = { name: 'AAPL', type: 'sell', quantity: 1 } as const;

export class Orders {
  readonly #client: TriremeClient;
  #isFlowing = false;
  #filled = 0;
  readonly #failures: string[] = [];
  #slowestMs = 0;

  /** Nothing is sent twice: whatever fails at the front-end counts. */
  constructor(url: string, connections: number) {
    this.#client = new TriremeClient({ url, connections });
  }

  get filled(): number {
    return this.#filled;
  }

  /** What went wrong with each request that failed. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** The longest that one took, filled or not, in milliseconds. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** Places `count` orders, `clients` at once. */
  async place(count: number, clients: number): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await this.#one();
    };
    await Promise.all(Array.from({ length: clients }, worker));
  }

  /** Runs `work` while `clients` place orders one after the other. */
  async during<T>(clients: number, work: () => Promise<T>): Promise<T> {
    this.#isFlowing = true;
    const worker = async (): Promise<void> => {
      while (this.#isFlowing) await this.#one();
    };
    const flow = Array.from({ length: clients }, worker);
    try {
      return await work();
    } finally {
      this.#isFlowing = false;
      await Promise.all(flow);
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #one(): Promise<void> {
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
