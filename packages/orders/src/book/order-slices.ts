/** Scans the orders of a book. */
import { keyNumber, numberKey, readPage, readStockOrders } from './codec.js';
import { scanSlices } from './level.js';
import type { OrderSlice } from './machine.js';
import type { BookRecords } from './records.js';
import { PAGE_ORDERS, firstOrderOf, orderPageOf } from '../rules/book/order-pages.js';
import type { StoredOrder } from '../rules/book/state.js';

/** Order pages decoded per turn of the event loop: less than a millisecond's work. */
const SLICE_PAGES = 16;

/**
 * Orders with numbers above `after` up to `last`, which the book has, in order, a few pages at a time; the
 * event loop runs between two slices. A slice is decoded when its orders are read, so that the caller can
 * measure the duration.
 * @param name stock whose orders to return; null for all
 * @throws RaftError `LOG_DAMAGED` if one is damaged or missing, also from `orders`; FormatError if LevelDB
 *   detects damage.
 */
export async function* orderSlices(
  records: BookRecords,
  after: number,
  last: number,
  name: string | null,
): AsyncGenerator<OrderSlice> {
  if (after >= last) return;
  let page = orderPageOf(after + 1);
  const range = { gte: numberKey('page', page), lte: numberKey('page', orderPageOf(last)) };
  for await (const slice of scanSlices(records.db, range, SLICE_PAGES)) {
    const first = page;
    page += slice.length;
    yield {
      lastNumber: Math.min(last, firstOrderOf(page) - 1),
      orders: () =>
        slice
          .flatMap(([key, record], i) => ordersIn(records, first + i, key, record, name, last))
          .filter(({ number }) => number > after && number <= last),
    };
  }
  if (page <= orderPageOf(last))
    throw records.damage(`order ${Math.max(after + 1, firstOrderOf(page))} is missing`);
}

/** The orders on a page, which must extend to its end or to `last`. */
function ordersIn(
  records: BookRecords,
  page: number,
  key: Uint8Array,
  record: Uint8Array,
  name: string | null,
  last: number,
): readonly StoredOrder[] {
  const first = firstOrderOf(page);
  if (keyNumber(key) !== page) throw records.damage(`order ${first} is missing`);
  const { count, orders } = records.parse('page', key, record, (value) => {
    if (name !== null) return readStockOrders(page, value, name);
    const all = readPage(page, value);
    return { count: all.length, orders: all };
  });
  const end = first + count;
  if (end <= Math.min(last, first + PAGE_ORDERS - 1)) throw records.damage(`order ${end} is missing`);
  return orders;
}
