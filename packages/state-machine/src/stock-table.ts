/** The stock table, and drafts, which collect changes. A draft is published as a whole or not at all. */
import {
  assertInvariant,
  PRICE_CENTS_MAX,
  STOCK_NAME,
  STOCK_QUANTITY_MAX,
  STOCKS_MAX,
  type Stock,
} from '@trireme/domain';

/** The stocks that `decide` reads and writes. */
export interface StockStore {
  /** Number of stocks. */
  readonly size: number;
  get(name: string): Stock | undefined;
  /** @throws InvariantError if the stock is out of its bounds. */
  set(stock: Stock): void;
}

/** A page of stocks in ascending order of name. */
interface StockPage {
  readonly stocks: readonly Stock[];
  /** The next page starts after this name; null at the end. */
  readonly next: string | null;
}

/** The stocks by name: at most `STOCKS_MAX`. */
export class StockTable {
  readonly #stocks = new Map<string, Stock>();
  /** Sorted by code unit, which is the byte order for stock names. */
  readonly #names: string[] = [];

  constructor(stocks: Iterable<Stock> = []) {
    this.apply(stocks);
  }

  get size(): number {
    return this.#stocks.size;
  }

  get(name: string): Stock | undefined {
    return this.#stocks.get(name);
  }

  /** Adds or replaces stocks. @throws InvariantError if a version does not increase, or there are too many stocks. */
  apply(stocks: Iterable<Stock>): void {
    const sizeBefore = this.#names.length;
    for (const stock of stocks) {
      const old = this.#stocks.get(stock.name);
      assertInvariant(
        old === undefined || old.version < stock.version,
        `version of stock ${stock.name} did not increase`,
      );
      if (old === undefined) this.#names.push(stock.name);
      this.#stocks.set(stock.name, stock);
    }
    assertInvariant(this.#stocks.size <= STOCKS_MAX, `stock table has more than ${STOCKS_MAX} stocks`);
    // Sort once for all new names: inserting each at its place is quadratic when a replay lists many.
    if (this.#names.length > sizeBefore) this.#names.sort();
  }

  /** All stocks, in no particular order. */
  all(): IterableIterator<Stock> {
    return this.#stocks.values();
  }

  /** At most `limit` stocks with names after `after`, which need not be the name of a stock. */
  page(after: string, limit: number): StockPage {
    const from = this.#firstAfter(after);
    const names = this.#names.slice(from, from + limit);
    const stocks = names.flatMap((name) => this.#stocks.get(name) ?? []);
    return { stocks, next: from + limit < this.#names.length ? (names.at(-1) ?? null) : null };
  }

  #firstAfter(after: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] ?? '') <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Pending changes to a table. They do not modify the table. */
export class StockDraft implements StockStore {
  readonly #table: StockTable;
  readonly #changed = new Map<string, Stock>();
  #created = 0;

  constructor(table: StockTable) {
    this.#table = table;
  }

  get size(): number {
    return this.#table.size + this.#created;
  }

  /** The changed stocks by name, with their new values. */
  get changes(): ReadonlyMap<string, Stock> {
    return this.#changed;
  }

  get(name: string): Stock | undefined {
    return this.#changed.get(name) ?? this.#table.get(name);
  }

  set(stock: Stock): void {
    assertInvariant(
      Number.isSafeInteger(stock.quantity) && stock.quantity >= 0 && stock.quantity <= STOCK_QUANTITY_MAX,
      `invalid quantity ${stock.quantity} of stock ${stock.name}`,
    );
    assertInvariant(
      stock.price >= 1 && stock.price <= PRICE_CENTS_MAX,
      `invalid price ${stock.price} of stock ${stock.name}`,
    );
    assertInvariant(STOCK_NAME.test(stock.name), 'invalid stock name');
    if (this.get(stock.name) === undefined) this.#created += 1;
    this.#changed.set(stock.name, stock);
  }
}
