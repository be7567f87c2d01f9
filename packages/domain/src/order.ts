/** An order, its bounds, and the JSON that the contract gives it. */
import { formatCents, type Cents } from './money.js';

export type OrderType = 'buy' | 'sell';

/** What a client asks for. */
export interface OrderRequest {
  readonly name: string;
  readonly type: OrderType;
  /** Whole number, 1 to `ORDER_QUANTITY_MAX`. */
  readonly quantity: number;
}

/** A filled order as it stands in the book. It never changes. */
export interface Order extends OrderRequest {
  /** Dense from 1, in log order. */
  readonly number: number;
  /** Price of one, when it was decided. */
  readonly price: Cents;
  /** Milliseconds since 1970, 0 to `ORDER_TIME_MS_MAX`: the time of its batch. Never falls along the log. */
  readonly time: number;
}

/** Most units that one order moves, and most that one restock adds. */
export const ORDER_QUANTITY_MAX = 1_000_000;

/** Latest time of an order, in milliseconds since 1970: the last that ISO 8601 writes with a year of four digits. */
export const ORDER_TIME_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Longest stock name that an order may carry, in UTF-16 units. */
export const ORDER_NAME_LENGTH_MAX = 64;

/**
 * Whether an order or a list may name it, listed or not: well-formed text of 1 to `ORDER_NAME_LENGTH_MAX` UTF-16 units.
 * Text that is not well-formed grows when it is encoded as UTF-8, and does not come back as it was.
 */
export function isOrderName(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= ORDER_NAME_LENGTH_MAX && value.isWellFormed()
  );
}

/** The order as it stands in JSON; the time is ISO 8601 in UTC. */
export function orderJson(order: Order): string {
  return (
    `{"number":${order.number},"name":${JSON.stringify(order.name)},"type":"${order.type}",` +
    `"quantity":${order.quantity},"price":${formatCents(order.price)},"time":"${new Date(order.time).toISOString()}"}`
  );
}
