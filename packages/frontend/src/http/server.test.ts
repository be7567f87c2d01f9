import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { until } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import { answerSubmits, errorStatus, postOrder, withRig } from '../testing/rig.js';

const BODY = '{"name":"AAPL","quantity":1,"type":"buy"}';
const CLOSE = 'Host: x\r\nConnection: close\r\n';

/** The code and the word of the last answer on a connection, after checks that it is JSON in the contract's form. */
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
  ['no HTTP at all', 'hello\r\n\r\n', '400 INVALID_REQUEST'],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400 INVALID_REQUEST'],
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
  ['no host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', '400 INVALID_REQUEST'],
  [
    'a host that is none',
    'GET /livez HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n',
    '400 INVALID_REQUEST',
  ],
  ['a target without a slash', `GET livez HTTP/1.1\r\n${CLOSE}\r\n`, '400 INVALID_REQUEST'],
  ['broken percent-encoding', `GET /stocks/%zz HTTP/1.1\r\n${CLOSE}\r\n`, '400 INVALID_REQUEST'],
  ['percent-encoding that is not UTF-8', `GET /stocks/%ff HTTP/1.1\r\n${CLOSE}\r\n`, '400 INVALID_REQUEST'],
  [
    'broken percent-encoding in the query',
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
  test(`${what} is answered ${answer} as JSON`, async () =>
    withRig({ ready: false, deadlineMs: 300 }, async ({ url }) => {
      assert.is(answerOf(await sendRaw(url, Buffer.from(bytes, 'latin1'))), answer);
    }));
}

test('a body that does not arrive in time is 408', async () =>
  withRig({ ready: false, deadlineMs: 100 }, async ({ url }) => {
    const raw = openRaw(url, `POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{`);
    assert.is(answerOf(await raw.closed), '408 REQUEST_TIMEOUT');
  }));

test('a connection that was opened ahead of need is served when its first request comes', async () =>
  withRig({ ready: false }, async ({ url }) => {
    const early = openRaw(url, '');
    const begun = openRaw(url, 'GET /livez HTTP/1.1\r\n');
    // The younger of the two is out of time by then.
    assert.is(answerOf(await begun.closed), '408 REQUEST_TIMEOUT');
    assert.is(early.received(), '');
    early.socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(await early.closed, /^HTTP\/1.1 200 /);
  }));

for (const path of ['/orders', '/orders?']) {
  test(`nonsense behind POST ${path} is answered after the order, and not in its place`, async () =>
    withRig({ deadlineMs: 200 }, async ({ url, replicas }) => {
      answerSubmits(replicas[0], () => null);
      const raw = openRaw(url, order(path));
      await until(() => replicas[0].of('submit').length === 1, 'the order was handed over');
      raw.socket.write('nonsense\r\n\r\n');
      const parts = (await raw.closed).split(/(?=HTTP\/1.1 )/).filter((part) => part !== '');
      assert.equal(parts.map(answerOf), ['504 OUTCOME_UNKNOWN', '400 INVALID_REQUEST']);
    }));
}

