/** `trireme stocks`, `stock`, `order`, `orders`: the public contract at a front-end, from the command line. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATOR_TOKEN_FILE, readClusterFile } from '@trireme/cluster';
import { ClientError, TriremeClient, type OrderAnswer, type Page, type StockAnswer } from '@trireme/client';
import { npmScript, operatorCommand, wholeNumber } from '@trireme/service';
import { userPath } from '../command-line.js';
import { parseUrl, type CommonOptions } from './connect.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { formatTable } from './table.js';

interface MarketOptions extends CommonOptions {
  readonly frontend?: string;
}

interface OrderOptions extends MarketOptions {
  readonly key?: string;
}

interface StockOptions extends OrderOptions {
  readonly operatorTokenFile?: string;
}

type OrderType = OrderAnswer['type'];
type Order = Pick<OrderAnswer, 'name' | 'type' | 'quantity'>;
/** An order that was placed: its price and time are null where they could not be read. */
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

/** How often a request is sent again after a failure that may pass. */
const RETRIES = 8;
/** One request with all its tries, in milliseconds. */
const DEADLINE_MS = 20_000;
/** What passes by itself, or means that no front-end answers there. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'RATE_LIMITED',
  'NO_ANSWER',
  'TIMEOUT',
  'OUTCOME_UNKNOWN',
  'BAD_ANSWER',
]);
const PAGE_MAX = 1_000;
/** The contract's bound. */
const QUANTITY_MAX = 1_000_000;

/** Adds the commands; `common` gives each the options that all have. */
export function addMarketCommands(program: Command, common: (command: Command) => Command): void {
  const market = (command: Command): Command =>
    common(command).addOption(
      new Option('--frontend <url>', 'a front-end, instead of one that --data names')
        .env('TRIREME_FRONTEND')
        .argParser(parseUrl),
    );
  const paged = (command: Command): Command =>
    market(command)
      .option('--limit <n>', 'lines at most', wholeNumber(1, PAGE_MAX), 100)
      .option('--after <cursor>', 'go on behind the last line of the page before');
  program.addCommand(stockCommand(market));
  paged(program.command('stocks').argument('[name]', 'one stock; all of them unless given'))
    .description('Shows stocks with price and quantity.')
    .action(async (name: string | undefined, options: ListOptions) =>
      at(options, async (client) => {
        const one = name === undefined ? null : { data: [await client.stock(name)], next: null };
        print(options, one ?? (await client.stocks(pageOf(options))), stockRows);
      }),
    );
  market(
    program
      .command('order')
      .argument('<type>', 'buy or sell', parseType)
      .argument('<name>')
      .argument('<quantity>', 'units', wholeNumber(1, QUANTITY_MAX)),
  )
    .option('--key <key>', 'idempotency key: the same key never makes a second order')
    .description('Places an order and shows it.')
    .action(async (type: OrderType, name: string, quantity: number, options: OrderOptions) =>
      place({ type, name, quantity }, options),
    );
  paged(program.command('orders').argument('[number]', 'one order; a page of them unless given'))
    .option('--name <stock>', 'of one stock')
    .description('Shows orders by number.')
    .action(async (number: string | undefined, options: ListOptions) =>
      at(options, async (client) => {
        const one =
          number === undefined ? null : { data: [await client.getOrder(Number(number))], next: null };
        print(options, one ?? (await ordersOf(client, options)), orderRows);
      }),
    );
}

function stockCommand(market: (command: Command) => Command): Command {
  const stock = new Command('stock').description('Changes a stock, as its operator.');
  const changing = (command: Command): Command =>
    market(command)
      .addOption(
        new Option('--operator-token-file <file>', "the operator's token; that of --data unless given").env(
          'TRIREME_OPERATOR_TOKEN_FILE',
        ),
      )
      .option('--key <key>', 'idempotency key: the same key never changes it twice');
  changing(
    stock
      .command('set')
      .argument('<name>')
      .argument('<price>', 'decimal currency, such as 55.00', parsePrice),
  )
    .description('Lists a stock with none of it, or sets the price of one that is listed.')
    .action(async (name: string, price: number, options: StockOptions) =>
      operate(options, async (client, more) => client.listStock(name, price, more)),
    );
  changing(
    stock.command('restock').argument('<name>').argument('<quantity>', 'units', wholeNumber(1, QUANTITY_MAX)),
  )
    .description('Adds to a stock.')
    .action(async (name: string, quantity: number, options: StockOptions) =>
      operate(options, async (client, more) => client.restock(name, quantity, more)),
    );
  return stock;
}

