/** Look-ups while catalogs start, stop, pause, or cannot answer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LOOKUP_WAIT_MS } from '@trireme/coherence';
import type { StockWire } from '@trireme/domain';
import { CatalogSelector } from '../rules/catalog-selector.js';
import { FakeCatalog, waitUntil } from '../testing/fakes.js';
import {
  errorStatus,
  untilReady,
  withFrontend,
  type FrontendFixture,
  type FrontendFixtureOptions,
} from '../testing/fixture.js';

interface LookUpResult {
  readonly status: number;
  readonly cache: string | null;
  readonly etag: string | null;
}

async function lookUp(url: string, name = 'AAPL'): Promise<LookUpResult> {
  const response = await fetch(`${url}/stocks/${name}`);
  await response.arrayBuffer();
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    etag: response.headers.get('etag'),
  };
}

interface CatalogStatus {
  readonly id: string;
  readonly linked: boolean;
  readonly current: boolean;
}

async function catalogsOf(url: string): Promise<readonly CatalogStatus[]> {
  const status = (await (await fetch(`${url}/status`)).json()) as { catalogs: readonly CatalogStatus[] };
  return status.catalogs;
}

async function currentOf(url: string): Promise<string | undefined> {
  return (await catalogsOf(url)).find(({ current }) => current)?.id;
}

/**
 * Runs a test with two catalogs: the current one, which has AAPL in version 7, and another one, in version 8.
 */
async function withTwo(
  options: FrontendFixtureOptions,
  run: (fixture: FrontendFixture, current: FakeCatalog, other: FakeCatalog) => Promise<void>,
): Promise<void> {
  await withFrontend({ catalogs: 2, ...options }, async (fixture) => {
    const id = await currentOf(fixture.url);
    const current = fixture.catalogs.find((catalog) => catalog.id === id);
    const other = fixture.catalogs.find((catalog) => catalog.id !== id);
    assert.ok(current !== undefined && other !== undefined);
    other.stocks.set('AAPL', ['AAPL', 5500, 99, 8]);
    await run(fixture, current, other);
  });
}

const FROM_CURRENT = { status: 200, etag: '"l1-v7"' };
const FROM_OTHER = { status: 200, etag: '"l1-v8"' };

test('when the link to the current catalog closes, the other one answers and the cache follows it', async () =>
  withTwo({}, async ({ url }, current, other) => {
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'miss' });
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'hit' });
    assert.is(other.framesOfType('renew').length, 0, 'only the current catalog is asked for leases');
    await current.stop();
    await waitUntil(() => other.framesOfType('renew').length > 0, 'the cache follows the other one');
    await untilReady(url);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'hit' });
    assert.is(await currentOf(url), other.id);
  }));

test('when the current catalog cannot answer, the cache moves to the other one and the first one is dialed again', async () =>
  withTwo({ leaseMs: 300 }, async ({ url }, current, other) => {
    const [oldLink] = current.links;
    current.ready = false;
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    assert.is(await currentOf(url), current.id, 'it may be able to answer again soon');
    await untilLeft(url, current);
    await untilReady(url);
    assert.is(await currentOf(url), other.id);
    await waitUntil(
      () => current.links.length === 1 && current.links[0] !== oldLink,
      'a new link to the first one',
    );
    const asked = current.framesOfType('lookup').length;
    await lookUp(url);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'hit' });
    assert.is(
      current.framesOfType('lookup').length,
      asked,
      'the catalog that could not answer is not asked again',
    );
  }));

test('a paused current catalog delays only one look-up by its timeout', async () =>
  withTwo(
    { catalogTimeouts: { answerTimeoutMs: 300, returnDelayMs: 10_000 } },
    async ({ url }, current, other) => {
      current.onFrame = () => undefined;
      current.onOpen = () => undefined;
      const startedAt = performance.now();
      assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
      assert.ok(performance.now() - startedAt >= 250, 'the front-end waited for it');
      const asked = current.framesOfType('lookup').length;
      assert.is(asked, 1);
      await untilReady(url);
      assert.is(await currentOf(url), other.id);
      await lookUp(url);
      assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'hit' });
      assert.is(current.framesOfType('lookup').length, asked);
    },
  ));

for (const cacheSize of [0, 5])
  test(`a look-up waits for a slow catalog that sends reports: cache size ${cacheSize}`, async () =>
    withTwo(
      { cacheSize, catalogTimeouts: { answerTimeoutMs: 200, returnDelayMs: 10_000 } },
      async ({ url }, current, other) => {
        const answer = current.onFrame;
        const held: (() => void)[] = [];
        current.onFrame = (frame, link) => {
          if (frame.t === 'lookup') held.push(() => answer(frame, link));
          else answer(frame, link);
        };
        const pending = lookUp(url);
        await waitUntil(() => held.length > 0, 'the look-up arrived');
        await new Promise((resolve) => setTimeout(resolve, 600));
        for (const release of held) release();
        assert.equal(await pending, { ...FROM_CURRENT, cache: 'miss' });
        assert.is(other.framesOfType('lookup').length, 0);
      },
    ));

