/** The OpenAPI document is valid, covers exactly the existing routes, and matches the actual responses. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  RESPONSE_SCHEMAS,
  apiSchemas,
  parseListBody,
  parseOrderBody,
  parseRestockBody,
  PUBLIC_STATUSES,
  TriremeError,
  type ApiSchemaName,
  type ErrorStatus,
} from '@trireme/domain';
import { COMMON_ERRORS, OPERATIONS, type Operation } from '../rules/contract/operations.js';
import { openApiDocument } from '../rules/contract/openapi.js';
import { allowedMethods } from '../routes/routes.js';
import { answerCommands, OPERATOR_TOKEN, withFrontend, type FrontendFixture } from '../testing/fixture.js';

test('openApiDocument is valid OpenAPI 3.1 and contains everything that it refers to', async () => {
  const validator = new Validator();
  const document = JSON.parse(JSON.stringify(openApiDocument())) as Record<string, unknown>;
  const result = await validator.validate(document);
  assert.ok(result.valid, JSON.stringify(result.errors));
  assert.is(validator.version, '3.1');
  for (const [, kind = '', name = ''] of JSON.stringify(document).matchAll(
    /"#\/components\/(\w+)\/(\w+)"/g,
  )) {
    const components = openApiDocument()['components'] as Record<string, Record<string, unknown>>;
    assert.ok(components[kind]?.[name] !== undefined, `${kind} ${name}`);
  }
});

test('openApiDocument covers exactly the existing routes and methods', () => {
  for (const path of new Set(OPERATIONS.map((operation) => operation.path))) {
    const methods = OPERATIONS.filter((operation) => operation.path === path).map(({ method }) =>
      method.toUpperCase(),
    );
    const allowed = (allowedMethods(path.replace('{name}', 'A').replace('{number}', '1')) ?? '').split(', ');
    assert.equal(
      allowed.filter((method) => method !== 'HEAD' && method !== 'OPTIONS'),
      methods.toSorted(),
      path,
    );
  }
  const statuses = new Set<ErrorStatus>([
    ...COMMON_ERRORS,
    ...OPERATIONS.flatMap(({ errors }) => errors),
    ...(['UNAUTHORIZED', 'ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED'] as const),
  ]);
  assert.equal([...statuses].toSorted(), PUBLIC_STATUSES.toSorted(), 'every status is documented');
});

/** Checks a response against the document's description of its operation. */
async function conforms(
  response: Response,
  { id, response: answer, errors, supportsConditional }: Operation,
): Promise<void> {
  const text = await response.text();
  assert.ok((response.headers.get('x-request-id') ?? '') !== '', id);
  assert.is(response.headers.get('x-served-by'), 'frontend-1', id);
  if (response.status === 200) {
    const type = answer.mediaType ?? 'application/json';
    assert.ok(response.headers.get('content-type')?.startsWith(type), `${id} ${type}`);
    if (answer.schema !== undefined) {
      RESPONSE_SCHEMAS[answer.schema as keyof typeof RESPONSE_SCHEMAS].parse(JSON.parse(text));
    }
    return;
  }
  if (response.status === 304) {
    assert.ok(supportsConditional, id);
    return;
  }
  const { error } = RESPONSE_SCHEMAS.Error.parse(JSON.parse(text));
  assert.is(error.code, response.status);
  assert.ok([...errors, ...COMMON_ERRORS, 'UNAUTHORIZED'].includes(error.status), `${id} ${error.status}`);
}

function operation(id: string): Operation {
  const found = OPERATIONS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
}

const JSON_BODY = { 'content-type': 'application/json' };
const OPERATOR = { ...JSON_BODY, authorization: `Bearer ${OPERATOR_TOKEN}` };

/** One request: operation, path, options of `fetch`, and the expected status code. */
type Row = readonly [id: string, path: string, init: RequestInit, status: number];

