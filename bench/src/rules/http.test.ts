import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  constantRequests,
  LUA_MARK,
  luaScript,
  numberedRequests,
  requestSource,
} from './numbered-requests.js';
import {
  ETCD_KEY,
  etcdPutBody,
  etcdRangeBody,
  getRequest,
  orderBody,
  postRequest,
  transactionNumber,
} from './requests.js';
import { AnswerFormatError, AnswerParser } from './answer-parser.js';
import { RequestCounter } from './counter.js';
import { parseWrkOutput } from './wrk-output.js';

const BODY = '{"data":{"transaction_number":12}}';
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

const CHUNKED_HEAD = 'HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNKED = `${CHUNKED_HEAD}a\r\n{"data":{"\r\n18;x=y\r\ntransaction_number":12}}\r\n0\r\n\r\n`;

const NOT_READ: readonly (readonly [what: string, answer: string])[] = [
  ['an answer without a length', 'HTTP/1.1 200 OK\r\nServer: x\r\n\r\n'],
  ['a chunk without a size', `${CHUNKED_HEAD}x\r\n`],
  ['a chunk longer than its size', `${CHUNKED_HEAD}1\r\nabc\r\n0\r\n\r\n`],
  ['a length that is not a number', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
  ['another protocol', 'SSH-2.0-x\r\nContent-Length: 0\r\n\r\n'],
  ['bytes after the answer', `${ANSWER}H`],
  ['an answer of more than 1 MiB', 'x'.repeat(1024 * 1024 + 1)],
];

for (const [what, status, bytes] of [
  ['with a length', 200, ANSWER],
  ['in chunks', 503, CHUNKED],
] as const) {
  test(`push parses an answer ${what} for any split of its bytes`, () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })), (cuts) => {
        const reader = new AnswerParser();
        const ends = [...cuts.sort((a, b) => a - b), bytes.length];
        ends.forEach((end, i) => {
          const answer = reader.push(Buffer.from(bytes.slice(ends[i - 1] ?? 0, end), 'latin1'));
          if (end < bytes.length) assert.is(answer, null);
          else assert.equal([answer?.status, answer?.body.toString()], [status, BODY]);
        });
      }),
    );
  });
}

test('push parses consecutive answers, and reset drops a partial one', () => {
  const reader = new AnswerParser();
  assert.is(reader.push(Buffer.from('HTTP/1.1 503 No\r\ncontent-length:0\r\n\r\n'))?.status, 503);
  assert.is(reader.push(Buffer.from(ANSWER))?.status, 200);
  assert.is(reader.push(Buffer.from('HTTP/1.1 2')), null);
  reader.reset();
  assert.is(reader.push(Buffer.from(ANSWER))?.status, 200);
});

for (const [what, answer] of NOT_READ) {
  test(`push rejects ${what}`, () => {
    assert.throws(
      () => new AnswerParser().push(Buffer.from(answer)),
      (error: unknown) => error instanceof AnswerFormatError,
    );
  });
}

test('getRequest and postRequest make valid HTTP requests', () => {
  assert.is(getRequest('h:1', '/orders/3').toString(), 'GET /orders/3 HTTP/1.1\r\nHost: h:1\r\n\r\n');
  const body = orderBody({ name: 'AAPL', type: 'buy', quantity: 2 });
  const [head, sent] = postRequest('h:1', '/orders', body).toString().split('\r\n\r\n');
  assert.is(sent, '{"name":"AAPL","type":"buy","quantity":2}');
  assert.match(head ?? '', new RegExp(`Content-Length: ${body.length}$`));
});