test('after a slow answer without a result the leader is asked instead of the next catalog', async () =>
  withTwo({}, async ({ url, replicas: [leader] }, current, other) => {
    leader.stocks = AT_LEADER;
    const answer = current.onFrame;
    current.onFrame = (frame, link) => {
      if (frame.t !== 'lookup') answer(frame, link);
      else {
        const items = frame.items.map(([id]) => [id, 'unready'] as const);
        setTimeout(() => link.send({ t: 'stocks', items }), LOOKUP_WAIT_MS);
      }
    };
    assert.is((await lookUp(url)).etag, '"l1-v9"');
    assert.is(leader.framesOfType('lookup').length, 1);
    assert.is(other.framesOfType('lookup').length, 0);
  }));

test('the cache moves back to a preferred catalog once it has been linked for a while and grants leases', async () =>
  withTwo(
    { leaseMs: 300, catalogTimeouts: { answerTimeoutMs: 2_000, returnDelayMs: 200 } },
    async ({ url, catalogs }) => {
      const choice = new CatalogSelector('frontend-1');
      for (const { id } of catalogs) choice.onOpened(id, 0);
      const preferredId = choice.preferredCatalog(1, 0) ?? choice.current;
      const preferred = catalogs.find(({ id }) => id === preferredId);
      assert.ok(preferred !== undefined);
      await untilCurrent(url, preferred);
      preferred.ready = false;
      await untilLeft(url, preferred);
      preferred.ready = true;
      await untilCurrent(url, preferred);
      await untilReady(url);
      await lookUp(url);
      assert.is((await lookUp(url)).cache, 'hit');
    },
  ));

/** Looks up a stock until the cache follows another catalog than `id`. */
async function untilLeft(url: string, { id }: FakeCatalog, name = 'AAPL'): Promise<void> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
    await lookUp(url, name);
    if ((await currentOf(url)) !== id) return;
  }
  assert.unreachable(`the cache still follows ${id}`);
}

async function untilCurrent(url: string, { id }: FakeCatalog): Promise<void> {
  const state: { current: string | undefined } = { current: undefined };
  const polling = setInterval(() => void currentOf(url).then((current) => (state.current = current)), 20);
  await waitUntil(() => state.current === id, `the cache follows ${id}`).finally(() =>
    clearInterval(polling),
  );
}

const AT_LEADER: ReadonlyMap<string, StockWire> = new Map([
  ['AAPL', ['AAPL', 5500, 50, 9]],
  ['B', ['B', 101, 1, 2]],
]);

test('without catalogs the leader answers, with its entity tags, and nothing is cached', async () =>
  withFrontend({ catalogs: 0 }, async ({ url, replicas: [leader, other] }) => {
    leader.stocks = AT_LEADER;
    leader.life = 'l5';
    for (let n = 0; n < 2; n += 1)
      assert.equal(await lookUp(url), { status: 200, etag: '"l5-v9"', cache: 'miss' });
    assert.is(await errorStatus(await fetch(`${url}/stocks/NONE`)), 'STOCK_NOT_FOUND');
    const tagged = { headers: { 'if-none-match': '"l5-v9"' } };
    assert.is((await fetch(`${url}/stocks/AAPL`, tagged)).status, 304);
    const page = await fetch(`${url}/stocks?limit=1`);
    assert.is(await page.text(), '{"data":[{"name":"AAPL","price":55.00,"quantity":50}],"next":"AAPL"}');
    const last = await fetch(`${url}/stocks?limit=1&after=AAPL`);
    assert.is(await last.text(), '{"data":[{"name":"B","price":1.01,"quantity":1}],"next":null}');
    assert.equal(other.framesOfType('lookup'), []);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, '\ntrireme_lookups_answered_total{kind="replica"} 4\n');
  }));

test('when no catalog can answer, each is asked once before the leader', async () =>
  withTwo({}, async ({ url, replicas: [leader] }, current, other) => {
    for (const catalog of [current, other]) catalog.ready = false;
    leader.stocks = AT_LEADER;
    assert.equal(await lookUp(url), { status: 200, etag: '"l1-v9"', cache: 'miss' });
    assert.equal(
      [current, other].map((catalog) => catalog.framesOfType('lookup').length),
      [1, 1],
    );
    assert.is(await currentOf(url), current.id, 'no other catalog is better');
    assert.is((await fetch(`${url}/stocks`)).status, 200);
    assert.equal(
      [current, other].map((catalog) => catalog.framesOfType('list').length),
      [1, 1],
    );
  }));

test('after notLeader the next leader is asked', async () =>
  withFrontend({ catalogs: 0 }, async ({ url, replicas: [first, second] }) => {
    second.stocks = AT_LEADER;
    first.onStockRequest = (frame, link) => {
      if (frame.t === 'lookup') {
        const items = frame.items.map(([id]) => [id, 'refused', 'notLeader'] as const);
        link.send({ t: 'stocks', life: 'l1', items });
      } else link.send({ t: 'pageRefused', id: frame.id, why: 'notLeader' });
      second.announceLeader('2', 2);
    };
    assert.equal(await lookUp(url), { status: 200, etag: '"l1-v9"', cache: 'miss' });
    assert.is(first.framesOfType('lookup').length, 1);
  }));

