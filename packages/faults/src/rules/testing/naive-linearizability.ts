/** Linearizability by its definition: tries every order. For a few operations only. */
import type { StockOperation } from '../stock-operation.js';

export function naivelyLinearizable(quantity: number, operations: readonly StockOperation[]): boolean {
  // Operations with unknown outcomes never have to take effect.
  if (operations.every(({ return_ns }) => return_ns === null)) return true;
  return operations.some((first) => {
    const others = operations.filter((operation) => operation !== first);
    // An operation must not come before one that had returned before its call.
    if (others.some(({ return_ns }) => return_ns !== null && return_ns < first.call_ns)) return false;
    const after = apply(quantity, first);
    return after !== null && naivelyLinearizable(after, others);
  });
}

function apply(quantity: number, { action }: StockOperation): number | null {
  switch (action.kind) {
    case 'add':
      return quantity + action.delta >= 0 ? quantity + action.delta : null;
    case 'exactly':
      return quantity === action.quantity ? quantity : null;
    case 'below':
      return quantity < action.quantity ? quantity : null;
  }
}
