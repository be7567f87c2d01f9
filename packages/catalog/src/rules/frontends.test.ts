/** Tests of what a catalog sends to front-ends: answers, leases and revocations. */
import { WAITING_LOOKUPS_MAX } from '@trireme/coherence';
import { FRAME_ITEMS_MAX, type FrontendToCatalog } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogFixture, LEADER } from './testing/driver.js';
import { buy, LIFE, list, stock } from './testing/leader-log.js';

const A = stock('A', 100);
const B = stock('B', 5, 100);

function listFrame(id: number, after = '', limit = 10): FrontendToCatalog {
  return { t: 'list', id, after, limit };
}

test('life: sent once, when the link opens or as soon as it is known, before any answer but unready', () => {
  const driver = new CatalogFixture([A]);
  driver.openFrontend(1);
  assert.is(driver.lookup(1, 'A'), 'unready');
  driver.receiveFromFrontend(1, listFrame(3), { t: 'renew', id: 4 });
  assert.equal(driver.takeSent(1), [{ t: 'pageUnready', id: 3 }], 'no lease without authority');
  driver.openReplica(LEADER);
  driver.receiveFromReplica(LEADER, { t: 'lead', term: 1 }, ...driver.log.snapshot());
  driver.openFrontend(2);
  for (const link of [1, 2]) assert.equal(driver.takeSent(link), [{ t: 'life', life: LIFE }]);
  driver.log.visible(5);
  driver.receiveFromReplica(LEADER, ...driver.log.snapshot());
  assert.equal(driver.takeSent(1), []);
});

test('lookup: answers all items of a frame in one frame, invalid ones with their reason', () => {
  const driver = CatalogFixture.attached([A, B]);
  driver.openFrontend(1);
  driver.takeSent(1);
  const items = [
    [1, 'A'],
    [2, 'Z'],
    [3, 7],
    [4, 'B'],
  ] as unknown as readonly [number, string][];
  driver.receiveFromFrontend(1, { t: 'lookup', items });
  assert.equal(driver.takeSent(1), [
    {
      t: 'stocks',
      items: [
        [1, 'stock', ['A', 5500, 100, 0], true],
        [2, 'missing'],
        [4, 'stock', ['B', 100, 5, 0], true],
        [3, 'invalid', 'stock name is not well-formed text of at most 64 characters'],
      ],
    },
  ]);
});

test('lookup of a stock with a pending change: waits, and is answered in one frame with the others', () => {
  const driver = CatalogFixture.attached([A, B]);
  driver.openFrontend(1);
  driver.takeSent(1);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  const items = [1, 2].map((id) => [id, 'A'] as const);
  driver.receiveFromFrontend(1, { t: 'lookup', items: [...items, [3, 'B']] });
  assert.equal(driver.takeSent(1), [{ t: 'stocks', items: [[3, 'stock', ['B', 100, 5, 0], true]] }]);
  assert.is(driver.status().waiting, 2);
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  assert.equal(driver.takeSent(1), [
    { t: 'stocks', items: items.map(([id]) => [id, 'stock', ['A', 5500, 99, 2], true]) },
  ]);
  assert.is(driver.status().waiting, 0);
});

test('lookup of a stock with a further pending change: answered as not cacheable', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontendWithCache(1);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  driver.lookup(1, 'A');
  driver.receiveFromReplica(LEADER, driver.log.entry(3, [buy('A')]), driver.log.visible(2));
  assert.equal(driver.takeSent(1), [{ t: 'stocks', items: [[7, 'stock', ['A', 5500, 99, 2], false]] }]);
  assert.equal(driver.takeSent(LEADER).at(-1), { t: 'revoked', index: 3 }, 'no front-end caches it');
});

test('revoke: sent after a cacheable answer of the same turn', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  driver.takeSent(1);
  driver.catalog.onFrontendMessage(1, { t: 'lookup', items: [[1, 'A']] }, driver.now);
  driver.catalog.onReplicaMessage(LEADER, driver.log.entry(2, [buy('A')]), driver.now);
  driver.receiveFromFrontend(1, { t: 'lookup', items: [[2, 'Z']] });
  assert.equal(
    driver.takeSent(1).map(({ t }) => t),
    ['stocks', 'revoke', 'stocks'],
  );
});

test('stocks: at most FRAME_ITEMS_MAX answers in a frame', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  driver.takeSent(1);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  for (const part of [0, 1]) {
    const items = Array.from({ length: 600 }, (_, i) => [part * 600 + i, 'A'] as const);
    driver.receiveFromFrontend(1, { t: 'lookup', items });
  }
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  const sizes = driver.takeSent(1).map((frame) => (frame.t === 'stocks' ? frame.items.length : 0));
  assert.equal(sizes, [FRAME_ITEMS_MAX, 1200 - FRAME_ITEMS_MAX]);
});

test('list: waits for every pending entry, and may share ids with look-ups', () => {
  const driver = CatalogFixture.attached([A, B]);
  driver.openFrontend(1);
  driver.takeSent(1);
  driver.receiveFromFrontend(1, listFrame(1, 'A', 1));
  assert.equal(driver.takeSent(1), [{ t: 'page', id: 1, stocks: [['B', 100, 5, 0]], next: null }]);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  driver.receiveFromFrontend(1, listFrame(1, '', 1), { t: 'lookup', items: [[1, 'A']] }, listFrame(2, 'A'));
  assert.equal(driver.takeSent(1), []);
  driver.receiveFromReplica(LEADER, driver.log.entry(3, [list('C', 1)]));
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  assert.equal(driver.takeSent(1), [
    { t: 'page', id: 1, stocks: [['A', 5500, 99, 2]], next: 'A' },
    { t: 'stocks', items: [[1, 'stock', ['A', 5500, 99, 2], true]] },
    { t: 'page', id: 2, stocks: [['B', 100, 5, 0]], next: null },
  ]);
});

