import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeClient } from './client.js';
import { ClientError } from './errors.js';
import { sendJson, FakeStore, sendError } from './testing/fake-store.js';

const test = suite<{ store: FakeStore; client: TriremeClient }>('client');

test.before.each(async (context) => {
  context.store = new FakeStore();
  for (const name of ['A', 'B', 'C', 'D']) context.store.stocks.set(name, 10);
  await context.store.listen();
  context.client = new TriremeClient({ url: context.store.url, operatorToken: 'token' });
});

test.after.each(async ({ store, client }) => {
  await store.close();
  await client.close();
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

test('looks up a stock, places orders and reads them back', async ({ client, store }) => {
  assert.equal(await client.stock('A'), { name: 'A', price: 5, quantity: 10 });
  assert.equal(await client.order({ ...ORDER, key: 'k1' }), { number: 1, key: 'k1' });
  assert.is(store.requests.at(-1)?.headers['idempotency-key'], 'k1');
  assert.equal(await client.order({ ...ORDER, key: null }), { number: 2, key: null });
  assert.is(store.requests.at(-1)?.headers['idempotency-key'], undefined);
  const { key } = await client.order(ORDER);
  assert.is(store.requests.at(-1)?.headers['idempotency-key'], key);
  assert.is((await client.getOrder(2)).quantity, 2);
  assert.is((await client.orders({ name: 'A', limit: 5 })).data.length, 3);
  assert.is(store.requests.at(-1)?.line, 'GET /orders?name=A&limit=5');
  const page = await client.stocks({ limit: 3 });
  assert.is(page.next, 'C');
  assert.is((await client.stocks({ after: 'C' })).next, null);
});

test('escapes names in paths', async ({ client, store }) => {
  await failureOf(client.stock('../a b?'));
  assert.is(store.requests[0]?.line, 'GET /stocks/..%2Fa%20b%3F');
});

test('lists and restocks a stock with the operator token', async ({ client, store }) => {
  await client.listStock('A', 5.25);
  const [listed] = store.requests;
  assert.is(listed?.line, 'PUT /stocks/A');
  assert.is(listed?.body, '{"price":5.25}');
  assert.is(listed?.headers.authorization, 'Bearer token');
  assert.match(String(listed?.headers['idempotency-key']), /^[0-9a-f-]{36}$/);
  store.intercept = (_, response) => {
    sendJson(response, 200, { data: { name: 'A', price: 5, quantity: 15 } });
    return true;
  };
  assert.is((await client.restock('A', 5)).quantity, 15);
  assert.is(store.requests[1]?.line, 'POST /stocks/A/restock');
});

test('a refusal has status, code, key and retryAfter', async ({ client, store }) => {
  const missing = await failureOf(client.stock('NONE'));
  assert.equal([missing.status, missing.code, missing.key], ['STOCK_NOT_FOUND', 404, null]);
  store.intercept = (_, response) => {
    sendError(response, 504, 'OUTCOME_UNKNOWN', { 'idempotency-key': 'made', 'retry-after': '2' });
    return true;
  };
  const unknown = await failureOf(client.order(ORDER));
  assert.equal([unknown.status, unknown.key, unknown.retryAfter], ['OUTCOME_UNKNOWN', 'made', 2]);
  assert.is(store.requests.filter(({ line }) => line === 'POST /orders').length, 1);
});

test('an answer that does not follow the contract is BAD_ANSWER', async ({ client, store }) => {
  for (const [status, text] of [
    [500, '<html>'],
    [200, '<html>'],
    [200, '{"data":{}}'],
    [418, '{"error":{"status":"TEAPOT"}}'],
  ] as const) {
    store.intercept = (_, response) => {
      response.writeHead(status).end(text);
      return true;
    };
    assert.is((await failureOf(client.stock('A'))).status, 'BAD_ANSWER', text);
  }
});

test('distinguishes NO_ANSWER, TIMEOUT and ABORTED', async ({ client, store }) => {
  store.intercept = () => true;
  const impatient = new TriremeClient({ url: store.url, timeoutMs: 30 });
  const late = await failureOf(impatient.order({ ...ORDER, key: 'k' }));
  assert.equal([late.status, late.code, late.key], ['TIMEOUT', 0, 'k']);
  const caller = new AbortController();
  const aborted = failureOf(client.order(ORDER, { signal: caller.signal }));
  caller.abort();
  assert.is((await aborted).status, 'ABORTED');
  store.intercept = (_, response) => {
    response.destroy();
    return true;
  };
  assert.is((await failureOf(client.stock('A'))).status, 'NO_ANSWER');
  await impatient.close();
});

test('retries an order with the same key', async ({ store }) => {
  const retrying = new TriremeClient({ url: store.url, retries: 3 });
  let failures = 2;
  store.intercept = (_, response) => {
    if (failures-- <= 0) return false;
    sendError(response, 503, 'UNAVAILABLE');
    return true;
  };
  const placed = await retrying.order(ORDER);
  const keys = store.requests.map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys, [placed.key, placed.key, placed.key]);
  assert.is(store.orders.length, 1);
  await retrying.close();
});

test('ends after the last retry, or when the caller aborts during a backoff', async ({ store }) => {
  const retrying = new TriremeClient({ url: store.url, retries: 1 });
  store.intercept = (_, response) => {
    sendError(response, 503, 'UNAVAILABLE', { 'retry-after': '0' });
    return true;
  };
  assert.is((await failureOf(retrying.stock('A'))).status, 'UNAVAILABLE');
  assert.is(store.requests.length, 2);
  const caller = new AbortController();
  store.intercept = (_, response) => {
    sendError(response, 503, 'UNAVAILABLE', { 'retry-after': '5' });
    response.once('close', () => caller.abort());
    return true;
  };
  assert.is((await failureOf(retrying.stock('A', { signal: caller.signal }))).status, 'ABORTED');
  await retrying.close();
});

test.run();
