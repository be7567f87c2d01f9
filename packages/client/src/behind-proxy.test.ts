/** The client behind a proxy that answers for the server, or breaks off, before and after the request was forwarded. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeClient } from './client.js';
import { ClientError } from './errors.js';
import { FakeStore, refuse } from './testing/fake-store.js';
import { htmlPage, TestProxy, type ProxyFault } from './testing/test-proxy.js';

const test = suite<{ store: FakeStore; proxy: TestProxy; once: TriremeClient; patient: TriremeClient }>(
  'client behind a proxy',
);

test.before.each(async (context) => {
  context.store = new FakeStore();
  context.store.stocks.set('A', 10);
  await context.store.listen();
  context.proxy = new TestProxy(context.store.url);
  await context.proxy.listen();
  context.once = new TriremeClient({ url: context.proxy.url });
  context.patient = new TriremeClient({ url: context.proxy.url, retries: 4 });
});

test.after.each(async ({ store, proxy, once, patient }) => {
  await Promise.all([once.close(), patient.close()]);
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
  ...{ kind: 'answer', forwards, code: 502 },
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
  test(`${what}: the outcome is unknown, and asking again with the key tells it`, async ({
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

  test(`${what}: with retries the order is placed once`, async ({ proxy, store, patient }) => {
    proxy.failNext('POST /orders', fault, fault);
    assert.is((await patient.order(ORDER)).number, 1);
    assert.is(proxy.seen.length, 3);
    assert.is(store.orders.length, 1);
    assert.is(store.stocks.get('A'), 8);
  });
}

test('a 200 that is not the contract’s leaves the outcome unknown, and is not asked again', async (context) => {
  context.proxy.failNext('POST /orders', htmlPage(200, true));
  const error = await failureOf(context.patient.order(ORDER));
  assert.equal([error.status, error.isOutcomeUnknown, context.proxy.seen.length], ['BAD_ANSWER', true, 1]);
  assert.match(error.key ?? '', /^[0-9a-f-]{36}$/);
});

test('a page that refuses is no word of the contract', async ({ proxy, once }) => {
  proxy.failNext('POST /orders', htmlPage(403, false));
  assert.is((await failureOf(once.order(ORDER))).isOutcomeUnknown, true);
});

test('a refusal after an unknown outcome leaves it unknown', async ({ proxy, store, patient }) => {
  proxy.failNext('POST /orders', htmlPage(502, true));
  store.intercept = (_, response) => {
    if (store.seen.length < 2) return false;
    refuse(response, 503, 'UNAVAILABLE');
    return true;
  };
  const error = await failureOf(patient.order(ORDER));
  assert.equal([error.status, error.isOutcomeUnknown, store.orders.length], ['UNAVAILABLE', true, 1]);
});

test('a look-up has no outcome, and is asked again', async ({ proxy, once, patient }) => {
  proxy.failNext('GET /stocks/A', htmlPage(502, false));
  assert.is((await failureOf(once.stock('A'))).isOutcomeUnknown, false);
  proxy.failNext('GET /stocks/A', htmlPage(502, false), { kind: 'cut', forwards: false });
  assert.is((await patient.stock('A')).quantity, 10);
});

test('tries end at the deadline', async ({ proxy }) => {
  const hasty = new TriremeClient({ url: proxy.url, retries: 1_000, deadlineMs: 200 });
  proxy.fault = () => htmlPage(502, false);
  const startedAt = performance.now();
  const error = await failureOf(hasty.order(ORDER));
  assert.is(error.code, 502);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.ok(proxy.seen.length > 1);
  await hasty.close();
});

test('an order that reached nobody had no effect', async ({ proxy }) => {
  await proxy.close();
  const client = new TriremeClient({ url: proxy.url });
  const error = await failureOf(client.order(ORDER));
  assert.equal([error.status, error.isOutcomeUnknown], ['NO_ANSWER', false]);
  await client.close();
  await proxy.listen();
});

test.run();
