/** A minimal implementation of the decision rules, written independently of the program's: both must agree. */
import type { Command, Outcome } from '@trireme/domain';

export type ReferenceStocks = Map<string, { readonly price: number; readonly quantity: number }>;

export function decideOne(stocks: ReferenceStocks, command: Command): Outcome {
  const { kind, name } = command;
  const stock = stocks.get(name);
  if (kind === 'list') {
    stocks.set(name, { price: command.price, quantity: stock?.quantity ?? 0 });
    return { kind: 'done' };
  }
  if (stock === undefined) return { kind: 'rejected', reason: 'STOCK_NOT_FOUND' };
  const quantity = stock.quantity + (kind === 'buy' ? -command.quantity : command.quantity);
  if (quantity < 0) return { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };
  stocks.set(name, { price: stock.price, quantity });
  return kind === 'restock' ? { kind: 'done' } : { kind: 'filled', price: stock.price };
}
