/** The stocks that a catalog begins with: built in, or from a file `[{"name":"AAPL","price":55.00,"quantity":100}, ...]`. */
import { readFile } from 'node:fs/promises';
import {
  asInteger,
  asList,
  asObject,
  FormatError,
  parseJson,
  STOCK_NAME,
  STOCK_QUANTITY_MAX,
  STOCKS_MAX,
  toCents,
  type Cents,
  type Stock,
} from '@trireme/domain';

/** Thrown when a seed file cannot be read or is not valid; the process exits with code 64. */
export class SeedError extends Error {
  override readonly name = 'SeedError';
  readonly code = 'BAD_SEED';
}

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
export const DEFAULT_SEED: readonly Stock[] = PRICES.map(([name, price]) => ({
  name,
  price,
  quantity: 100,
  version: 0,
}));

/** @throws SeedError naming the file and what is wrong with it. */
export async function loadSeedFile(file: string): Promise<readonly Stock[]> {
  try {
    return parseSeed(await readFile(file, 'utf8'));
  } catch (error) {
    throw new SeedError(`seed file ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** @throws FormatError or SyntaxError saying which stock is wrong. */
export function parseSeed(json: string): readonly Stock[] {
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

function parseStock(item: unknown, what: string): Stock {
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
  return { name, price: cents, quantity: count, version: 0 };
}
