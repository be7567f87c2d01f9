import * as fc from 'fast-check';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SIMPLE_ROUTES, type SimpleRoute } from '../routes/routes.js';
import { parseSimpleRequest, type SimpleRequest, type Unparsed } from './simple-request.js';

const BODY = '{"name":"AAPL","quantity":1,"type":"buy"}';

function read(text: string): SimpleRequest<SimpleRoute> | Unparsed {
  return parseSimpleRequest(Buffer.from(text, 'latin1'), SIMPLE_ROUTES);
}

function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

function post(target: string, headers = '', body = BODY): string {
  return `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

test('parseSimpleRequest finds the route and its parameter', () => {
  for (const [text, path, parameter] of [
    [get('/stocks/AAPL'), '/stocks/:name', 'AAPL'],
    [get('/stocks/A.b-c_9/'), '/stocks/:name', 'A.b-c_9'],
    [get('/orders/17'), '/orders/:number', '17'],
    [get('/orders/017/'), '/orders/:number', '017'],
    [post('/orders'), '/orders', ''],
    [post('/orders/'), '/orders', ''],
  ] as const) {
    const request = read(text);
    assert.ok(typeof request === 'object', text);
    assert.is(request.route.path, path);
    assert.is(request.route.method, path === '/orders' ? 'POST' : 'GET');
    assert.is(request.parameter, parameter);
    assert.is(request.body.toString(), path === '/orders' ? BODY : '');
    assert.not(request.closesConnection);
  }
});

test('parseSimpleRequest reads relevant headers regardless of case and whitespace, and skips others', () => {
  const lines =
    'iDEMPOTENCY-key: \t a, "b"\t \r\nx-request-id:\r\nAccept: */*\r\nX: \xe9\r\nConnection: Keep-Alive\r\n';
  const request = read(post('/orders', lines));
  assert.ok(typeof request === 'object');
  assert.is(request.headers['idempotency-key'], 'a, "b"');
  assert.is(request.headers['x-request-id'], '');
  assert.is(request.headers['content-type'], undefined);
  const last = read(get('/stocks/A', 'connection: CLOSE\r\n'));
  assert.ok(typeof last === 'object' && last.closesConnection);
});

for (const [what, text] of [
  ['nothing', ''],
  ['a letter', 'G'],
  ['a method', 'POST /'],
  ['a line', 'GET /stocks/A HTTP/1.1\r\n'],
  ['an incomplete head', get('/stocks/A').slice(0, -1)],
  ['an order without its body', post('/orders').slice(0, -BODY.length)],
  ['an order without its last byte', post('/orders').slice(0, -1)],
] as const) {
  test(`reads ${what} as the beginning of a request`, () => assert.is(read(text), 'part'));
}

for (const [what, text] of [
  ['two requests', get('/stocks/A') + get('/stocks/A')],
  ['an order and a byte', `${post('/orders')}x`],
  ['a look-up with a body', `${get('/stocks/A', 'Content-Length: 1\r\n')}x`],
  ['a look-up with the length of a body', get('/stocks/A', 'Content-Length: 0\r\n')],
  ['an order without a length', 'POST /orders HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a length in hexadecimal', post('/orders').replace(/: 41/, ': 0x29')],
  ['a length with a sign', post('/orders').replace(/: 41/, ': +41')],
  ['a length of two numbers', post('/orders').replace(/: 41/, ': 41, 41')],
  ['an empty length', post('/orders', '', '').replace(/: 0/, ': ')],
  ['two lengths', post('/orders', 'content-length: 41\r\n')],
  ['a body that is too large', post('/orders', '', ' '.repeat(16_385))],
  ['a large announced body', 'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n'],
  ['a chunked body', post('/orders', 'Transfer-Encoding: chunked\r\n')],
  ['an expectation', post('/orders', 'Expect: 100-continue\r\n')],
  ['an upgrade', get('/stocks/A', 'Upgrade: websocket\r\n')],
  ['an unknown connection option', get('/stocks/A', 'Connection: close, x\r\n')],
  ['two connection headers', get('/stocks/A', 'Connection: close\r\nConnection: keep-alive\r\n')],
  ['a proxy connection', get('/stocks/A', 'Proxy-Connection: close\r\n')],
  ['no host', 'GET /stocks/A HTTP/1.1\r\nX: y\r\n\r\n'],
  ['no header', 'GET /stocks/A HTTP/1.1\r\n\r\n'],
  ['two hosts', get('/stocks/A', 'Host: x\r\n')],
  ['a host with a space', get('/stocks/A').replace('Host: x', 'Host: x y')],
  ['an empty host', get('/stocks/A').replace('Host: x', 'Host:')],
  ['two keys', post('/orders', 'Idempotency-Key: a\r\nIdempotency-Key: a\r\n')],
  ['a folded header line', get('/stocks/A', 'X: y\r\n z\r\n')],
  ['a space before the colon', get('/stocks/A', 'X : y\r\n')],
  ['a header without a name', get('/stocks/A', ': y\r\n')],
  ['a header without a colon', get('/stocks/A', 'X\r\n')],
  ['a bare line feed', get('/stocks/A', 'X: y\nZ: z\r\n')],
  ['a bare carriage return', get('/stocks/A', 'X: y\rZ: z\r\n')],
  ['a NUL', get('/stocks/A', 'X: \0\r\n')],
  ['lines that end with bare line feeds', `${get('/stocks/A').replaceAll('\r\n', '\n')}\r\n\r\n`],
  ['a request line that ends with a bare line feed', 'POST /orders/HTTP/1.1\n\r\n'],
  ['an empty line first', `\r\n${get('/stocks/A')}`],
  ['HTTP/1.0', get('/stocks/A').replace('1.1', '1.0')],
  ['two spaces', get(' /stocks/A')],
  ['another method', get('/stocks/A').replace('GET', 'HEAD')],
  ['a method in lower case', get('/stocks/A').replace('GET', 'get')],
  ['the absolute form', get('http://x/stocks/A')],
  ['a query', get('/stocks/A?')],
  ['percent-encoding', get('/stocks/%41')],
  ['a fragment', get('/stocks/A#b')],
  ['two slashes at the end', get('/stocks/A//')],
  ['dots', get('/stocks/..')],
  ['a name that is too long', get(`/stocks/${'A'.repeat(65)}`)],
  ['a list', get('/stocks')],
  ['another path', get('/livez')],
  ['an order number that is not a number', get('/orders/A')],
  ['too many headers', get('/stocks/A', 'a:\r\n'.repeat(100))],
  ['an unsupported method', 'PUT'],
  ['an empty line alone', '\r\n'],
  ['a TLS handshake', '\x16\x03\x01'],
  ['a head that is too long', get('/stocks/A', `X: ${'x'.repeat(9000)}\r\n`)],
  ['an incomplete head that is too long', get('/stocks/A', `X: ${'x'.repeat(9000)}`)],
] as const) {
  test(`leaves ${what} to Node's parser`, () => assert.is(read(text), 'other'));
}

