/** Tests of the catalog service over real links. */
import { CATALOG_TIMING } from '@trireme/coherence';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy, LIFE } from './rules/testing/leader-log.js';
import { LookupClient, FakeLeader, until, withCatalog } from './testing/catalog-fixture.js';

test('follows the leader, grants a lease, and revokes a changed stock before it is visible', async () => {
  await withCatalog(async ({ url, service, replica, frontend }) => {
    assert.equal(await replica.next(), { t: 'hello', url });
    await frontend.send({ t: 'lookup', items: [[1, 'A']] });
    assert.equal(await frontend.next(), { t: 'stocks', items: [[1, 'unready']] });
    assert.is((await fetch(`${url}/readyz`)).status, 503);
    replica.isGranting = true;
    const { term, process, life } = await replica.becomeLeader(4);
    assert.equal([term, life], [4, null]);
    assert.match(process, /^[0-9a-f]{16}$/);
    assert.equal(await frontend.next(), { t: 'life', life: LIFE });
    await until(() => service.status().unready === null);
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
    const lease = await frontend.next();
    assert.ok(lease.t === 'lease' && lease.id === 2 && lease.ms > 0 && lease.ms <= 9000);
    assert.equal(await frontend.next(), {
      t: 'stocks',
      items: [
        [3, 'stock', ['A', 5500, 100, 0], true],
        [4, 'missing'],
      ],
    });
    assert.equal(await frontend.next(), { t: 'page', id: 5, stocks: [['B', 100, 5, 0]], next: null });
    await replica.send(replica.log.entry(2, [buy('A')]));
    assert.equal(await frontend.next(), { t: 'revoke', seq: 1, names: ['A'] });
    await frontend.send({ t: 'dropped', seq: 1 });
    await replica.next((frame) => frame.t === 'revoked' && frame.index === 2);
    await frontend.send({ t: 'lookup', items: [[6, 'A']] });
    await until(() => service.status().waiting === 1);
    await replica.send(replica.log.visible(2));
    assert.equal(await frontend.next(), { t: 'stocks', items: [[6, 'stock', ['A', 5500, 99, 2], true]] });

    const { authorityMs, ...status } = (await (await fetch(`${url}/status`)).json()) as Record<
      string,
      unknown
    >;
    assert.ok(typeof authorityMs === 'number' && authorityMs <= 9000 && authorityMs > 0);
    assert.equal(status, {
      role: 'catalog',
      id: 'catalog-1',
      process,
      life: LIFE,
      lastIndex: 2,
      visible: 2,
      received: 2,
      hash: replica.log.hash,
      stocks: 2,
      sessions: 1,
      leader: { replica: '1', term: 4 },
      waiting: 0,
      unready: null,
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const line of [
      'authority 1',
      'visible_index 2',
      'received_index 2',
      'stocks 2',
      'frontends 1',
      'waiting_lookups 0',
      'events_total{event="attached"} 1',
      'events_total{event="installed"} 1',
    ]) {
      assert.match(metrics, `\ntrireme_catalog_${line}\n`);
    }
    const ready: unknown = await (await fetch(`${url}/readyz?verbose`)).json();
    assert.equal(ready, {
      status: 'ok',
      checks: [
        { name: 'running', ok: true, problem: null },
        { name: 'authority', ok: true, problem: null },
      ],
    });
  });
});

test('stops answering look-ups when the leader stops granting authority', async () => {
  await withCatalog(async ({ url, service, replica }) => {
    replica.isGranting = true;
    await replica.becomeLeader(1);
    await until(() => service.status().unready === null);
    replica.isGranting = false;
    await until(() => service.status().unready === 'waiting for authority');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, '\ntrireme_catalog_events_total{event="authorityLost"} ');
  }, CATALOG_TIMING);
});

test('reopens a broken link, and attaches with the data that it has', async () => {
  await withCatalog(async ({ service, replica }) => {
    const first = await replica.becomeLeader(1);
    await until(() => service.status().life === LIFE);
    replica.isGranting = true;
    replica.closeLink();
    await until(() => service.status().leader === null);
    const { process, life, visible } = await replica.becomeLeader(1);
    assert.equal([process, life, visible], [first.process, LIFE, 1]);
    await until(() => service.status().unready === null);
  });
});

test('dials replicas that join the group', async () => {
  await withCatalog(async ({ url, service, replica }) => {
    const other = new FakeLeader('2');
    await other.start();
    try {
      const items = [replica, other].map((one, at) => [`${at + 1}`, one.url] as const);
      await replica.send({ t: 'members', index: 3, items });
      assert.equal(await other.next(), { t: 'hello', url });
      await other.becomeLeader(7);
      await until(() => service.status().life === LIFE);
      assert.equal(service.status().leader, { replica: '2', term: 7 });
    } finally {
      await other.stop();
    }
  });
});

test('reset: closes the front-ends, which reconnect, and attaches as a new instance without data', async () => {
  await withCatalog(async ({ service, replica, frontend }) => {
    const { process } = await replica.becomeLeader(1);
    await frontend.next(({ t }) => t === 'life');
    await replica.send({ t: 'reset', reason: 'restored from a copy' });
    const attach = await replica.next(({ t }) => t === 'attach');
    assert.ok(attach.t === 'attach' && attach.life === null && attach.process !== process);
    await until(() => frontend.closes === 1 && frontend.opens === 2);
    assert.is(service.status().life, null);
  });
});

test('stops processing frames when its hash differs from the leader’s', async () => {
  await withCatalog(async ({ service, replica, fatal }) => {
    await replica.becomeLeader(1);
    await replica.send(
      replica.log.entry(2, [buy('A')]),
      { t: 'visible', index: 2, skips: [], hash: 'ab'.repeat(32) },
      replica.log.entry(3, [buy('A')]),
    );
    await until(() => fatal.length > 0);
    assert.match(
      String(fatal[0]),
      /differs after batch 2: .* here, (ab){32} at the leader\. Restart this catalog/,
    );
    assert.is(service.status().received, 2);
  });
});

test('malformed frame: closes its link and no other', async () => {
  await withCatalog(async ({ url, service, replica, frontend }) => {
    const other = new LookupClient(url, 'frontend-2');
    try {
      await replica.becomeLeader(1);
      await other.next(({ t }) => t === 'life');
      await frontend.send({ t: 'nonsense' });
      await until(() => frontend.closes === 1);
      assert.is(other.closes, 0);
      assert.is(replica.closes, 0);
      await replica.send({ t: 'nonsense' });
      await until(() => replica.closes === 1 && replica.opens === 2);
      assert.is(other.closes, 0);
      assert.is(service.status().life, LIFE);
    } finally {
      await other.stop();
    }
  });
});

test.run();
