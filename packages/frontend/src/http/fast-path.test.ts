import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import type { OrderReadResult } from '@trireme/domain';
import { waitUntil } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import { answerCommands, reply, withFrontend, type FrontendFixture } from '../testing/fixture.js';

const BODY = '{"name":"AAPL","quantity":1,"type":"buy"}';
const JSON_TYPE = 'Content-Type: application/json\r\n';
/** The same request on the fast path and by Hono: an empty query changes nothing, but is not simple. */
const PATHS = ['/orders', '/orders?'] as const;
type Path = (typeof PATHS)[number];

function post(path: string, headers = '', body = BODY, length = Buffer.byteLength(body)): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`;
}

/** Whether a response comes from the fast path: Hono writes the length after the date. */
function isFast(answer: string): boolean {
  return answer.indexOf('Content-Length') < answer.indexOf('Date: ');
}

/**
 * The responses on a connection without what always differs: date, order of headers, generated ids and keys.
 */
function normalized(raw: string): string[] {
  return raw.split(/(?=HTTP\/1\.1 )/).map((answer) => {
    const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
    const [line = '', ...headers] = head.split('\r\n');
    const kept = headers.filter((header) => !header.startsWith('Date: ')).sort();
    return [line, ...kept, '', body]
      .join('\r\n')
      .replace(/[0-9a-f]{12}-[0-9a-z]+(?=\r\n)/, 'id')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'key');
  });
}

/** Sends the same request on both paths, compares the responses, and returns that of the fast path. */
async function same(
  { url }: FrontendFixture,
  bytes: (path: Path) => string,
  fastPaths: readonly Path[] = ['/orders'],
): Promise<string> {
  const answers = await Promise.all(PATHS.map(async (path) => sendRaw(url, bytes(path))));
  const [fast = '', other = ''] = answers;
  assert.equal(normalized(fast), normalized(other));
  assert.equal(
    PATHS.filter((_path, i) => isFast(answers[i] ?? '')),
    fastPaths,
    fast,
  );
  return fast;
}

const CLOSE = 'Connection: close\r\n';

const PLAIN: readonly (readonly [what: string, line: string, bytes: (path: Path) => string])[] = [
  ['a good order', '200 OK', (path) => post(path, CLOSE + JSON_TYPE)],
  ['an order without a media type', '200 OK', (path) => post(path, CLOSE)],
  ['an order with a key', '200 OK', (path) => post(path, `${CLOSE}Idempotency-Key: my, "key" 1\r\n`)],
  ['an order with an id', '200 OK', (path) => post(path, `${CLOSE}X-Request-Id: mine\r\n`)],
  ['an order with an invalid id', '200 OK', (path) => post(path, `${CLOSE}X-Request-Id: a b\r\n`)],
  ['a trailing slash', '200 OK', (path) => post(path.replace('orders', 'orders/'), CLOSE)],
  ['a body that is not JSON', '400 Bad Request', (path) => post(path, CLOSE, 'nonsense')],
  ['an empty body', '400 Bad Request', (path) => post(path, CLOSE, '')],
  [
    'an invalid field',
    '400 Bad Request',
    (path) => post(path, CLOSE, '{"name":"é","quantity":0,"type":"buy"}'),
  ],
  [
    'a field twice',
    '400 Bad Request',
    (path) => post(path, CLOSE, '{"name":"A","quantity":1,"type":"buy","quantity":2}'),
  ],
  [
    'a name that is not well-formed',
    '400 Bad Request',
    (path) => post(path, CLOSE, '{"name":"\\ud83d","quantity":1,"type":"buy"}'),
  ],
  ['an invalid key', '400 Bad Request', (path) => post(path, `${CLOSE}Idempotency-Key: é\r\n`)],
  [
    'an unsupported media type',
    '415 Unsupported Media Type',
    (path) => post(path, `${CLOSE}Content-Type: text/plain\r\n`),
  ],
  [
    'an encoded body',
    '415 Unsupported Media Type',
    (path) => post(path, `${CLOSE}Content-Encoding: gzip\r\n`),
  ],
  ['a body of 16 KiB', '400 Bad Request', (path) => post(path, CLOSE, ' '.repeat(16_384))],
];

test('simple requests get the same response on both paths', async () =>
  withFrontend({}, async (fixture) => {
    fillSame(fixture);
    for (const [what, line, bytes] of PLAIN) {
      const answer = await same(fixture, bytes);
      assert.ok(answer.startsWith(`HTTP/1.1 ${line}\r\n`), `${what}: ${answer}`);
    }
  }));

const ODD: readonly (readonly [what: string, code: number, bytes: (path: Path) => string])[] = [
  ['a body that is too large', 413, (path) => post(path, CLOSE, '', 16_385)],
  ['an unknown length', 200, (path) => chunked(path)],
  ['an expectation', 200, (path) => post(path, `${CLOSE}Expect: 100-continue\r\n`)],
  ['no length', 400, (path) => `POST ${path} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`],
  ['an encoded letter', 200, (path) => post(path, CLOSE).replace('/orders', '/%6frd%65rs')],
  ['a host in capitals', 200, (path) => post(path, CLOSE).replace('Host: x', 'Host: X')],
  ['an invalid host', 400, (path) => post(path, CLOSE).replace('Host: x', 'Host: a b/c')],
  ['two keys', 400, (path) => post(path, `${CLOSE}Idempotency-Key: a\r\nIdempotency-Key: b\r\n`)],
  ['another method', 405, (path) => post(path, CLOSE).replace('POST', 'PATCH')],
];

test('requests that are not simple go to Hono', async () =>
  withFrontend({}, async (fixture) => {
    fillSame(fixture);
    for (const [what, code, bytes] of ODD) {
      const answer = await same(fixture, bytes, []);
      assert.ok(new RegExp(`HTTP/1.1 ${code} (?![^]*HTTP)`).test(answer), `${what}: ${answer}`);
    }
  }));

/** Makes the leader give every order the same number. */
function fillSame({ replicas }: FrontendFixture): void {
  answerCommands(replicas[0], ([id]) => [id, 'filled', 7, 5500]);
}

function chunked(path: Path): string {
  const size = BODY.length.toString(16);
  return `POST ${path} HTTP/1.1\r\nHost: x\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n${size}\r\n${BODY}\r\n0\r\n\r\n`;
}

test('every result of an order gives the same response on both paths', async () =>
  withFrontend({ deadlineMs: 150 }, async (fixture) => {
    for (const [code, result] of [
      [404, ['rejected', 'STOCK_NOT_FOUND']],
      [409, ['rejected', 'INSUFFICIENT_STOCK']],
      [422, ['keyReused']],
      [500, ['done']],
      [503, ['refused', 'busy']],
      [504, ['lost']],
      [504, null],
    ] as const) {
      answerCommands(fixture.replicas[0], ([id]) => (result === null ? null : ([id, ...result] as const)));
      const answer = await same(fixture, (path) => post(path, `${CLOSE}Idempotency-Key: k\r\n`));
      assert.match(answer, new RegExp(`^HTTP/1.1 ${code} [^]*\r\nIdempotency-Key: k\r\n`));
    }
  }));

test('without a leader the response is the same on both paths', async () =>
  withFrontend({ deadlineMs: 100, ready: false }, async (fixture) => {
    assert.match(
      await same(fixture, (path) => post(path, CLOSE)),
      /^HTTP\/1.1 503 [^]*Retry-After: 1[^]*"UNAVAILABLE"/,
    );
  }));

test('a missing body closes the connection soon after the response, on both paths', async () =>
  withFrontend({ deadlineMs: 100 }, async (fixture) => {
    assert.match(await same(fixture, (path) => post(path, '', '{', 10), []), /^HTTP\/1.1 408 [^]*keep-alive/);
    const refused = await same(fixture, (path) => post(path, 'Content-Type: a/b\r\n', '{', 10), []);
    assert.match(refused, /^HTTP\/1.1 415 [^]*keep-alive/);
  }));

test('pipelined requests, also refused ones, are answered in order on both paths', async () =>
  withFrontend({}, async (fixture) => {
    const numbers = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    answerCommands(fixture.replicas[0], ([id, , key]) => [id, 'filled', numbers.get(key) ?? 3, 5500]);
    const bytes = (path: Path): string =>
      [
        post(path, 'Idempotency-Key: a\r\n'),
        post(path, 'Content-Type: text/plain\r\n'),
        post(path, '', 'nonsense'),
        post(path, 'Idempotency-Key: b\r\n'),
        post(path, `${CLOSE}Idempotency-Key: a\r\n`),
      ].join('');
    const answer = await same(fixture, bytes, []);
    const codes = answer.match(/(?<=HTTP\/1.1 )\d+/g);
    assert.equal(codes, ['200', '415', '400', '200', '200']);
    assert.equal(answer.match(/(?<=Location: )\S+/g), ['/orders/1', '/orders/2', '/orders/1']);
  }));

test('an HTTP/1.0 request gets the same response on both paths', async () =>
  withFrontend({}, async (fixture) => {
    fillSame(fixture);
    const bytes = (path: Path): string => post(path).replace('HTTP/1.1', 'HTTP/1.0');
    // For HTTP/1.0, Node's server writes the length at the same position as the fast path.
    assert.match(await same(fixture, bytes, PATHS), /^HTTP\/1.1 200 [^]*Connection: close/);
  }));

test('reads of orders give the same response on both paths', async () =>
  withFrontend({ deadlineMs: 200 }, async (fixture) => {
    for (const replica of fixture.replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        const result = ([id, number]: readonly [number, number, boolean]): OrderReadResult => {
          if (number === 3) return [id, 'refused', 'busy'];
          return number === 2 ? [id, 'missing'] : [id, 'order', [number, 'AAPL', 'buy', 1, 5500, 0]];
        };
        reply(link, { t: 'got', items: frame.items.map(result) });
      };
    }
    const read =
      (path: string, headers = '') =>
      (base: Path): string =>
        `GET ${base.replace('/orders', path)} HTTP/1.1\r\nHost: x\r\n${CLOSE}${headers}\r\n`;
    for (const [code, path] of [
      [200, '/orders/1'],
      [404, '/orders/2'],
      [503, '/orders/3'],
      [404, '/orders/01'],
      [404, '/orders/0'],
      [404, `/orders/${'9'.repeat(17)}`],
    ] as const) {
      const answer = await same(fixture, read(path), ['/orders']);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${code} `), path);
    }
    assert.match(await same(fixture, read('/orders/1', 'X-Request-Id: mine\r\n')), 'X-Request-Id: mine');
    await same(fixture, read('/orders/1/'));
    for (const path of ['/orders/%31', '/orders/x', '/orders/-1']) await same(fixture, read(path), []);
    for (const header of ['Content-Length: 0\r\n', 'Expect: cake\r\n'])
      await same(fixture, read('/orders/1', header), []);
  }));