/** The request of an order, with more lines. */
function order(path: string, lines = '', version = '1.1'): string {
  return `POST ${path} HTTP/${version}\r\nHost: x\r\n${lines}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
}

const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST = /^HTTP\/1.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*"transaction_number":1}}$/;
for (const [what, bytes] of [
  ['a request', order('/orders', 'Connection: close\r\n') + GET],
  ['a request behind one that is not simple', order('/orders?', 'Connection: close\r\n') + GET],
  ['nonsense', `${order('/orders', 'Connection: close\r\n')}nonsense\r\n\r\n`],
  ['an empty line', `${order('/orders', 'Connection: close\r\n')}\r\n`],
  ['a request behind one of HTTP/1.0', order('/orders', '', '1.0') + GET],
] as const) {
  test(`behind a last order ${what} is ignored: the order is answered, then the connection is closed`, async () =>
    withRig({}, async ({ url, replicas }) => {
      assert.match(await sendRaw(url, bytes), LAST);
      assert.is(replicas[0].of('submit').length, 1);
    }));
}

test('behind other last requests as well, whatever they ask and are answered', async () =>
  withRig({ ready: false }, async ({ url }) => {
    for (const [line, code] of [
      ['HEAD /livez', 200],
      ['GET /nothing', 404],
      ['DELETE /orders', 405],
    ] as const) {
      const answer = await sendRaw(url, `${line} HTTP/1.1\r\n${CLOSE}\r\n${GET}`);
      assert.equal(answer.match(/(?<=HTTP\/1.1 )\d+/g), [String(code)], line);
    }
  }));

test('empty lines before, between and behind requests are ignored, and start no clock', async () =>
  withRig({}, async ({ url }) => {
    const plain = openRaw(url, `\r\n${order('/orders')}`);
    const other = openRaw(url, `\r\n${order('/orders?')}`);
    const count = ({ received }: typeof plain): number => received().split('"transaction_number"').length - 1;
    for (const expected of [1, 2]) {
      for (const [raw, path] of [
        [plain, '/orders'],
        [other, '/orders?'],
      ] as const) {
        await until(() => count(raw) === expected, 'the answer');
        raw.socket.write('\r\n\r\n');
        if (expected === 1) raw.socket.write(order(path));
      }
    }
    // One that has begun a request is told that it took too long; the others have begun none.
    const begun = openRaw(url, 'GET /livez HTTP/1.1\r\n');
    assert.is(answerOf(await begun.closed), '408 REQUEST_TIMEOUT');
    for (const raw of [plain, other]) {
      assert.not.match(raw.received(), '408');
      raw.socket.write(`GET /livez HTTP/1.1\r\n${CLOSE}\r\n`);
      assert.match(await raw.closed, /"ok"}$/);
    }
  }));

test('a client that has sent all it will is answered, by whichever way', async () =>
  withRig({}, async ({ url }) => {
    for (const bytes of [order('/orders'), order('/orders?'), GET, GET + GET]) {
      const raw = openRaw(url, '');
      raw.socket.end(bytes);
      const answers = (await raw.closed).match(/HTTP\/1.1 200 OK/g) ?? [];
      assert.is(answers.length, bytes.split('HTTP/1.1').length - 1, bytes);
    }
  }));

test('a body that will be refused is not asked for, and its connection is closed', async () =>
  withRig({}, async ({ url }) => {
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
    await until(() => good.received().startsWith('HTTP/1.1 100 Continue'), 'the body is asked for');
    good.socket.write(BODY);
    assert.match(await good.closed, LAST_AFTER_CONTINUE);
  }));

const LAST_AFTER_CONTINUE =
  /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n[^]*"transaction_number":1}}$/;

test('lists are given whatever the host', async () =>
  withRig({}, async ({ url, replicas }) => {
    for (const replica of replicas)
      replica.onFrame = (frame, link) => {
        if (frame.t === 'list') link.send({ t: 'page', id: frame.id, orders: [], next: null });
      };
    for (const path of ['/stocks?limit=2', '/orders?limit=2', 'http://08/stocks?limit=2']) {
      const answer = await sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: 08\r\nConnection: close\r\n\r\n`);
      assert.match(answer, path.startsWith('h') ? /^HTTP\/1.1 400 / : /^HTTP\/1.1 200 [^]*"data":\[/, path);
    }
  }));

