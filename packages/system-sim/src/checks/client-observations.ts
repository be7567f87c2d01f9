/**
 * The answers that clients saw. The ledger maps each answer to a log index, so that it can be compared at once
 * with everything that any client was shown before the request. The linearizability search at the end does not
 * use these indexes.
 */
import type { Command, Order } from '@trireme/domain';
import type { FinalResult } from '@trireme/frontend/simulation';
import type { ReportViolation } from '@trireme/raft-sim';
import type { StockOperation } from '@trireme/faults/linearizability';
import type { ShownStock } from '../hosts/frontend-host.js';
import { deltaOf, type DecisionRecord } from './ledger.js';

/** A request that was sent at time `at`. */
export interface ClientRequest {
  readonly who: string;
  readonly at: number;
  /** Highest log index that any client had been shown before the request. */
  readonly floor: number;
}

export class ClientObservations {
  readonly #violated: ReportViolation;
  readonly #ledger: DecisionRecord;
  readonly #now: () => number;
  readonly #operations = new Map<string, StockOperation[]>();
  #shownIndex = 0;
  /** Number of answers, by kind. */
  readonly counts: Record<string, number> = {};

  constructor(violated: ReportViolation, ledger: DecisionRecord, now: () => number) {
    this.#violated = violated;
    this.#ledger = ledger;
    this.#now = now;
  }

  request(who: string): ClientRequest {
    return { who, at: this.#now(), floor: this.#shownIndex };
  }

  /** The observed operations on each stock. */
  get operations(): ReadonlyMap<string, readonly StockOperation[]> {
    return this.#operations;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /**
   * A client got the final result of a command.
   * @param isRepeated whether a result was received for its key before
   */
  onResult(request: ClientRequest, command: Command, result: FinalResult, isRepeated: boolean): void {
    const { who, floor } = request;
    const { key } = command;
    this.#count(isRepeated ? 'repeated' : command.kind);
    const decision = this.#ledger.decision(key);
    if (decision === undefined) {
      const what = `${who} gets result "${result[1]}" of ${key}, which was not decided`;
      this.#violated('acknowledged commands are decided', what);
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
      const what = `${who} gets result ${JSON.stringify(result)} of ${key}, the decision is ${JSON.stringify(decision)}`;
      this.#violated('acknowledged commands are decided', what);
    }
    if (!isRepeated && index <= floor) {
      const what = `${key} of ${who} was decided at ${index}, although ${floor} was shown before the request`;
      this.#violated('order numbers follow real time', what);
    }
    if (!isRepeated && command.kind !== 'list') {
      const { quantity } = command;
      if (result[1] !== 'rejected')
        this.#operation(request, command.name, { kind: 'add', delta: deltaOf(command) }, key);
      else if (result[2] === 'INSUFFICIENT_STOCK')
        this.#operation(request, command.name, { kind: 'below', quantity }, key);
    }
    this.#markShown(index);
  }

  /** A command was refused without effect. */
  onRefused({ who }: ClientRequest, { key }: Command): void {
    this.#count('without effect');
    this.#ledger.onRefused(key, who);
  }

  /** A client sent a key that was used before with another command. */
  onKeyReused({ who }: ClientRequest, { key }: Command, result: FinalResult): void {
    this.#count('key reused');
    if (result[1] !== 'keyReused')
      this.#violated('one command per key', `${who} gets "${result[1]}" of ${key} with another command`);
  }

  /** A command got no answer: it may have taken effect, or may still do so. */
  onUnknownOutcome(request: ClientRequest, command: Command): void {
    this.#count('unknown');
    if (command.kind === 'list') return;
    const action = { kind: 'add', delta: deltaOf(command) } as const;
    const label = `${command.key} of ${request.who}, unknown`;
    this.#of(command.name).push({ action, call_ns: request.at * 1_000, return_ns: null, label });
  }

  onStock(request: ClientRequest, name: string, shown: ShownStock | null): void {
    this.#count('look-up');
    this.#checkStock(request, name, shown);
    if (shown === null) return;
    this.#operation(request, name, { kind: 'exactly', quantity: shown.quantity }, 'look-up');
    this.#markShown(shown.version);
  }

  /** @param limit page size of the list */
  onStockList(request: ClientRequest, shown: readonly ShownStock[], limit: number): void {
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
      const what = `${request.who} sees ${name} as of ${String(stock?.version)} in a list as of ${asOf}`;
      this.#violated('lists are consistent', what);
    }
    this.#markShown(asOf);
  }

  #checkStock({ who, floor }: ClientRequest, name: string, shown: ShownStock | null): void {
    const oldest = this.#ledger.stockAt(name, floor);
    if (oldest !== undefined && (shown === null || shown.version < oldest.index)) {
      const what = `${who} sees ${name} as of ${String(shown?.version)}, although ${oldest.index} was shown before`;
      this.#violated('no stale reads', what);
    }
    if (shown === null) return;
    const version = this.#ledger.stockAt(name, shown.version);
    if (version?.index === shown.version && version.quantity === shown.quantity) return;
    const what = `${who} sees ${shown.quantity} of ${name} as of ${shown.version}, the log has ${JSON.stringify(version)}`;
    this.#violated('reads match the log', what);
  }

  onOrder({ who, floor }: ClientRequest, number: number, order: Order | null): void {
    this.#count('order read');
    if (order === null) {
      if (number <= this.#ledger.ordersAt(floor))
        this.#violated(
          'no 404 for a known order',
          `${who} gets 404 for order ${number}, which was shown before`,
        );
      return;
    }
    this.#checkOrder(who, number, order);
    this.#markShown(this.#ledger.order(number)?.index ?? 0);
  }

  onOrderList(
    { who, floor }: ClientRequest,
    after: number,
    orders: readonly Order[],
    next: number | null,
  ): void {
    this.#count('list of orders');
    orders.forEach((order, place) => this.#checkOrder(who, after + 1 + place, order));
    const last = after + orders.length;
    if (next === null && last < this.#ledger.ordersAt(floor))
      this.#violated(
        'lists are complete',
        `${who} gets orders up to ${last}, although ${this.#ledger.ordersAt(floor)} were shown before`,
      );
    if (orders.length > 0) this.#markShown(this.#ledger.order(last)?.index ?? 0);
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
    const what = `${who} sees ${JSON.stringify(order)} as order ${number}, the decision is ${JSON.stringify(decision)}`;
    this.#violated('reads match the log', what);
  }

  #operation(request: ClientRequest, name: string, action: StockOperation['action'], what: string): void {
    const label = `${what} of ${request.who} at ${request.at}`;
    this.#of(name).push({ action, call_ns: request.at * 1_000, return_ns: this.#now() * 1_000, label });
  }

  #of(name: string): StockOperation[] {
    let operations = this.#operations.get(name);
    if (operations === undefined) this.#operations.set(name, (operations = []));
    return operations;
  }

  #markShown(index: number): void {
    this.#shownIndex = Math.max(this.#shownIndex, index);
  }

  #count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}
