import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FrontendToReplica } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { waitUntil } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import { reply, withFrontend, type FrontendFixture } from '../testing/fixture.js';

type List = Extract<FrontendToReplica, { t: 'list' }>;

const PAGE = 'GET /orders?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST_PAGE = PAGE.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
const ROWS = Array.from({ length: 1_000 }, (_, i) => [i + 1, 'AAPL', 'buy', 1, 5500, 1] as const);

/** More pages than the system's buffers of one connection hold: 10 MiB by default. */
const PAGES = 300;

/** Collects the list requests that arrive at any replica, without answering them. */
function collectLists({ replicas }: FrontendFixture): { readonly requests: { frame: List; link: Link }[] } {
  const requests: { frame: List; link: Link }[] = [];
  for (const replica of replicas) {
    const before = replica.onFrame;
    replica.onFrame = (frame, link) => {
      if (frame.t === 'list') requests.push({ frame, link });
      else before(frame, link);
    };
  }
  return { requests };
}

function answerAll(fixture: FrontendFixture): { count: number } {
  const state = { count: 0 };
  for (const replica of fixture.replicas) {
    replica.onFrame = (frame, link) => {
      if (frame.t !== 'list') return;
      state.count += 1;
      reply(link, { t: 'page', id: frame.id, orders: ROWS, next: null });
    };
  }
  return state;
}

/** Legal, although a list needs no body. */
const PAGE_WITH_BODY = PAGE.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\nx');

test('starts a pipelined request only after the previous one is answered', async () =>
  withFrontend({}, async (fixture) => {
    const { requests } = collectLists(fixture);
    const raw = openRaw(fixture.url, PAGE.repeat(30) + LAST_PAGE);
    for (let count = 1; count <= 31; count += 1) {
      await waitUntil(() => requests.length >= count, `request ${count}`);
      // Let this process do everything that could start another request.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      assert.is(requests.length, count);
      const last = requests[count - 1];
      if (last !== undefined) reply(last.link, { t: 'page', id: last.frame.id, orders: [], next: null });
    }
    assert.is((await raw.closed).match(/HTTP\/1.1 200 OK/g)?.length, 31);
  }));

test('starts at most two pipelined requests with bodies at once', async () =>
  withFrontend({}, async (fixture) => {
    const { requests } = collectLists(fixture);
    const raw = openRaw(fixture.url, PAGE_WITH_BODY.repeat(30) + LAST_PAGE);
    for (let count = 1; count <= 31; count += 1) {
      await waitUntil(() => requests.length >= count, `request ${count}`);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(requests.length <= count + 1, `${requests.length} requests`);
      const next = requests[count - 1];
      if (next !== undefined) reply(next.link, { t: 'page', id: next.frame.id, orders: [], next: null });
    }
    assert.is((await raw.closed).match(/HTTP\/1.1 200 OK/g)?.length, 31);
  }));

test('closes a client that reads nothing, without building all of its responses', async () =>
  withFrontend({ writeTimeoutMs: 200 }, async (fixture) => {
    const answered = answerAll(fixture);
    const raw = openRaw(fixture.url, PAGE.repeat(PAGES));
    raw.socket.pause();
    // Writing detects the closed connection, and must not keep it open.
    const writing = setInterval(() => raw.socket.write('\r\n'), 20);
    await raw.closed.finally(() => clearInterval(writing));
    assert.ok(answered.count < PAGES, `${answered.count} pages`);
  }));

test('a slow client receives all responses', async () =>
  withFrontend({}, async (fixture) => {
    answerAll(fixture);
    const raw = openRaw(fixture.url, PAGE.repeat(70) + LAST_PAGE);
    const turns = setInterval(() => {
      raw.socket.pause();
      setTimeout(() => raw.socket.resume(), 10);
    }, 12);
    const text = await raw.closed.finally(() => clearInterval(turns));
    assert.is(text.match(/"next":null}/g)?.length, 71);
  }));

test('reads a body while its request waits for it, then the next request', async () =>
  withFrontend({}, async ({ url }) => {
    const body = `{"name":"AAPL","quantity":1,"type":"buy"${'\r\n\r\n'.repeat(2_000)}}`;
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    const bytes = [
      `POST /orders? HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      `POST /orders? HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `${chunk(body.slice(0, 5_000))}${chunk(body.slice(5_000))}0\r\n\r\n`,
      'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ].join('');
    for (const size of [bytes.length, 1_000]) {
      const raw = openRaw(url, '');
      for (let at = 0; at < bytes.length; at += size) {
        raw.socket.write(bytes.slice(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const answer = await raw.closed;
      assert.equal(answer.match(/(?<=HTTP\/1.1 )\d+/g), ['200', '200', '200'], answer);
    }
  }));

test('a disconnected client starts no further requests', async () =>
  withFrontend({}, async (fixture) => {
    const { requests } = collectLists(fixture);
    const raw = openRaw(fixture.url, PAGE.repeat(3));
    await waitUntil(() => requests.length === 1, 'the request');
    raw.socket.resetAndDestroy();
    await raw.closed;
    const [first] = requests;
    if (first !== undefined) reply(first.link, { t: 'page', id: first.frame.id, orders: ROWS, next: null });
    assert.match(await sendRaw(fixture.url, 'GET /livez HTTP/1.0\r\n\r\n'), '"ok"');
    assert.is(requests.length, 1);
  }));

test.run();