test('a request in absolute form, by HTTP/1.0, or with an odd expectation is served', async () =>
  withRig({ ready: false }, async ({ url }) => {
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
  test(`the body ${body} is refused by its field`, async () =>
    withRig({ ready: false }, async ({ url }) => {
      const response = await postOrder(url, { 'idempotency-key': 'k' }, body);
      assert.is(response.status, 400);
      assert.is(response.headers.get('idempotency-key'), 'k');
      const { error } = (await response.json()) as { error: { message: string; status: string } };
      assert.is(error.status, 'INVALID_ORDER');
      assert.ok(error.message.startsWith(`${field}: `), error.message);
    }));
}

test('media types other than JSON are 415, and parameters of JSON are not', async () =>
  withRig({}, async ({ url }) => {
    for (const type of ['text/plain', 'application/xml', 'application/jsonx']) {
      assert.is(await errorStatus(await postOrder(url, { 'content-type': type })), 'UNSUPPORTED_MEDIA_TYPE');
    }
    const gzip = await postOrder(url, { 'content-encoding': 'gzip' });
    assert.is(await errorStatus(gzip), 'UNSUPPORTED_MEDIA_TYPE');
    assert.is((await postOrder(url, { 'content-type': 'Application/JSON; charset=utf-8' })).status, 200);
  }));

test('other methods are told which ones there are, other paths that there is nothing', async () =>
  withRig({ ready: false }, async ({ url }) => {
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
    const ofServer = 'OPTIONS * HTTP/1.1\r\nConnection: close\r\n';
    assert.match(
      await openRaw(url, `${ofServer}Host: x\r\n\r\n`).closed,
      /^HTTP\/1.1 204 [^]*\r\nAllow: GET, HEAD, OPTIONS, POST, PUT\r\n/,
    );
    assert.match(await openRaw(url, `${ofServer}\r\n`).closed, /^HTTP\/1.1 400 /);
    const options = await fetch(`${url}/orders`, { method: 'OPTIONS' });
    assert.is(options.status, 204);
    assert.is(options.headers.get('allow'), 'GET, HEAD, OPTIONS, POST');
    const head = await fetch(`${url}/livez/`, { method: 'HEAD' });
    assert.is(head.status, 200);
    assert.is(await head.text(), '');
    assert.is((await fetch(`${url}/stocks/AAPL/restock`, { method: 'HEAD' })).status, 405);
  }));

test('a request id that is not sane is replaced, and ids are distinct', async () =>
  withRig({ ready: false }, async ({ url }) => {
    const idOf = async (id: string): Promise<string> => {
      const response = await fetch(`${url}/livez`, { headers: { 'x-request-id': id } });
      return response.headers.get('x-request-id') ?? '';
    };
    assert.is(await idOf('a/b=c'), 'a/b=c');
    const made = await Promise.all(['', 'two words', 'x'.repeat(129)].map(idOf));
    assert.is(new Set(made).size, 3);
    assert.ok(
      made.every((id) => /^[0-9a-f]{12}-[0-9a-z]+$/.test(id)),
      made.join(),
    );
  }));

test('it is ready with a leader, and says whom it follows', async () => {
  await withRig({ ready: false }, async ({ url }) => {
    assert.is((await fetch(`${url}/livez`)).status, 200);
    const response = await fetch(`${url}/readyz`);
    assert.is(response.headers.get('retry-after'), '1');
    assert.is(await errorStatus(response), 'UNAVAILABLE');
  });
  await withRig({}, async ({ url }) => {
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

test('it tells of answers, cache and links to whoever asks for metrics', async () => {
  await withRig({}, async ({ url }) => {
    for (const path of ['/stocks/AAPL', '/stocks/AAPL', '/nowhere']) await fetch(url + path);
    const response = await fetch(`${url}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const told = [
      'http_answers_total{code="404"} 1',
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
    for (const line of told) assert.match(text, `\ntrireme_${line}\n`);
  });
});

test('verbose readiness names every condition', async () => {
  await withRig({ ready: false }, async ({ url }) => {
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

test('a front-end that is told to linger is not ready, and serves on until its time is over', async () =>
  withRig({ lingerMs: 300 }, async ({ url, frontend }) => {
    const stopped = frontend.stop();
    const response = await fetch(`${url}/readyz`);
    assert.is(response.status, 503);
    assert.match(await response.text(), 'stopping');
    const order = await postOrder(url);
    assert.is(order.status, 200);
    assert.is(order.headers.get('connection'), 'close');
    await stopped;
  }));

test('a front-end that stops answers what is under way, with the last word on its connection', async () =>
  withRig({}, async ({ url, replicas, frontend }) => {
    const state: { release: (() => void) | null } = { release: null };
    replicas[0].onFrame = (frame, link) => {
      if (frame.t !== 'submit') return;
      const items = frame.items.map(([id]) => [id, 'filled', 3, 5500] as const);
      state.release = () => link.send({ t: 'submitted', items });
    };
    const idle = openRaw(url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => idle.received().includes('"ok"'), 'an idle connection stands');
    const pending = postOrder(url);
    await until(() => state.release !== null, 'the order is under way');
    const stopped = frontend.stop();
    await idle.closed;
    state.release?.();
    const response = await pending;
    assert.is(response.status, 200);
    assert.is(response.headers.get('connection'), 'close');
    await stopped;
    await fetch(`${url}/livez`).then(
      () => assert.unreachable('it still listens'),
      () => undefined,
    );
  }));

test.run();
