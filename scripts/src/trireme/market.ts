/** `trireme stocks`, `stock`, `order`, `orders`: the public contract at a front-end, from the command line. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OPERATOR_TOKEN_FILE, readClusterFile } from '@trireme/cluster';
import { ClientError, TriremeClient, type OrderAnswer, type Page, type StockAnswer } from '@trireme/client';
import { wholeNumber } from '@trireme/service';
import { parseUrl, type CommonOptions } from './connect.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { formatTable } from './table.js';

interface MarketOptions extends CommonOptions {
  readonly frontend?: string;
}

interface StockOptions extends MarketOptions {
  readonly operatorTokenFile?: string;
  readonly key?: string;
}

interface ListOptions extends MarketOptions {
  readonly limit: number;
  readonly after?: string;
  readonly name?: string;
}

/** How often a request is sent again after a failure that passes; an order then has a key. */
const RETRIES = 5;
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
  market(program.command('order').argument('<type>', 'buy or sell').argument('<name>').argument('<quantity>'))
    .option('--key <key>', 'idempotency key: the same key never makes a second order')
    .description('Places an order and shows it.')
    .action(async (type: string, name: string, quantity: string, options: MarketOptions & { key?: string }) =>
      at(options, async (client) => {
        if (type !== 'buy' && type !== 'sell')
          throw new CommandError(COMMAND_EXIT.usage, 'the type is buy or sell');
        const { key } = options;
        const order = {
          type,
          name,
          quantity: Number(quantity),
          ...(key === undefined ? {} : { key }),
        } as const;
        const { number } = await client.order(order);
        print(options, { data: [await client.getOrder(number)], next: null }, orderRows);
      }),
    );
  paged(program.command('orders').argument('[number]', 'one order; a page of them unless given'))
    .option('--name <stock>', 'of one stock')
    .description('Shows orders by number.')
    .action(async (number: string | undefined, options: ListOptions) =>
      at(options, async (client) => {
        const one =
          number === undefined ? null : { data: [await client.getOrder(Number(number))], next: null };
        const name = options.name === undefined ? {} : { name: options.name };
        print(options, one ?? (await client.orders({ ...pageOf(options), ...name })), orderRows);
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

/** Changes a stock and shows it as it is then. */
async function operate(
  options: StockOptions,
  change: (client: TriremeClient, more: { key: string }) => Promise<StockAnswer>,
): Promise<void> {
  // A key of ours as well: whoever is not told the outcome learns it by asking again with it.
  const key = options.key ?? randomUUID();
  await at(
    options,
    async (client) => print(options, { data: [await change(client, { key })], next: null }, stockRows),
    tokenOf(options),
  );
}

function tokenOf({ operatorTokenFile, data }: StockOptions): string {
  const path = operatorTokenFile ?? join(resolve(data), OPERATOR_TOKEN_FILE);
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
  const url = options.frontend ?? frontendOf(resolve(options.data));
  const client = new TriremeClient({
    ...{ url, connections: 1, retries: RETRIES },
    ...(operatorToken === undefined ? {} : { operatorToken }),
  });
  try {
    await work(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const again = error.key === null ? '' : `; ask again with --key ${error.key}`;
    throw new CommandError(exitOf(error), `${error.message} (${error.status})${again}`, { cause: error });
  } finally {
    await client.close();
  }
}

function exitOf({ status }: ClientError): CommandError['exitCode'] {
  if (status === 'UNAUTHORIZED') return COMMAND_EXIT.denied;
  if (status === 'NO_ANSWER' || status === 'UNAVAILABLE') return COMMAND_EXIT.unavailable;
  return status === 'TIMEOUT' || status === 'OUTCOME_UNKNOWN' ? COMMAND_EXIT.again : COMMAND_EXIT.refused;
}

function frontendOf(dataDir: string): string {
  const { processes } = readClusterFile(dataDir) ?? { processes: [] };
  const up = processes.find(({ role, pid }) => role === 'frontend' && pid !== null);
  if (up !== undefined) return up.url;
  throw new CommandError(COMMAND_EXIT.usage, `no front-end runs on ${dataDir}: give --data or --frontend`);
}

function pageOf({ limit, after }: ListOptions): { limit: number; after?: string } {
  return { limit, ...(after === undefined ? {} : { after }) };
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

function orderRows(orders: readonly OrderAnswer[]): string[][] {
  const rows = orders.map(({ number, name, type, quantity, price, time }) => [
    ...[String(number), name, type, String(quantity), price.toFixed(2), time],
  ]);
  return [['number', 'stock', 'type', 'quantity', 'price', 'time'], ...rows];
}
