import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { waitUntil } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import {
  answerCommands,
  errorStatus,
  postOrder,
  withFrontend,
  type FrontendFixture,
} from '../testing/fixture.js';

const BODY = '{"name":"AAPL","quantity":1,"type":"buy"}';
const CLOSE = 'Host: x\r\nConnection: close\r\n';

/**
 * Code and `status` of the last response on a connection. Checks that it is JSON in the form of the contract.
 */
function answerOf(raw: string): string {
  const start = raw.lastIndexOf('HTTP/1.1 ');
  const [head = '', body = ''] = raw.slice(start).split('\r\n\r\n', 2);
  assert.match(head, /content-type: application\/json/i);
  assert.match(head, /x-request-id: \S+/i);
  assert.match(head, /x-content-type-options: nosniff/i);
  const text = /\{.*\}/.exec(body)?.[0] ?? '';
  const { error } = JSON.parse(text) as { error: { code: number; message: string; status: string } };
  assert.is(String(error.code), head.slice(9, 12));
  return `${error.code} ${error.status}`;
}

const MALFORMED: readonly (readonly [what: string, bytes: string, answer: string])[] = [
  ['bytes that are not HTTP', 'hello\r\n\r\n', '400 INVALID_REQUEST'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400 INVALID_REQUEST'],
  ['an unknown method', 'BREW /orders HTTP/1.1\r\nHost: x\r\n\r\n', '400 INVALID_REQUEST'],
  ['an unknown version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', '400 INVALID_REQUEST'],
  [
    'both lengths',
    `POST /orders HTTP/1.1\r\n${CLOSE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'two lengths',
    `POST /orders HTTP/1.1\r\n${CLOSE}Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456`,
    '400 INVALID_REQUEST',
  ],
  ['a negative length', `POST /orders HTTP/1.1\r\n${CLOSE}Content-Length: -5\r\n\r\n`, '400 INVALID_REQUEST'],
  [
    'a bad chunk',
    `POST /orders HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'a header of 20 KiB',
    `GET /stocks HTTP/1.1\r\n${CLOSE}X: ${'x'.repeat(20_000)}\r\n\r\n`,
    '431 HEADERS_TOO_LARGE',
  ],
  ['a target of 20 KiB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${CLOSE}\r\n`, '431 HEADERS_TOO_LARGE'],
  ['a missing host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', '400 INVALID_REQUEST'],
  [
    'an invalid host',
    'GET /livez HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n',
    '400 INVALID_REQUEST',
  ],
  ['a target without a slash', `GET livez HTTP/1.1\r\n${CLOSE}\r\n`, '400 INVALID_REQUEST'],
  ['invalid percent-encoding', `GET /stocks/%zz HTTP/1.1\r\n${CLOSE}\r\n`, '400 INVALID_REQUEST'],
  ['percent-encoding that is not UTF-8', `GET /stocks/%ff HTTP/1.1\r\n${CLOSE}\r\n`, '400 INVALID_REQUEST'],
  [
    'invalid percent-encoding in the query',
    `GET /stocks?after=%f HTTP/1.1\r\n${CLOSE}\r\n`,
    '400 INVALID_REQUEST',
  ],
  ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', '405 METHOD_NOT_ALLOWED'],
  ['TRACE', `TRACE /orders HTTP/1.1\r\n${CLOSE}\r\n`, '405 METHOD_NOT_ALLOWED'],
  ['dot segments', `GET /orders/../livez HTTP/1.1\r\n${CLOSE}\r\n`, '404 ROUTE_NOT_FOUND'],
  ['two slashes', `GET //livez HTTP/1.1\r\n${CLOSE}\r\n`, '404 ROUTE_NOT_FOUND'],
  [
    'a body announced as too large',
    `POST /orders HTTP/1.1\r\n${CLOSE}Content-Length: 16385\r\n\r\n`,
    '413 BODY_TOO_LARGE',
  ],
  [
    'a body that grows too large',
    `POST /orders HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n5000\r\n${'x'.repeat(0x5000)}\r\n`,
    '413 BODY_TOO_LARGE',
  ],
  [
    'a body that is not UTF-8',
    `POST /orders HTTP/1.1\r\n${CLOSE}Content-Length: 1\r\n\r\n\xff`,
    '400 INVALID_REQUEST',
  ],
  [
    'two keys',
    `POST /orders HTTP/1.1\r\n${CLOSE}Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'an empty key',
    `POST /orders HTTP/1.1\r\n${CLOSE}Idempotency-Key:\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'a nesting of 8000',
    `POST /orders HTTP/1.1\r\n${CLOSE}Content-Length: 8000\r\n\r\n${'['.repeat(8000)}`,
    '400 INVALID_ORDER',
  ],
];
for (const [what, bytes, answer] of MALFORMED) {
  test(`answers ${what} with ${answer} as JSON`, async () =>
    withFrontend({ ready: false, deadlineMs: 300 }, async ({ url }) => {
      assert.is(answerOf(await sendRaw(url, Buffer.from(bytes, 'latin1'))), answer);
    }));
}

test('answers 408 if a body does not arrive before the deadline', async () =>
  withFrontend({ ready: false, deadlineMs: 100 }, async ({ url }) => {
    const raw = openRaw(url, `POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{`);
    assert.is(answerOf(await raw.closed), '408 REQUEST_TIMEOUT');
  }));

test('serves the first request of a connection that was idle for long', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    const early = openRaw(url, '');
    const begun = openRaw(url, 'GET /livez HTTP/1.1\r\n');
    // The connection that was opened later has timed out by then.
    assert.is(answerOf(await begun.closed), '408 REQUEST_TIMEOUT');
    assert.is(early.received(), '');
    early.socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(await early.closed, /^HTTP\/1.1 200 /);
  }));

