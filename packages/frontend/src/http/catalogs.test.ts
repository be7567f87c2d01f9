/** Look-ups while catalogs come, go, pause, and cannot tell. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LOOKUP_MS } from '@trireme/coherence';
import type { StockWire } from '@trireme/domain';
import { CatalogChoice } from '../rules/catalog-choice.js';
import { FakeCatalog, until } from '../testing/fakes.js';
import { errorStatus, untilReady, withRig, type Rig, type RigOptions } from '../testing/rig.js';

interface Found {
  readonly status: number;
  readonly cache: string | null;
  readonly etag: string | null;
}

async function lookUp(url: string, name = 'AAPL'): Promise<Found> {
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

/** A front-end with two catalogs: the current one, whose stocks have version 7, and another, version 8. */
async function withTwo(
  options: RigOptions,
  run: (rig: Rig, current: FakeCatalog, other: FakeCatalog) => Promise<void>,
): Promise<void> {
  await withRig({ catalogs: 2, ...options }, async (rig) => {
    const id = await currentOf(rig.url);
    const current = rig.catalogs.find((catalog) => catalog.id === id);
    const other = rig.catalogs.find((catalog) => catalog.id !== id);
    assert.ok(current !== undefined && other !== undefined);
    other.stocks.set('AAPL', ['AAPL', 5500, 99, 8]);
    await run(rig, current, other);
  });
}

const FROM_CURRENT = { status: 200, etag: '"l1-v7"' };
const FROM_OTHER = { status: 200, etag: '"l1-v8"' };

test('when the link to the current catalog breaks, the other one answers and is cached from', async () =>
  withTwo({}, async ({ url }, current, other) => {
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'miss' });
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'hit' });
    assert.is(other.of('renew').length, 0, 'a lease is asked for where the cache is filled from');
    await current.stop();
    await until(() => other.of('renew').length > 0, 'the other one is followed');
    await untilReady(url);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'hit' });
    assert.is(await currentOf(url), other.id);
  }));

test('where the current catalog cannot tell, the other one answers and is followed, and the first one is dialed again', async () =>
  withTwo({ leaseMs: 300 }, async ({ url }, current, other) => {
    const [left] = current.links;
    current.ready = false;
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    assert.is(await currentOf(url), current.id, 'it may be able to again in a moment');
    await untilLeft(url, current);
    await untilReady(url);
    assert.is(await currentOf(url), other.id);
    await until(() => current.links.length === 1 && current.links[0] !== left, 'a new link to the first one');
    const asked = current.of('lookup').length;
    await lookUp(url);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'hit' });
    assert.is(current.of('lookup').length, asked, 'the one that could not tell is not asked again');
  }));

test('a current catalog that is paused costs a look-up its patience once', async () =>
  withTwo({ catalogsTiming: { patienceMs: 300, returnMs: 10_000 } }, async ({ url }, current, other) => {
    current.onFrame = () => undefined;
    current.onOpen = () => undefined;
    const startedAt = performance.now();
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    assert.ok(performance.now() - startedAt >= 250, 'it was waited for');
    const asked = current.of('lookup').length;
    assert.is(asked, 1);
    await untilReady(url);
    assert.is(await currentOf(url), other.id);
    await lookUp(url);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'hit' });
    assert.is(current.of('lookup').length, asked);
  }));

for (const cacheSize of [0, 5])
  test(`a catalog that says something is waited for, however long it takes to answer: cache of ${cacheSize}`, async () =>
    withTwo(
      { cacheSize, catalogsTiming: { patienceMs: 200, returnMs: 10_000 } },
      async ({ url }, current, other) => {
        const answer = current.onFrame;
        const held: (() => void)[] = [];
        current.onFrame = (frame, link) => {
          if (frame.t === 'lookup') held.push(() => answer(frame, link));
          else answer(frame, link);
        };
        const pending = lookUp(url);
        await until(() => held.length > 0, 'it is asked');
        await new Promise((resolve) => setTimeout(resolve, 600));
        for (const release of held) release();
        assert.equal(await pending, { ...FROM_CURRENT, cache: 'miss' });
        assert.is(other.of('lookup').length, 0);
      },
    ));

