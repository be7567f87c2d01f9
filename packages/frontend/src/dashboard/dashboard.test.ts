/** The page, the files and the stream of the dashboard, served by a front-end with fake backends. */
import { get, type IncomingMessage } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DashboardSnapshot } from '../rules/dashboard/snapshot.js';
import { waitUntil } from '../testing/fakes.js';
import { errorStatus, postOrder, reply, withFrontend, type FrontendFixture } from '../testing/fixture.js';
import { STREAMS_MAX } from './event-streams.js';

/** A client of the stream, with everything that it received. */
interface Viewer {
  readonly response: IncomingMessage;
  readonly states: DashboardSnapshot[];
  readonly events: string[];
  ended: boolean;
}

async function openStream(url: string): Promise<Viewer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/dashboard/stream`, { agent: false }, resolve).on('error', reject);
  });
  const viewer: Viewer = { response, states: [], events: [], ended: false };
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
      viewer.events.push(event);
      if (event === 'state') viewer.states.push(JSON.parse(data) as DashboardSnapshot);
    }
  });
  for (const name of ['end', 'error', 'close']) response.on(name, () => (viewer.ended = true));
  return viewer;
}

/** Makes replica 1 send reports and list its orders. */
function sendReports({ replicas: [first] }: FrontendFixture, orders: number): void {
  const answer = first.onFrame;
  first.onFrame = (frame, link) => {
    if (frame.t === 'report') {
      const log = { firstIndex: 1, lastIndex: 9, commit: 9, applied: 9, orders, hash: 'ab'.repeat(32) };
      const peers = [{ id: '2', inbound: true, outbound: true, match: 7 }];
      const state = { role: 'leader', term: 1, leader: '1', leading: true, learner: false } as const;
      reply(link, { t: 'report', report: { ...state, ...log, peers } });
    } else if (frame.t === 'list') {
      const numbers = Array.from({ length: orders - frame.after }, (_, i) => frame.after + 1 + i);
      const rows = numbers.map((number) => [number, 'AAPL', 'buy', 1, 5500, 1] as const);
      reply(link, { t: 'page', id: frame.id, orders: rows, next: null });
    } else answer(frame, link);
  };
}

test('the page loads only files of this server, and its policy allows no others', async () => {
  await withFrontend({}, async ({ url }) => {
    const page = await fetch(`${url}/`);
    assert.is(page.status, 200);
    assert.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.match(
      page.headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self';/,
    );
    assert.is(page.headers.get('x-frame-options'), 'DENY');
    const html = await page.text();
    const loaded = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, target = '']) => target);
    assert.ok(loaded.includes('/assets/main.js'));
    assert.ok(
      loaded.every((target) => target.startsWith('/')),
      loaded.join(),
    );
    assert.not.match(html, /<script>|style=|onclick=/);
    for (const target of new Set(loaded.filter((path) => path.startsWith('/assets/')))) {
      const response = await fetch(`${url}${target}`);
      assert.is(response.status, 200, target);
      const etag = response.headers.get('etag') ?? '';
      assert.ok((await response.text()).length > 0);
      const again = await fetch(`${url}${target}`, { headers: { 'if-none-match': etag } });
      assert.is(again.status, 304, target);
    }
    assert.is(await errorStatus(await fetch(`${url}/assets/main.ts`)), 'ROUTE_NOT_FOUND');
    assert.is((await fetch(`${url}/assets/..%2fpackage.json`)).status, 404);
    assert.is(
      (await fetch(`${url}/dashboard/stream`, { method: 'POST' })).headers.get('allow'),
      'GET, HEAD, OPTIONS',
    );
  });
});

test('all scripts that a script imports are served', async () => {
  await withFrontend({}, async ({ url }) => {
    const visited = new Set<string>();
    const visit = async (name: string): Promise<void> => {
      if (visited.has(name)) return;
      visited.add(name);
      const response = await fetch(`${url}/assets/${name}`);
      assert.is(response.status, 200, name);
      assert.match(response.headers.get('content-type') ?? '', /^text\/javascript/);
      for (const [, next = ''] of (await response.text()).matchAll(/from '\.\/([\w-]+\.js)'/g))
        await visit(next);
    };
    await visit('main.js');
    assert.ok(visited.size > 5);
  });
});

test('the stream sends replicas, stocks, orders and rates repeatedly', async () => {
  await withFrontend({}, async (fixture) => {
    sendReports(fixture, 45);
    await postOrder(fixture.url);
    const viewer = await openStream(fixture.url);
    await waitUntil(() => viewer.states.length >= 2, 'two states');
    await waitUntil(() => (viewer.states.at(-1)?.orders.length ?? 0) === 30, 'the latest orders');
    const state = viewer.states.at(-1);
    assert.is(state?.orders[0]?.number, 45);
    assert.equal(state?.leader, { replica: '1', term: 1 });
    assert.equal(
      state?.replicas.map(({ id, role, lag }) => [id, role, lag]),
      [
        ['1', 'leader', 0],
        ['2', 'unknown', 2],
      ],
    );
    assert.equal(state?.stocks[0], {
      name: 'AAPL',
      price: '55.00',
      quantity: 100,
      cachedHere: false,
      cachedBy: ['frontend-2'],
    });
    assert.ok(viewer.events.includes('curves') && viewer.events.includes('point'));
    viewer.response.destroy();
  });
});

test('the stream sends link changes at once, and without viewers no reports are requested', async () => {
  await withFrontend({}, async (fixture) => {
    const [first, second] = fixture.replicas;
    assert.equal(first.framesOfType('report'), []);
    const viewer = await openStream(fixture.url);
    const other = await openStream(fixture.url);
    await waitUntil(() => viewer.states.length > 0 && other.states.length > 0, 'a state');
    await second.stop();
    const lost = (): boolean => viewer.states.at(-1)?.replicas[1]?.role === 'unlinked';
    await waitUntil(lost, 'the lost link');
    assert.is(viewer.states.at(-1)?.events[0]?.text, 'lost the connection to replica 2');
    viewer.response.destroy();
    other.response.destroy();
    await waitUntil(() => viewer.ended && other.ended, 'the end of both streams');
    await second.start();
    // The next viewer gets the events that happened without viewers.
    const next = await openStream(fixture.url);
    const isBack = (): boolean => next.states.at(-1)?.events[0]?.text === 'connected to replica 2';
    await waitUntil(isBack, 'the event without viewers');
    next.response.destroy();
  });
});

test('the number of streams is bounded, and a stopping front-end ends them', async () => {
  await withFrontend({}, async (fixture) => {
    const viewers = await Promise.all(
      Array.from({ length: STREAMS_MAX }, async () => openStream(fixture.url)),
    );
    assert.is(await errorStatus(await fetch(`${fixture.url}/dashboard/stream`)), 'UNAVAILABLE');
    viewers.pop()?.response.destroy();
    const retry = async (): Promise<Viewer> => {
      const viewer = await openStream(fixture.url);
      if (viewer.response.statusCode === 200) return viewer;
      viewer.response.resume();
      return retry();
    };
    viewers.push(await retry());
    const stopped = fixture.frontend.stop();
    await waitUntil(() => viewers.every(({ ended }) => ended), 'the end of every stream');
    await stopped;
  });
});

test('HEAD of the stream returns its headers without opening a stream', async () => {
  await withFrontend({}, async ({ url }) => {
    const { response } = await openStream(url);
    const head = await fetch(`${url}/dashboard/stream`, { method: 'HEAD' });
    assert.is(head.status, 200);
    for (const name of ['content-type', 'cache-control', 'content-security-policy', 'x-served-by'])
      assert.is(head.headers.get(name), response.headers[name], name);
    assert.is(await head.text(), '');
    response.destroy();
  });
});

test.run();
