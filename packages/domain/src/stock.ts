/** A stock, its bounds, and the JSON that the contract gives it. */
import { formatCents, type Cents } from './money.js';

/** Versions are indexes of log entries: the one that changed the stock last, 0 for a stock as it was seeded. */
export type StockVersion = number;

export interface Stock {
  readonly name: string;
  readonly price: Cents;
  /** Whole number, 0 to `STOCK_QUANTITY_MAX`. */
  readonly quantity: number;
  readonly version: StockVersion;
}

/** 1 to 64 letters, digits, `.`, `_`, `-`, beginning with a letter or digit. */
export const STOCK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Stocks that a cluster holds at most. At the bound, listing another is refused. */
export const STOCKS_MAX = 100_000;

/** A quantity stays a safe integer whatever is sold into it: a change that would pass this is refused. */
export const STOCK_QUANTITY_MAX = Number.MAX_SAFE_INTEGER;

/** The stock as it stands in JSON, `{"name":"AAPL","price":55.00,"quantity":100}`. */
export function stockJson(stock: Stock): string {
  return `{"name":${JSON.stringify(stock.name)},"price":${formatCents(stock.price)},"quantity":${stock.quantity}}`;
}
