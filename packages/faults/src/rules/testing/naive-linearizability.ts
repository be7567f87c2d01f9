/** Linearizability by its definition: tries every order. For a handful of operations. */
import type { StockOperation } from '../stock-operation.js';

export function naivelyLinearizable(quantity: number, operations: readonly StockOperation[]): boolean {
  // What is left may stay out altogether once only unknown outcomes are left.
  if (operations.every(({ return_ns }) => return_ns === null)) return true;
  return operations.some((first) => {
    const others = operations.filter((operation) => operation !== first);
    // Nothing may be placed before what had returned when it was called.
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
