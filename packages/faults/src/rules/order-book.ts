/**
 * Checks that the book contains all acknowledged orders and none that no client placed. Order numbers have no
 * gaps and follow real time, one key makes one order, and no acknowledged order gets a 404.
 */
import type { BookRow } from './exported-book.js';
import type { GetOperation, Operation, OrderContents } from './history.js';
import { collectOrders, type ClientOrder } from './orders.js';
import { checkResult, type CheckResult } from './check-result.js';

/** @param book of all replicas after the run. */
export function checkOrderBook(history: readonly Operation[], book: readonly BookRow[]): CheckResult {
  const { orders, contradictions } = collectOrders(history);
  const rows = new Map(book.map((row) => [row.number, row]));
  const gets = history.filter((operation) => operation.op === 'get');
  const problems = [
    ...contradictions,
    ...checkNumbers(book),
    ...checkAcknowledged(orders, rows),
    ...checkCounts(orders, book),
    ...checkRealTime(orders),
    ...checkGets(gets, orders, rows),
  ];
  const examined = `${book.length} orders in the book, ${orders.length} asked for, ${gets.length} read back`;
  return checkResult('order book', examined, problems);
}

function checkNumbers(book: readonly BookRow[]): string[] {
  const wrong = book.findIndex(({ number }, i) => number !== i + 1);
  return wrong < 0 ? [] : [`order ${wrong + 1} of the book has number ${book[wrong]?.number ?? '?'}`];
}

function checkAcknowledged(orders: readonly ClientOrder[], rows: ReadonlyMap<number, BookRow>): string[] {
  const problems: string[] = [];
  const holders = new Map<number, string>();
  for (const { key, number, contents } of orders) {
    if (number === null || key === null) continue;
    const other = holders.get(number);
    if (other !== undefined) problems.push(`number ${number} was given to ${other} and to ${key}`);
    holders.set(number, key);
    const row = rows.get(number);
    if (row === undefined) problems.push(`order ${number} (${key}) was acknowledged and is lost`);
    else if (textOf(row) !== textOf(contents)) {
      problems.push(`order ${number} (${key}) is ${textOf(row)} in the book, and was ${textOf(contents)}`);
    }
  }
  return problems;
}

/**
 * Checks that the number of orders with the same contents is between those filled and those possibly filled.
 */
function checkCounts(orders: readonly ClientOrder[], book: readonly BookRow[]): string[] {
  const kinds = new Map<string, { filled: number; unknown: number; booked: number }>();
  const kindOf = (contents: OrderContents): { filled: number; unknown: number; booked: number } => {
    const text = textOf(contents);
    const known = kinds.get(text) ?? { filled: 0, unknown: 0, booked: 0 };
    kinds.set(text, known);
    return known;
  };
  for (const { contents, outcome } of orders) {
    if (outcome === 'filled') kindOf(contents).filled += 1;
    if (outcome === null) kindOf(contents).unknown += 1;
  }
  for (const row of book) kindOf(row).booked += 1;
  const problems: string[] = [];
  for (const [text, { filled, unknown, booked }] of kinds) {
    if (booked < filled)
      problems.push(`${filled} orders to ${text} were filled, but the book has ${booked}: lost`);
    if (booked > filled + unknown) {
      const most = `${filled} orders to ${text} were filled and ${unknown} have an unknown outcome`;
      problems.push(`${most}, but the book has ${booked}: doubled, or never placed`);
    }
  }
  return problems;
}

/** Checks that an order that was acknowledged before another one was placed has the lower number. */
function checkRealTime(orders: readonly ClientOrder[]): string[] {
  const numbered = orders.flatMap((order) =>
    order.number === null || order.return_ns === null
      ? []
      : [{ ...order, number: order.number, end: order.return_ns }],
  );
  const byCall = numbered.toSorted((a, b) => a.call_ns - b.call_ns);
  const byEnd = numbered.toSorted((a, b) => a.end - b.end);
  const problems: string[] = [];
  let highest: (typeof numbered)[number] | null = null;
  let ended = 0;
  for (const order of byCall) {
    for (let other = byEnd[ended]; other !== undefined && other.end < order.call_ns; other = byEnd[++ended]) {
      if (highest === null || other.number > highest.number) highest = other;
    }
    if (highest !== null && order.number < highest.number) {
      const later = `order ${order.number} (${order.key ?? 'no key'})`;
      problems.push(
        `${later} was placed after order ${highest.number} (${highest.key ?? 'no key'}) was acknowledged`,
      );
    }
  }
  return problems;
}

function checkGets(
  gets: readonly GetOperation[],
  orders: readonly ClientOrder[],
  rows: ReadonlyMap<number, BookRow>,
): string[] {
  const problems: string[] = [];
  const known = new Map<number, { placed_ns: number; acknowledged_ns: number }>();
  for (const { number, call_ns, return_ns } of orders) {
    if (number !== null) known.set(number, { placed_ns: call_ns, acknowledged_ns: return_ns ?? Infinity });
  }
  const found = gets.flatMap((get) => (get.output !== null && 'stock' in get.output ? [get] : []));
  const firstFound = new Map<number, number>();
  for (const { input, return_ns } of found) {
    const before = firstFound.get(input.order) ?? Infinity;
    firstFound.set(input.order, Math.min(before, return_ns ?? Infinity));
  }
  for (const { client, input, output, call_ns, return_ns } of gets) {
    if (output === null) continue;
    const { order } = input;
    const times = known.get(order);
    if ('stock' in output) {
      const row = rows.get(order);
      if (row === undefined) problems.push(`client ${client} read order ${order}, which is not in the book`);
      else if (textOf(row) !== textOf(output)) {
        problems.push(
          `client ${client} read order ${order} as ${textOf(output)}, but the book has ${textOf(row)}`,
        );
      }
      if (times !== undefined && return_ns !== null && return_ns < times.placed_ns) {
        problems.push(`client ${client} read order ${order} before it was placed`);
      }
    } else if (output.status === 404) {
      if (times !== undefined && times.acknowledged_ns < call_ns) {
        problems.push(
          `client ${client} got 404 for order ${order}, acknowledged ${msOf(call_ns - times.acknowledged_ns)} before`,
        );
      } else if ((firstFound.get(order) ?? Infinity) < call_ns) {
        problems.push(`client ${client} got 404 for order ${order}, which was read before`);
      }
    }
  }
  return problems;
}

function textOf({ side, quantity, stock }: OrderContents): string {
  return `${side} ${quantity} ${stock}`;
}

function msOf(ns: number): string {
  return `${(ns / 1e6).toFixed(3)} ms`;
}