test('a stopping front-end closes each connection after its response', async () => {
  const answers: string[] = [];
  for (const path of PATHS) {
    await withFrontend({ lingerMs: 300 }, async ({ url, frontend }) => {
      const stopped = frontend.stop();
      answers.push(await sendRaw(url, post(path)));
      await stopped;
    });
  }
  const [fast = '', other = ''] = answers;
  assert.ok(isFast(fast));
  assert.match(fast, /^HTTP\/1.1 200 [^]*Connection: close/);
  assert.equal(normalized(fast), normalized(other));
});

test('a client that disconnects during its body or before its response is only counted', async () => {
  const counts: string[][] = [];
  for (const path of PATHS) {
    await withFrontend({ deadlineMs: 200 }, async ({ url, replicas }) => {
      const cut = openRaw(url, post(path, '', '{', 10));
      await delay(20);
      cut.socket.destroy();
      replicas[0].onFrame = () => undefined;
      const left = openRaw(url, post(path));
      await waitUntil(() => replicas[0].framesOfType('submit').length === 1, 'the order was submitted');
      left.socket.destroy();
      const state = { page: '' };
      const polling = setInterval(() => void metrics(url).then((page) => (state.page = page)), 10);
      const isTimedOut = (): boolean => state.page.includes('responses_total{code="504"} 1');
      await waitUntil(isTimedOut, 'the order timed out').finally(() => clearInterval(polling));
      counts.push(state.page.match(/responses_total{code="[45].*/g) ?? []);
    });
  }
  // With Node's parser, the interrupted request counts as a parser error too.
  for (const lines of counts)
    assert.match(lines.join(), /^responses_total{code="400"} [12],responses_total{code="504"} 1$/);
});

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

test('an order that arrives in several chunks is placed once', async () =>
  withFrontend({}, async ({ url }) => {
    const bytes = post('/orders', CLOSE);
    const bodyAt = bytes.length - BODY.length;
    for (const cuts of [[bodyAt], [bodyAt - 20], [1], [bodyAt, bodyAt + 1], [1, 2, bodyAt + 1]]) {
      const raw = openRaw(url, bytes.slice(0, cuts[0]));
      for (const [i, cut] of cuts.entries()) {
        await delay(20);
        raw.socket.write(bytes.slice(cut, cuts[i + 1]));
      }
      const answer = await raw.closed;
      assert.match(answer, /^HTTP\/1.1 200 [^]*"transaction_number":\d}}$/);
    }
  }));

test('simple and other requests can be mixed on one connection', async () =>
  withFrontend({}, async ({ url }) => {
    const list = 'GET /stocks?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n';
    const requests = [
      post('/orders'),
      post('/orders'),
      list,
      post('/orders'),
      post('/orders?'),
      post('/orders', CLOSE),
    ];
    const raw = openRaw(url, '');
    const answers = (): string[] => raw.received().split(/(?=HTTP\/1.1 )/);
    for (const [i, bytes] of requests.entries()) {
      raw.socket.write(bytes);
      await waitUntil(() => answers().length === i + 1 && /}$/.test(raw.received()), 'it was answered');
    }
    await raw.closed;
    // Node's server keeps a connection once it has it.
    assert.equal(answers().map(isFast), [true, true, false, false, false, false]);
    assert.equal(
      answers().map((answer) => /(?<="transaction_number":)\d+/.exec(answer)?.[0]),
      ['1', '2', undefined, '3', '4', '5'],
    );
  }));

