import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countFailed, describeFailures, RequestCounter, sumFailures } from './outcomes.js';
import {
  constantRequests,
  etcdPuts,
  etcdReads,
  lookup,
  numberedRequests,
  placeOrder,
  requestsOf,
  requestSource,
  transactionNumber,
} from './requests.js';
import { parseWrkOutput, WRK_MARK, wrkScript } from './wrk.js';

test('lookup and placeOrder make the requests of the HTTP API', () => {
  assert.equal(lookup('AAPL'), { path: '/stocks/AAPL' });
  assert.equal(placeOrder({ name: 'AAPL', type: 'buy', quantity: 2 }), {
    path: '/orders',
    body: '{"name":"AAPL","type":"buy","quantity":2}',
  });
});

test('etcd keys and values are valid base64, also with a number in the placeholder', () => {
  const decode = (text: string): string => Buffer.from(text, 'base64').toString('latin1');
  const parse = (body: string | undefined): Record<string, string> =>
    JSON.parse(body ?? '') as Record<string, string>;
  const put = parse(requestSource(etcdPuts('{"a":1}', 17))().body);
  assert.is(decode(put['value'] ?? ''), '{"a":1}');
  const key = put['key'] ?? '';
  assert.ok(key.endsWith('00000017'));
  assert.is(Buffer.from(key, 'base64').toString('base64'), key);
  assert.ok(decode(key).startsWith('orders'));
  const readKey = key.replace('17', '01');
  assert.equal(parse(requestSource(etcdReads(5, false), () => 0)().body), { key: readKey });
  assert.equal(parse(requestSource(etcdReads(5, true), () => 0)().body), {
    key: readKey,
    serializable: true,
  });
});

test('transactionNumber returns the order number, or null if there is none', () => {
  assert.is(transactionNumber('{"data":{"transaction_number":12}}'), 12);
  assert.is(transactionNumber('{"data":{}}'), null);
});

test('ascending numbers are padded with zeros to the same length', () => {
  const put = { path: '/v3/kv/put', body: '{"key":"########"}' };
  const next = requestSource(numberedRequests(put, { kind: 'ascending', from: 9 }), () => 0);
  assert.equal(
    [next(), next()],
    [
      { ...put, body: '{"key":"00000009"}' },
      { ...put, body: '{"key":"00000010"}' },
    ],
  );
});

test('random numbers range from 1 to max', () => {
  const reads = requestsOf('order read', 1000);
  assert.equal(requestSource(reads, () => 0)(), { path: '/orders/1' });
  assert.equal(requestSource(reads, () => 1 - 2 ** -53)(), { path: '/orders/1000' });
  assert.equal(requestSource(requestsOf('lookup', 0), () => 0.999)(), { path: '/stocks/STOCK00005' });
});

test('constantRequests repeats one request; numberedRequests needs a placeholder', () => {
  const request = { path: '/x' };
  const next = requestSource(constantRequests(request), () => 0);
  assert.equal([next(), next()], [request, request]);
  assert.throws(() => numberedRequests(request, { kind: 'random', max: 2 }), RangeError);
});

test('wrkScript escapes special characters, and supports each kind of number', () => {
  const constant = wrkScript(constantRequests({ path: '/x', body: 'a"b\\\r\n' }));
  assert.match(constant, 'wrk.format("POST", "/x"');
  assert.match(constant, '"a\\034b\\092\\013\\010"');
  const numbered = numberedRequests({ path: '/x##y' }, { kind: 'ascending', from: 5 });
  assert.match(wrkScript(numbered), /n = n \+ 1;[^]*\nn = 4\n/);
  assert.match(wrkScript({ ...numbered, numbers: { kind: 'random', max: 7 } }), 'n = math.random(7)');
});

test('parseWrkOutput excludes failed requests from throughput, and rejects incomplete output', () => {
  const line = `${WRK_MARK}{"requests":1000,"us":2000000,"status":100,"connect":0,"read":3,"write":0,"timeout":0,"cpu":0.5,"mean":2.5,"p50":1.5,"p90":3.5,"p99":9.5,"max":11}`;
  assert.equal(parseWrkOutput(`Running 2s test\n${line}\nmore\n`), {
    perSecond: 450,
    latency: { count: 900, mean: 2.5, p50: 1.5, p90: 3.5, p99: 9.5, max: 11 },
    failures: { 'status 400 or more': 100, read: 3 },
    generatorCpu: 0.5,
  });
  assert.throws(() => parseWrkOutput('nothing'), /printed no results/);
  assert.throws(() => parseWrkOutput(`${WRK_MARK}{"requests":1}`), /printed results without "status"/);
});

test('RequestCounter records the latency of 200 answers, and counts the others by reason', () => {
  const counter = new RequestCounter();
  assert.ok(counter.count({ status: 200, body: '' }, 2));
  assert.not.ok(counter.count({ status: 503, body: '' }, 9));
  const other = new RequestCounter();
  other.count({ status: 0, body: 'reset' }, 9);
  other.count({ status: 503, body: '{"error":{"status":"UNAVAILABLE"}}' }, 9);
  other.count({ status: 503, body: '' }, 9);
  const failures = sumFailures([counter, other]);
  assert.equal(failures, { 'status 503': 2, reset: 1, 'status 503 UNAVAILABLE': 1 });
  assert.is(countFailed(failures), 4);
  assert.is(describeFailures([counter]), '1 × status 503');
  assert.is(describeFailures([]), 'none');
  assert.is(counter.latency.count, 1);
});

test('RequestCounter names the error of etcd', () => {
  const counter = new RequestCounter();
  const error = 'etcdserver: request timed out';
  counter.count({ status: 503, body: JSON.stringify({ error, code: 14, message: error }) }, 9);
  counter.count({ status: 503, body: '{"message":"\\u001b[2J"}' }, 9);
  assert.equal(counter.failures, { 'status 503 etcdserver: request timed out': 1, 'status 503': 1 });
});

test.run();
