/** What the book knows of stock, in log order, for a catalog that is behind it. */
import { KIND_CODES, type EffectWire } from '@trireme/domain';
import type { BookMeta, BookedOrder } from './rules/state.js';
import type { Effects } from './rules/settler.js';
import type { BookStore } from './store.js';

/** Effects read at once at most, but for the rest of the batch that the last one is of. */
const EFFECTS_MAX = 10_000;

/**
 * Reads the effects of settled batches after log index `after`, whole batches only. Within a batch the changes of
 * stocks come first: an order may be of a stock that its own batch listed, never the other way round.
 */
export async function readEffects(store: BookStore, meta: BookMeta, after: number): Promise<Effects> {
  const effects: EffectWire[] = [];
  let change = firstAfter(meta.changes, after, (n) => store.change(n)?.index);
  const takeChanges = (upTo: number): void => {
    for (; change <= meta.changes; change += 1) {
      const next = store.change(change);
      if (next === null || next.index > upTo) return;
      effects.push([next.index, KIND_CODES[next.kind], next.name, next.amount]);
    }
  };
  let index = after;
  const firstOrder = firstAfter(meta.orders, after, (n) => store.order(n)?.index);
  for await (const order of store.orders(firstOrder - 1, meta.orders)) {
    if (order.index !== index) {
      if (effects.length >= EFFECTS_MAX) return { index, effects };
      index = order.index;
      takeChanges(index);
    }
    effects.push(effectOf(order));
  }
  takeChanges(meta.settledIndex);
  return { index: meta.settledIndex, effects };
}

function effectOf({ index, type, name, quantity }: BookedOrder): EffectWire {
  return [index, KIND_CODES[type], name, quantity];
}

/** The first number from 1 to `last` whose record is of a batch after log index `after`; `last + 1` if none is. */
function firstAfter(last: number, after: number, indexOf: (number: number) => number | undefined): number {
  let low = 1;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((indexOf(middle) ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