test('every Host header gives the same response on both paths', async () =>
  withFrontend({}, async (fixture) => {
    fillSame(fixture);
    const hosts = [
      'localhost',
      '127.0.0.1:8080',
      '08',
      '256.1.1.1',
      'a..b',
      'a_b',
      '-',
      '.',
      '0x7f.1',
      'xn--a',
    ];
    for (const host of hosts)
      await same(fixture, (path) => post(path, CLOSE).replace('Host: x', `Host: ${host}`));
    const others = [
      'X',
      'a b',
      '[::1]:8000',
      'x:80',
      'x:999',
      'x:60000',
      'x:',
      'x:70000',
      'é',
      'a/b',
      'u@x',
      '%41',
    ];
    for (const host of others)
      await same(fixture, (path) => post(path, CLOSE).replace('Host: x', `Host: ${host}`), []);
  }));

test('with a rate limit no request takes the fast path', async () =>
  withFrontend({ rateLimitPerSecond: 1000 }, async ({ url }) => {
    assert.not(isFast(await sendRaw(url, post('/orders', CLOSE))));
  }));

test('look-ups give the same response on both paths, cached or not, changed or not', async () =>
  withFrontend({ deadlineMs: 200 }, async (fixture) => {
    const { url, catalog } = fixture;
    const get =
      (path: string, headers = '') =>
      (base: Path): string =>
        `GET ${base.replace('/orders', path)} HTTP/1.1\r\nHost: x\r\n${CLOSE}${headers}\r\n`;
    await sendRaw(url, get('/stocks/AAPL')('/orders'));
    for (const [code, path, headers] of [
      [200, '/stocks/AAPL', ''],
      [200, '/stocks/AAPL/', ''],
      [200, '/stocks/AAPL', 'If-None-Match: "v0"\r\n'],
      [200, '/stocks/AAPL', 'X-Request-Id: mine\r\n'],
      [304, '/stocks/AAPL', 'If-None-Match: "l1-v7"\r\n'],
      [304, '/stocks/AAPL', 'If-None-Match: "v0", W/"l1-v7"\r\n'],
      [404, '/stocks/NONE', ''],
    ] as const) {
      const answer = await same(fixture, get(path, headers), code === 304 ? PATHS : ['/orders']);
      assert.match(
        answer,
        new RegExp(`^HTTP/1.1 ${code} [^]*X-Cache: ${code === 404 ? 'miss' : 'hit'}`),
        path,
      );
    }
    for (const path of [
      '/stocks/%41APL',
      '/%73tocks/AAPL',
      '/stocks/-',
      `/stocks/${'A'.repeat(65)}`,
      '/stocks/A/B',
      '/stocks',
    ])
      await same(fixture, get(path), []);
    await catalog.stop();
    assert.match(await same(fixture, get('/stocks/NONE')), /^HTTP\/1.1 503 [^]*Retry-After: 1/);
  }));

test.run();
