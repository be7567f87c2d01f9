/**
 * Collects the orders of a history. All attempts with the same key are one order; each order without a key is
 * a separate one. Attempts that certainly had no effect are left out.
 */
import { deltaOf, type CreateOperation, type Operation, type OrderContents } from './history.js';

/** Outcome of an order as acknowledged to any client; null if it was not acknowledged. */
export type OrderOutcome = 'filled' | 'insufficient' | null;

/** One order as its clients know it. */
export interface ClientOrder {
  /** Null if the client sent no key. */
  readonly key: string | null;
  readonly contents: OrderContents;
  /** Earliest time at which the order can have taken effect. */
  readonly call_ns: number;
  /**
   * Latest time at which it can have taken effect: that of the first answer with an outcome; null if there is
   * none.
   */
  readonly return_ns: number | null;
  readonly outcome: OrderOutcome;
  /** Null if no answer had a number. */
  readonly number: number | null;
}

/** The orders of a history, and contradictory answers or bodies for one key. */
export interface ClientOrders {
  readonly orders: readonly ClientOrder[];
  readonly contradictions: readonly string[];
}

/** Combines the attempts of every order. */
export function collectOrders(history: readonly Operation[]): ClientOrders {
  const orders: ClientOrder[] = [];
  const attempts = new Map<string, CreateOperation[]>();
  for (const operation of history) {
    if (operation.op === 'trade') {
      const { stock, delta } = operation.input;
      const status = operation.output?.status ?? null;
      if (status === 'failed') continue;
      orders.push({
        key: null,
        contents: { stock, side: delta < 0 ? 'buy' : 'sell', quantity: Math.abs(delta) },
        call_ns: operation.call_ns,
        return_ns: operation.return_ns,
        outcome: status === 'ok' ? 'filled' : status,
        number: null,
      });
    } else if (operation.op === 'create') {
      const known = attempts.get(operation.input.key);
      if (known === undefined) attempts.set(operation.input.key, [operation]);
      else known.push(operation);
    }
  }
  const contradictions: string[] = [];
  for (const [key, all] of attempts) {
    contradictions.push(...contradictionsOf(key, all));
    const order = combineAttempts(key, all);
    if (order !== null) orders.push(order);
  }
  return { orders: orders.sort((a, b) => a.call_ns - b.call_ns), contradictions };
}

function combineAttempts(key: string, all: readonly CreateOperation[]): ClientOrder | null {
  // A failed attempt had no effect. Any other attempt may have placed the order.
  const effective = all.filter(
    ({ output }) => !(output !== null && 'status' in output && output.status === 'failed'),
  );
  const [first] = effective;
  if (first === undefined) return null;
  const answered = effective.filter(({ output }) => output !== null);
  const numbers = answered.flatMap(({ output }) =>
    output !== null && 'order' in output ? [output.order] : [],
  );
  const { stock, side, quantity } = first.input;
  const unknown = answered.length === 0;
  return {
    key,
    contents: { stock, side, quantity },
    call_ns: Math.min(...effective.map(({ call_ns }) => call_ns)),
    return_ns: unknown ? null : Math.min(...answered.map(({ return_ns }) => return_ns ?? Infinity)),
    outcome: numbers.length > 0 ? 'filled' : unknown ? null : 'insufficient',
    number: numbers[0] ?? null,
  };
}

function contradictionsOf(key: string, all: readonly CreateOperation[]): string[] {
  const found: string[] = [];
  const outcomes = new Set<string>();
  for (const { output } of all) {
    if (output === null) continue;
    if ('order' in output) outcomes.add(`order ${output.order}`);
    else if (output.status === 'insufficient') outcomes.add('insufficient');
  }
  if (outcomes.size > 1) found.push(`key ${key} got different outcomes: ${[...outcomes].join(' and ')}`);
  const bodies = new Set(all.map(({ input }) => `${input.side} ${input.quantity} ${input.stock}`));
  if (bodies.size > 1)
    found.push(
      `key ${key} was sent with different bodies: ${[...bodies].join(' and ')}; error in the workload`,
    );
  return found;
}

/** The change of the stock's quantity by a filled order. */
export function orderDelta(order: ClientOrder): number {
  return deltaOf(order.contents);
}
