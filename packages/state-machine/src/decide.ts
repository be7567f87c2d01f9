/**
 * Decides commands. The outcome is a pure function of the stocks and the log, so every replica and catalog computes the
 * same. A command sets the version of the stock that it changes to its log index.
 */
import {
  STOCK_NAME,
  STOCK_QUANTITY_MAX,
  STOCKS_MAX,
  type Command,
  type Outcome,
  type Rejection,
} from '@trireme/domain';
import type { StockStore } from './stock-table.js';

const DONE: Outcome = { kind: 'done' };
const NONE: Outcome = { kind: 'none' };

/**
 * Decides the commands of a batch in order. Each command sees the changes of those before it.
 * @param index log index of the batch, above the version of every stock.
 * @param skip positions of commands whose key was used before: they have no effect.
 */
export function decideBatch(
  stocks: StockStore,
  index: number,
  commands: readonly Command[],
  skip: ReadonlySet<number>,
): readonly Outcome[] {
  return commands.map((command, position) => (skip.has(position) ? NONE : decideOne(stocks, index, command)));
}

function decideOne(stocks: StockStore, index: number, command: Command): Outcome {
  switch (command.kind) {
    case 'buy':
    case 'sell':
      return move(stocks, index, command.name, deltaOf(command), 'order');
    case 'restock':
      return move(stocks, index, command.name, deltaOf(command), 'restock');
    case 'list': {
      const { name, price } = command;
      const old = stocks.get(name);
      if (old === undefined) {
        // Front-ends reject such names. No stock can have this name, so it is not found.
        if (!STOCK_NAME.test(name)) return rejected('STOCK_NOT_FOUND');
        if (stocks.size >= STOCKS_MAX) return rejected('LIMIT_REACHED');
      }
      stocks.set({ name, price, quantity: old?.quantity ?? 0, version: index });
      return DONE;
    }
  }
}

/** The change of the stock's quantity. */
function deltaOf({ kind, quantity }: Exclude<Command, { readonly kind: 'list' }>): number {
  return kind === 'buy' ? -quantity : quantity;
}

function move(
  stocks: StockStore,
  index: number,
  name: string,
  delta: number,
  kind: 'order' | 'restock',
): Outcome {
  const old = stocks.get(name);
  if (old === undefined) return rejected('STOCK_NOT_FOUND');
  if (old.quantity + delta < 0) return rejected('INSUFFICIENT_STOCK');
  // Not `old.quantity + delta > STOCK_QUANTITY_MAX`: a sum above 2^53 is rounded.
  if (delta > STOCK_QUANTITY_MAX - old.quantity) return rejected('LIMIT_REACHED');
  stocks.set({ name, price: old.price, quantity: old.quantity + delta, version: index });
  return kind === 'order' ? { kind: 'filled', price: old.price } : DONE;
}

function rejected(reason: Rejection): Outcome {
  return { kind: 'rejected', reason };
}
