/**
 * What clients saw. Everything shown names the log index that it is of, if only by what the ledger knows of it, so that each answer is
 * compared at once with all that anybody was shown before it was asked for. The search for a linear order, at the end,
 * does not use these indexes.
 */
import type { Command, Order } from '@trireme/domain';
import type { Decided } from '@trireme/frontend/simulation';
import type { Violated } from '@trireme/raft/sim';
import type { StockOperation } from '@trireme/faults/linearizability';
import type { ShownStock } from '../hosts/frontend-host.js';
import { deltaOf, type Ledger } from './ledger.js';

/** A request, from when it is made. */
export interface Request {
  readonly who: string;
  readonly at: number;
  /** Everything up to this log index had been shown to somebody. */
  readonly told: number;
}

export class Sightings {
  readonly #violated: Violated;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #operations = new Map<string, StockOperation[]>();
  #told = 0;
  /** Answers, by kind. */
  readonly counts: Record<string, number> = {};

  constructor(violated: Violated, ledger: Ledger, now: () => number) {
    this.#violated = violated;
    this.#ledger = ledger;
    this.#now = now;
  }

  request(who: string): Request {
    return { who, at: this.#now(), told: this.#told };
  }

  /** All that was seen of each stock. */
  get operations(): ReadonlyMap<string, readonly StockOperation[]> {
    return this.#operations;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /**
   * A command has its final answer.
   * @param isRepeated its key was answered before
   */
  decided(request: Request, command: Command, result: Decided, isRepeated: boolean): void {
    const { who, told } = request;
    const { key } = command;
    this.#count(isRepeated ? 'repeated' : command.kind);
    const decision = this.#ledger.decision(key);
    if (decision === undefined) {
      this.#violated('acknowledged is decided', `${who} is told "${result[1]}" of ${key}, nobody decided it`);
      return;
    }
    const { outcome, number, index } = decision;
    const isSame =
      (result[1] === 'filled' &&
        outcome.kind === 'filled' &&
        result[2] === number &&
        result[3] === outcome.price) ||
      (result[1] === 'done' && outcome.kind === 'done') ||
      (result[1] === 'rejected' && outcome.kind === 'rejected' && result[2] === outcome.reason);
    if (!isSame) {
      const what = `${who} is told ${JSON.stringify(result)} of ${key}, decided is ${JSON.stringify(decision)}`;
      this.#violated('acknowledged is decided', what);
    }
    if (!isRepeated && index <= told) {
      const what = `${key} of ${who} was decided at ${index}, ${told} had been told before it was asked for`;
      this.#violated('numbers follow real time', what);
    }
    if (!isRepeated && command.kind !== 'list') {
      const { quantity } = command;
      if (result[1] !== 'rejected')
        this.#operation(request, command.name, { kind: 'add', delta: deltaOf(command) }, key);
      else if (result[2] === 'INSUFFICIENT_STOCK')
        this.#operation(request, command.name, { kind: 'below', quantity }, key);
    }
    this.#tell(index);
  }

  /** A command was refused, surely without effect. */
  withoutEffect({ who }: Request, { key }: Command): void {
    this.#count('without effect');
    this.#ledger.neverDecided(key, who);
  }

  /** A key that was used before came with another command. */
  reused({ who }: Request, { key }: Command, result: Decided): void {
    this.#count('key reused');
    if (result[1] !== 'keyReused')
      this.#violated('one key, one command', `${who} is told "${result[1]}" of ${key} with another command`);
  }

  /** A command never got an answer: it may have taken place, or may yet. */
  unknown(request: Request, command: Command): void {
    this.#count('unknown');
    if (command.kind === 'list') return;
    const action = { kind: 'add', delta: deltaOf(command) } as const;
    const label = `${command.key} of ${request.who}, unknown`;
    this.#of(command.name).push({ action, call_ns: request.at * 1_000, return_ns: null, label });
  }

  stock(request: Request, name: string, shown: ShownStock | null): void {
    this.#count('look-up');
    this.#checkStock(request, name, shown);
    if (shown === null) return;
    this.#operation(request, name, { kind: 'exactly', quantity: shown.quantity }, 'look-up');
    this.#tell(shown.version);
  }

  /** @param limit stocks on a page at most */
  stocks(request: Request, shown: readonly ShownStock[], limit: number): void {
    this.#count('list of stocks');
    const asOf = shown.reduce((max, { version }) => Math.max(max, version), 0);
    const byName = new Map(shown.map((stock) => [stock.name, stock]));
    const last = shown.length < limit ? null : (shown.at(-1)?.name ?? null);
    for (const name of this.#ledger.names) {
      if (last !== null && name > last) continue;
      const stock = byName.get(name) ?? null;
      this.#checkStock(request, name, stock);
      const expected = this.#ledger.stockAt(name, asOf);
      if (stock !== null && stock.version === expected?.index) continue;
      if (stock === null && expected === undefined) continue;
      const what = `${request.who} is shown ${name} as of ${String(stock?.version)} in a list as of ${asOf}`;
      this.#violated('lists of one moment', what);
    }
    this.#tell(asOf);
  }

  #checkStock({ who, told }: Request, name: string, shown: ShownStock | null): void {
    const floor = this.#ledger.stockAt(name, told);
    if (floor !== undefined && (shown === null || shown.version < floor.index)) {
      const what = `${who} is shown ${name} as of ${String(shown?.version)}, ${floor.index} had been told before`;
      this.#violated('nothing old is shown', what);
    }
    if (shown === null) return;
    const version = this.#ledger.stockAt(name, shown.version);
    if (version?.index === shown.version && version.quantity === shown.quantity) return;
    const what = `${who} is shown ${shown.quantity} of ${name} as of ${shown.version}, which the log has as ${JSON.stringify(version)}`;
    this.#violated('shown as decided', what);
  }

  order({ who, told }: Request, number: number, order: Order | null): void {
    this.#count('order read');
    if (order === null) {
      if (number <= this.#ledger.ordersAt(told))
        this.#violated('no 404 for a known order', `${who} is told that there is no order ${number}`);
      return;
    }
    this.#checkOrder(who, number, order);
    this.#tell(this.#ledger.order(number)?.index ?? 0);
  }

  orders({ who, told }: Request, after: number, orders: readonly Order[], next: number | null): void {
    this.#count('list of orders');
    orders.forEach((order, place) => this.#checkOrder(who, after + 1 + place, order));
    const last = after + orders.length;
    if (next === null && last < this.#ledger.ordersAt(told))
      this.#violated(
        'complete lists',
        `${who} gets orders up to ${last}, ${this.#ledger.ordersAt(told)} were told`,
      );
    if (orders.length > 0) this.#tell(this.#ledger.order(last)?.index ?? 0);
  }

  #checkOrder(who: string, number: number, order: Order): void {
    const decision = this.#ledger.order(number);
    const command = decision?.command;
    const isSame =
      order.number === number &&
      (command?.kind === 'buy' || command?.kind === 'sell') &&
      command.kind === order.type &&
      command.name === order.name &&
      command.quantity === order.quantity &&
      decision?.outcome.kind === 'filled' &&
      decision.outcome.price === order.price;
    if (isSame) return;
    const what = `${who} is shown ${JSON.stringify(order)} as order ${number}, decided is ${JSON.stringify(decision)}`;
    this.#violated('shown as decided', what);
  }

  #operation(request: Request, name: string, action: StockOperation['action'], what: string): void {
    const label = `${what} of ${request.who} at ${request.at}`;
    this.#of(name).push({ action, call_ns: request.at * 1_000, return_ns: this.#now() * 1_000, label });
  }

  #of(name: string): StockOperation[] {
    let operations = this.#operations.get(name);
    if (operations === undefined) this.#operations.set(name, (operations = []));
    return operations;
  }

  #tell(index: number): void {
    this.#told = Math.max(this.#told, index);
  }

  #count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}
