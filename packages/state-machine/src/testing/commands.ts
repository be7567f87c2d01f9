/** Commands and stocks for tests. */
import type { Command, Stock } from '@trireme/domain';

export function stock(name: string, quantity: number, price = 5500): Stock {
  return { name, price, quantity, version: 0 };
}

export function buy(name: string, quantity = 1): Command {
  return { kind: 'buy', key: 'k', name, quantity };
}

export function sell(name: string, quantity = 1): Command {
  return { kind: 'sell', key: 'k', name, quantity };
}

export function list(name: string, price: number): Command {
  return { kind: 'list', key: 'k', name, price };
}

export function restock(name: string, quantity: number): Command {
  return { kind: 'restock', key: 'k', name, quantity };
}