function post(body: string, headers: Record<string, string> = JSON_BODY, method = 'POST'): RequestInit {
  return { method, headers, body };
}

const ORDER = '{"name":"AAPL","type":"buy","quantity":1}';

const ROWS: readonly Row[] = [
  ['getStock', '/stocks/AAPL', {}, 200],
  ['getStock', '/stocks/AAPL/', { headers: { 'if-none-match': '"l1-v7"' } }, 304],
  ['getStock', '/stocks/NONE', {}, 404],
  ['listStocks', '/stocks?limit=1', {}, 200],
  ['listStocks', '/stocks?limit=0', {}, 400],
  ['placeOrder', '/orders', post(ORDER), 200],
  ['placeOrder', '/orders/', post(ORDER), 200],
  ['placeOrder', '/orders', post('{"name":"AAPL","type":"buy","quantity":-1}'), 400],
  ['placeOrder', '/orders', post(ORDER, { 'content-type': 'text/plain' }), 415],
  ['placeOrder', '/orders', post(' '.repeat(17_000)), 413],
  ['placeOrder', '/orders', post(ORDER, { ...JSON_BODY, 'idempotency-key': 'ä' }), 400],
  ['getOrder', '/orders/0', {}, 404],
  ['listOrders', '/orders?after=x', {}, 400],
  ['putStock', '/stocks/AAPL', post('{"price":12.5}', OPERATOR, 'PUT'), 200],
  ['putStock', '/stocks/AAPL', post('{"price":12.5}', JSON_BODY, 'PUT'), 401],
  ['putStock', '/stocks/AAPL', post('{"price":0}', OPERATOR, 'PUT'), 400],
  ['restock', '/stocks/AAPL/restock', post('{"quantity":5}', OPERATOR), 200],
  ['restock', '/stocks/AAPL/restock', post('{"quantity":0.5}', OPERATOR), 400],
  ...['dashboard:/', 'docs:/docs', 'openapi:/openapi.json', 'livez:/livez', 'readyz:/readyz'].map(simpleGet),
  ...['status:/status', 'metrics:/metrics'].map(simpleGet),
];

function simpleGet(text: string): Row {
  const [id = '', path = ''] = text.split(':');
  return [id, path, {}, 200];
}

test('responses match the document', async () =>
  withFrontend({}, async ({ url }: FrontendFixture) => {
    for (const [id, path, init, status] of ROWS) {
      const response = await fetch(url + path, init);
      assert.is(response.status, status, `${id} ${path}`);
      await conforms(response, operation(id));
    }
    const etag = (await fetch(`${url}/openapi.json`)).headers.get('etag') ?? '';
    const again = await fetch(`${url}/openapi.json`, { headers: { 'if-none-match': etag } });
    assert.is(again.status, 304);
  }));

test('rejected orders match the document', async () =>
  withFrontend({}, async ({ url, replicas: [leader] }: FrontendFixture) => {
    for (const [reason, code] of [
      ['STOCK_NOT_FOUND', 404],
      ['INSUFFICIENT_STOCK', 409],
      ['LIMIT_REACHED', 409],
    ] as const) {
      answerCommands(leader, ([id]) => [id, 'rejected', reason]);
      const response = await fetch(`${url}/orders`, post(ORDER));
      assert.is(response.status, code, reason);
      await conforms(response, operation('placeOrder'));
    }
    answerCommands(leader, ([id]) => [id, 'keyReused']);
    const reused = await fetch(`${url}/orders`, post(ORDER));
    assert.is(reused.status, 422);
    await conforms(reused, operation('placeOrder'));
  }));

test('the docs page lists every operation and error and contains no script', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    const response = await fetch(`${url}/docs`);
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
    const html = await response.text();
    for (const { path, summary } of OPERATIONS)
      assert.ok(html.includes(path) && html.includes(summary), path);
    for (const word of PUBLIC_STATUSES) assert.ok(html.includes(word), word);
    assert.not.match(html, /<script|style="| on\w+="/);
  }));