test('a leader that refuses a look-up before it knows the life of the cluster keeps its link', async () =>
  withFrontend({ catalogs: 0 }, async ({ url, replicas: [leader] }) => {
    const [link] = leader.links;
    const answer = leader.onStockRequest;
    leader.life = '';
    leader.onStockRequest = (frame, to) => {
      answer(frame, to);
      leader.stocks = AT_LEADER;
      leader.life = 'l1';
    };
    assert.equal(await lookUp(url), { status: 200, etag: '"l1-v9"', cache: 'miss' });
    assert.is(leader.framesOfType('lookup').length, 2);
    assert.is(leader.links[0], link);
  }));

test('a list that the leader refuses is retried, and an invalid request is reported to the client', async () =>
  withFrontend({ catalogs: 0 }, async ({ url, replicas: [leader] }) => {
    leader.onStockRequest = (frame, link) => {
      const first = leader.framesOfType('listStocks').length === 1;
      if (frame.t === 'listStocks' && first) link.send({ t: 'pageRefused', id: frame.id, why: 'busy' });
      else if (frame.t === 'listStocks') link.send({ t: 'pageInvalid', id: frame.id, reason: 'no' });
      else {
        const items = frame.items.map(([id]) => [id, 'invalid', 'no'] as const);
        link.send({ t: 'stocks', life: 'l1', items });
      }
    };
    assert.is(await errorStatus(await fetch(`${url}/stocks`)), 'INVALID_REQUEST');
    assert.is(leader.framesOfType('listStocks').length, 2);
    assert.is(await errorStatus(await fetch(`${url}/stocks/AAPL`)), 'INVALID_REQUEST');
  }));

test('catalogs are added and removed as replicas announce them', async () =>
  withFrontend({}, async ({ url, catalog, replicas }) => {
    const added = new FakeCatalog('catalog-9');
    await added.start();
    try {
      const both = [
        [catalog.id, null],
        [added.id, added.url],
      ] as const;
      for (const replica of replicas) replica.announceCatalogs(both);
      await waitUntil(() => added.links.length === 1, 'a link to the new one');
      assert.is(catalog.links.length, 1, 'the link stays when no replica knows the URL of the first one');
      for (const replica of replicas) replica.announceCatalogs([[added.id, added.url]]);
      await waitUntil(() => catalog.links.length === 0, 'the link to the first one is closed');
      await waitUntil(() => added.framesOfType('renew').length > 0, 'the cache follows the new one');
      assert.equal(
        (await catalogsOf(url)).map(({ id, linked, current }) => [id, linked, current]),
        [[added.id, true, true]],
      );
      await Promise.all(replicas.map(async (replica) => replica.stop()));
      added.stocks.set('AAPL', ['AAPL', 5500, 98, 8]);
      assert.is((await lookUp(url)).status, 200, 'known catalogs stay while no replica is linked');
      const moved = new FakeCatalog(added.id);
      await moved.start();
      await Promise.all(replicas.map(async (replica) => replica.start()));
      for (const replica of replicas) replica.announceCatalogs([[moved.id, moved.url]]);
      await waitUntil(
        () => moved.links.length === 1 && added.links.length === 0,
        'the link to the new address',
      );
      await moved.stop();
    } finally {
      await added.stop();
    }
  }));

test('values cached from one catalog are not served after a move, and its late revocation is answered', async () =>
  withTwo({ leaseMs: 300 }, async ({ url }, current, other) => {
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'miss' });
    other.send({ t: 'revoke', seq: 1, names: ['B'] });
    await waitUntil(
      () => other.framesOfType('dropped').length === 1,
      'a revocation by another catalog is answered too',
    );
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'hit' });
    current.ready = false;
    await untilLeft(url, current, 'NONE');
    assert.is(await currentOf(url), other.id);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    await untilReady(url);
    await lookUp(url);
    await waitUntil(() => current.links.length === 1, 'a new link');
    current.send({ t: 'revoke', seq: 1, names: ['AAPL'] });
    await waitUntil(() => current.framesOfType('dropped').length === 1, 'the revocation is answered');
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' }, 'dropping too much is harmless');
  }));

test('a look-up that breaks the links of both catalogs is not repeated forever: 503', async () =>
  withTwo({ deadlineMs: 60_000 }, async ({ url }, current, other) => {
    for (const catalog of [current, other]) {
      catalog.onFrame = (frame, link) => {
        if (frame.t === 'lookup') link.close('this request breaks links');
      };
    }
    assert.is(await errorStatus(await fetch(`${url}/stocks/AAPL`)), 'UNAVAILABLE');
    assert.ok(current.framesOfType('lookup').length <= 3 && other.framesOfType('lookup').length <= 3);
  }));

test.run();
