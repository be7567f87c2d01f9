/** Stocks in frames, and checks of the questions about them: front-ends ask catalogs, and replicas where no catalog answers. */
import { FormatError } from './errors.js';
import { asInteger, asItems, asText, invalidReason, type CheckedItems } from './guards.js';
import { ORDER_NAME_LENGTH_MAX } from './order.js';
import { FRAME_ITEMS_MAX, PAGE_ROWS_MAX, type StockWire } from './protocol.js';
import type { Stock } from './stock.js';

export function stockToWire({ name, price, quantity, version }: Stock): StockWire {
  return [name, price, quantity, version];
}

/** A stock to look up. */
export type LookupItem = readonly [id: number, name: string];

/** The items of a `lookup` frame. @throws FormatError if there are too many, or one has no id. */
export function asLookupItems(value: unknown): CheckedItems<LookupItem> {
  return asItems(
    value,
    (id, [, name]) => [id, asText(name, 'stock name', ORDER_NAME_LENGTH_MAX)],
    FRAME_ITEMS_MAX,
  );
}

type Frame = Readonly<Record<string, unknown>>;

/** A list that is refused by itself. */
export interface InvalidList {
  readonly t: 'invalidList';
  readonly id: number;
  readonly reason: string;
}

/**
 * A frame that asks for a page of `limit` rows.
 * @param read the rest of the question; a throw of `FormatError` sets the list apart
 * @throws FormatError if it has no id
 */
export function asPageQuestion<List>(
  frame: Frame,
  read: (id: number, limit: number) => List,
): List | InvalidList {
  const id = asInteger(frame['id'], 'id');
  try {
    const limit = asInteger(frame['limit'], 'limit', 1);
    if (limit > PAGE_ROWS_MAX) throw new FormatError(`limit is above ${PAGE_ROWS_MAX}`);
    return read(id, limit);
  } catch (error) {
    return { t: 'invalidList', id, reason: invalidReason(error) };
  }
}

/** The name after which a list of stocks begins. @throws FormatError if it is too long, or no text. */
export function asAfterName(value: unknown): string {
  return asText(value, 'after', ORDER_NAME_LENGTH_MAX);
}
