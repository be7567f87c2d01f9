/**
 * What the log decided, noted when the first replica applies it: the truth that everything which clients and other replicas see is
 * compared with. It counts stocks by itself, so that no replica's word is taken for them.
 */
import { isDeepStrictEqual } from 'node:util';
import { assertRule, type Command, type Outcome, type SeedStock } from '@trireme/domain';
import type { DecidedBatch } from '@trireme/orders/simulation';
import type { Violated } from '@trireme/raft/sim';

/** A command that made something, or was rejected. */
interface Decision {
  readonly index: number;
  readonly command: Command;
  readonly outcome: Outcome;
  /** Order number where it was filled, 0 else. */
  readonly number: number;
}

interface Batch {
  readonly index: number;
  readonly hash: string;
  /** Orders that are filled with it. */
  readonly orders: number;
}

/** A stock from a log index on, until its next version. */
interface Version {
  readonly index: number;
  readonly quantity: number;
  readonly price: number;
}

export class Ledger {
  readonly #violated: Violated;
  /** Of each stock, the versions in their order; the first is that of the seed, or the listing. */
  readonly #versions = new Map<string, Version[]>();
  /** By log index; indexes of batches only. */
  readonly #batches = new Map<number, Batch>();
  readonly #inOrder: Batch[] = [];
  /** Keys of commands that were refused. */
  readonly #refused = new Set<string>();
  readonly #byKey = new Map<string, Decision>();
  /** Order number less 1. */
  readonly orders: Decision[] = [];
  #last = 0;

  constructor(violated: Violated, seed: readonly SeedStock[]) {
    this.#violated = violated;
    for (const { name, quantity, price } of seed) this.#versions.set(name, [{ index: 0, quantity, price }]);
  }

  /** Batches that were decided. */
  get size(): number {
    return this.#batches.size;
  }

  /** A replica has decided a batch. */
  decided(who: string, batch: DecidedBatch): void {
    const known = this.#batches.get(batch.index);
    if (known !== undefined) {
      if (known.hash !== batch.hash)
        this.#violated('equal state', `${who} has another state after ${batch.index} than others had`);
      return;
    }
    if (batch.index <= this.#last) {
      this.#violated('equal state', `${who} decides ${batch.index}, which others passed over`);
      return;
    }
    this.#last = batch.index;
    let number = batch.firstNumber - 1;
    if (number !== this.orders.length)
      this.#violated('dense numbers', `${who} goes on with order ${number + 1} after ${this.orders.length}`);
    batch.commands.forEach((command, position) => {
      const outcome = batch.outcomes[position] ?? { kind: 'none' };
      if (outcome.kind === 'none') return;
      if (outcome.kind === 'filled') number += 1;
      this.#decide({ index: batch.index, command, outcome, number: outcome.kind === 'filled' ? number : 0 });
    });
    const noted = { index: batch.index, hash: batch.hash, orders: this.orders.length };
    this.#batches.set(batch.index, noted);
    this.#inOrder.push(noted);
  }

  #decide(decision: Decision): void {
    const { command, outcome, index, number } = decision;
    const earlier = this.#byKey.get(command.key);
    if (earlier !== undefined)
      this.#violated(
        'one key, one command',
        `key ${command.key} is decided at ${earlier.index} and at ${index}`,
      );
    if (this.#refused.has(command.key))
      this.#violated('refused without effect', `${command.key} is decided at ${index}`);
    this.#byKey.set(command.key, decision);
    if (number > 0) this.orders.push(decision);
    const expected = this.#expected(command);
    if (!isDeepStrictEqual(outcome, expected)) {
      const what = `${JSON.stringify(command)} at ${index} came to ${JSON.stringify(outcome)}, not ${JSON.stringify(expected)}`;
      this.#violated('decided as the rules say', what);
    }
    if (outcome.kind === 'rejected' || outcome.kind === 'none') return;
    const versions = this.#versions.get(command.name) ?? [];
    this.#versions.set(command.name, versions);
    const before = versions.at(-1) ?? { quantity: 0, price: 0 };
    const quantity = before.quantity + (command.kind === 'list' ? 0 : deltaOf(command));
    const price = command.kind === 'list' ? command.price : before.price;
    if (quantity < 0) this.#violated('never below zero', `${command.name} is ${quantity} after ${index}`);
    if (versions.at(-1)?.index === index) versions.pop();
    versions.push({ index, quantity, price });
  }

  /** Somebody was told that the command with this key has no effect, and never will. */
  neverDecided(key: string, who: string): void {
    this.#refused.add(key);
    if (this.#byKey.has(key)) this.#violated('refused without effect', `${key} of ${who} was decided before`);
  }

  /** What a command must come to now. */
  #expected(command: Command): Outcome {
    if (command.kind === 'list') return { kind: 'done' };
    const stock = this.#versions.get(command.name)?.at(-1);
    if (stock === undefined) return { kind: 'rejected', reason: 'STOCK_NOT_FOUND' };
    if (stock.quantity + deltaOf(command) < 0) return { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };
    return command.kind === 'restock' ? { kind: 'done' } : { kind: 'filled', price: stock.price };
  }

  /** Hash of the state after the batch at `index`, undefined if there is none. */
  hashAt(index: number): string | undefined {
    return this.#batches.get(index)?.hash;
  }

  /** Orders that are filled up to log index `index`. */
  ordersAt(index: number): number {
    return this.#inOrder[lastUpTo(this.#inOrder, index)]?.orders ?? 0;
  }

  /** The stock as of log index `index`; undefined if it was not listed. */
  stockAt(name: string, index: number): Version | undefined {
    const versions = this.#versions.get(name);
    return versions?.[lastUpTo(versions, index)];
  }

  get names(): readonly string[] {
    return [...this.#versions.keys()];
  }

  decision(key: string): Decision | undefined {
    return this.#byKey.get(key);
  }

  order(number: number): Decision | undefined {
    return this.orders[number - 1];
  }

  /** Index of the last batch that was decided. */
  get last(): number {
    return this.#last;
  }
}

/** What a command that was done adds to its stock. */
export function deltaOf(command: Command): number {
  assertRule(command.kind !== 'list', 'a listing moves nothing');
  return command.kind === 'buy' ? -command.quantity : command.quantity;
}

/** Place of the last item up to `index`, -1 if there is none. */
function lastUpTo(items: readonly { readonly index: number }[], index: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.index ?? Infinity) <= index) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
