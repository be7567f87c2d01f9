/** `trireme stocks`, `stock`, `order`, `orders`: commands that use the public HTTP contract of a front-end. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATOR_TOKEN_FILE, readClusterFile } from '@trireme/cluster';
import { ClientError, TriremeClient, type OrderView, type Page, type StockView } from '@trireme/client';
import { errorMessage, npmScript, triremeCommand, parseWholeNumber } from '@trireme/service';
import { resolveUserPath } from '../command-line.js';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { addCommonOptions, parseUrl, type CommonOptions } from '../options.js';
import { formatTable } from '../table.js';

interface MarketOptions extends CommonOptions {
  readonly frontend?: string;
}

interface OrderOptions extends MarketOptions {
  readonly key?: string;
}

interface StockOptions extends OrderOptions {
  readonly operatorTokenFile?: string;
}

type OrderType = OrderView['type'];
type Order = Pick<OrderView, 'name' | 'type' | 'quantity'>;
/** A placed order; price and time are null if they could not be read. */
type PlacedOrder = Order & {
  readonly number: number;
  readonly price: number | null;
  readonly time: string | null;
};

interface PageOptions {
  readonly limit: number;
  readonly after?: string | undefined;
}

interface ListOptions extends MarketOptions, PageOptions {
  readonly name?: string;
}

/** Retries of a request after a temporary failure. */
const RETRIES = 8;
/** Time limit of a request including its retries, in milliseconds. */
const DEADLINE_MS = 20_000;
/** Errors that are temporary, or mean that no front-end answers. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'RATE_LIMITED',
  'NO_ANSWER',
  'TIMEOUT',
  'OUTCOME_UNKNOWN',
  'BAD_ANSWER',
]);
const PAGE_MAX = 1_000;
/** Bound of the HTTP contract. */
const QUANTITY_MAX = 1_000_000;

export function frontendCommands(): readonly Command[] {
  return [stockCommand(), stocksCommand(), orderCommand(), ordersCommand()];
}

function addFrontendOptions(command: Command): Command {
  return addCommonOptions(command).addOption(
    new Option('--frontend <url>', 'URL of a front-end (default: one of the cluster on --data)')
      .env('TRIREME_FRONTEND')
      .argParser(parseUrl),
  );
}

function addPageOptions(command: Command): Command {
  return addFrontendOptions(command)
    .option('--limit <n>', `maximum number of rows, 1 to ${PAGE_MAX}`, parseWholeNumber(1, PAGE_MAX), 100)
    .option('--after <cursor>', 'start after this cursor, which the previous page printed');
}

function addStockOptions(command: Command): Command {
  return addFrontendOptions(command)
    .addOption(
      new Option(
        '--operator-token-file <file>',
        'file with the operator token (default: that of --data)',
      ).env('TRIREME_OPERATOR_TOKEN_FILE'),
    )
    .option('--key <key>', 'idempotency key: a repeated command with the same key makes no second change');
}

function stockCommand(): Command {
  const stock = new Command('stock').description(
    'Adds a stock to the market, sets its price or restocks it. Requires the operator token.',
  );
  addStockOptions(
    stock
      .command('set')
      .argument('<name>', 'name of the stock')
      .argument('<price>', 'price in decimal currency, for example 55.00', parsePrice),
  )
    .description('Adds a new stock with quantity 0, or sets the price of an existing one.')
    .action(async (name: string, price: number, options: StockOptions) =>
      operate(options, async (client, more) => client.listStock(name, price, more)),
    );
  addStockOptions(
    stock
      .command('restock')
      .argument('<name>', 'name of the stock')
      .argument('<quantity>', 'number of units', parseWholeNumber(1, QUANTITY_MAX)),
  )
    .description('Adds units to an existing stock.')
    .action(async (name: string, quantity: number, options: StockOptions) =>
      operate(options, async (client, more) => client.restock(name, quantity, more)),
    );
  return stock;
}

function stocksCommand(): Command {
  return addPageOptions(new Command('stocks').argument('[name]', 'name of one stock (default: all stocks)'))
    .description('Shows stocks with price and quantity.')
    .action(async (name: string | undefined, options: ListOptions) =>
      at(options, async (client) => {
        const one = name === undefined ? null : { data: [await client.stock(name)], next: null };
        print(
          options,
          one ?? (await client.stocks({ limit: options.limit, after: options.after })),
          stockRows,
        );
      }),
    );
}

function orderCommand(): Command {
  return addFrontendOptions(
    new Command('order')
      .argument('<type>', 'buy or sell', parseType)
      .argument('<name>', 'name of the stock')
      .argument('<quantity>', 'number of units', parseWholeNumber(1, QUANTITY_MAX)),
  )
    .option('--key <key>', 'idempotency key: a repeated command with the same key places no second order')
    .description('Places an order and prints it.')
    .action(async (type: OrderType, name: string, quantity: number, options: OrderOptions) =>
      place({ type, name, quantity }, options),
    );
}

function ordersCommand(): Command {
  return addPageOptions(
    new Command('orders').argument(
      '[number]',
      'number of one order (default: a page of orders)',
      parseWholeNumber(1, Number.MAX_SAFE_INTEGER),
    ),
  )
    .option('--name <stock>', 'only orders for this stock')
    .description('Shows orders, sorted by number.')
    .action(async (number: number | undefined, options: ListOptions) =>
      at(options, async (client) => {
        const one = number === undefined ? null : { data: [await client.getOrder(number)], next: null };
        print(options, one ?? (await ordersOf(client, options)), orderRows);
      }),
    );
}