for (const path of ['/orders', '/orders?']) {
  test(`answers malformed bytes after POST ${path} after the order, not instead of it`, async () =>
    withFrontend({ deadlineMs: 200 }, async ({ url, replicas }) => {
      answerCommands(replicas[0], () => null);
      const raw = openRaw(url, order(path));
      await waitUntil(() => replicas[0].framesOfType('submit').length === 1, 'the order was submitted');
      raw.socket.write('nonsense\r\n\r\n');
      const parts = (await raw.closed).split(/(?=HTTP\/1.1 )/).filter((part) => part !== '');
      assert.equal(parts.map(answerOf), ['504 OUTCOME_UNKNOWN', '400 INVALID_REQUEST']);
    }));
}

const CHUNKED = 'Host: x\r\nTransfer-Encoding: chunked\r\n\r\n';
const UPGRADE = 'Host: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n';
const EXPECTS = `${CLOSE}Expect: 100-continue\r\nContent-Length: 16385\r\n\r\n`;
for (const [what, bytes, answer] of [
  ['malformed bytes', 'nonsense\r\n\r\n', '400 INVALID_REQUEST'],
  ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', '405 METHOD_NOT_ALLOWED'],
  ['CONNECT with further bytes', `CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n${BODY}`, '405 METHOD_NOT_ALLOWED'],
  ['an upgrade', `GET /nothing HTTP/1.1\r\n${UPGRADE}`, '404 ROUTE_NOT_FOUND'],
  ['an expectation', `POST /orders HTTP/1.1\r\n${EXPECTS}`, '413 BODY_TOO_LARGE'],
  ['a header of 20 KiB', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431 HEADERS_TOO_LARGE'],
  ['a request with a bad chunk', `POST /orders HTTP/1.1\r\n${CHUNKED}zz\r\n`, '400 INVALID_REQUEST'],
] as const) {
  for (const path of ['/orders', '/orders?']) {
    test(`answers ${what} after an open POST ${path} only after the order is filled`, async () =>
      withFrontend({}, async ({ url, replicas }) => {
        for (const isAtOnce of [true, false]) {
          const held = holdOrders(replicas[0]);
          const raw = openRaw(url, order(path) + (isAtOnce ? bytes : ''));
          await waitUntil(() => held.fill !== null, 'the order was submitted');
          if (!isAtOnce) raw.socket.write(bytes);
          // Time enough to read the bytes, and to answer them too early.
          await delay(20);
          assert.is(raw.received(), '');
          held.fill?.();
          const [first = '', ...others] = (await raw.closed).split(/(?=HTTP\/1.1 )/);
          assert.match(first, /^HTTP\/1.1 200 OK\r\n[^]*"transaction_number":3}}$/);
          assert.equal(others.map(answerOf), [answer]);
        }
      }));
  }
}

