/** The stocks that a cluster begins with: built in, or from a file `[{"name":"AAPL","price":55.00,"quantity":100}, ...]`. */
import { createHash } from 'node:crypto';
import {
  asInteger,
  asList,
  asObject,
  FormatError,
  inParts,
  pack,
  parseJson,
  SEED_PART_STOCKS_MAX,
  STOCK_NAME,
  STOCK_QUANTITY_MAX,
  STOCKS_MAX,
  toCents,
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

/** @throws FormatError or SyntaxError saying which stock is wrong. */
export function parseSeed(json: string): readonly SeedStock[] {
  const items = asList(parseJson(json), 'the seed');
  if (items.length > STOCKS_MAX) throw new FormatError(`there are more than ${STOCKS_MAX} stocks`);
  const names = new Set<string>();
  return items.map((item, position) => {
    const stock = parseStock(item, `stock ${position + 1}`);
    if (names.has(stock.name)) throw new FormatError(`${stock.name} stands there twice`);
    names.add(stock.name);
    return stock;
  });
}

function parseStock(item: unknown, what: string): SeedStock {
  const { name, price, quantity, ...rest } = asObject(item, what);
  if (typeof name !== 'string' || !STOCK_NAME.test(name)) {
    throw new FormatError(`${what}: name must be 1 to 64 letters, digits, dots, dashes or underscores`);
  }
  const cents = typeof price === 'number' ? toCents(price) : null;
  if (cents === null)
    throw new FormatError(`${name}: price must be 0.01 to 10000000.00 with at most two decimals`);
  const count = asInteger(quantity, `${name}: quantity`);
  if (count > STOCK_QUANTITY_MAX) throw new FormatError(`${name}: quantity is too large`);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new FormatError(`${name}: unknown field ${unknown}`);
  return { name, price: cents, quantity: count };
}

/** The seed as it goes into the log, in as many entries as it needs. @param life 16 random hex digits */
export function seedParts(stocks: readonly SeedStock[], life: string): readonly SeedPart[] {
  const parts = inParts(stocks, SEED_PART_STOCKS_MAX);
  return parts.map((part, position) => ({ life, part: position, parts: parts.length, stocks: part }));
}

/** Tells seeds apart, whatever the order of their stocks: 64 hex digits. */
export function seedHash(stocks: readonly SeedStock[]): string {
  const rows = stocks.map(({ name, price, quantity }) => [name, price, quantity] as const);
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(pack(rows)).digest('hex');
}
