/** Orders: types, bounds and JSON format. */
import { formatCents, type Cents } from './money.js';

/** Whether an order takes units from a stock or adds units to it. */
export type OrderType = 'buy' | 'sell';

/** An order as a client requests it. */
export interface OrderRequest {
  readonly name: string;
  readonly type: OrderType;
  /** Whole number, 1 to `ORDER_QUANTITY_MAX`. */
  readonly quantity: number;
}

/** A filled order in the order book. It never changes. */
export interface Order extends OrderRequest {
  /** From 1, in log order and without gaps. */
  readonly number: number;
  /** Price per unit when the order was filled. */
  readonly price: Cents;
  /** Time of its batch: milliseconds since 1970, 0 to `ORDER_TIME_MS_MAX`. Never decreases along the log. */
  readonly time: number;
}

/** Maximum quantity of an order, and of a restock. */
export const ORDER_QUANTITY_MAX = 1_000_000;

/** Latest time of an order, in milliseconds since 1970: the end of year 9999, as ISO 8601 has four-digit years. */
export const ORDER_TIME_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Maximum length of the stock name of an order, in UTF-16 units. */
export const ORDER_NAME_LENGTH_MAX = 64;

/**
 * Whether a request may contain `value` as a stock name, listed or not: well-formed text of 1 to
 * `ORDER_NAME_LENGTH_MAX` UTF-16 units. Other text would grow and change when it is encoded as UTF-8.
 */
export function isOrderName(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= ORDER_NAME_LENGTH_MAX && value.isWellFormed()
  );
}

/** Formats an order as JSON. The time is ISO 8601 in UTC. */
export function orderJson(order: Order): string {
  return (
    `{"number":${order.number},"name":${JSON.stringify(order.name)},"type":"${order.type}",` +
    `"quantity":${order.quantity},"price":${formatCents(order.price)},"time":"${new Date(order.time).toISOString()}"}`
  );
}