test('a client that disconnects after CONNECT, before its order is answered, does no harm', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const held = holdOrders(replicas[0]);
    const raw = openRaw(url, `${order('/orders')}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await waitUntil(() => held.fill !== null, 'the order was submitted');
    raw.socket.resetAndDestroy();
    await raw.closed;
    held.fill?.();
    assert.is((await fetch(`${url}/livez`)).status, 200);
  }));

/** Lets the leader fill its next order, with number 3, only when `fill` is called; null until the order arrives. */
function holdOrders(leader: FrontendFixture['replicas'][0]): { fill: (() => void) | null } {
  const held: { fill: (() => void) | null } = { fill: null };
  leader.onFrame = (frame, link) => {
    if (frame.t !== 'submit') return;
    const items = frame.items.map(([id]) => [id, 'filled', 3, 5500] as const);
    held.fill = () => link.send({ t: 'submitted', items });
  };
  return held;
}

/** A request that places an order, with additional header lines. */
function order(path: string, lines = '', version = '1.1'): string {
  return `POST ${path} HTTP/${version}\r\nHost: x\r\n${lines}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
}

const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST = /^HTTP\/1.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*"transaction_number":1}}$/;
for (const [what, bytes] of [
  ['a request', order('/orders', 'Connection: close\r\n') + GET],
  ['a request after one that is not simple', order('/orders?', 'Connection: close\r\n') + GET],
  ['malformed bytes', `${order('/orders', 'Connection: close\r\n')}nonsense\r\n\r\n`],
  ['an empty line', `${order('/orders', 'Connection: close\r\n')}\r\n`],
  ['a request after one of HTTP/1.0', order('/orders', '', '1.0') + GET],
] as const) {
  test(`ignores ${what} after a last order, which is answered before the connection is closed`, async () =>
    withFrontend({}, async ({ url, replicas }) => {
      assert.match(await sendRaw(url, bytes), LAST);
      assert.is(replicas[0].framesOfType('submit').length, 1);
    }));
}

test('ignores a request after any other last request', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    for (const [line, code] of [
      ['HEAD /livez', 200],
      ['GET /nothing', 404],
      ['DELETE /orders', 405],
    ] as const) {
      const answer = await sendRaw(url, `${line} HTTP/1.1\r\n${CLOSE}\r\n${GET}`);
      assert.equal(answer.match(/(?<=HTTP\/1.1 )\d+/g), [String(code)], line);
    }
  }));

test('ignores empty lines before, between and after requests, and they start no timeout', async () =>
  withFrontend({}, async ({ url }) => {
    const plain = openRaw(url, `\r\n${order('/orders')}`);
    const other = openRaw(url, `\r\n${order('/orders?')}`);
    const count = ({ received }: typeof plain): number => received().split('"transaction_number"').length - 1;
    for (const expected of [1, 2]) {
      for (const [raw, path] of [
        [plain, '/orders'],
        [other, '/orders?'],
      ] as const) {
        await waitUntil(() => count(raw) === expected, 'the answer');
        raw.socket.write('\r\n\r\n');
        if (expected === 1) raw.socket.write(order(path));
      }
    }
    // The connection with a partial request times out; the others have not started one.
    const begun = openRaw(url, 'GET /livez HTTP/1.1\r\n');
    assert.is(answerOf(await begun.closed), '408 REQUEST_TIMEOUT');
    for (const raw of [plain, other]) {
      assert.not.match(raw.received(), '408');
      raw.socket.write(`GET /livez HTTP/1.1\r\n${CLOSE}\r\n`);
      assert.match(await raw.closed, /"ok"}$/);
    }
  }));

test('answers a client that has ended its side, on the fast path and by Node', async () =>
  withFrontend({}, async ({ url }) => {
    for (const bytes of [order('/orders'), order('/orders?'), GET, GET + GET]) {
      const raw = openRaw(url, '');
      raw.socket.end(bytes);
      const answers = (await raw.closed).match(/HTTP\/1.1 200 OK/g) ?? [];
      assert.is(answers.length, bytes.split('HTTP/1.1').length - 1, bytes);
    }
  }));