/** Places an order and shows it. Number and key are told as soon as they are known, whatever fails then. */
async function place(order: Order, options: OrderOptions): Promise<void> {
  await at(options, async (client) => {
    const { number, key } = await client.order({ ...order, ...keyOf(options) });
    console.error(`placed order ${number} with key ${key ?? ''}`);
    try {
      print(options, { data: [await client.getOrder(number)], next: null }, orderRows);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      console.error(`its price and time cannot be read: ${describe(error)}`);
      print(options, { data: [{ number, ...order, price: null, time: null }], next: null }, orderRows);
    }
  });
}

/** Changes a stock and shows it as it is then. */
async function operate(
  options: StockOptions,
  change: (client: TriremeClient, more: { key?: string }) => Promise<StockAnswer>,
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
    operatorTokenFile !== undefined ? userPath(operatorTokenFile) : join(userPath(data), OPERATOR_TOKEN_FILE);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new CommandError(COMMAND_EXIT.usage, `cannot read the operator's token in ${path}`, {
      cause: error,
    });
  }
}

function parsePrice(text: string): number {
  if (/^\d{1,12}(\.\d{1,2})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be decimal currency with cents at most, such as 55.00.');
}

async function at(
  options: MarketOptions,
  work: (client: TriremeClient) => Promise<void>,
  operatorToken?: string,
): Promise<void> {
  const url = options.frontend ?? frontendOf(userPath(options.data));
  const client = new TriremeClient({
    ...{ url, connections: 1, retries: RETRIES, deadlineMs: DEADLINE_MS },
    ...(operatorToken === undefined ? {} : { operatorToken }),
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

/** How to find out what became of an order or change. Where it had no effect there is nothing to find out. */
function adviceOf({ key, isOutcomeUnknown }: ClientError): string {
  if (!isOutcomeUnknown) return '';
  if (key === null) return '. The outcome is unknown: it may have been done';
  const again = operatorCommand(...withKey(process.argv.slice(2), key));
  return `. The outcome is unknown: it may have been done. The same key does it once at most and tells the outcome: ${again}`;
}

/** The same arguments with the key among the options, which end at `--`. */
function withKey(args: readonly string[], key: string): readonly string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const options = args.slice(0, end);
  const isGiven = options.some((arg) => arg === '--key' || arg.startsWith('--key='));
  return isGiven ? args : [...options, '--key', key, ...args.slice(end)];
}

function exitOf({ status, isOutcomeUnknown }: ClientError): CommandError['exitCode'] {
  if (isOutcomeUnknown) return COMMAND_EXIT.again;
  if (status === 'UNAUTHORIZED') return COMMAND_EXIT.denied;
  return UNAVAILABLE.has(status) ? COMMAND_EXIT.unavailable : COMMAND_EXIT.refused;
}

/** A front-end that is up; where none is, the one that was. */
function frontendOf(dataDir: string): string {
  const file = readClusterFile(dataDir);
  if (file === null)
    throw new CommandError(
      COMMAND_EXIT.usage,
      `no cluster has run on ${dataDir}: give --data, or --frontend, or start one: ${npmScript('start')}`,
    );
  const frontends = file.processes.filter(({ role }) => role === 'frontend');
  const found = frontends.find(({ pid }) => pid !== null) ?? frontends[0];
  if (found !== undefined) return found.url;
  throw new CommandError(COMMAND_EXIT.unavailable, `the cluster on ${dataDir} has no front-end`);
}

function pageOf({ limit, after }: PageOptions): { limit: number; after?: string } {
  return { limit, ...(after === undefined ? {} : { after }) };
}

/** As many orders as were asked for, through pages that are short before the end. */
async function ordersOf(client: TriremeClient, options: ListOptions): Promise<Page<OrderAnswer>> {
  const name = options.name === undefined ? {} : { name: options.name };
  const data: OrderAnswer[] = [];
  let { after } = options;
  for (;;) {
    const limit = options.limit - data.length;
    const page = await client.orders({ ...pageOf({ ...options, limit, after }), ...name });
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
  if (next !== null) console.error(`more: --after ${next}`);
}

function stockRows(stocks: readonly StockAnswer[]): string[][] {
  const rows = stocks.map(({ name, price, quantity }) => [name, price.toFixed(2), String(quantity)]);
  return [['stock', 'price', 'quantity'], ...rows];
}

function orderRows(orders: readonly PlacedOrder[]): string[][] {
  const rows = orders.map(({ number, name, type, quantity, price, time }) => [
    ...[String(number), name, type, String(quantity), price?.toFixed(2) ?? '-', time ?? '-'],
  ]);
  return [['number', 'stock', 'type', 'quantity', 'price', 'time'], ...rows];
}
