/**
 * One client of a workload: looks up, orders, reads back, at random front-ends. A keyed one retries an unknown outcome
 * with the same key, now and then sends the key of somebody else's order at the same time, and now and then one from
 * long ago.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CreateInput } from '../rules/history.js';
import type { SeededRandom } from '../rules/random.js';
import type { Board } from './board.js';
import type { Clerk } from './clerk.js';

interface ShopperOptions {
  readonly name: string;
  readonly clerk: Clerk;
  /** Waits for answers longer than the server's deadline. */
  readonly patientClerk: Clerk;
  readonly board: Board;
  /** Front-ends that it uses, by their places; at least one. */
  readonly frontends: readonly number[];
  readonly random: SeededRandom;
  readonly stocks: readonly string[];
  /** Whether its orders have keys. */
  readonly keyed: boolean;
  /** Milliseconds between two operations, on average. */
  readonly pauseMs: number;
  /** Milliseconds after an operation that failed or was given up. */
  readonly failurePauseMs: number;
  /** Share of a keyed client's orders that repeat the key of one that is just under way. */
  readonly twinShare: number;
  /** Share of a keyed client's orders that repeat the key of any order of the run. */
  readonly oldShare: number;
}

/** Share of each operation; the rest are orders. */
const READ_SHARE = 0.4;
const GET_SHARE = 0.15;

/** Share of orders that want more than there often is. */
const LARGE_SHARE = 0.05;
const LARGE = 40;
const SMALL_MAX = 3;

/** The first stock is bought more than sold, so that it often runs out. */
const SCARCE_BUY_SHARE = 0.6;

/** Tries with one key before the client goes on to something else, and comes back to it at the end. */
const TRIES_MAX = 3;

export class Shopper {
  readonly #o: ShopperOptions;
  /** Orders whose outcome is to be found out. */
  readonly #unresolved = new Map<string, CreateInput>();
  #orders = 0;

  constructor(options: ShopperOptions) {
    this.#o = options;
  }

  /** Shops until told to stop. */
  async run(stop: AbortSignal): Promise<void> {
    const { random, pauseMs, failurePauseMs } = this.#o;
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

  /** Asks for every unknown outcome until it is told. @returns whether all were, before `stop`. */
  async settle(stop: AbortSignal): Promise<boolean> {
    const { patientClerk, failurePauseMs } = this.#o;
    for (const input of this.#unresolved.values()) {
      while (!stop.aborted && !(await this.#try(input, patientClerk))) await delay(failurePauseMs);
    }
    return this.#unresolved.size === 0;
  }

  async #read(): Promise<boolean> {
    return (await this.#o.clerk.read(this.#frontend(), this.#stock())) !== null;
  }

  async #get(): Promise<boolean> {
    const { board, random, clerk } = this.#o;
    const number = board.numbers[random.below(board.numbers.length)];
    if (number === undefined) return this.#read();
    const output = await clerk.get(this.#frontend(), number);
    return output !== null && !('status' in output && output.status === 'failed');
  }

  async #order(stop: AbortSignal): Promise<boolean> {
    const { random, board, keyed, name } = this.#o;
    const stock = this.#stock();
    const quantity = random.chance(LARGE_SHARE) ? LARGE : 1 + random.below(SMALL_MAX);
    const side = random.chance(stock === this.#o.stocks[0] ? SCARCE_BUY_SHARE : 0.5) ? 'buy' : 'sell';
    if (!keyed) {
      const status = await this.#o.clerk.trade(
        this.#frontend(),
        stock,
        side === 'buy' ? -quantity : quantity,
      );
      if (status === 'ok' || status === 'insufficient') board.countAcknowledged();
      return status !== null && status !== 'failed';
    }
    const again = this.#again();
    const input = again ?? { key: `${name}-${(this.#orders += 1)}`, stock, side, quantity };
    if (again === undefined) board.addKey(input);
    for (let tries = 1; tries <= TRIES_MAX && !stop.aborted; tries += 1) {
      if (await this.#try(input)) return true;
      await delay(this.#o.failurePauseMs);
    }
    return false;
  }

  /** An order that somebody has sent already, if it is time for one. */
  #again(): CreateInput | undefined {
    const { random, board, twinShare, oldShare } = this.#o;
    const dice = random.next();
    if (dice < twinShare) return board.recentKeys[random.below(board.recentKeys.length)];
    return dice < twinShare + oldShare ? board.oldKeys[random.below(board.oldKeys.length)] : undefined;
  }

  /** @returns whether the outcome is known. */
  async #try(input: CreateInput, clerk = this.#o.clerk): Promise<boolean> {
    const { board } = this.#o;
    this.#unresolved.set(input.key, input);
    const output = await clerk.create(this.#frontend(), input);
    if (output === null || ('status' in output && output.status === 'failed')) return false;
    this.#unresolved.delete(input.key);
    board.countAcknowledged();
    if ('order' in output) board.addNumber(output.order);
    return true;
  }

  #frontend(): number {
    const { random, frontends } = this.#o;
    return frontends[random.below(frontends.length)] ?? 0;
  }

  #stock(): string {
    return this.#o.stocks[this.#o.random.below(this.#o.stocks.length)] ?? '';
  }
}