test('sends no 100 Continue for a body that it will refuse, and closes the connection', async () =>
  withFrontend({}, async ({ url }) => {
    const expecting = (lines: string): string =>
      `POST /orders HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${lines}\r\n`;
    for (const [lines, code] of [
      ['Content-Length: 16385\r\n', '413 BODY_TOO_LARGE'],
      ['Content-Length: 9\r\nContent-Type: text/plain\r\n', '415 UNSUPPORTED_MEDIA_TYPE'],
    ] as const) {
      const answer = await sendRaw(url, expecting(lines));
      assert.is(answerOf(answer), code);
      assert.not.match(answer, '100 Continue');
      assert.match(answer, /connection: close/i);
    }
    const good = openRaw(url, expecting(`${CLOSE.slice(9)}Content-Length: ${BODY.length}\r\n`));
    await waitUntil(() => good.received().startsWith('HTTP/1.1 100 Continue'), '100 Continue');
    good.socket.write(BODY);
    assert.match(await good.closed, LAST_AFTER_CONTINUE);
  }));

const LAST_AFTER_CONTINUE =
  /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n[^]*"transaction_number":1}}$/;

test('lists work with any valid Host header', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    for (const replica of replicas)
      replica.onFrame = (frame, link) => {
        if (frame.t === 'list') link.send({ t: 'page', id: frame.id, orders: [], next: null });
      };
    for (const path of ['/stocks?limit=2', '/orders?limit=2', 'http://08/stocks?limit=2']) {
      const answer = await sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: 08\r\nConnection: close\r\n\r\n`);
      assert.match(answer, path.startsWith('h') ? /^HTTP\/1.1 400 / : /^HTTP\/1.1 200 [^]*"data":\[/, path);
    }
  }));

test('serves requests in absolute form, with HTTP/1.0, or with an unknown expectation', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    for (const bytes of [
      `GET http://x/livez?y HTTP/1.1\r\n${CLOSE}\r\n`,
      'GET /livez HTTP/1.0\r\n\r\n',
      `GET /livez HTTP/1.1\r\n${CLOSE}Expect: cake\r\n\r\n`,
      `GET /livez HTTP/1.1\r\n${CLOSE}Upgrade: websocket\r\n\r\n`,
    ]) {
      assert.match(await sendRaw(url, bytes), /^HTTP\/1.1 200 OK[^]*"ok"/, bytes);
    }
  }));

for (const [body, field] of [
  ['{"name":"AAPL","quantity":1,"type":"hold"}', 'type'],
  ['{"name":"AAPL","quantity":0,"type":"buy"}', 'quantity'],
  ['{"name":"AAPL","quantity":-1,"type":"buy"}', 'quantity'],
  ['{"name":"AAPL","quantity":1.5,"type":"buy"}', 'quantity'],
  ['{"name":"AAPL","quantity":"1","type":"buy"}', 'quantity'],
  ['{"name":"AAPL","quantity":9007199254740992,"type":"buy"}', 'quantity'],
  ['{"name":"AAPL","type":"buy"}', 'quantity'],
  ['{"name":"","quantity":1,"type":"buy"}', 'name'],
  ['{"__proto__":{"name":"AAPL"},"quantity":1,"type":"buy"}', 'name'],
  ['not JSON', 'order'],
  ['', 'order'],
  ['null', 'order'],
] as const) {
  test(`refuses the body ${body} and names its field`, async () =>
    withFrontend({ ready: false }, async ({ url }) => {
      const response = await postOrder(url, { 'idempotency-key': 'k' }, body);
      assert.is(response.status, 400);
      assert.is(response.headers.get('idempotency-key'), 'k');
      const { error } = (await response.json()) as { error: { message: string; status: string } };
      assert.is(error.status, 'INVALID_ORDER');
      assert.ok(error.message.startsWith(`${field}: `), error.message);
    }));
}

