/** Stocks in frames, and parsers of stock queries, which front-ends send to catalogs, or else to replicas. */
import { FormatError } from './errors.js';
import { expectInteger, expectItems, expectText, formatErrorMessage, type CheckedItems } from './guards.js';
import { ORDER_NAME_LENGTH_MAX } from './order.js';
import { FRAME_ITEMS_MAX, PAGE_ROWS_MAX, type StockWire } from './protocol.js';
import type { Stock } from './stock.js';

export function stockToWire({ name, price, quantity, version }: Stock): StockWire {
  return [name, price, quantity, version];
}

/** A stock to look up. */
export type LookupItem = readonly [id: number, name: string];

/** Parses the items of a `lookup` frame. @throws FormatError if there are too many, or one has no id. */
export function parseLookupItems(value: unknown): CheckedItems<LookupItem> {
  return expectItems(
    value,
    (id, [, name]) => [id, expectText(name, 'stock name', ORDER_NAME_LENGTH_MAX)],
    FRAME_ITEMS_MAX,
  );
}

type Frame = Readonly<Record<string, unknown>>;

/** An invalid list frame, which is answered and does not close the link. */
export interface InvalidListRequest {
  readonly t: 'invalidList';
  readonly id: number;
  readonly reason: string;
}

/**
 * Parses a frame that requests a page of at most `limit` rows.
 * @param read parses the other fields; if it throws a `FormatError`, an `InvalidListRequest` is returned
 * @throws FormatError if the frame has no id
 */
export function parsePageRequest<List>(
  frame: Frame,
  read: (id: number, limit: number) => List,
): List | InvalidListRequest {
  const id = expectInteger(frame['id'], 'id');
  try {
    const limit = expectInteger(frame['limit'], 'limit', 1);
    if (limit > PAGE_ROWS_MAX) throw new FormatError(`limit is above ${PAGE_ROWS_MAX}`);
    return read(id, limit);
  } catch (error) {
    return { t: 'invalidList', id, reason: formatErrorMessage(error) };
  }
}

/** Parses the name after which a list of stocks starts. @throws FormatError if it is too long, or not text. */
export function parseAfterName(value: unknown): string {
  return expectText(value, 'after', ORDER_NAME_LENGTH_MAX);
}
