/** Checks that all operations of clients on each stock are linearizable. */
import { orderDelta, type ClientOrder } from './orders.js';
import type { Operation } from './history.js';
import { linearize } from './linearizability.js';
import type { StockOperation } from './stock-operation.js';
import { checkResult, type CheckResult } from './check-result.js';

/** Checks each stock separately, because linearizability is local (Herlihy and Wing, theorem 1). */
export function checkLinearizability(
  history: readonly Operation[],
  orders: readonly ClientOrder[],
): CheckResult {
  const initial = new Map<string, number>();
  const byStock = new Map<string, StockOperation[]>();
  const add = (stock: string, operation: StockOperation): void => {
    const known = byStock.get(stock);
    if (known === undefined) byStock.set(stock, [operation]);
    else known.push(operation);
  };
  for (const operation of history) {
    if (operation.op === 'init') initial.set(operation.input.stock, operation.input.quantity);
    if (operation.op !== 'read' || operation.output === null || 'status' in operation.output) continue;
    const { client, call_ns, return_ns } = operation;
    const { quantity } = operation.output;
    const label = `client ${client} reads ${operation.input.stock} as ${quantity} ${timesOf(call_ns, return_ns)}`;
    add(operation.input.stock, { action: { kind: 'exactly', quantity }, call_ns, return_ns, label });
  }
  for (const order of orders) add(order.contents.stock, stockOperationOf(order));

  const problems: string[] = [];
  for (const [stock, operations] of byStock) {
    const quantity = initial.get(stock);
    if (quantity === undefined) {
      problems.push(`${stock}: the history has no initial quantity`);
      continue;
    }
    const result = linearize(quantity, operations);
    if (result.kind !== 'linearizable') problems.push(`${stock}: ${result.kind}: ${result.reason}`);
  }
  const count = [...byStock.values()].reduce((sum, operations) => sum + operations.length, 0);
  return checkResult('linearizable stock', `${count} operations on ${byStock.size} stocks`, problems);
}

function stockOperationOf(order: ClientOrder): StockOperation {
  const { contents, call_ns, return_ns, outcome, key } = order;
  const { side, quantity, stock } = contents;
  const subject = key === null ? 'an order' : `order ${key}`;
  const label = `${subject} to ${side} ${quantity} ${stock}: ${outcome ?? 'unknown'} ${timesOf(call_ns, return_ns)}`;
  if (outcome === 'insufficient') return { action: { kind: 'below', quantity }, call_ns, return_ns, label };
  return { action: { kind: 'add', delta: orderDelta(order) }, call_ns, return_ns, label };
}

function timesOf(call_ns: number, return_ns: number | null): string {
  const ms = (ns: number): string => (ns / 1e6).toFixed(3);
  return `(${ms(call_ns)} to ${return_ns === null ? '...' : ms(return_ns)} ms)`;
}
