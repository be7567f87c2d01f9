/** What the book knows of stock, in log order, for a catalog that is behind it. */
import { KIND_CODES, type EffectWire } from '@trireme/domain';
import type { BookMeta, BookedOrder, StockChange } from './rules/state.js';
import type { Effects } from './rules/settler.js';
import type { BookStore } from './store.js';

/** Effects read at once at most, but for the rest of the batch that the last one is of. */
export const EFFECTS_MAX = 10_000;

/**
 * Reads the effects of settled batches after log index `after`, whole batches only. Within a batch the changes of
 * stocks come first: an order may be of a stock that its own batch listed, never the other way round.
 * @throws RaftError `LOG_DAMAGED` if a record is damaged or missing.
 */
export async function readEffects(store: BookStore, meta: BookMeta, after: number): Promise<Effects> {
  const change = firstAfter(meta.changes, after, (number) => store.changeAt(number).index);
  const order = firstAfter(meta.orders, after, (number) => store.orderAt(number).index);
  const effects: EffectWire[] = [];
  let index = after;
  const changes = store.changes(change - 1, meta.changes);
  for await (const effect of inLogOrder(changes, store.orders(order - 1, meta.orders))) {
    if (effect[0] !== index && effects.length >= EFFECTS_MAX) return { index, effects };
    index = effect[0];
    effects.push(effect);
  }
  return { index: meta.settledIndex, effects };
}

async function* inLogOrder(
  changes: AsyncGenerator<StockChange>,
  orders: AsyncGenerator<BookedOrder>,
): AsyncGenerator<EffectWire> {
  try {
    let change = await changes.next();
    for await (const order of orders) {
      for (; change.done !== true && change.value.index <= order.index; change = await changes.next()) {
        yield effectOf(change.value);
      }
      yield [order.index, KIND_CODES[order.type], order.name, order.quantity];
    }
    for (; change.done !== true; change = await changes.next()) yield effectOf(change.value);
  } finally {
    await changes.return(undefined);
  }
}

function effectOf({ index, kind, name, amount }: StockChange): EffectWire {
  return [index, KIND_CODES[kind], name, amount];
}

/** The first number from 1 to `last` whose record is of a batch after log index `after`; `last + 1` if none is. */
function firstAfter(last: number, after: number, indexOf: (number: number) => number): number {
  let low = 1;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (indexOf(middle) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
