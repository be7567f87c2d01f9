/**
 * The orders that a history tells of: every try with one key is one and the same order, every order without a key is
 * one of its own. What surely had no effect is left out.
 */
import { deltaOf, type CreateOperation, type Operation, type OrderContents } from './history.js';

/** How an order ended, as far as any client was told: null where nobody was. */
export type OrderOutcome = 'filled' | 'insufficient' | null;

/** One order as its clients know it. */
export interface ClientOrder {
  /** Null where the client sent none. */
  readonly key: string | null;
  readonly contents: OrderContents;
  /** When it could take effect first. */
  readonly call_ns: number;
  /** By when it had taken effect: the first answer that tells an outcome; null where there is none. */
  readonly return_ns: number | null;
  readonly outcome: OrderOutcome;
  /** Null where no answer told one. */
  readonly number: number | null;
}

/** The orders of a history, and what cannot be said of one key at once. */
export interface ClientOrders {
  readonly orders: readonly ClientOrder[];
  readonly contradictions: readonly string[];
}

/** Joins the tries of every order. */
export function collectOrders(history: readonly Operation[]): ClientOrders {
  const orders: ClientOrder[] = [];
  const tries = new Map<string, CreateOperation[]>();
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
      const known = tries.get(operation.input.key);
      if (known === undefined) tries.set(operation.input.key, [operation]);
      else known.push(operation);
    }
  }
  const contradictions: string[] = [];
  for (const [key, all] of tries) {
    contradictions.push(...contradictionsOf(key, all));
    const order = joinTries(key, all);
    if (order !== null) orders.push(order);
  }
  return { orders: orders.sort((a, b) => a.call_ns - b.call_ns), contradictions };
}

function joinTries(key: string, all: readonly CreateOperation[]): ClientOrder | null {
  // A try that failed had no effect; the order can have been taken in with any other, the first at the earliest.
  const effective = all.filter(
    ({ output }) => !(output !== null && 'status' in output && output.status === 'failed'),
  );
  const [first] = effective;
  if (first === undefined) return null;
  const told = effective.filter(({ output }) => output !== null);
  const numbers = told.flatMap(({ output }) => (output !== null && 'order' in output ? [output.order] : []));
  const { stock, side, quantity } = first.input;
  const unknown = told.length === 0;
  return {
    key,
    contents: { stock, side, quantity },
    call_ns: Math.min(...effective.map(({ call_ns }) => call_ns)),
    return_ns: unknown ? null : Math.min(...told.map(({ return_ns }) => return_ns ?? Infinity)),
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
  if (outcomes.size > 1) found.push(`key ${key} was told ${[...outcomes].join(' and ')}`);
  const bodies = new Set(all.map(({ input }) => `${input.side} ${input.quantity} ${input.stock}`));
  if (bodies.size > 1) found.push(`key ${key} came with ${[...bodies].join(' and ')}: the workload is wrong`);
  return found;
}

/** What a filled order adds to its stock. */
export function deltaOfOrder(order: ClientOrder): number {
  return deltaOf(order.contents);
}
