/**
 * One client of a workload: sends look-ups, orders and order reads to random front-ends. A client with keys
 * retries unknown outcomes with the same key. Sometimes it repeats the key of another client's order in
 * flight, or an old key.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CreateInput } from '../rules/history.js';
import type { SeededRandom } from '@trireme/client';
import type { SharedClientState } from './shared-state.js';
import type { RecordingClient } from './recording-client.js';

interface WorkloadClientOptions {
  readonly name: string;
  readonly clerk: RecordingClient;
  /** A client with a timeout above the server's deadline. */
  readonly patientClerk: RecordingClient;
  readonly board: SharedClientState;
  /** Indexes of the front-ends that the client uses; at least one. */
  readonly frontends: readonly number[];
  readonly random: SeededRandom;
  readonly stocks: readonly string[];
  /** Whether orders have idempotency keys. */
  readonly keyed: boolean;
  /** Mean pause between two operations, in milliseconds. */
  readonly pauseMs: number;
  /** Pause after an operation that failed or timed out, in milliseconds. */
  readonly failurePauseMs: number;
  /** Share of orders with keys that repeat the key of an order in flight. */
  readonly inFlightKeyShare: number;
  /** Share of orders with keys that repeat the key of any order of the run. */
  readonly oldKeyShare: number;
}

/** Shares of look-ups and order reads; the remaining operations are orders. */
const READ_SHARE = 0.4;
const GET_SHARE = 0.15;

/** Share of orders with a quantity that often exceeds the stock. */
const LARGE_SHARE = 0.05;
const LARGE = 40;
const SMALL_MAX = 3;

/** Share of buys of the first stock: it is bought more often than sold, so it often runs out. */
const SCARCE_BUY_SHARE = 0.6;

/** Maximum number of attempts with one key; an order that is still unknown is retried at the end of the run. */
const ATTEMPTS_MAX = 3;

export class WorkloadClient {
  readonly #options: WorkloadClientOptions;
  /** Orders with an unknown outcome. */
  readonly #unresolved = new Map<string, CreateInput>();
  #orders = 0;

  constructor(options: WorkloadClientOptions) {
    this.#options = options;
  }

  /** Sends requests until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    const { random, pauseMs, failurePauseMs } = this.#options;
    while (!stop.aborted) {
      const dice = random.next();
      const isKnown =
        dice < READ_SHARE
          ? await this.#read()
          : dice < READ_SHARE + GET_SHARE
            ? await this.#get()
            : await this.#order(stop);
      await delay(isKnown ? random.next() * 2 * pauseMs : failurePauseMs);
    }
  }

  /** Retries all orders with unknown outcomes. @returns whether all outcomes were known before `stop` */
  async resolveUnknownOutcomes(stop: AbortSignal): Promise<boolean> {
    const { patientClerk, failurePauseMs } = this.#options;
    for (const input of this.#unresolved.values()) {
      while (!stop.aborted && !(await this.#try(input, patientClerk))) await delay(failurePauseMs);
    }
    return this.#unresolved.size === 0;
  }

  async #read(): Promise<boolean> {
    return (await this.#options.clerk.read(this.#frontend(), this.#stock())) !== null;
  }

  async #get(): Promise<boolean> {
    const { board, random, clerk } = this.#options;
    const number = board.numbers[random.below(board.numbers.length)];
    if (number === undefined) return this.#read();
    const output = await clerk.get(this.#frontend(), number);
    return output !== null && !('status' in output && output.status === 'failed');
  }

  async #order(stop: AbortSignal): Promise<boolean> {
    const { random, board, keyed, name } = this.#options;
    const stock = this.#stock();
    const quantity = random.chance(LARGE_SHARE) ? LARGE : 1 + random.below(SMALL_MAX);
    const side = random.chance(stock === this.#options.stocks[0] ? SCARCE_BUY_SHARE : 0.5) ? 'buy' : 'sell';
    if (!keyed) {
      const status = await this.#options.clerk.trade(
        this.#frontend(),
        stock,
        side === 'buy' ? -quantity : quantity,
      );
      if (status === 'ok' || status === 'insufficient') board.countAcknowledged();
      return status !== null && status !== 'failed';
    }
    const repeated = this.#chooseRepeated();
    const input = repeated ?? { key: `${name}-${(this.#orders += 1)}`, stock, side, quantity };
    if (repeated === undefined) board.addKey(input);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && !stop.aborted; attempt += 1) {
      if (await this.#try(input)) return true;
      await delay(this.#options.failurePauseMs);
    }
    return false;
  }

  /** With the configured probabilities, an order that was sent before; otherwise undefined. */
  #chooseRepeated(): CreateInput | undefined {
    const { random, board, inFlightKeyShare, oldKeyShare } = this.#options;
    const dice = random.next();
    if (dice < inFlightKeyShare) return board.recentKeys[random.below(board.recentKeys.length)];
    return dice < inFlightKeyShare + oldKeyShare
      ? board.oldKeys[random.below(board.oldKeys.length)]
      : undefined;
  }

  /** @returns whether the outcome is known. */
  async #try(input: CreateInput, clerk = this.#options.clerk): Promise<boolean> {
    const { board } = this.#options;
    this.#unresolved.set(input.key, input);
    const output = await clerk.create(this.#frontend(), input);
    if (output === null || ('status' in output && output.status === 'failed')) return false;
    this.#unresolved.delete(input.key);
    board.countAcknowledged();
    if ('order' in output) board.addNumber(output.order);
    return true;
  }

  #frontend(): number {
    const { random, frontends } = this.#options;
    return frontends[random.below(frontends.length)] ?? 0;
  }

  #stock(): string {
    return this.#options.stocks[this.#options.random.below(this.#options.stocks.length)] ?? '';
  }
}