test('unready: look-ups and lists that wait too long or lose the authority, each with its own frame', () => {
  const causes: readonly ((driver: CatalogFixture) => void)[] = [
    (driver) => driver.receiveFromReplica(LEADER, { t: 'lead', term: 1 }),
    (driver) => {
      driver.closeReplica(LEADER);
      driver.advanceTo(1180);
    },
    (driver) => {
      for (let now = 1000; now < 1500; now += 25) {
        driver.advanceTo(now);
        driver.grantAuthority();
      }
      driver.advanceTo(1500);
    },
  ];
  for (const cause of causes) {
    const driver = CatalogFixture.attached([A]);
    driver.openFrontend(1);
    driver.takeSent(1);
    driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
    driver.receiveFromFrontend(1, { t: 'lookup', items: [[1, 'A']] }, listFrame(1));
    assert.equal(driver.takeSent(1), []);
    cause(driver);
    const frames = [
      { t: 'stocks', items: [[1, 'unready']] },
      { t: 'pageUnready', id: 1 },
    ];
    assert.equal(
      driver.takeSent(1).toSorted((a, b) => (a.t < b.t ? 1 : -1)),
      frames,
    );
  }
});

test('unready: a look-up above the limit of waiting ones, until a front-end with waiting look-ups closes', () => {
  const driver = CatalogFixture.attached([A]);
  for (const link of [1, 2]) driver.openFrontend(link);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  for (let id = 0; id < WAITING_LOOKUPS_MAX; id += 1000) {
    driver.receiveFromFrontend(1, {
      t: 'lookup',
      items: Array.from({ length: 1000 }, (_, i) => [id + i, 'A'] as const),
    });
  }
  driver.takeSent(2);
  assert.is(driver.lookup(2, 'A'), 'unready');
  driver.closeFrontend(1);
  assert.is(driver.lookup(2, 'A'), undefined);
  driver.takeSent(1);
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  assert.equal(driver.takeSent(1), []);
  assert.is(driver.takeSent(2).length, 1);
});

test('list command: revokes nothing, as front-ends do not cache an unlisted stock', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontendWithCache(1, 'A', 'N');
  driver.receiveFromFrontend(1, { t: 'report' });
  const [frame] = driver.takeSent(1);
  assert.ok(frame?.t === 'report');
  assert.equal(frame.report, {
    lastIndex: 0,
    stocks: 1,
    ready: true,
    sessions: [{ peer: 'frontend-1', leaseMs: 110, names: ['A'] }],
  });
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [list('N', 5)]));
  assert.equal(driver.takeSent(1), []);
  assert.equal(driver.takeSent(LEADER), [{ t: 'revoked', index: 2 }]);
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  assert.equal(driver.lookup(1, 'N'), [5, 0, 2, true]);
});

test('renew: grants a lease in whole milliseconds, not longer than the authority; none below 1 ms', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  driver.takeSent(1);
  driver.receiveFromFrontend(1, { t: 'renew', id: 1 });
  driver.advanceTo(1100.5);
  driver.receiveFromFrontend(1, { t: 'renew', id: 2 });
  driver.advanceTo(1179.5);
  driver.receiveFromFrontend(1, { t: 'renew', id: 3 });
  assert.equal(driver.takeSent(1), [
    { t: 'lease', id: 1, ms: 100 },
    { t: 'lease', id: 2, ms: 79 },
  ]);
});

test('revoke without an acknowledgement: waits until the lease expires, and records it', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontendWithCache(1, 'A');
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  driver.advanceTo(1109);
  assert.equal(
    driver.takeSent(LEADER).filter(({ t }) => t === 'revoked'),
    [],
  );
  assert.ok(driver.wakeAt !== null && driver.wakeAt <= 1111);
  driver.advanceTo(1111);
  assert.equal(driver.takeSent(LEADER)[0], { t: 'revoked', index: 2 });
  assert.equal(driver.takeEvents(), [{ kind: 'leaseExpired', peer: 'frontend-1' }]);
});

test('lease does not expire by time that only the wall clock counted', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontendWithCache(1, 'A');
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  driver.clockSkipped(5000);
  driver.advanceTo(6109);
  assert.equal(
    driver.takeSent(LEADER).filter(({ t }) => t === 'revoked'),
    [],
  );
  driver.advanceTo(6111);
  assert.equal(
    driver.takeSent(LEADER).filter(({ t }) => t === 'revoked'),
    [{ t: 'revoked', index: 2 }],
  );
});

test('dropped for a revocation that was not sent: closes the front-end', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  driver.receiveFromFrontend(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.takeCloses(), [{ link: 1, reason: 'acknowledged a revocation that was not sent' }]);
  driver.takeSent(1);
  assert.is(driver.lookup(1, 'A'), undefined, 'later frames get no answer');
});

test('closes a front-end above the limit, until the leases of closed ones expire', () => {
  const driver = CatalogFixture.attached([A], { frontendsMax: 1 });
  driver.openFrontendWithCache(1, 'A');
  driver.closeFrontend(1);
  driver.openFrontend(2);
  assert.equal(driver.takeCloses(), [{ link: 2, reason: 'too many front-ends' }]);
  assert.equal(driver.takeSent(2), []);
  driver.closeFrontend(2);
  driver.advanceTo(1111);
  driver.openFrontend(3);
  assert.equal(driver.takeCloses(), []);
  assert.is(driver.status().sessions, 1);
});

test.run();
