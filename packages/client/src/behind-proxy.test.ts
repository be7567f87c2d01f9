/** The client behind a proxy that answers itself or breaks the connection, before or after it forwards the request. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeClient } from './client.js';
import { ClientError } from './errors.js';
import { FakeStore, sendError } from './testing/fake-store.js';
import { htmlPage, TestProxy, type ProxyFault } from './testing/test-proxy.js';

const test = suite<{ store: FakeStore; proxy: TestProxy; once: TriremeClient; retrying: TriremeClient }>(
  'client behind a proxy',
);

test.before.each(async (context) => {
  context.store = new FakeStore();
  context.store.stocks.set('A', 10);
  await context.store.listen();
  context.proxy = new TestProxy(context.store.url);
  await context.proxy.listen();
  context.once = new TriremeClient({ url: context.proxy.url });
  context.retrying = new TriremeClient({ url: context.proxy.url, retries: 4 });
});

test.after.each(async ({ store, proxy, once, retrying }) => {
  await Promise.all([once.close(), retrying.close()]);
  await Promise.all([proxy.close(), store.close()]);
});

async function failureOf(work: Promise<unknown>): Promise<ClientError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.instance(error, ClientError);
  return error as ClientError;
}

const ORDER = { name: 'A', type: 'buy', quantity: 2 } as const;
const OWN_SHAPE = (forwards: boolean): ProxyFault => ({
  kind: 'answer',
  forwards,
  code: 502,
  body: '{"error":{"code":502,"message":"bad gateway","status":"BAD_GATEWAY"}}',
});

const FAULTS: readonly (readonly [string, ProxyFault])[] = [
  ...[true, false].flatMap((forwards) => {
    const when = forwards ? 'after forwarding' : 'before forwarding';
    return [
      [`502 page ${when}`, htmlPage(502, forwards)],
      [`504 page ${when}`, htmlPage(504, forwards)],
      [`429 page ${when}`, htmlPage(429, forwards)],
      [`502 of a foreign shape in JSON ${when}`, OWN_SHAPE(forwards)],
      [`cut ${when}`, { kind: 'cut', forwards }],
    ] as const;
  }),
  ['answer cut in the middle', { kind: 'cutAnswer', forwards: true }],
];

for (const [what, fault] of FAULTS) {
  test(`${what}: the outcome is unknown, and a repeated order with the same key returns it`, async ({
    proxy,
    store,
    once,
  }) => {
    proxy.failNext('POST /orders', fault);
    const error = await failureOf(once.order(ORDER));
    assert.is(error.isOutcomeUnknown, true);
    assert.is(store.orders.length, fault.forwards ? 1 : 0);
    const placed = await once.order({ ...ORDER, key: error.key ?? '' });
    assert.equal(placed, { number: 1, key: error.key });
    assert.is(store.orders.length, 1);
  });

  test(`${what}: a client with retries places the order once`, async ({ proxy, store, retrying }) => {
    proxy.failNext('POST /orders', fault, fault);
    assert.is((await retrying.order(ORDER)).number, 1);
    assert.is(proxy.requests.length, 3);
    assert.is(store.orders.length, 1);
    assert.is(store.stocks.get('A'), 8);
  });
}

test('an invalid answer with status 200 leaves the outcome unknown and is not retried', async (context) => {
  context.proxy.failNext('POST /orders', htmlPage(200, true));
  const error = await failureOf(context.retrying.order(ORDER));
  assert.equal(
    [error.status, error.isOutcomeUnknown, context.proxy.requests.length],
    ['BAD_ANSWER', true, 1],
  );
  assert.match(error.key ?? '', /^[0-9a-f-]{36}$/);
});

test('a 403 page of the proxy leaves the outcome unknown', async ({ proxy, once }) => {
  proxy.failNext('POST /orders', htmlPage(403, false));
  assert.is((await failureOf(once.order(ORDER))).isOutcomeUnknown, true);
});

test('a refusal after an unknown outcome leaves the outcome unknown', async ({ proxy, store, retrying }) => {
  proxy.failNext('POST /orders', htmlPage(502, true));
  store.intercept = (_, response) => {
    if (store.requests.length < 2) return false;
    sendError(response, 503, 'UNAVAILABLE');
    return true;
  };
  const error = await failureOf(retrying.order(ORDER));
  assert.equal([error.status, error.isOutcomeUnknown, store.orders.length], ['UNAVAILABLE', true, 1]);
});

test('a look-up has no unknown outcome and is retried', async ({ proxy, once, retrying }) => {
  proxy.failNext('GET /stocks/A', htmlPage(502, false));
  assert.is((await failureOf(once.stock('A'))).isOutcomeUnknown, false);
  proxy.failNext('GET /stocks/A', htmlPage(502, false), { kind: 'cut', forwards: false });
  assert.is((await retrying.stock('A')).quantity, 10);
});

test('retries end at the deadline', async ({ proxy }) => {
  const impatient = new TriremeClient({ url: proxy.url, retries: 1_000, deadlineMs: 200 });
  proxy.fault = () => htmlPage(502, false);
  const startedAt = performance.now();
  const error = await failureOf(impatient.order(ORDER));
  assert.is(error.code, 502);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.ok(proxy.requests.length > 1);
  await impatient.close();
});

test('an order without a connection has no effect', async ({ proxy }) => {
  await proxy.close();
  const client = new TriremeClient({ url: proxy.url });
  const error = await failureOf(client.order(ORDER));
  assert.equal([error.status, error.isOutcomeUnknown], ['NO_ANSWER', false]);
  await client.close();
  await proxy.listen();
});

test.run();
