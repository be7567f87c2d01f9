/** The public API on a real cluster with two front-ends: order numbers, idempotency keys, rejections, cache. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestCluster, orderNumberOf, errorStatusOf, type HttpAnswer } from './test-cluster.js';

const test = suite('contract');

const testCluster = TestCluster.forSuite(test, { frontends: 2 });

async function together(
  count: number,
  send: (i: number) => Promise<HttpAnswer>,
): Promise<readonly HttpAnswer[]> {
  return Promise.all(Array.from({ length: count }, async (_, i) => send(i)));
}

const countOf = (answers: readonly HttpAnswer[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;

test('200 concurrent sells get 200 consecutive numbers and add 200 to the stock', async () => {
  const before = await testCluster().quantity('GOOGL');
  const first = orderNumberOf(await testCluster().order('sell', 'AMZN', 1)) + 1;
  const answers = await together(200, async (i) => testCluster().order('sell', 'GOOGL', 1, undefined, i % 2));
  const numbers = answers.map(orderNumberOf).sort((a, b) => a - b);
  assert.equal(
    numbers,
    Array.from({ length: 200 }, (_, i) => first + i),
  );
  assert.is(await testCluster().quantity('GOOGL'), before + 200);
});

test('150 concurrent buys of a stock at 100: 100 are filled and 50 are rejected', async () => {
  const answers = await together(150, async (i) => testCluster().order('buy', 'NFLX', 1, undefined, i % 2));
  assert.is(countOf(answers, 200), 100);
  assert.is(countOf(answers, 409), 50);
  for (const answer of answers.filter(({ status }) => status === 409)) {
    assert.is(errorStatusOf(answer), 'INSUFFICIENT_STOCK');
  }
  assert.is(await testCluster().quantity('NFLX'), 0);
  assert.is(await testCluster().quantity('NFLX', 1), 0);
});

test('50 concurrent requests with one key through two front-ends make one order; another body is rejected', async () => {
  const before = await testCluster().quantity('META');
  const answers = await together(50, async (i) => testCluster().order('buy', 'META', 3, 'fifty', i % 2));
  assert.is(countOf(answers, 200), 50);
  assert.is(new Set(answers.map(orderNumberOf)).size, 1, 'all replies have the same number');
  assert.is(await testCluster().quantity('META'), before - 3);

  const other = await testCluster().order('buy', 'META', 4, 'fifty');
  assert.is(other.status, 422);
  assert.is(errorStatusOf(other), 'KEY_REUSED');
  assert.is(await testCluster().quantity('META'), before - 3);
});

test('rejected order takes no number and moves no stock; a retry with its key is rejected again', async () => {
  const number = orderNumberOf(await testCluster().order('sell', 'BoarCo', 1));
  const before = await testCluster().quantity('BoarCo');
  const tooMany = await testCluster().order('buy', 'BoarCo', before + 1, 'too-many');
  assert.is(tooMany.status, 409);
  const unknown = await testCluster().order('buy', 'NoSuchCo', 1);
  assert.is(unknown.status, 404);
  assert.is(errorStatusOf(unknown), 'STOCK_NOT_FOUND');
  assert.is(await testCluster().quantity('BoarCo'), before);
  await testCluster().order('sell', 'BoarCo', 5);
  assert.is(
    (await testCluster().order('buy', 'BoarCo', before + 1, 'too-many')).status,
    409,
    'a retry returns the stored outcome',
  );
  assert.is(orderNumberOf(await testCluster().order('sell', 'BoarCo', 1)), number + 2);
});

test('order reads return the order as placed, through either front-end', async () => {
  const answer = await testCluster().order('buy', 'MenhirCo', 7);
  const number = orderNumberOf(answer);
  assert.is(answer.headers.get('location'), `/orders/${number}`);
  for (const frontend of [0, 1]) {
    const read = await testCluster().request('GET', `/orders/${number}/`, { frontend });
    assert.is(read.status, 200);
    const { data } = read.json() as { data: Record<string, unknown> };
    assert.equal(Object.keys(data), ['number', 'name', 'type', 'quantity', 'price', 'time']);
    assert.equal(
      { ...data, time: '' },
      { number, name: 'MenhirCo', type: 'buy', quantity: 7, price: 40, time: '' },
    );
  }
  const missing = await testCluster().request('GET', `/orders/${number + 1000}`);
  assert.is(missing.status, 404);
  assert.is(errorStatusOf(missing), 'ORDER_NOT_FOUND');
});

test('cache of five stocks evicts the least recently used', async () => {
  const names = ['GameStart', 'RottenFishCo', 'BoarCo', 'MenhirCo', 'AAPL'];
  const isHit = async (name: string): Promise<boolean> =>
    (await testCluster().request('GET', `/stocks/${name}`)).headers.get('x-cache') === 'hit';
  /** Returns false if the lease expired meanwhile, as it may on a busy machine: then nothing is a hit. */
  const checkEviction = async (): Promise<boolean> => {
    for (const name of names) await isHit(name);
    for (const name of names) if (!(await isHit(name))) return false;
    assert.not(await isHit('NVDA'));
    assert.not(await isHit('GameStart'), 'the least recently used stock was evicted');
    return isHit('AAPL');
  };
  for (const deadline = performance.now() + 20_000; !(await checkEviction());) {
    assert.ok(performance.now() < deadline, 'the cache holds five stocks, among them the most recently used');
  }
});

