import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { constantRequests, LUA_MARK, luaScript, numberedRequests, requestSource } from './numbered.js';
import {
  ETCD_KEY,
  etcdPutBody,
  etcdRangeBody,
  getRequest,
  orderBody,
  postRequest,
  transactionNumber,
} from './requests.js';
import { AnswerError, AnswerReader } from './response.js';
import { Tally } from './tally.js';
import { parseWrkOutput } from './wrk-output.js';

const BODY = '{"data":{"transaction_number":12}}';
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

const CHUNKED_HEAD = 'HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNKED = `${CHUNKED_HEAD}a\r\n{"data":{"\r\n18;x=y\r\ntransaction_number":12}}\r\n0\r\n\r\n`;

const NOT_READ: readonly (readonly [what: string, answer: string])[] = [
  ['no length', 'HTTP/1.1 200 OK\r\nServer: x\r\n\r\n'],
  ['a chunk without a size', `${CHUNKED_HEAD}x\r\n`],
  ['a chunk that is longer than its size', `${CHUNKED_HEAD}1\r\nabc\r\n0\r\n\r\n`],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
  ['another protocol', 'SSH-2.0-x\r\nContent-Length: 0\r\n\r\n'],
  ['bytes behind the answer', `${ANSWER}H`],
  ['more than a MiB', 'x'.repeat(1024 * 1024 + 1)],
];

for (const [what, status, bytes] of [
  ['with a length', 200, ANSWER],
  ['in chunks', 503, CHUNKED],
] as const) {
  test(`an answer ${what} is read however its bytes are cut`, () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })), (cuts) => {
        const reader = new AnswerReader();
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

test('one answer after the other on a connection, and a fresh start on a new one', () => {
  const reader = new AnswerReader();
  assert.is(reader.push(Buffer.from('HTTP/1.1 503 No\r\ncontent-length:0\r\n\r\n'))?.status, 503);
  assert.is(reader.push(Buffer.from(ANSWER))?.status, 200);
  assert.is(reader.push(Buffer.from('HTTP/1.1 2')), null);
  reader.reset();
  assert.is(reader.push(Buffer.from(ANSWER))?.status, 200);
});

for (const [what, answer] of NOT_READ) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => new AnswerReader().push(Buffer.from(answer)),
      (error: unknown) => error instanceof AnswerError,
    );
  });
}

test('requests as HTTP has them', () => {
  assert.is(getRequest('h:1', '/orders/3').toString(), 'GET /orders/3 HTTP/1.1\r\nHost: h:1\r\n\r\n');
  const body = orderBody({ name: 'AAPL', type: 'buy', quantity: 2 });
  const [head, sent] = postRequest('h:1', '/orders', body).toString().split('\r\n\r\n');
  assert.is(sent, '{"name":"AAPL","type":"buy","quantity":2}');
  assert.match(head ?? '', new RegExp(`Content-Length: ${body.length}$`));
});

test("etcd's keys and values are base64, also with a number in place of the room for it", () => {
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

test("an order's number, null where an answer tells none", () => {
  assert.is(transactionNumber(Buffer.from(BODY)), 12);
  assert.is(transactionNumber(Buffer.from('{"data":{}}')), null);
});

test('numbers count up, with leading zeros where the length must stay', () => {
  const put = postRequest('h:1', '/v3/kv/put', '{"key":"########"}');
  const next = requestSource(numberedRequests(put, { kind: 'ascending', from: 9 }), () => 0);
  const [first, second] = [next(), next()];
  assert.match(first.toString(), /"00000009"\}$/);
  assert.match(second.toString(), /"00000010"\}$/);
  assert.is(first.length, put.length);
});

test('random numbers are from 1 to the greatest', () => {
  const requests = numberedRequests(getRequest('h:1', '/orders/#'), { kind: 'random', max: 1000 });
  assert.match(requestSource(requests, () => 0)().toString(), /^GET \/orders\/1 /);
  assert.match(requestSource(requests, () => 1 - 2 ** -53)().toString(), /^GET \/orders\/1000 /);
});

test('without a number all are the same', () => {
  const request = getRequest('h:1', '/x');
  const next = requestSource(constantRequests(request), () => 0);
  assert.equal([next(), next()], [request, request]);
  assert.throws(() => numberedRequests(request, { kind: 'random', max: 2 }), RangeError);
});

test('the Lua script escapes what Lua would read otherwise, and makes each kind of number', () => {
  const constant = luaScript(constantRequests(Buffer.from('a"b\\\r\n')));
  assert.match(constant, 'local before, after = "a\\034b\\092\\013\\010", ""');
  const numbered = numberedRequests(Buffer.from('x##y'), { kind: 'ascending', from: 5 });
  assert.match(luaScript(numbered), /local n = 4\n.*n = n \+ 1.*%02d/);
  assert.match(luaScript({ ...numbered, numbers: { kind: 'random', max: 7 } }), 'math.random(7)');
});

test("wrk's figures: what failed does not count as throughput", () => {
  const line = `${LUA_MARK}{"requests":1000,"us":2000000,"bad":100,"broken":3,"p50":1.5,"p99":9.5,"mean":2.5}`;
  const figures = parseWrkOutput(`Running 2s test\n${line}\nmore\n`);
  assert.equal(figures, { perSecond: 450, mean: 2.5, p50: 1.5, p99: 9.5, failed: 103 });
  assert.throws(() => parseWrkOutput('nothing'), /no figures/);
  assert.throws(() => parseWrkOutput(`${LUA_MARK}{"requests":1}`), /told no/);
});

test('a tally times what is 200 and counts the rest by what it was', () => {
  const tally = new Tally();
  const body = Buffer.alloc(0);
  assert.ok(tally.count({ status: 200, head: '', body }, 2));
  assert.not.ok(tally.count({ status: 503, head: '', body }, 9));
  const other = new Tally();
  other.count({ status: 0, head: 'reset', body }, 9);
  other.count({ status: 503, head: '', body: Buffer.from('{"error":{"status":"UNAVAILABLE"}}') }, 9);
  tally.add(other);
  assert.equal(tally.failures, { 'status 503': 1, reset: 1, 'status 503 UNAVAILABLE': 1 });
  assert.is(tally.failed, 3);
  assert.is(tally.latency.count, 1);
});

test.run();
