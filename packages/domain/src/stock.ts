/** Stocks: types, bounds and JSON format. */
import { formatCents, type Cents } from './money.js';

/** The index of the log entry that last changed the stock; 0 if it was not changed since the seed. */
export type StockVersion = number;

/** A listed stock, as of one log index. */
export interface Stock {
  readonly name: string;
  readonly price: Cents;
  /** Whole number, 0 to `STOCK_QUANTITY_MAX`. */
  readonly quantity: number;
  readonly version: StockVersion;
}

/** 1 to 64 letters, digits, `.`, `_`, `-`, starting with a letter or digit. */
export const STOCK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Maximum number of stocks in a cluster. At the limit, listing another stock is rejected. */
export const STOCKS_MAX = 100_000;

/** Maximum quantity of a stock, the largest safe integer. A command that would exceed it is rejected. */
export const STOCK_QUANTITY_MAX = Number.MAX_SAFE_INTEGER;

/** Formats a stock as JSON, such as `{"name":"AAPL","price":55.00,"quantity":100}`. */
export function stockJson(stock: Stock): string {
  return `{"name":${JSON.stringify(stock.name)},"price":${formatCents(stock.price)},"quantity":${stock.quantity}}`;
}
