/** `npm run shop`: runs shoppers. Exits with 1 if a request fails or an order is not read back as it was placed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { formatReport, hasNoFailures } from './rules/report.js';
import { runShoppers } from './shopping.js';

interface ShopOptions {
  readonly url: readonly string[];
  readonly data: string;
  readonly clients: number;
  readonly requests: number;
  readonly p: number;
  readonly seed: number;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999999.');
}

function parseSeed(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 0 to 4294967295.');
}

function parseProbability(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

function collectUrl(text: string, urls: readonly string[]): readonly string[] {
  if (URL.canParse(text) && /^https?:/.test(text)) return [...urls, text];
  throw new InvalidArgumentError('It must be a URL, for example http://127.0.0.1:8080.');
}

/** URLs of the front-ends of the cluster on a data folder. */
function urlsOf(dataDir: string): string[] {
  const path = join(dataDir, 'cluster.json');
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as { processes: { role: string; url: string }[] };
    return file.processes.filter(({ role }) => role === 'frontend').map(({ url }) => url);
  } catch (error) {
    throw new Error(`cannot read ${path}: start a cluster with npm start, or give --url`, { cause: error });
  }
}

async function run(options: ShopOptions): Promise<void> {
  const urls = options.url.length > 0 ? options.url : urlsOf(options.data);
  const { clients, requests, p, seed } = options;
  console.log(
    `${clients} clients, ${requests} look-ups each, p ${p}, seed ${seed}, at ${urls.join(' and ')}`,
  );
  const report = await runShoppers({ urls, clients, requests, orderProbability: p, seed });
  console.log(formatReport(report));
  process.exitCode = hasNoFailures(report) ? 0 : 1;
}

const command = new Command('npm run shop --')
  .description(
    'Runs concurrent clients against the front-ends. Each client looks up random stocks and orders an available ' +
      'stock with probability p: buy or sell with equal probability, 1 unit in 80% of the orders, otherwise 2 or 3. ' +
      'At the end each client reads back its orders and compares them. Exits with 1 if a request fails or an order ' +
      'differs.',
  )
  .option(
    '--url <url>',
    'URL of a front-end; repeat it for several, which clients use in turn',
    collectUrl,
    [],
  )
  .option(
    '--data <folder>',
    'data folder of the cluster whose front-ends to use if there is no --url',
    'data',
  )
  .option('--clients <n>', 'number of concurrent clients', parseCount, 5)
  .option('--requests <n>', 'look-ups of each client', parseCount, 200)
  .option('--p <probability>', 'probability of an order after a look-up, 0 to 1', parseProbability, 0.8)
  .option('--seed <n>', 'seed of the random choices', parseSeed, 1)
  .action(run);

try {
  await command.parseAsync();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
