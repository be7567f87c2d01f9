/** Concurrent clients against the front-ends of a cluster, recorded. */
import { TriremeClient } from '@trireme/client';
import { SeededRandom } from '../rules/random.js';
import { Board } from './board.js';
import { Clerk } from './clerk.js';
import type { Recorder } from './recorder.js';
import { Shopper } from './shopper.js';

export interface WorkloadOptions {
  /** Front-ends, at least one. */
  readonly urls: readonly string[];
  /** Those that clients use, by their places; all unless set. */
  readonly frontends?: readonly number[];
  readonly clients: number;
  readonly seed: number;
  /** Stocks to shop for, the first one scarce. */
  readonly stocks: readonly string[];
  /** How many of the clients give their orders no key. */
  readonly unkeyed: number;
  /** How many of the clients give up after `impatientMs`; the others wait longer than the server's deadline. */
  readonly impatient: number;
  readonly impatientMs: number;
  readonly pauseMs: number;
  /** After a failure or an answer that was not waited for, in milliseconds: each of these ends a connection. */
  readonly failurePauseMs: number;
  /** Shares of orders that repeat a key: of one that is just under way, and of any one of the run. */
  readonly twinShare: number;
  readonly oldShare: number;
}

/** Longer than any deadline of the server. */
const PATIENT_MS = 10_000;

/** A probe is asked again rather than waited for. */
const PROBE_MS = 1_000;

/** Orders read back at the end, through each front-end. */
const READ_BACK_MAX = 300;

/** Keeps the clients of one seed from being those of the next one, shifted by one. */
const SEED_STEP = 0x9e3779b9;

export class Workload {
  readonly #o: WorkloadOptions;
  readonly #recorder: Recorder;
  readonly #board = new Board();
  readonly #connections: TriremeClient[] = [];
  readonly #shoppers: readonly Shopper[];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #probe: Clerk | null = null;
  #probes = 0;

  constructor(options: WorkloadOptions, recorder: Recorder) {
    this.#o = options;
    this.#recorder = recorder;
    this.#shoppers = Array.from({ length: options.clients }, (_, i) => {
      const isImpatient = i >= options.clients - options.impatient;
      const patientClerk = this.#clerk(i + 1, PATIENT_MS);
      return new Shopper({
        name: `c${i + 1}`,
        clerk: isImpatient ? this.#clerk(i + 1, options.impatientMs) : patientClerk,
        patientClerk,
        board: this.#board,
        frontends: options.frontends ?? options.urls.map((_, frontend) => frontend),
        random: new SeededRandom(options.seed + i * SEED_STEP),
        stocks: options.stocks,
        keyed: i >= options.unkeyed,
        pauseMs: options.pauseMs,
        failurePauseMs: options.failurePauseMs,
        twinShare: options.twinShare,
        oldShare: options.oldShare,
      });
    });
  }

  start(): void {
    this.#running = Promise.all(this.#shoppers.map(async (shopper) => shopper.run(this.#stop.signal)));
  }

  /** Orders that got an outcome so far. */
  get acknowledged(): number {
    return this.#board.acknowledged;
  }

  /** Places one order through one front-end. @returns whether it was filled. */
  async probe(frontend: number): Promise<boolean> {
    this.#probe ??= this.#clerk(this.#o.clients + 2, PROBE_MS);
    const key = `probe-${(this.#probes += 1)}`;
    const output = await this.#probe.create(frontend, {
      key,
      stock: this.#o.stocks[0] ?? '',
      side: 'sell',
      quantity: 1,
    });
    return output !== null && 'order' in output;
  }

  /** Has every client end what it is doing. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Finds out every unknown outcome of an order with a key. @returns whether that was possible in time. */
  async settle(timeoutMs: number): Promise<boolean> {
    const stop = AbortSignal.timeout(timeoutMs);
    const settled = await Promise.all(this.#shoppers.map(async (shopper) => shopper.settle(stop)));
    return !settled.includes(false);
  }

  /** Looks at every stock and at orders through each front-end, as a last client. */
  async lookOver(
    stocks: readonly string[],
  ): Promise<{ stock: string; quantity: number; frontend: number }[]> {
    const clerk = this.#clerk(this.#o.clients + 1, PATIENT_MS);
    const told: { stock: string; quantity: number; frontend: number }[] = [];
    const { numbers } = this.#board;
    const step = Math.max(1, Math.ceil(numbers.length / READ_BACK_MAX));
    for (let frontend = 0; frontend < this.#o.urls.length; frontend += 1) {
      for (const stock of stocks) {
        const quantity = await clerk.read(frontend, stock);
        if (quantity !== null) told.push({ stock, quantity, frontend });
      }
      for (let i = 0; i < numbers.length; i += step) await clerk.get(frontend, numbers[i] ?? 0);
    }
    return told;
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#connections.map(async (connection) => connection.close()));
  }

  #clerk(client: number, timeoutMs: number): Clerk {
    const frontends = this.#o.urls.map((url) => new TriremeClient({ url, connections: 1, timeoutMs }));
    this.#connections.push(...frontends);
    return new Clerk(client, frontends, this.#recorder);
  }
}