test('etcd keys and values are valid base64, also with a number in the placeholder', () => {
  const decode = (text: string): string => Buffer.from(text, 'base64').toString('latin1');
  const put = JSON.parse(etcdPutBody(ETCD_KEY.replace(/#+/, '00000017'), '{"a":1}')) as Record<
    string,
    string
  >;
  assert.is(decode(put['value'] ?? ''), '{"a":1}');
  const key = put['key'] ?? '';
  assert.is(Buffer.from(key, 'base64').toString('base64'), key);
  assert.ok(decode(key).startsWith('orders'));
  assert.equal(JSON.parse(etcdRangeBody('aaaa', false)), { key: 'aaaa' });
  assert.equal(JSON.parse(etcdRangeBody('aaaa', true)), { key: 'aaaa', serializable: true });
});

test('transactionNumber returns the order number, or null if there is none', () => {
  assert.is(transactionNumber(Buffer.from(BODY)), 12);
  assert.is(transactionNumber(Buffer.from('{"data":{}}')), null);
});

test('ascending numbers are padded with zeros to the same length', () => {
  const put = postRequest('h:1', '/v3/kv/put', '{"key":"########"}');
  const next = requestSource(numberedRequests(put, { kind: 'ascending', from: 9 }), () => 0);
  const [first, second] = [next(), next()];
  assert.match(first.toString(), /"00000009"\}$/);
  assert.match(second.toString(), /"00000010"\}$/);
  assert.is(first.length, put.length);
});

test('random numbers range from 1 to max', () => {
  const requests = numberedRequests(getRequest('h:1', '/orders/#'), { kind: 'random', max: 1000 });
  assert.match(requestSource(requests, () => 0)().toString(), /^GET \/orders\/1 /);
  assert.match(requestSource(requests, () => 1 - 2 ** -53)().toString(), /^GET \/orders\/1000 /);
});

test('constantRequests repeats one request; numberedRequests needs a placeholder', () => {
  const request = getRequest('h:1', '/x');
  const next = requestSource(constantRequests(request), () => 0);
  assert.equal([next(), next()], [request, request]);
  assert.throws(() => numberedRequests(request, { kind: 'random', max: 2 }), RangeError);
});

test('luaScript escapes special characters, and supports each kind of number', () => {
  const constant = luaScript(constantRequests(Buffer.from('a"b\\\r\n')));
  assert.match(constant, 'local before, after = "a\\034b\\092\\013\\010", ""');
  const numbered = numberedRequests(Buffer.from('x##y'), { kind: 'ascending', from: 5 });
  assert.match(luaScript(numbered), /local n = 4\n.*n = n \+ 1.*%02d/);
  assert.match(luaScript({ ...numbered, numbers: { kind: 'random', max: 7 } }), 'math.random(7)');
});

test('parseWrkOutput excludes failed requests from throughput, and rejects incomplete output', () => {
  const line = `${LUA_MARK}{"requests":1000,"us":2000000,"bad":100,"broken":3,"p50":1.5,"p99":9.5,"mean":2.5}`;
  const figures = parseWrkOutput(`Running 2s test\n${line}\nmore\n`);
  assert.equal(figures, { perSecond: 450, mean: 2.5, p50: 1.5, p99: 9.5, failed: 103 });
  assert.throws(() => parseWrkOutput('nothing'), /printed no results/);
  assert.throws(() => parseWrkOutput(`${LUA_MARK}{"requests":1}`), /printed results without "bad"/);
});

test('tally records the latency of 200 answers, and counts the others by reason', () => {
  const tally = new RequestCounter();
  const body = Buffer.alloc(0);
  assert.ok(tally.count({ status: 200, head: '', body }, 2));
  assert.not.ok(tally.count({ status: 503, head: '', body }, 9));
  const other = new RequestCounter();
  other.count({ status: 0, head: 'reset', body }, 9);
  other.count({ status: 503, head: '', body: Buffer.from('{"error":{"status":"UNAVAILABLE"}}') }, 9);
  tally.add(other);
  assert.equal(tally.failures, { 'status 503': 1, reset: 1, 'status 503 UNAVAILABLE': 1 });
  assert.is(tally.failed, 3);
  assert.is(tally.latency.count, 1);
});

test.run();
