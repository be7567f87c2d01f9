/** The catalog over real links. */
import {
  LINK_PATHS,
  type CatalogToFrontend,
  type CatalogToLeader,
  type FrontendToCatalog,
  type LeaderToCatalog,
} from '@trireme/domain';
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy, entryFrame, LIFE } from './rules/testing/frames.js';
import { attached, leaderLog, Peer, until, withCatalog } from './testing/running.js';

test('a trade goes from the leader through the caches and back', async () => {
  const leaderOf = leaderLog();
  await withCatalog({}, async ({ url }) => {
    const frontend = new Peer<FrontendToCatalog, CatalogToFrontend>(
      url,
      LINK_PATHS.frontendToCatalog,
      'frontend-1',
    );
    const leader = new Peer<LeaderToCatalog, CatalogToLeader>(url, LINK_PATHS.leaderToCatalog, '1');
    try {
      await frontend.send({ t: 'lookup', items: [[1, 'A']] });
      assert.equal(await frontend.next(), { t: 'stocks', items: [[1, 'unready']] });
      assert.is((await fetch(`${url}/readyz`)).status, 503);
      await leader.send({ t: 'begin' });
      assert.equal(await leader.next(), { t: 'standing', lastIndex: 0, hash: EMPTY_HASH });
      await leader.send({ t: 'attach', upTo: 0 }, ...leaderOf.snapshot({ parts: 2 }));
      assert.equal(await leader.next(), { t: 'revoked', index: 0 });
      assert.equal(await frontend.next(), { t: 'life', life: LIFE });
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
      const entries = [3, 4].map((index) => leaderOf.entry(index, [buy('A')]));
      await leader.send(...entries);
      assert.equal(await frontend.next(), { t: 'revoke', seq: 1, version: 3, names: ['A'] });
      await frontend.send({ t: 'dropped', seq: 1 });
      // One round or two, as the frames came in.
      for (let index = 0; index < 4;) {
        const frame = await leader.next();
        assert.ok(frame.t === 'revoked' && frame.index > index);
        ({ index } = frame);
      }
      await frontend.send({ t: 'lookup', items: [[6, 'A']] });
      assert.equal(await frontend.next(), { t: 'stocks', items: [[6, 'stock', ['A', 5500, 98, 4], true]] });
      const status: unknown = await (await fetch(`${url}/status`)).json();
      assert.equal(status, {
        role: 'catalog',
        id: 'catalog',
        life: LIFE,
        lastIndex: 4,
        hash: entries[1]?.t === 'entry' && entries[1].hash,
        stocks: 2,
        sessions: 1,
        leaders: 1,
        queued: 0,
        ready: true,
        unready: null,
      });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const line of ['ready 1', 'applied_index 4', 'stocks 2', 'events_total{event="ready"} 1']) {
        assert.match(metrics, `\ntrireme_catalog_${line}\n`);
      }
      const ready = await (await fetch(`${url}/readyz?verbose`)).json();
      assert.equal(ready, {
        status: 'ok',
        checks: [
          { name: 'running', ok: true, problem: null },
          { name: 'log', ok: true, problem: null },
        ],
      });
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a front-end that does not answer holds a trade up for its lease and no longer', async () => {
  const leaderOf = leaderLog();
  await withCatalog({ leaseMs: 40 }, async ({ url, service }) => {
    const frontend = new Peer<FrontendToCatalog, CatalogToFrontend>(
      url,
      LINK_PATHS.frontendToCatalog,
      'frontend-1',
    );
    const leader = await attached(url, service, leaderOf);
    try {
      await frontend.send({ t: 'lookup', items: [[1, 'A']] }, { t: 'renew', id: 2 });
      // Life, answer and lease.
      for (let n = 0; n < 3; n += 1) await frontend.next();
      const granted = performance.now();
      await leader.send(leaderOf.entry(1, [buy('A')]));
      assert.equal(await leader.next(), { t: 'revoked', index: 1 });
      // The grant was a moment before it came in here.
      assert.ok(performance.now() - granted > 30, 'the lease was waited for');
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a catalog whose stocks differ from the leader’s stops, and tells nobody anything more', async () => {
  const leaderOf = leaderLog();
  await withCatalog({}, async ({ url, service, fatal }) => {
    const leader = await attached(url, service, leaderOf);
    try {
      await leader.send(entryFrame(1, 0, [buy('A')], { hash: 'ab'.repeat(32) }), { t: 'begin' });
      await until(() => fatal.length > 0);
      assert.match(String(fatal[0]), /log index 1 gives hash .* and (ab){32} at the leader/);
      assert.is(service.status().lastIndex, 0);
    } finally {
      await leader.stop();
    }
  });
});

test('a malformed frame closes its link and no other', async () => {
  const leaderOf = leaderLog();
  await withCatalog({}, async ({ url, service }) => {
    const frontend = new Peer<unknown, CatalogToFrontend>(url, LINK_PATHS.frontendToCatalog, 'frontend-1');
    const leader = await attached(url, service, leaderOf);
    try {
      await frontend.send({ t: 'nonsense' });
      await until(() => frontend.closed > 0);
      await leader.send({ t: 'begin' });
      assert.equal(await leader.next(), { t: 'standing', lastIndex: 0, hash: EMPTY_HASH });
      assert.is(service.status().leaders, 1);
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test.run();