/** Whether a parser accepts a body. */
function accepts(parse: (json: string) => unknown, body: unknown): boolean {
  try {
    parse(JSON.stringify(body));
    return true;
  } catch (error) {
    if (error instanceof TriremeError) return false;
    throw error;
  }
}

const anything = fc.oneof(
  fc.integer({ min: -2, max: 1_000_002 }),
  fc.double(),
  fc.string({ maxLength: 70 }),
  fc.constantFrom<unknown>('buy', 'sell', 1, 1_000_000, null, true, '', 0.01, 1e7, 12.34, 2 ** 53, [], {}),
);
const orders = fc.record(
  {
    name: fc.oneof(fc.string({ maxLength: 70 }), anything),
    type: anything,
    quantity: anything,
    more: anything,
  },
  { requiredKeys: [] },
);

function validatorOf(name: ApiSchemaName): (body: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  const validate = ajv.compile(apiSchemas()[name]);
  return (body) => validate(JSON.parse(JSON.stringify(body)));
}

test('property: the request schemas accept exactly the bodies that the server accepts', () => {
  const [order, restock, price] = [
    validatorOf('OrderRequest'),
    validatorOf('Restock'),
    validatorOf('StockPrice'),
  ];
  fc.assert(
    fc.property(fc.oneof(orders, anything), (body) => {
      assert.is(order(body), accepts(parseOrderBody, body), JSON.stringify(body));
      assert.is(restock(body), accepts(parseRestockBody, body), JSON.stringify(body));
    }),
    { numRuns: 2_000 },
  );
  const valid = fc.record({
    name: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' }),
    type: fc.constantFrom('buy', 'sell'),
    quantity: fc.integer({ min: 1, max: 1_000_000 }),
  });
  fc.assert(fc.property(valid, (body) => order(body) && accepts(parseOrderBody, body)));
  // The schema cannot limit a price to two decimals: it may accept more than the server, never less.
  fc.assert(
    fc.property(
      fc.record({
        price: fc.oneof(
          anything,
          fc.integer({ min: 1, max: 1e9 }).map((c) => c / 100),
        ),
      }),
      (body) => {
        assert.ok(price(body) || !accepts(parseListBody, body), JSON.stringify(body));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('pages of other origins can read responses only if an origin is configured', async () => {
  await withFrontend({ ready: false }, async ({ url }) => {
    const response = await fetch(`${url}/livez`, { headers: { origin: 'https://shop.example' } });
    assert.is(response.headers.get('access-control-allow-origin'), null);
  });
  await withFrontend({ ready: false, corsOrigin: 'https://shop.example' }, async ({ url }) => {
    for (const path of ['/livez', '/nowhere']) {
      const response = await fetch(url + path);
      assert.is(response.headers.get('access-control-allow-origin'), 'https://shop.example');
      assert.match(response.headers.get('access-control-expose-headers') ?? '', /Location/);
    }
    const preflight = await fetch(`${url}/orders`, { method: 'OPTIONS' });
    assert.is(preflight.status, 204);
    assert.is(preflight.headers.get('access-control-allow-methods'), 'GET, HEAD, OPTIONS, POST');
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Idempotency-Key/);
  });
});

test('the rate limit refuses excess requests of an address, but not health checks and metrics', async () => {
  await withFrontend({ ready: false, rateLimitPerSecond: 2 }, async ({ url }) => {
    const answers = await Promise.all(Array.from({ length: 12 }, async () => fetch(`${url}/status`)));
    const refused = answers.find(({ status }) => status === 429);
    assert.ok(refused !== undefined);
    assert.is(refused.headers.get('retry-after'), '1');
    await conforms(refused, operation('status'));
    assert.is((await fetch(`${url}/livez`)).status, 200);
    assert.is((await fetch(`${url}/metrics`)).status, 200);
  });
});

test.run();
