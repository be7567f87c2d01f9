/**
 * What becomes of a command, given the stocks: a pure function of the log, so that every replica and every catalog decides the
 * same. A stock that a command changes takes the log index as its version.
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
 * Decides the commands of one batch in their order, each seeing what those before it did.
 * @param index log index of the batch, above the version of every stock.
 * @param skip positions whose key was used before: they make nothing.
 */
export function decide(
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
        // The front-end lets no such name through; it can never be a stock, so it is not found.
        if (!STOCK_NAME.test(name)) return rejected('STOCK_NOT_FOUND');
        if (stocks.size >= STOCKS_MAX) return rejected('LIMIT_REACHED');
      }
      stocks.set({ name, price, quantity: old?.quantity ?? 0, version: index });
      return DONE;
    }
  }
}

/** What a command adds to the quantity of its stock. */
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
  // Compared this way round because a sum beyond 2^53 is rounded.
  if (delta > STOCK_QUANTITY_MAX - old.quantity) return rejected('LIMIT_REACHED');
  stocks.set({ name, price: old.price, quantity: old.quantity + delta, version: index });
  return kind === 'order' ? { kind: 'filled', price: old.price } : DONE;
}

function rejected(reason: Rejection): Outcome {
  return { kind: 'rejected', reason };
}