test('answers 415 to media types other than JSON, but accepts parameters', async () =>
  withFrontend({}, async ({ url }) => {
    for (const type of ['text/plain', 'application/xml', 'application/jsonx']) {
      assert.is(await errorStatus(await postOrder(url, { 'content-type': type })), 'UNSUPPORTED_MEDIA_TYPE');
    }
    const gzip = await postOrder(url, { 'content-encoding': 'gzip' });
    assert.is(await errorStatus(gzip), 'UNSUPPORTED_MEDIA_TYPE');
    assert.is((await postOrder(url, { 'content-type': 'Application/JSON; charset=utf-8' })).status, 200);
  }));

test('answers 405 with Allow to other methods, and 404 to unknown paths', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    for (const [method, path, allow] of [
      ['DELETE', '/orders/1', 'GET, HEAD, OPTIONS'],
      ['PUT', '/orders/', 'GET, HEAD, OPTIONS, POST'],
      ['POST', '/stocks/AAPL', 'GET, HEAD, OPTIONS, PUT'],
      ['GET', '/stocks/AAPL/restock', 'OPTIONS, POST'],
      ['PATCH', '/livez', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const response = await fetch(`${url}${path}`, { method });
      assert.is(await errorStatus(response), 'METHOD_NOT_ALLOWED');
      assert.is(response.headers.get('allow'), allow);
    }
    for (const path of ['/nothing', '/orders/1/2', '/stocks/AAPL/restock/x', '/livez/x']) {
      assert.is(await errorStatus(await fetch(`${url}${path}`)), 'ROUTE_NOT_FOUND', path);
    }
    for (const path of ['/*', '/%2A'])
      assert.is((await fetch(url + path, { method: 'OPTIONS' })).status, 404);
    const options = await fetch(`${url}/orders`, { method: 'OPTIONS' });
    assert.is(options.status, 204);
    assert.is(options.headers.get('allow'), 'GET, HEAD, OPTIONS, POST');
    const head = await fetch(`${url}/livez/`, { method: 'HEAD' });
    assert.is(head.status, 200);
    assert.is(await head.text(), '');
    assert.is((await fetch(`${url}/stocks/AAPL/restock`, { method: 'HEAD' })).status, 405);
  }));

const ASTERISK = 'OPTIONS * HTTP/1.1\r\n';
const ALLOW = 'GET, HEAD, OPTIONS, POST, PUT';

test('answers OPTIONS * with the methods of all paths, and the requests after it', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    const answer = await sendRaw(url, `${ASTERISK}${CLOSE}\r\n`);
    assert.match(answer, new RegExp(`^HTTP/1.1 204 [^]*\r\nAllow: ${ALLOW}\r\n`));
    const next = `GET /livez HTTP/1.1\r\n${CLOSE}\r\n`;
    for (const rest of [
      'Host: x\r\n\r\n',
      'Host: x\r\nContent-Length: 5\r\n\r\nhello',
      `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`,
    ]) {
      const both = await sendRaw(url, `${ASTERISK}${rest}${next}`);
      assert.equal(both.match(/(?<=HTTP\/1.1 )\d+/g), ['204', '200'], rest);
    }
  }));

test('refuses OPTIONS * without a valid host', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    for (const host of ['', 'Host: a b/c\r\n'])
      assert.is(
        answerOf(await sendRaw(url, `${ASTERISK}${host}Connection: close\r\n\r\n`)),
        '400 INVALID_REQUEST',
      );
  }));

test('counts OPTIONS * for the rate limit', async () =>
  withFrontend({ ready: false, rateLimitPerSecond: 1 }, async ({ url }) => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => sendRaw(url, `${ASTERISK}${CLOSE}\r\n`)),
    );
    const refused = answers.find((answer) => !answer.startsWith('HTTP/1.1 204 ')) ?? '';
    assert.is(answerOf(refused), '429 RATE_LIMITED');
  }));

test('answers OPTIONS * with the CORS headers of the configured origin', async () =>
  withFrontend({ ready: false, corsOrigin: 'https://shop.example' }, async ({ url }) => {
    const answer = await sendRaw(url, `${ASTERISK}${CLOSE}\r\n`);
    assert.match(answer, /^HTTP\/1.1 204 /);
    assert.match(answer, '\r\nAccess-Control-Allow-Origin: https://shop.example\r\n');
    assert.match(answer, `\r\nAccess-Control-Allow-Methods: ${ALLOW}\r\n`);
  }));

