import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RequestCounter } from '../rules/outcomes.js';
import type { HttpRequest } from '../rules/requests.js';
import { SweepClient, type SweepCounters } from './client.js';

/** Returns the given numbers in turn, then the last one forever. */
function scripted(...numbers: readonly number[]): () => number {
  let i = 0;
  return () => numbers[Math.min(i++, numbers.length - 1)] ?? 0;
}

const LOOKUP = '{"data":{"name":"AAPL","price":55.00,"quantity":100}}';
const READ = '{"data":{"number":7,"name":"AAPL","type":"buy","quantity":1,"price":55.00,"time":"x"}}';

/** What the server answers, by kind of request. */
interface Answers {
  readonly lookup?: string;
  readonly order?: string;
  readonly read?: string;
}

/** Runs a client with two look-ups. */
async function shop(
  orderProbability: number,
  numbers: readonly number[],
  answers: Answers = {},
): Promise<{ readonly sent: readonly HttpRequest[]; readonly counters: SweepCounters }> {
  const sent: HttpRequest[] = [];
  const counters = {
    lookup: new RequestCounter(),
    order: new RequestCounter(),
    'order read': new RequestCounter(),
  };
  const send = async (request: HttpRequest): Promise<{ status: number; body: string }> => {
    sent.push(request);
    const { lookup = LOOKUP, order = '{"data":{"transaction_number":7}}', read = READ } = answers;
    const body = request.body !== undefined ? order : request.path.startsWith('/orders/') ? read : lookup;
    return Promise.resolve({ status: 200, body });
  };
  const options = { lookups: 2, orderProbability, chooseStock: () => 'AAPL', random: scripted(...numbers) };
  const client = new SweepClient({ send }, options, counters);
  await client.shop();
  await client.readBack();
  return { sent, counters };
}

const paths = (sent: readonly HttpRequest[]): readonly string[] => sent.map(({ path }) => path);

test('a client with p 0 makes only look-ups', async () => {
  const { sent } = await shop(0, [0]);
  assert.equal(paths(sent), ['/stocks/AAPL', '/stocks/AAPL']);
});

test('a client with p 1 makes an order after each look-up, and reads both back at the end', async () => {
  const { sent } = await shop(1, [0.9]);
  assert.equal(paths(sent), ['/stocks/AAPL', '/orders', '/stocks/AAPL', '/orders', '/orders/7', '/orders/7']);
});

test('a client draws whether to order, then whether to buy or sell', async () => {
  const { sent } = await shop(0.5, [0.49, 0.6, 0.5]);
  assert.equal(paths(sent), ['/stocks/AAPL', '/orders', '/stocks/AAPL', '/orders/7']);
  assert.is(sent[1]?.body, '{"name":"AAPL","type":"sell","quantity":1}');
});

test('wrong content counts as a failure, and an order without a number is not read back', async () => {
  const right = await shop(1, [0, 0.1]);
  for (const counter of Object.values(right.counters)) assert.equal(counter.failures, {});
  assert.is(right.counters['order read'].latency.count, 2);
  const wrong = await shop(1, [0, 0.1], {
    lookup: LOOKUP.replace('AAPL', 'META'),
    read: READ.replace('buy', 'sell'),
  });
  assert.equal(wrong.counters.lookup.failures, { 'lookup returned wrong content': 2 });
  assert.equal(wrong.counters['order read'].failures, { 'order read returned wrong content': 2 });
  const unnumbered = await shop(1, [0, 0.1], { order: '{"data":{}}' });
  assert.equal(unnumbered.counters.order.failures, { 'order returned wrong content': 2 });
  assert.is(unnumbered.sent.length, 4);
});

test.run();
