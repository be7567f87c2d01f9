import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ToReplica } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { until } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import { reply, withRig, type Rig } from '../testing/rig.js';

type List = Extract<ToReplica, { t: 'list' }>;

const PAGE = 'GET /orders?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST_PAGE = PAGE.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
const ROWS = Array.from({ length: 1_000 }, (_, i) => [i + 1, 'AAPL', 'buy', 1, 5500, 1] as const);

/** More than the buffers of the system take for one connection: 10 MiB in all unless it is set otherwise. */
const PAGES = 300;

/** Keeps the questions for pages that come to any replica; what it returns answers one. */
function lists({ replicas }: Rig): { readonly asked: { frame: List; link: Link }[] } {
  const asked: { frame: List; link: Link }[] = [];
  for (const replica of replicas) {
    const before = replica.onFrame;
    replica.onFrame = (frame, link) => {
      if (frame.t === 'list') asked.push({ frame, link });
      else before(frame, link);
    };
  }
  return { asked };
}

function answerAll(rig: Rig): { count: number } {
  const state = { count: 0 };
  for (const replica of rig.replicas) {
    replica.onFrame = (frame, link) => {
      if (frame.t !== 'list') return;
      state.count += 1;
      reply(link, { t: 'page', id: frame.id, orders: ROWS, next: null });
    };
  }
  return state;
}

/** As a client may send it, though a list needs no body. */
const PAGE_WITH_BODY = PAGE.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\nx');

test('of requests behind each other the next is begun when the one before is answered', async () =>
  withRig({}, async (rig) => {
    const { asked } = lists(rig);
    const raw = openRaw(rig.url, PAGE.repeat(30) + LAST_PAGE);
    for (let count = 1; count <= 31; count += 1) {
      await until(() => asked.length >= count, `question ${count}`);
      // Everything of this process that could ask more has had its turn.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      assert.is(asked.length, count);
      const last = asked[count - 1];
      if (last !== undefined) reply(last.link, { t: 'page', id: last.frame.id, orders: [], next: null });
    }
    assert.is((await raw.closed).match(/HTTP\/1.1 200 OK/g)?.length, 31);
  }));

test('of requests with bodies behind each other two are begun at once at most', async () =>
  withRig({}, async (rig) => {
    const { asked } = lists(rig);
    const raw = openRaw(rig.url, PAGE_WITH_BODY.repeat(30) + LAST_PAGE);
    for (let count = 1; count <= 31; count += 1) {
      await until(() => asked.length >= count, `question ${count}`);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(asked.length <= count + 1, `${asked.length} questions`);
      const next = asked[count - 1];
      if (next !== undefined) reply(next.link, { t: 'page', id: next.frame.id, orders: [], next: null });
    }
    assert.is((await raw.closed).match(/HTTP\/1.1 200 OK/g)?.length, 31);
  }));

test('a client that reads nothing has no more pages made than the system takes, and is closed', async () =>
  withRig({ stallMs: 200 }, async (rig) => {
    const answered = answerAll(rig);
    const raw = openRaw(rig.url, PAGE.repeat(PAGES));
    raw.socket.pause();
    // A closed connection shows itself to who writes to it. What is written meanwhile does not keep it open.
    const writing = setInterval(() => raw.socket.write('\r\n'), 20);
    await raw.closed.finally(() => clearInterval(writing));
    assert.ok(answered.count < PAGES, `${answered.count} pages`);
  }));

test('a client that reads slowly gets everything', async () =>
  withRig({}, async (rig) => {
    answerAll(rig);
    const raw = openRaw(rig.url, PAGE.repeat(70) + LAST_PAGE);
    const turns = setInterval(() => {
      raw.socket.pause();
      setTimeout(() => raw.socket.resume(), 10);
    }, 12);
    const text = await raw.closed.finally(() => clearInterval(turns));
    assert.is(text.match(/"next":null}/g)?.length, 71);
  }));

test('a body is read while its request waits for it, and the next request after it', async () =>
  withRig({}, async ({ url }) => {
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

test('a client that goes away in the middle leaves nothing behind', async () =>
  withRig({}, async (rig) => {
    const { asked } = lists(rig);
    const raw = openRaw(rig.url, PAGE.repeat(3));
    await until(() => asked.length === 1, 'the question');
    raw.socket.resetAndDestroy();
    await raw.closed;
    const [first] = asked;
    if (first !== undefined) reply(first.link, { t: 'page', id: first.frame.id, orders: ROWS, next: null });
    assert.match(await sendRaw(rig.url, 'GET /livez HTTP/1.0\r\n\r\n'), '"ok"');
    assert.is(asked.length, 1);
  }));

test.run();
