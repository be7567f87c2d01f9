/**
 * The decisions of the log, recorded when the first replica applies them. Everything that clients and other
 * replicas see is compared with this record. It computes the quantities of stocks independently of the
 * replicas.
 */
import { isDeepStrictEqual } from 'node:util';
import { assertInvariant, type Command, type Outcome, type SeedStock } from '@trireme/domain';
import type { DecidedBatch } from '@trireme/orders/simulation';
import type { ReportViolation } from '@trireme/raft-sim';

/** A command with an outcome. */
interface Decision {
  readonly index: number;
  readonly command: Command;
  readonly outcome: Outcome;
  /** Order number if the command was filled, otherwise 0. */
  readonly number: number;
}

interface Batch {
  readonly index: number;
  readonly hash: string;
  /** Number of orders filled up to and including this batch. */
  readonly orders: number;
}

/** A stock as of a log index, until its next version. */
interface Version {
  readonly index: number;
  readonly quantity: number;
  readonly price: number;
}

export class DecisionRecord {
  readonly #violated: ReportViolation;
  /** Versions of each stock in order. The first one is that of the seed or of the listing. */
  readonly #versions = new Map<string, Version[]>();
  /** Decided batches by log index. */
  readonly #batches = new Map<number, Batch>();
  readonly #inOrder: Batch[] = [];
  /** Keys of commands that were refused without effect. */
  readonly #refused = new Set<string>();
  readonly #byKey = new Map<string, Decision>();
  /** Filled orders: order number `n` is at `n - 1`. */
  readonly orders: Decision[] = [];
  #last = 0;

  constructor(violated: ReportViolation, seed: readonly SeedStock[]) {
    this.#violated = violated;
    for (const { name, quantity, price } of seed) this.#versions.set(name, [{ index: 0, quantity, price }]);
  }

  /** Number of decided batches. */
  get size(): number {
    return this.#batches.size;
  }

  /** A replica has decided a batch. */
  onBatchDecided(who: string, batch: DecidedBatch): void {
    const known = this.#batches.get(batch.index);
    if (known !== undefined) {
      if (known.hash !== batch.hash)
        this.#violated('equal state', `${who} has a different state than others after ${batch.index}`);
      return;
    }
    if (batch.index <= this.#last) {
      this.#violated('equal state', `${who} decides a batch at ${batch.index}, where others had none`);
      return;
    }
    this.#last = batch.index;
    let number = batch.firstNumber - 1;
    if (number !== this.orders.length)
      this.#violated(
        'dense order numbers',
        `${who} assigns number ${number + 1} after ${this.orders.length}`,
      );
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
        'one command per key',
        `key ${command.key} is decided at ${earlier.index} and at ${index}`,
      );
    if (this.#refused.has(command.key))
      this.#violated(
        'refused commands have no effect',
        `${command.key} is decided at ${index} after a refusal`,
      );
    this.#byKey.set(command.key, decision);
    if (number > 0) this.orders.push(decision);
    const expected = this.#expectedOutcome(command);
    if (!isDeepStrictEqual(outcome, expected)) {
      const what = `${JSON.stringify(command)} at ${index} has outcome ${JSON.stringify(outcome)} instead of ${JSON.stringify(expected)}`;
      this.#violated('outcomes follow the rules', what);
    }
    if (outcome.kind === 'rejected' || outcome.kind === 'none') return;
    const versions = this.#versions.get(command.name) ?? [];
    this.#versions.set(command.name, versions);
    const before = versions.at(-1) ?? { quantity: 0, price: 0 };
    const quantity = before.quantity + (command.kind === 'list' ? 0 : deltaOf(command));
    const price = command.kind === 'list' ? command.price : before.price;
    if (quantity < 0) {
      const what = `the quantity of ${command.name} is ${quantity} after ${index}`;
      this.#violated('quantities are never negative', what);
    }
    if (versions.at(-1)?.index === index) versions.pop();
    versions.push({ index, quantity, price });
  }

  /** A client was notified that the command with this key has no effect and never will have one. */
  onRefused(key: string, who: string): void {
    this.#refused.add(key);
    if (this.#byKey.has(key))
      this.#violated('refused commands have no effect', `${key} of ${who} was decided before its refusal`);
  }

  /** The outcome that a command must have now. */
  #expectedOutcome(command: Command): Outcome {
    if (command.kind === 'list') return { kind: 'done' };
    const stock = this.#versions.get(command.name)?.at(-1);
    if (stock === undefined) return { kind: 'rejected', reason: 'STOCK_NOT_FOUND' };
    if (stock.quantity + deltaOf(command) < 0) return { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };
    return command.kind === 'restock' ? { kind: 'done' } : { kind: 'filled', price: stock.price };
  }

  /** Hash of the state after the batch at `index`; undefined if there is no batch at this index. */
  hashAt(index: number): string | undefined {
    return this.#batches.get(index)?.hash;
  }

  /** Number of orders filled up to log index `index`. */
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

  /** Log index of the last decided batch. */
  get lastIndex(): number {
    return this.#last;
  }
}

/** Change of a stock's quantity by a command. */
export function deltaOf(command: Command): number {
  assertInvariant(command.kind !== 'list', 'a listing does not change a quantity');
  return command.kind === 'buy' ? -command.quantity : command.quantity;
}

/** Position of the last item with an index up to `index`; -1 if there is none. */
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
