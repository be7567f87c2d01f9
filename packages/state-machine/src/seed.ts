/** The initial stocks: built in, or from a file such as `[{"name":"AAPL","price":55.00,"quantity":100}, ...]`. */
import { createHash } from 'node:crypto';
import {
  expectInteger,
  expectList,
  expectObject,
  FormatError,
  splitIntoParts,
  pack,
  parseStrictJson,
  SEED_PART_STOCKS_MAX,
  STOCK_NAME,
  STOCK_QUANTITY_MAX,
  STOCKS_MAX,
  parseCents,
  type Cents,
  type SeedPart,
  type SeedStock,
} from '@trireme/domain';

const PRICES: readonly (readonly [name: string, price: Cents])[] = [
  ['GameStart', 5000],
  ['RottenFishCo', 1500],
  ['BoarCo', 2500],
  ['MenhirCo', 4000],
  ['AAPL', 5500],
  ['AMZN', 6500],
  ['GOOGL', 6000],
  ['META', 4500],
  ['NVDA', 7000],
  ['NFLX', 8000],
];

/** Ten stocks, 100 of each. */
export const DEFAULT_SEED: readonly SeedStock[] = PRICES.map(([name, price]) => ({
  name,
  price,
  quantity: 100,
}));

/** Parses a seed file. @throws FormatError naming the invalid stock; SyntaxError if it is not JSON. */
export function parseSeed(json: string): readonly SeedStock[] {
  const items = expectList(parseStrictJson(json), 'the seed');
  if (items.length > STOCKS_MAX) throw new FormatError(`the seed has more than ${STOCKS_MAX} stocks`);
  const names = new Set<string>();
  return items.map((item, position) => {
    const stock = parseStock(item, `stock ${position + 1}`);
    if (names.has(stock.name)) throw new FormatError(`${stock.name}: listed more than once`);
    names.add(stock.name);
    return stock;
  });
}

function parseStock(item: unknown, what: string): SeedStock {
  const { name, price, quantity, ...rest } = expectObject(item, what);
  if (typeof name !== 'string' || !STOCK_NAME.test(name)) {
    throw new FormatError(
      `${what}: name must be 1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit`,
    );
  }
  const cents = typeof price === 'number' ? parseCents(price) : null;
  if (cents === null)
    throw new FormatError(`${name}: price must be from 0.01 to 10000000.00 with at most two decimals`);
  const count = expectInteger(quantity, `${name}: quantity`);
  if (count > STOCK_QUANTITY_MAX)
    throw new FormatError(`${name}: quantity must be at most ${STOCK_QUANTITY_MAX}`);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new FormatError(`${name}: unknown field ${unknown}`);
  return { name, price: cents, quantity: count };
}

/** Splits a seed into its log entries. @param life random id of the new cluster: 16 hex digits */
export function splitSeed(stocks: readonly SeedStock[], life: string): readonly SeedPart[] {
  const parts = splitIntoParts(stocks, SEED_PART_STOCKS_MAX);
  return parts.map((part, position) => ({ life, part: position, parts: parts.length, stocks: part }));
}

/** Hash of a seed, independent of the order of its stocks: 64 hex digits. */
export function seedHash(stocks: readonly SeedStock[]): string {
  const rows = stocks.map(({ name, price, quantity }) => [name, price, quantity] as const);
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(pack(rows)).digest('hex');
}