test('every front-end returns the new quantity right after an order is acknowledged', async () => {
  for (let round = 0; round < 20; round += 1) {
    const before = await testCluster().quantity('NVDA', 0);
    assert.is(await testCluster().quantity('NVDA', 1), before);
    await testCluster().order('sell', 'NVDA', 1, undefined, round % 2);
    assert.is(await testCluster().quantity('NVDA', 0), before + 1);
    assert.is(await testCluster().quantity('NVDA', 1), before + 1);
  }
});

test('paging through stocks and orders returns each of them once', async () => {
  const walk = async (path: string): Promise<unknown[]> => {
    const all: unknown[] = [];
    let after: string | number | null = null;
    do {
      const query: string = after === null ? '' : `&after=${after}`;
      const answer = await testCluster().request('GET', `${path}?limit=4${query}`);
      const page = answer.json() as { data: unknown[]; next: string | number | null };
      all.push(...page.data);
      after = page.next;
    } while (after !== null);
    return all;
  };
  const stocks = (await walk('/stocks')) as { name: string }[];
  assert.is(new Set(stocks.map(({ name }) => name)).size, 10);
  const last = orderNumberOf(await testCluster().order('sell', 'AAPL', 1));
  const orders = (await walk('/orders')) as { number: number }[];
  assert.equal(
    orders.map(({ number }) => number),
    Array.from({ length: last }, (_, i) => i + 1),
  );
});

test('invalid requests get a JSON error with a status word', async () => {
  const bodies: readonly unknown[] = [
    { name: 'AAPL', type: 'hold', quantity: 1 },
    ...[0, -1, 1.5, '1', 2 ** 53, null].map((quantity) => ({ name: 'AAPL', type: 'buy', quantity })),
    { name: 'AAPL', type: 'buy' },
    { type: 'buy', quantity: 1 },
    'not json',
    '[]',
  ];
  for (const body of bodies) {
    const answer = await testCluster().request('POST', '/orders', { body });
    assert.is(answer.status, 400, JSON.stringify(body));
    assert.is(errorStatusOf(answer), 'INVALID_ORDER');
  }
  const rows: readonly (readonly [string, string, number, string])[] = [
    ['GET', '/nothing', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/stocks/NoSuchCo', 404, 'STOCK_NOT_FOUND'],
    ['GET', '/orders/0', 404, 'ORDER_NOT_FOUND'],
    ['DELETE', '/orders', 405, 'METHOD_NOT_ALLOWED'],
    ['PUT', '/stocks/AAPL', 401, 'UNAUTHORIZED'],
  ];
  for (const [method, path, code, status] of rows) {
    const answer = await testCluster().request(method, path);
    assert.is(answer.status, code, path);
    assert.is(errorStatusOf(answer), status);
  }
  const large = await testCluster().request('POST', '/orders', { body: 'x'.repeat(17 * 1024) });
  assert.is(errorStatusOf(large), 'BODY_TOO_LARGE');
  const typed = await testCluster().request('POST', '/orders', {
    body: 'a=b',
    headers: { 'content-type': 'text/plain' },
  });
  assert.is(errorStatusOf(typed), 'UNSUPPORTED_MEDIA_TYPE');
});

test.run();