test('where a catalog cannot tell for long the leader is asked, not the next catalog', async () =>
  withTwo({}, async ({ url, replicas: [leader] }, current, other) => {
    leader.stocks = AT_LEADER;
    const answer = current.onFrame;
    current.onFrame = (frame, link) => {
      if (frame.t !== 'lookup') answer(frame, link);
      else {
        const items = frame.items.map(([id]) => [id, 'unready'] as const);
        setTimeout(() => link.send({ t: 'stocks', items }), LOOKUP_MS);
      }
    };
    assert.is((await lookUp(url)).etag, '"l1-v9"');
    assert.is(leader.of('lookup').length, 1);
    assert.is(other.of('lookup').length, 0);
  }));

test('a preferred catalog is returned to once it has been linked for a while and grants a lease', async () =>
  withTwo(
    { leaseMs: 300, catalogsTiming: { patienceMs: 2_000, returnMs: 200 } },
    async ({ url, catalogs }) => {
      const choice = new CatalogChoice('frontend-1');
      for (const { id } of catalogs) choice.onOpened(id, 0);
      const preferredId = choice.preferred(1, 0) ?? choice.current;
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

/** Looks a stock up until the cache follows another catalog than `id`. */
async function untilLeft(url: string, { id }: FakeCatalog, name = 'AAPL'): Promise<void> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
    await lookUp(url, name);
    if ((await currentOf(url)) !== id) return;
  }
  assert.unreachable(`${id} is not left`);
}

async function untilCurrent(url: string, { id }: FakeCatalog): Promise<void> {
  const state: { current: string | undefined } = { current: undefined };
  const asking = setInterval(() => void currentOf(url).then((current) => (state.current = current)), 20);
  await until(() => state.current === id, `${id} is followed`).finally(() => clearInterval(asking));
}

const AT_LEADER: ReadonlyMap<string, StockWire> = new Map([
  ['AAPL', ['AAPL', 5500, 50, 9]],
  ['B', ['B', 101, 1, 2]],
]);

test('without any catalog the leader answers, with its life, and nothing is cached', async () =>
  withRig({ catalogs: 0 }, async ({ url, replicas: [leader, other] }) => {
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
    assert.equal(other.of('lookup'), []);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, '\ntrireme_lookups_answered_total{kind="replica"} 4\n');
  }));

test('where no catalog can tell, each is asked once before the leader is', async () =>
  withTwo({}, async ({ url, replicas: [leader] }, current, other) => {
    for (const catalog of [current, other]) catalog.ready = false;
    leader.stocks = AT_LEADER;
    assert.equal(await lookUp(url), { status: 200, etag: '"l1-v9"', cache: 'miss' });
    assert.equal(
      [current, other].map((catalog) => catalog.of('lookup').length),
      [1, 1],
    );
    assert.is(await currentOf(url), current.id, 'nobody else is better');
    assert.is((await fetch(`${url}/stocks`)).status, 200);
    assert.equal(
      [current, other].map((catalog) => catalog.of('list').length),
      [1, 1],
    );
  }));

test('a leader that does not lead any more is suspected, and the next one is asked', async () =>
  withRig({ catalogs: 0 }, async ({ url, replicas: [first, second] }) => {
    second.stocks = AT_LEADER;
    first.onStocks = (frame, link) => {
      if (frame.t === 'lookup') {
        const items = frame.items.map(([id]) => [id, 'refused', 'notLeader'] as const);
        link.send({ t: 'stocks', life: 'l1', items });
      } else link.send({ t: 'pageRefused', id: frame.id, why: 'notLeader' });
      second.tellLeader('2', 2);
    };
    assert.equal(await lookUp(url), { status: 200, etag: '"l1-v9"', cache: 'miss' });
    assert.is(first.of('lookup').length, 1);
  }));