/** Node's HTTP server as reference: the requests that it reads from bytes, and the number of errors. */
class ReferenceServer {
  readonly #server: Server;
  readonly #requests: { incoming: IncomingMessage; body: string; isLast: boolean }[] = [];
  #errors = 0;

  constructor() {
    this.#server = createServer({ requireHostHeader: false }, (incoming, outgoing) => {
      const entry = { incoming, body: '', isLast: !outgoing.shouldKeepAlive };
      incoming.on('data', (chunk: Buffer) => (entry.body += chunk.toString('latin1')));
      incoming.on('end', () => this.#requests.push(entry));
    });
    this.#server.on('clientError', () => (this.#errors += 1));
    for (const event of ['checkContinue', 'checkExpectation', 'upgrade', 'connect'])
      this.#server.on(event, () => (this.#errors += 1));
  }

  async parse(bytes: Buffer): Promise<{ requests: ReferenceServer['requests']; errors: number }> {
    this.#requests.length = 0;
    this.#errors = 0;
    const connection = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    this.#server.emit('connection', connection);
    connection.push(bytes);
    await new Promise((resolve) => setImmediate(resolve));
    const result = { requests: [...this.#requests], errors: this.#errors };
    connection.destroy();
    return result;
  }

  get requests(): readonly {
    readonly incoming: IncomingMessage;
    readonly body: string;
    readonly isLast: boolean;
  }[] {
    return this.#requests;
  }
}

const piece = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Mostly a usual value, so that a generated request seldom has more than one unusual part. */
const mostly = (usual: readonly string[], ...odd: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: piece(...usual) }, { weight: 1, arbitrary: piece(...odd) });
const joined = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''));
const headerName = piece(
  'Host',
  'host',
  'Content-Length',
  'Content-Type',
  'Content-Encoding',
  'Connection',
  'Expect',
  'TE',
  'Idempotency-Key',
  'If-None-Match',
  'X-Request-Id',
  'Transfer-Encoding',
  'Upgrade',
  'X',
  'Keep-Alive',
  'Proxy-Connection',
  'Trailer',
  'X y',
  ' X',
  '',
);
const headerValue = mostly(
  ['x', '41', '0', 'close', 'Close', 'keep-alive', 'chunked', 'a, b', '"v1"', '', 'x:8000', '100-continue'],
  ' ',
  '\x0b',
  '\xe9',
  'x\t',
  ' close',
  'close\t',
  'close ',
  '41 ',
  ' 41',
  '41\t',
  'a\0',
  'a\rb',
  'a\nb',
  'a\r\n b',
  '\xa0x\xa0',
  '\x7f',
  'a\x0b',
);
const headerLine = joined(
  headerName,
  mostly([':', ': ', ':\t'], ' : ', ''),
  headerValue,
  mostly(['\r\n'], '\n', '\r', ''),
);
const request = joined(
  mostly(['GET', 'POST', 'POST'], 'get', 'HEAD', 'PO'),
  mostly([' '], '  ', '\t'),
  mostly(
    ['/orders', '/orders/', '/stocks/AAPL', '/orders/7'],
    '/stocks/A/',
    '/stocks/%41',
    '/orders?',
    '*',
    '',
  ),
  mostly([' HTTP/1.1\r\n'], ' HTTP/1.0\r\n', ' HTTP/1.1\n', '\r\n'),
  mostly(['Host: x\r\n', 'Host: 127.0.0.1:8000\r\n'], ''),
  piece('', 'Content-Length: 41\r\n', 'content-length:41\t \r\n', 'Content-Length: 041\r\n'),
  fc.array(headerLine, { maxLength: 3 }).map((lines) => lines.join('')),
  mostly(['\r\n'], '\n', ''),
  piece('', BODY, BODY, `${BODY}x`, BODY.slice(1), `${BODY}GET / HTTP/1.1\r\n\r\n`),
);
/** A request, possibly with one byte changed, inserted or removed. */
const bytes = fc
  .tuple(
    fc.oneof(request, piece(get('/stocks/AAPL'), post('/orders'), post('/orders', 'Connection: close\r\n'))),
    fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), piece(0, 1, 1, 2))),
  )
  .map(([text, change]) => {
    if (change === null) return Buffer.from(text, 'latin1');
    const [place, byte, kind] = change;
    const at = place % (text.length + 1);
    const put = kind === 2 ? '' : String.fromCharCode(byte);
    return Buffer.from(text.slice(0, at) + put + text.slice(kind === 0 ? at : at + 1), 'latin1');
  });

