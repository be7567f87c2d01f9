/**
 * Groups filled orders into pages on disk, which costs less CPU than a record per order. The page of an order
 * follows from its number, so that one read finds it. The last page is rewritten by every write that adds to
 * it, until it is full.
 */
import { assertInvariant } from '@trireme/domain';
import type { StoredOrder } from './state.js';

/** Orders per page: many enough to share the cost of a record, few enough to keep reads of one order cheap. */
export const PAGE_ORDERS = 32;

/** Orders with consecutive numbers, starting with the first of the page. */
interface OrderPage {
  /** Counted from 1. */
  readonly page: number;
  readonly orders: readonly StoredOrder[];
}

/** The page that order `number` is on. */
export function orderPageOf(number: number): number {
  return Math.ceil(number / PAGE_ORDERS);
}

/** Number of the first order on a page. */
export function firstOrderOf(page: number): number {
  return (page - 1) * PAGE_ORDERS + 1;
}

/** Number of orders on a page of a book with `orders` orders. */
export function ordersOnPage(page: number, orders: number): number {
  return Math.max(0, Math.min(PAGE_ORDERS, orders - firstOrderOf(page) + 1));
}

/** Keeps the last page in memory, and the pages to write. */
export class OrderPages {
  readonly #read: (page: number) => readonly StoredOrder[];
  #last: { readonly page: number; readonly orders: StoredOrder[] } | null = null;
  #changed: OrderPage[] = [];

  /** @param read reads the orders of a page, for a book that is opened with an incomplete last page */
  constructor(read: (page: number) => readonly StoredOrder[]) {
    this.#read = read;
  }

  /** Adds the order that follows the last one. */
  add(order: StoredOrder): void {
    const { number } = order;
    const page = orderPageOf(number);
    const first = firstOrderOf(page);
    if (this.#last?.page !== page) {
      this.#last = { page, orders: number === first ? [] : [...this.#read(page)] };
    }
    const { orders } = this.#last;
    assertInvariant(
      number === first + orders.length,
      `order ${number} is written after ${first + orders.length - 1}`,
    );
    orders.push(order);
    if (this.#changed.at(-1) !== this.#last) this.#changed.push(this.#last);
  }

  /**
   * Returns the changed pages in order. Encode them before the next call, because the last one keeps growing.
   * If they cannot be written, nothing more may be added, because the disk lacks these orders.
   */
  takeChanges(): readonly OrderPage[] {
    const changed = this.#changed;
    this.#changed = [];
    return changed;
  }
}
