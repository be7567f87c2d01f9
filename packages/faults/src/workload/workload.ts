/** A recorded workload of concurrent clients on the front-ends of a cluster. */
import { SeededRandom, TriremeClient } from '@trireme/client';
import { SharedClientState } from './shared-state.js';
import { RecordingClient } from './recording-client.js';
import type { HistoryRecorder } from './history-recorder.js';
import { WorkloadClient } from './workload-client.js';

export interface WorkloadOptions {
  /** URLs of all front-ends, at least one. */
  readonly urls: readonly string[];
  /** Indexes of the front-ends that clients use; default all. */
  readonly frontends?: readonly number[];
  readonly clients: number;
  readonly seed: number;
  /** Stocks that clients use; the first one is scarce. */
  readonly stocks: readonly string[];
  /** Number of clients that send orders without keys. */
  readonly clientsWithoutKeys: number;
  /** Number of clients that time out after `shortTimeoutMs`; the others wait longer than the server's deadline. */
  readonly clientsWithShortTimeout: number;
  readonly shortTimeoutMs: number;
  /** Mean pause between two operations of a client, in milliseconds. */
  readonly pauseMs: number;
  /** Pause after a failure or timeout, in milliseconds; each of these closes a connection. */
  readonly failurePauseMs: number;
  /** Shares of orders that repeat a key: of an order in flight, and of any order of the run. */
  readonly inFlightKeyShare: number;
  readonly oldKeyShare: number;
}

/** Timeout of patient clients and probes, above every deadline of the server: they never end a request themselves. */
const PATIENT_MS = 10_000;

/** Maximum number of orders that are read back at the end, through each front-end. */
const READ_BACK_MAX = 300;

/** Distance between the seeds of clients, so that runs with consecutive seeds share no client. */
const SEED_STEP = 0x9e3779b9;

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #recorder: HistoryRecorder;
  readonly #board = new SharedClientState();
  readonly #connections: TriremeClient[] = [];
  readonly #shoppers: readonly WorkloadClient[];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #probe: RecordingClient | null = null;
  #probes = 0;

  constructor(options: WorkloadOptions, recorder: HistoryRecorder) {
    this.#options = options;
    this.#recorder = recorder;
    this.#shoppers = Array.from({ length: options.clients }, (_, i) => {
      const isImpatient = i >= options.clients - options.clientsWithShortTimeout;
      const patientClerk = this.#newClient(i + 1, PATIENT_MS);
      return new WorkloadClient({
        name: `c${i + 1}`,
        clerk: isImpatient ? this.#newClient(i + 1, options.shortTimeoutMs) : patientClerk,
        patientClerk,
        board: this.#board,
        frontends: options.frontends ?? options.urls.map((_, frontend) => frontend),
        random: new SeededRandom(options.seed + i * SEED_STEP),
        stocks: options.stocks,
        keyed: i >= options.clientsWithoutKeys,
        pauseMs: options.pauseMs,
        failurePauseMs: options.failurePauseMs,
        inFlightKeyShare: options.inFlightKeyShare,
        oldKeyShare: options.oldKeyShare,
      });
    });
  }

  start(): void {
    this.#running = Promise.all(this.#shoppers.map(async (shopper) => shopper.run(this.#stop.signal)));
  }

  /** Number of orders with an acknowledged outcome. */
  get acknowledged(): number {
    return this.#board.acknowledged;
  }

  /** Places one order through a front-end. @param frontend from 0 @returns whether it was filled */
  async probe(frontend: number): Promise<boolean> {
    this.#probe ??= this.#newClient(this.#options.clients + 2, PATIENT_MS);
    const key = `probe-${(this.#probes += 1)}`;
    const output = await this.#probe.create(frontend, {
      key,
      stock: this.#options.stocks[0] ?? '',
      side: 'sell',
      quantity: 1,
    });
    return output !== null && 'order' in output;
  }

  /** Stops all clients, and waits until their current operations have ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Retries all orders with keys and unknown outcomes. @returns whether all outcomes were known in time */
  async resolveUnknownOutcomes(timeoutMs: number): Promise<boolean> {
    const stop = AbortSignal.timeout(timeoutMs);
    const settled = await Promise.all(
      this.#shoppers.map(async (shopper) => shopper.resolveUnknownOutcomes(stop)),
    );
    return !settled.includes(false);
  }

  /** Reads every stock and a sample of orders through each front-end. @returns the quantities */
  async readFinalState(
    stocks: readonly string[],
  ): Promise<{ stock: string; quantity: number; frontend: number }[]> {
    const clerk = this.#newClient(this.#options.clients + 1, PATIENT_MS);
    const quantities: { stock: string; quantity: number; frontend: number }[] = [];
    const { numbers } = this.#board;
    const step = Math.max(1, Math.ceil(numbers.length / READ_BACK_MAX));
    for (let frontend = 0; frontend < this.#options.urls.length; frontend += 1) {
      for (const stock of stocks) {
        const quantity = await clerk.read(frontend, stock);
        if (quantity !== null) quantities.push({ stock, quantity, frontend });
      }
      for (let i = 0; i < numbers.length; i += step) await clerk.get(frontend, numbers[i] ?? 0);
    }
    return quantities;
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#connections.map(async (connection) => connection.close()));
  }

  #newClient(client: number, timeoutMs: number): RecordingClient {
    const frontends = this.#options.urls.map((url) => new TriremeClient({ url, connections: 1, timeoutMs }));
    this.#connections.push(...frontends);
    return new RecordingClient(client, frontends, this.#recorder);
  }
}