test('replaces an invalid request id, and generates distinct ids', async () =>
  withFrontend({ ready: false }, async ({ url }) => {
    const idOf = async (id: string): Promise<string> => {
      const response = await fetch(`${url}/livez`, { headers: { 'x-request-id': id } });
      return response.headers.get('x-request-id') ?? '';
    };
    assert.is(await idOf('a/b=c'), 'a/b=c');
    const generated = await Promise.all(['', 'two words', 'x'.repeat(129)].map(idOf));
    assert.is(new Set(generated).size, 3);
    assert.ok(
      generated.every((id) => /^[0-9a-f]{12}-[0-9a-z]+$/.test(id)),
      generated.join(),
    );
  }));

test('is ready once it has a leader, and /status names it', async () => {
  await withFrontend({ ready: false }, async ({ url }) => {
    assert.is((await fetch(`${url}/livez`)).status, 200);
    const response = await fetch(`${url}/readyz`);
    assert.is(response.headers.get('retry-after'), '1');
    assert.is(await errorStatus(response), 'UNAVAILABLE');
  });
  await withFrontend({}, async ({ url }) => {
    assert.is((await fetch(`${url}/readyz`)).status, 200);
    await fetch(`${url}/stocks/AAPL`);
    await fetch(`${url}/stocks/AAPL`);
    const status = (await (await fetch(`${url}/status`)).json()) as Record<string, unknown>;
    assert.is(status['role'], 'frontend');
    assert.is(status['leader'], '1');
    assert.is(status['term'], 1);
    const cache = status['cache'] as Record<string, number>;
    assert.equal([cache['size'], cache['capacity'], cache['hits'], cache['misses']], [1, 5, 1, 1]);
    assert.ok((cache['leaseRemainingMs'] ?? 0) > 0);
  });
});

test('/metrics reports responses, cache and links', async () => {
  await withFrontend({}, async ({ url }) => {
    for (const path of ['/stocks/AAPL', '/stocks/AAPL', '/nowhere']) await fetch(url + path);
    const response = await fetch(`${url}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const expected = [
      'http_responses_total{code="404"} 1',
      'cache_hits_total 1',
      'cache_misses_total 1',
      'has_leader 1',
      'replicas_linked{id="2"} 1',
      'catalogs_linked{id="catalog-1"} 1',
      'lookups_answered_total{kind="cache"} 1',
      'lookups_answered_total{kind="catalog"} 1',
      'lookups_answered_total{kind="replica"} 0',
      'http_request_duration_seconds_count 1',
    ];
    for (const line of expected) assert.match(text, `\ntrireme_${line}\n`);
  });
});

test('/readyz?verbose names every condition', async () => {
  await withFrontend({ ready: false }, async ({ url }) => {
    const response = await fetch(`${url}/readyz?verbose`);
    assert.is(response.status, 503);
    const { checks } = (await response.json()) as { checks: { name: string; ok: boolean }[] };
    assert.equal(
      checks.map(({ name }) => name),
      ['running', 'leader'],
    );
    assert.is(checks[1]?.ok, false);
  });
});

test('while it lingers, the front-end is not ready but keeps serving', async () =>
  withFrontend({ lingerMs: 300 }, async ({ url, frontend }) => {
    const stopped = frontend.stop();
    const response = await fetch(`${url}/readyz`);
    assert.is(response.status, 503);
    assert.match(await response.text(), 'stopping');
    const order = await postOrder(url);
    assert.is(order.status, 200);
    assert.is(order.headers.get('connection'), 'close');
    await stopped;
  }));

test('a stopping front-end answers open requests and then closes their connections', async () =>
  withFrontend({}, async ({ url, replicas, frontend }) => {
    const held = holdOrders(replicas[0]);
    const idle = openRaw(url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitUntil(() => idle.received().includes('"ok"'), 'an idle connection');
    const pending = postOrder(url);
    await waitUntil(() => held.fill !== null, 'the order was submitted');
    const stopped = frontend.stop();
    await idle.closed;
    held.fill?.();
    const response = await pending;
    assert.is(response.status, 200);
    assert.is(response.headers.get('connection'), 'close');
    await stopped;
    await fetch(`${url}/livez`).then(
      () => assert.unreachable('the server still listens'),
      () => undefined,
    );
  }));

test.run();
