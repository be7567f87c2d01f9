/** The catalog over real links and a real disk. */
import {
  LINK_PATHS,
  type CatalogToFrontend,
  type CatalogToLeader,
  type FrontendToCatalog,
  type LeaderToCatalog,
} from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogStore } from './store.js';
import { attached, decide, Peer, until, withCatalog } from './testing/running.js';

test('a trade goes from the leader through the caches to the disk and back', async () => {
  await withCatalog({}, async ({ url, folder, service, stop }) => {
    const frontend = new Peer<FrontendToCatalog, CatalogToFrontend>(
      url,
      LINK_PATHS.frontendToCatalog,
      'frontend-1',
    );
    const leader = new Peer<LeaderToCatalog, CatalogToLeader>(url, LINK_PATHS.leaderToCatalog, '1');
    try {
      const first = await frontend.next();
      assert.ok(first.t === 'life' && /^[0-9a-f]{16}$/.test(first.life));
      await frontend.send({ t: 'lookup', items: [[1, 'A']] });
      assert.equal(await frontend.next(), { t: 'stocks', items: [[1, 'unready']] });
      assert.is((await fetch(`${url}/readyz`)).status, 503);
      await leader.send({ t: 'begin' });
      assert.equal(await leader.next(), { t: 'standing', lastIndex: 0 });
      await leader.send({ t: 'attach', upTo: 0 });
      await until(() => service.status().ready);
      assert.is((await fetch(`${url}/readyz`)).status, 200);
      await frontend.send(
        { t: 'renew', id: 2 },
        {
          t: 'lookup',
          items: [
            [3, 'A'],
            [4, 'Z'],
          ],
        },
        { t: 'list', id: 5, after: 'A', limit: 1 },
      );
      assert.equal(await frontend.next(), { t: 'lease', id: 2, ms: 500 });
      assert.equal(await frontend.next(), {
        t: 'stocks',
        items: [
          [3, 'stock', ['A', 5500, 100, 0], true],
          [4, 'missing'],
        ],
      });
      assert.equal(await frontend.next(), { t: 'page', id: 5, stocks: [['B', 100, 5, 0]], next: null });
      await leader.send(decide(3, 0), decide(4, 3));
      assert.equal(await frontend.next(), { t: 'revoke', seq: 1, version: 3, names: ['A'] });
      await frontend.send({ t: 'dropped', seq: 1 });
      const answers: unknown[] = [];
      while (answers.length < 2) {
        const frame = await leader.next();
        if (frame.t === 'decided') answers.push(...frame.items);
      }
      assert.equal(answers, [
        [3, [5500]],
        [4, [5500]],
      ]);
      await frontend.send({ t: 'lookup', items: [[6, 'A']] });
      assert.equal(await frontend.next(), { t: 'stocks', items: [[6, 'stock', ['A', 5500, 98, 4], true]] });
      await until(() => service.status().savedIndex === 4);
      const status: unknown = await (await fetch(`${url}/status`)).json();
      assert.equal(status, {
        role: 'catalog',
        id: 'catalog',
        lastIndex: 4,
        savedIndex: 4,
        settled: 0,
        stocks: 2,
        outcomes: 2,
        sessions: 1,
        leaders: 1,
        queued: 0,
        ready: true,
        unready: null,
      });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const line of [
        'ready 1',
        'decided_index 4',
        'saved_index 4',
        'stocks 2',
        'events_total{event="ready"} 1',
      ]) {
        assert.match(metrics, `\ntrireme_catalog_${line}\n`);
      }
      const ready = await (await fetch(`${url}/readyz?verbose`)).json();
      assert.equal(ready, {
        status: 'ok',
        checks: [
          { name: 'running', ok: true, problem: null },
          { name: 'decisions', ok: true, problem: null },
        ],
      });
      await stop();
      const store = await CatalogStore.open({ folder, cluster: 'test', seed: [] });
      assert.is(store.state.lastIndex, 4);
      await store.close();
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a front-end that does not answer holds a trade up for its lease and no longer', async () => {
  await withCatalog({ leaseMs: 40 }, async ({ url, service }) => {
    const frontend = new Peer<FrontendToCatalog, CatalogToFrontend>(
      url,
      LINK_PATHS.frontendToCatalog,
      'frontend-1',
    );
    const leader = await attached(url, service);
    try {
      await frontend.send({ t: 'lookup', items: [[1, 'A']] }, { t: 'renew', id: 2 });
      // Life, answer and lease.
      for (let n = 0; n < 3; n += 1) await frontend.next();
      const granted = performance.now();
      await leader.send(decide(1, 0));
      assert.equal(await leader.next(), { t: 'decided', items: [[1, [5500]]] });
      // The grant was a moment before it came in here.
      assert.ok(performance.now() - granted > 30, 'the lease was waited for');
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a malformed frame closes its link and no other', async () => {
  await withCatalog({}, async ({ url, service }) => {
    const frontend = new Peer<unknown, CatalogToFrontend>(url, LINK_PATHS.frontendToCatalog, 'frontend-1');
    const leader = await attached(url, service);
    try {
      await frontend.send({ t: 'nonsense' });
      await until(() => frontend.closed > 0);
      await leader.send({ t: 'begin' });
      assert.equal(await leader.next(), { t: 'standing', lastIndex: 0 });
      assert.is(service.status().leaders, 1);
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test.run();