/** Places an order and prints it. Prints its number and key at once, so that a later failure does not hide them. */
async function place(order: Order, options: OrderOptions): Promise<void> {
  await at(options, async (client) => {
    const { number, key } = await client.order({ ...order, ...keyOf(options) });
    console.error(`placed order ${number} with key ${key ?? ''}`);
    try {
      print(options, { data: [await client.getOrder(number)], next: null }, orderRows);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      console.error(`cannot read its price and time: ${describe(error)}`);
      print(options, { data: [{ number, ...order, price: null, time: null }], next: null }, orderRows);
    }
  });
}

/** Changes a stock and prints its new state. */
async function operate(
  options: StockOptions,
  change: (client: TriremeClient, more: { key?: string }) => Promise<StockView>,
): Promise<void> {
  await at(
    options,
    async (client) => print(options, { data: [await change(client, keyOf(options))], next: null }, stockRows),
    tokenOf(options),
  );
}

function keyOf({ key }: { readonly key?: string }): { key?: string } {
  return key === undefined ? {} : { key };
}

function parseType(text: string): OrderType {
  if (text === 'buy' || text === 'sell') return text;
  throw new InvalidArgumentError('It must be buy or sell.');
}

function tokenOf({ operatorTokenFile, data }: StockOptions): string {
  const path =
    operatorTokenFile !== undefined
      ? resolveUserPath(operatorTokenFile)
      : join(resolveUserPath(data), OPERATOR_TOKEN_FILE);
  try {
    return readFileSync(path, 'utf8').trim().split(/\s*\n/, 1).join();
  } catch (error) {
    throw new CommandError(
      COMMAND_EXIT.usage,
      `cannot read the operator token: ${errorMessage(error)}; check --operator-token-file or --data`,
      { cause: error },
    );
  }
}

function parsePrice(text: string): number {
  if (/^\d{1,12}(\.\d{1,2})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a price above 0 with at most two decimals, for example 55.00.');
}

async function at(
  options: MarketOptions,
  work: (client: TriremeClient) => Promise<void>,
  operatorToken?: string,
): Promise<void> {
  const url = options.frontend ?? frontendOf(resolveUserPath(options.data));
  const client = new TriremeClient({
    url,
    connections: 1,
    retries: RETRIES,
    deadlineMs: DEADLINE_MS,
    operatorToken,
  });
  try {
    await work(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new CommandError(exitOf(error), `${describe(error)}${adviceOf(error)}`, { cause: error });
  } finally {
    await client.close();
  }
}

function describe({ message, status }: ClientError): string {
  return `${message} (${status})`;
}

/** Advice for an order or change with an unknown outcome; empty if the outcome is known. */
function adviceOf({ key, isOutcomeUnknown }: ClientError): string {
  if (!isOutcomeUnknown) return '';
  if (key === null) return '. The outcome is unknown: the request may have taken effect';
  const again = triremeCommand(...withKey(process.argv.slice(2), key));
  return (
    '. The outcome is unknown: the request may have taken effect. To find out, repeat it with the same key ' +
    `(it takes effect at most once): ${again}`
  );
}

/** The same arguments with the key as an option; options end at `--`. */
function withKey(args: readonly string[], key: string): readonly string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const options = args.slice(0, end);
  const isGiven = options.some((arg) => arg === '--key' || arg.startsWith('--key='));
  return isGiven ? args : [...options, '--key', key, ...args.slice(end)];
}

function exitOf({ status, isOutcomeUnknown }: ClientError): CommandError['exitCode'] {
  if (isOutcomeUnknown) return COMMAND_EXIT.incomplete;
  if (status === 'UNAUTHORIZED') return COMMAND_EXIT.denied;
  return UNAVAILABLE.has(status) ? COMMAND_EXIT.unavailable : COMMAND_EXIT.refused;
}

/** URL of a front-end that is up, or of any if none is. */
function frontendOf(dataDir: string): string {
  const file = readClusterFile(dataDir);
  if (file === null)
    throw new CommandError(
      COMMAND_EXIT.usage,
      `${dataDir} has no cluster: give --data or --frontend, or start one: ${npmScript('start')}`,
    );
  const frontends = file.processes.filter(({ role }) => role === 'frontend');
  const found = frontends.find(({ pid }) => pid !== null) ?? frontends[0];
  if (found !== undefined) return found.url;
  throw new CommandError(COMMAND_EXIT.unavailable, `the cluster on ${dataDir} has no front-end`);
}

/** Reads up to `limit` orders. A page may be short before the end of the list, so this may take several requests. */
async function ordersOf(client: TriremeClient, options: ListOptions): Promise<Page<OrderView>> {
  const { name } = options;
  const data: OrderView[] = [];
  let { after } = options;
  for (;;) {
    const limit = options.limit - data.length;
    const page = await client.orders({ limit, after, name });
    data.push(...page.data);
    if (page.next === null || data.length >= options.limit) return { data, next: page.next };
    after = page.next;
  }
}

function print<T>(
  { json }: CommonOptions,
  { data, next }: Page<T>,
  rows: (data: readonly T[]) => string[][],
): void {
  console.log(json ? JSON.stringify({ data, next }, null, 2) : formatTable(rows(data)));
  if (next !== null) console.error(`next page: --after ${next}`);
}

function stockRows(stocks: readonly StockView[]): string[][] {
  const rows = stocks.map(({ name, price, quantity }) => [name, price.toFixed(2), String(quantity)]);
  return [['stock', 'price', 'quantity'], ...rows];
}

function orderRows(orders: readonly PlacedOrder[]): string[][] {
  const rows = orders.map(({ number, name, type, quantity, price, time }) => [
    String(number),
    name,
    type,
    String(quantity),
    price?.toFixed(2) ?? '-',
    time ?? '-',
  ]);
  return [['number', 'stock', 'type', 'quantity', 'price', 'time'], ...rows];
}