test('the leader is asked again for a list that it refuses, and what it calls invalid is told', async () =>
  withRig({ catalogs: 0 }, async ({ url, replicas: [leader] }) => {
    leader.onStocks = (frame, link) => {
      const first = leader.of('listStocks').length === 1;
      if (frame.t === 'listStocks' && first) link.send({ t: 'pageRefused', id: frame.id, why: 'busy' });
      else if (frame.t === 'listStocks') link.send({ t: 'pageInvalid', id: frame.id, reason: 'no' });
      else {
        const items = frame.items.map(([id]) => [id, 'invalid', 'no'] as const);
        link.send({ t: 'stocks', life: 'l1', items });
      }
    };
    assert.is(await errorStatus(await fetch(`${url}/stocks`)), 'INVALID_REQUEST');
    assert.is(leader.of('listStocks').length, 2);
    assert.is(await errorStatus(await fetch(`${url}/stocks/AAPL`)), 'INVALID_REQUEST');
  }));

test('catalogs come and go by what replicas tell', async () =>
  withRig({}, async ({ url, catalog, replicas }) => {
    const added = new FakeCatalog('catalog-9');
    await added.start();
    try {
      const both = [
        [catalog.id, null],
        [added.id, added.url],
      ] as const;
      for (const replica of replicas) replica.tellCatalogs(both);
      await until(() => added.links.length === 1, 'the new one is linked');
      assert.is(catalog.links.length, 1, 'where the first one is nobody tells any more, and it is there');
      for (const replica of replicas) replica.tellCatalogs([[added.id, added.url]]);
      await until(() => catalog.links.length === 0, 'the first one is left');
      await until(() => added.of('renew').length > 0, 'the new one is followed');
      assert.equal(
        (await catalogsOf(url)).map(({ id, linked, current }) => [id, linked, current]),
        [[added.id, true, true]],
      );
      await Promise.all(replicas.map(async (replica) => replica.stop()));
      added.stocks.set('AAPL', ['AAPL', 5500, 98, 8]);
      assert.is((await lookUp(url)).status, 200, 'what is known stays while no replica is linked');
      const moved = new FakeCatalog(added.id);
      await moved.start();
      await Promise.all(replicas.map(async (replica) => replica.start()));
      for (const replica of replicas) replica.tellCatalogs([[moved.id, moved.url]]);
      await until(() => moved.links.length === 1 && added.links.length === 0, 'it is elsewhere now');
      await moved.stop();
    } finally {
      await added.stop();
    }
  }));

test('what was kept from one catalog is not served after a move, and its late revocation is answered', async () =>
  withTwo({ leaseMs: 300 }, async ({ url }, current, other) => {
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'miss' });
    other.send({ t: 'revoke', seq: 1, names: ['B'] });
    await until(() => other.of('dropped').length === 1, 'a catalog that is not followed has its answer too');
    assert.equal(await lookUp(url), { ...FROM_CURRENT, cache: 'hit' });
    current.ready = false;
    await untilLeft(url, current, 'NONE');
    assert.is(await currentOf(url), other.id);
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' });
    await untilReady(url);
    await lookUp(url);
    await until(() => current.links.length === 1, 'a new link');
    current.send({ t: 'revoke', seq: 1, names: ['AAPL'] });
    await until(() => current.of('dropped').length === 1, 'it is answered');
    assert.equal(await lookUp(url), { ...FROM_OTHER, cache: 'miss' }, 'to drop too much does no harm');
  }));

test('two catalogs that break links are not asked for ever: 503', async () =>
  withTwo({ deadlineMs: 60_000 }, async ({ url }, current, other) => {
    for (const catalog of [current, other]) {
      catalog.onFrame = (frame, link) => {
        if (frame.t === 'lookup') link.close('this question breaks links');
      };
    }
    assert.is(await errorStatus(await fetch(`${url}/stocks/AAPL`)), 'UNAVAILABLE');
    assert.ok(current.of('lookup').length <= 3 && other.of('lookup').length <= 3);
  }));

test.run();
