import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import type { GetResult } from '@trireme/domain';
import { until } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import { answerSubmits, reply, withRig, type Rig } from '../testing/rig.js';

const BODY = '{"name":"AAPL","quantity":1,"type":"buy"}';
const JSON_TYPE = 'Content-Type: application/json\r\n';
/** The two ways of the same request: a query changes no answer, but is not simple. */
const WAYS = ['/orders', '/orders?'] as const;
type Way = (typeof WAYS)[number];

function post(way: string, headers = '', body = BODY, length = Buffer.byteLength(body)): string {
  return `POST ${way} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`;
}

/** Whether an answer took the fast path: by way of Hono its length comes after the date. */
function isFast(answer: string): boolean {
  return answer.indexOf('Content-Length') < answer.indexOf('Date: ');
}

/** The answers on a connection, but for what differs between any two: date, order of headers, ids and keys made here. */
function essence(raw: string): string[] {
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

/** Sends the same bytes both ways, holds the answers against each other, and gives one. */
async function same(
  { url }: Rig,
  bytes: (way: Way) => string,
  fastWays: readonly Way[] = ['/orders'],
): Promise<string> {
  const answers = await Promise.all(WAYS.map(async (way) => sendRaw(url, bytes(way))));
  const [fast = '', other = ''] = answers;
  assert.equal(essence(fast), essence(other));
  assert.equal(
    WAYS.filter((_way, i) => isFast(answers[i] ?? '')),
    fastWays,
    fast,
  );
  return fast;
}

const CLOSE = 'Connection: close\r\n';

const PLAIN: readonly (readonly [what: string, line: string, bytes: (way: Way) => string])[] = [
  ['a good order', '200 OK', (way) => post(way, CLOSE + JSON_TYPE)],
  ['an order without a media type', '200 OK', (way) => post(way, CLOSE)],
  ['an order with a key', '200 OK', (way) => post(way, `${CLOSE}Idempotency-Key: my, "key" 1\r\n`)],
  ['an order with an id', '200 OK', (way) => post(way, `${CLOSE}X-Request-Id: mine\r\n`)],
  ['an order with an id that is none', '200 OK', (way) => post(way, `${CLOSE}X-Request-Id: a b\r\n`)],
  ['a slash at the end', '200 OK', (way) => post(way.replace('orders', 'orders/'), CLOSE)],
  ['a body that is not JSON', '400 Bad Request', (way) => post(way, CLOSE, 'nonsense')],
  ['an empty body', '400 Bad Request', (way) => post(way, CLOSE, '')],
  ['a wrong field', '400 Bad Request', (way) => post(way, CLOSE, '{"name":"é","quantity":0,"type":"buy"}')],
  [
    'a field twice',
    '400 Bad Request',
    (way) => post(way, CLOSE, '{"name":"A","quantity":1,"type":"buy","quantity":2}'),
  ],
  [
    'a name that is not well-formed',
    '400 Bad Request',
    (way) => post(way, CLOSE, '{"name":"\\ud83d","quantity":1,"type":"buy"}'),
  ],
  ['a key that is none', '400 Bad Request', (way) => post(way, `${CLOSE}Idempotency-Key: é\r\n`)],
  ['a wrong type', '415 Unsupported Media Type', (way) => post(way, `${CLOSE}Content-Type: text/plain\r\n`)],
  ['a coded body', '415 Unsupported Media Type', (way) => post(way, `${CLOSE}Content-Encoding: gzip\r\n`)],
  ['a body of 16 KiB', '400 Bad Request', (way) => post(way, CLOSE, ' '.repeat(16_384))],
];

test('simple requests are answered the same both ways', async () =>
  withRig({}, async (rig) => {
    fillSame(rig);
    for (const [what, line, bytes] of PLAIN) {
      const answer = await same(rig, bytes);
      assert.ok(answer.startsWith(`HTTP/1.1 ${line}\r\n`), `${what}: ${answer}`);
    }
  }));

const ODD: readonly (readonly [what: string, code: number, bytes: (way: Way) => string])[] = [
  ['a body that is too large', 413, (way) => post(way, CLOSE, '', 16_385)],
  ['a length that is not known', 200, (way) => chunked(way)],
  ['an expectation', 200, (way) => post(way, `${CLOSE}Expect: 100-continue\r\n`)],
  ['no length', 400, (way) => `POST ${way} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`],
  ['an encoded letter', 200, (way) => post(way, CLOSE).replace('/orders', '/%6frd%65rs')],
  ['a host in capitals', 200, (way) => post(way, CLOSE).replace('Host: x', 'Host: X')],
  ['a host that is none', 400, (way) => post(way, CLOSE).replace('Host: x', 'Host: a b/c')],
  ['two keys', 400, (way) => post(way, `${CLOSE}Idempotency-Key: a\r\nIdempotency-Key: b\r\n`)],
  ['another method', 405, (way) => post(way, CLOSE).replace('POST', 'PATCH')],
];

test('what is not simple goes to Hono', async () =>
  withRig({}, async (rig) => {
    fillSame(rig);
    for (const [what, code, bytes] of ODD) {
      const answer = await same(rig, bytes, []);
      assert.ok(new RegExp(`HTTP/1.1 ${code} (?![^]*HTTP)`).test(answer), `${what}: ${answer}`);
    }
  }));

/** A leader that gives every order the same number. */
function fillSame({ replicas }: Rig): void {
  answerSubmits(replicas[0], ([id]) => [id, 'filled', 7, 5500]);
}

function chunked(way: Way): string {
  const size = BODY.length.toString(16);
  return `POST ${way} HTTP/1.1\r\nHost: x\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n${size}\r\n${BODY}\r\n0\r\n\r\n`;
}

test('what the leader makes of an order is answered the same both ways', async () =>
  withRig({ deadlineMs: 150 }, async (rig) => {
    for (const [code, result] of [
      [404, ['rejected', 'STOCK_NOT_FOUND']],
      [409, ['rejected', 'INSUFFICIENT_STOCK']],
      [422, ['keyReused']],
      [500, ['done']],
      [503, ['refused', 'busy']],
      [504, ['lost']],
      [504, null],
    ] as const) {
      answerSubmits(rig.replicas[0], ([id]) => (result === null ? null : ([id, ...result] as const)));
      const answer = await same(rig, (way) => post(way, `${CLOSE}Idempotency-Key: k\r\n`));
      assert.match(answer, new RegExp(`^HTTP/1.1 ${code} [^]*\r\nIdempotency-Key: k\r\n`));
    }
  }));

test('without a leader the answer is the same both ways', async () =>
  withRig({ deadlineMs: 100, ready: false }, async (rig) => {
    assert.match(
      await same(rig, (way) => post(way, CLOSE)),
      /^HTTP\/1.1 503 [^]*Retry-After: 1[^]*"UNAVAILABLE"/,
    );
  }));

test('a body that does not come closes the connection soon after the answer, both ways', async () =>
  withRig({ deadlineMs: 100 }, async (rig) => {
    assert.match(await same(rig, (way) => post(way, '', '{', 10), []), /^HTTP\/1.1 408 [^]*keep-alive/);
    const refused = await same(rig, (way) => post(way, 'Content-Type: a/b\r\n', '{', 10), []);
    assert.match(refused, /^HTTP\/1.1 415 [^]*keep-alive/);
  }));

test('requests behind each other are answered in their order, both ways, refused ones among them', async () =>
  withRig({}, async (rig) => {
    const numbers = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    answerSubmits(rig.replicas[0], ([id, , key]) => [id, 'filled', numbers.get(key) ?? 3, 5500]);
    const bytes = (way: Way): string =>
      [
        post(way, 'Idempotency-Key: a\r\n'),
        post(way, 'Content-Type: text/plain\r\n'),
        post(way, '', 'nonsense'),
        post(way, 'Idempotency-Key: b\r\n'),
        post(way, `${CLOSE}Idempotency-Key: a\r\n`),
      ].join('');
    const answer = await same(rig, bytes, []);
    const codes = answer.match(/(?<=HTTP\/1.1 )\d+/g);
    assert.equal(codes, ['200', '415', '400', '200', '200']);
    assert.equal(answer.match(/(?<=Location: )\S+/g), ['/orders/1', '/orders/2', '/orders/1']);
  }));

test('by HTTP/1.0 the answer is the same both ways', async () =>
  withRig({}, async (rig) => {
    fillSame(rig);
    const bytes = (way: Way): string => post(way).replace('HTTP/1.1', 'HTTP/1.0');
    // The writer of Node's server puts the length of such an answer where the fast path has it.
    assert.match(await same(rig, bytes, WAYS), /^HTTP\/1.1 200 [^]*Connection: close/);
  }));

test('orders are read the same both ways', async () =>
  withRig({ deadlineMs: 200 }, async (rig) => {
    for (const replica of rig.replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        const result = ([id, number]: readonly [number, number, boolean]): GetResult => {
          if (number === 3) return [id, 'refused', 'busy'];
          return number === 2 ? [id, 'missing'] : [id, 'order', [number, 'AAPL', 'buy', 1, 5500, 0]];
        };
        reply(link, { t: 'got', items: frame.items.map(result) });
      };
    }
    const read =
      (path: string, headers = '') =>
      (way: Way): string =>
        `GET ${way.replace('/orders', path)} HTTP/1.1\r\nHost: x\r\n${CLOSE}${headers}\r\n`;
    for (const [code, path] of [
      [200, '/orders/1'],
      [404, '/orders/2'],
      [503, '/orders/3'],
      [404, '/orders/01'],
      [404, '/orders/0'],
      [404, `/orders/${'9'.repeat(17)}`],
    ] as const) {
      const answer = await same(rig, read(path), ['/orders']);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${code} `), path);
    }
    assert.match(await same(rig, read('/orders/1', 'X-Request-Id: mine\r\n')), 'X-Request-Id: mine');
    await same(rig, read('/orders/1/'));
    for (const path of ['/orders/%31', '/orders/x', '/orders/-1']) await same(rig, read(path), []);
    for (const header of ['Content-Length: 0\r\n', 'Expect: cake\r\n'])
      await same(rig, read('/orders/1', header), []);
  }));

test('while the front-end drains, each answer is the last on its connection', async () => {
  const answers: string[] = [];
  for (const way of WAYS) {
    await withRig({ lingerMs: 300 }, async ({ url, frontend }) => {
      const stopped = frontend.stop();
      answers.push(await sendRaw(url, post(way)));
      await stopped;
    });
  }
  const [fast = '', other = ''] = answers;
  assert.ok(isFast(fast));
  assert.match(fast, /^HTTP\/1.1 200 [^]*Connection: close/);
  assert.equal(essence(fast), essence(other));
});

test('a client that leaves in the middle of its body, or before its answer, is counted and no more', async () => {
  const counted: string[][] = [];
  for (const way of WAYS) {
    await withRig({ deadlineMs: 200 }, async ({ url, replicas }) => {
      const cut = openRaw(url, post(way, '', '{', 10));
      await delay(20);
      cut.socket.destroy();
      replicas[0].onFrame = () => undefined;
      const gone = openRaw(url, post(way));
      await until(() => replicas[0].of('submit').length === 1, 'the order was handed over');
      gone.socket.destroy();
      const state = { page: '' };
      const asking = setInterval(() => void metrics(url).then((page) => (state.page = page)), 10);
      const isOver = (): boolean => state.page.includes('answers_total{code="504"} 1');
      await until(isOver, 'the order was given up').finally(() => clearInterval(asking));
      counted.push(state.page.match(/answers_total{code="[45].*/g) ?? []);
    });
  }
  // Where the parser has the request, it has a word on what ends in the middle as well.
  for (const lines of counted)
    assert.match(lines.join(), /^answers_total{code="400"} [12],answers_total{code="504"} 1$/);
});

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

test('a body that comes in pieces is one order', async () =>
  withRig({}, async ({ url }) => {
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

test('on one connection any request may follow any other', async () =>
  withRig({}, async ({ url }) => {
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
      await until(() => answers().length === i + 1 && /}$/.test(raw.received()), 'it was answered');
    }
    await raw.closed;
    // Node's server keeps a connection that it was given once.
    assert.equal(answers().map(isFast), [true, true, false, false, false, false]);
    assert.equal(
      answers().map((answer) => /(?<="transaction_number":)\d+/.exec(answer)?.[0]),
      ['1', '2', undefined, '3', '4', '5'],
    );
  }));

test('whatever the host, an order is answered the same both ways', async () =>
  withRig({}, async (rig) => {
    fillSame(rig);
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
    for (const host of hosts) await same(rig, (way) => post(way, CLOSE).replace('Host: x', `Host: ${host}`));
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
      await same(rig, (way) => post(way, CLOSE).replace('Host: x', `Host: ${host}`), []);
  }));

test('with a rate limit no request takes the fast path: each is counted first', async () =>
  withRig({ requestsPerSecond: 1000 }, async ({ url }) => {
    assert.not(isFast(await sendRaw(url, post('/orders', CLOSE))));
  }));

test('stocks are looked up the same both ways, kept or not, changed or not', async () =>
  withRig({ deadlineMs: 200 }, async (rig) => {
    const { url, catalog } = rig;
    const get =
      (path: string, headers = '') =>
      (way: Way): string =>
        `GET ${way.replace('/orders', path)} HTTP/1.1\r\nHost: x\r\n${CLOSE}${headers}\r\n`;
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
      const answer = await same(rig, get(path, headers), code === 304 ? WAYS : ['/orders']);
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
      await same(rig, get(path), []);
    await catalog.stop();
    assert.match(await same(rig, get('/stocks/NONE')), /^HTTP\/1.1 503 [^]*Retry-After: 1/);
  }));

test.run();
