/** The stocks, and drafts in which decisions change them: a draft is taken into the table as a whole, or never. */
import {
  assertRule,
  PRICE_CENTS_MAX,
  STOCK_NAME,
  STOCK_QUANTITY_MAX,
  STOCKS_MAX,
  type Stock,
} from '@trireme/domain';

/** Where decisions read and write stocks. */
export interface StockStore {
  /** Stocks in all. */
  readonly size: number;
  get(name: string): Stock | undefined;
  /** @throws InvariantError if the stock is out of its bounds. */
  set(stock: Stock): void;
}

/** One page of stocks in rising order of name. */
interface StockPage {
  readonly stocks: readonly Stock[];
  /** The name to go on after, null at the end. */
  readonly next: string | null;
}

/** The stocks by name: at most `STOCKS_MAX`. */
export class StockTable {
  readonly #stocks = new Map<string, Stock>();
  /** Sorted by code unit, which for stock names is the order of their bytes. */
  readonly #names: string[] = [];

  constructor(stocks: Iterable<Stock> = []) {
    this.publish(stocks);
  }

  get size(): number {
    return this.#stocks.size;
  }

  get(name: string): Stock | undefined {
    return this.#stocks.get(name);
  }

  /** Takes in all of `stocks` at once. @throws InvariantError if the version of one does not rise, or there are too many. */
  publish(stocks: Iterable<Stock>): void {
    const known = this.#names.length;
    for (const stock of stocks) {
      const old = this.#stocks.get(stock.name);
      assertRule(old === undefined || old.version < stock.version, 'the version of a stock only rises');
      if (old === undefined) this.#names.push(stock.name);
      this.#stocks.set(stock.name, stock);
    }
    assertRule(this.#stocks.size <= STOCKS_MAX, `at most ${STOCKS_MAX} stocks`);
    // One sort for all new names: inserting each where it belongs is quadratic when a replay lists many.
    if (this.#names.length > known) this.#names.sort();
  }

  /** All of them, in no particular order. */
  all(): IterableIterator<Stock> {
    return this.#stocks.values();
  }

  /** At most `limit` stocks whose names come after `after`, which need not be a stock's name. */
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

/** Changes over a table that leave the table as it is. */
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

  /** The changed stocks by name, as they will be. */
  get changed(): ReadonlyMap<string, Stock> {
    return this.#changed;
  }

  get(name: string): Stock | undefined {
    return this.#changed.get(name) ?? this.#table.get(name);
  }

  set(stock: Stock): void {
    assertRule(
      Number.isSafeInteger(stock.quantity) && stock.quantity >= 0 && stock.quantity <= STOCK_QUANTITY_MAX,
      `quantity of ${stock.name} is a whole number from 0, not ${stock.quantity}`,
    );
    assertRule(stock.price >= 1 && stock.price <= PRICE_CENTS_MAX, `price of ${stock.name} is in its bounds`);
    assertRule(STOCK_NAME.test(stock.name), 'a stock has a name that can be listed');
    if (this.get(stock.name) === undefined) this.#created += 1;
    this.#changed.set(stock.name, stock);
  }
}