test("property: readPlainRequest reads the same request as Node's server", async () => {
  const reference = new ReferenceServer();
  const counts = { read: 0, other: 0, part: 0 };
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const actual = parseSimpleRequest(sent, SIMPLE_ROUTES);
      const { requests, errors } = await reference.parse(sent);
      if (typeof actual === 'string') {
        counts[actual] += 1;
        // Waiting for more bytes of a complete request would delay its response.
        if (actual === 'part') assert.is(requests.length, 0);
        return;
      }
      counts.read += 1;
      assert.is(errors, 0);
      assert.is(requests.length, 1);
      const [expected] = requests;
      assert.ok(expected !== undefined);
      const { incoming, body, isLast } = expected;
      const path = (incoming.url ?? '').replace(/\/$/, '');
      const { route, parameter } = actual;
      const asked = { '/stocks/:name': '/stocks/', '/orders/:number': '/orders/', '/orders': '/orders' };
      const prefix = asked[route.path as keyof typeof asked];
      assert.is(incoming.method, route.path === '/orders' ? 'POST' : 'GET');
      assert.is(path, prefix + parameter);
      assert.is(actual.closesConnection, isLast);
      assert.is(actual.body.toString('latin1'), body);
      for (const name of [
        ...([
          'content-type',
          'content-encoding',
          'idempotency-key',
          'if-none-match',
          'x-request-id',
        ] as const),
      ]) {
        assert.is(actual.headers[name], incoming.headers[name], name);
        assert.ok((incoming.headersDistinct[name]?.length ?? 0) <= 1);
      }
    }),
    { numRuns: 20_000 },
  );
  // The property is meaningful only if all three results occur often.
  assert.ok(Math.min(counts.read, counts.other, counts.part) > 500, JSON.stringify(counts));
});

test.run();
