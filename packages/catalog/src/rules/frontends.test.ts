/** What front-ends get: answers, leases and revocations. */
import { WAITING_MAX } from '@trireme/coherence';
import { FRAME_ITEMS_MAX, type FrontendToCatalog } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, LEADER } from './testing/driver.js';
import { buy, LIFE, list, stock } from './testing/leader-log.js';

const A = stock('A', 100);
const B = stock('B', 5, 100);

function listFrame(id: number, after = '', limit = 10): FrontendToCatalog {
  return { t: 'list', id, after, limit };
}

test('life: sent when the link opens or as soon as it is known, once, before any answer but unready', () => {
  const driver = new Driver([A]);
  driver.frontend(1);
  assert.is(driver.lookup(1, 'A'), 'unready');
  driver.say(1, listFrame(3), { t: 'renew', id: 4 });
  assert.equal(driver.sent(1), [{ t: 'pageUnready', id: 3 }], 'no lease without authority');
  driver.replica(LEADER);
  driver.from(LEADER, { t: 'lead', term: 1 }, ...driver.log.snapshot());
  driver.frontend(2);
  for (const link of [1, 2]) assert.equal(driver.sent(link), [{ t: 'life', life: LIFE }]);
  driver.log.visible(5);
  driver.from(LEADER, ...driver.log.snapshot());
  assert.equal(driver.sent(1), []);
});

test('look-ups of one frame are answered in one frame, those that are invalid by themselves', () => {
  const driver = Driver.atWork([A, B]);
  driver.frontend(1);
  driver.sent(1);
  const items = [
    [1, 'A'],
    [2, 'Z'],
    [3, 7],
    [4, 'B'],
  ] as unknown as readonly [number, string][];
  driver.say(1, { t: 'lookup', items });
  assert.equal(driver.sent(1), [
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

test('a stock in doubt: its look-ups wait, and are answered in one frame', () => {
  const driver = Driver.atWork([A, B]);
  driver.frontend(1);
  driver.sent(1);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  const items = [1, 2].map((id) => [id, 'A'] as const);
  driver.say(1, { t: 'lookup', items: [...items, [3, 'B']] });
  assert.equal(driver.sent(1), [{ t: 'stocks', items: [[3, 'stock', ['B', 100, 5, 0], true]] }]);
  assert.is(driver.status().waiting, 2);
  driver.from(LEADER, driver.log.visible(2));
  assert.equal(driver.sent(1), [
    { t: 'stocks', items: items.map(([id]) => [id, 'stock', ['A', 5500, 99, 2], true]) },
  ]);
  assert.is(driver.status().waiting, 0);
});

test('a stock in doubt again: the answer may not be kept', () => {
  const driver = Driver.atWork([A]);
  driver.holder(1);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  driver.lookup(1, 'A');
  driver.from(LEADER, driver.log.entry(3, [buy('A')]), driver.log.visible(2));
  assert.equal(driver.sent(1), [{ t: 'stocks', items: [[7, 'stock', ['A', 5500, 99, 2], false]] }]);
  assert.equal(driver.sent(LEADER).at(-1), { t: 'revoked', index: 3 }, 'nobody keeps it');
});

test('an answer that may be kept comes before the revocation that follows it in one turn', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  driver.sent(1);
  driver.catalog.frontendMessage(1, { t: 'lookup', items: [[1, 'A']] }, driver.now);
  driver.catalog.replicaMessage(LEADER, driver.log.entry(2, [buy('A')]), driver.now);
  driver.say(1, { t: 'lookup', items: [[2, 'Z']] });
  assert.equal(
    driver.sent(1).map(({ t }) => t),
    ['stocks', 'revoke', 'stocks'],
  );
});

test('a frame has a bounded number of answers', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  driver.sent(1);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  for (const part of [0, 1]) {
    const items = Array.from({ length: 600 }, (_, i) => [part * 600 + i, 'A'] as const);
    driver.say(1, { t: 'lookup', items });
  }
  driver.from(LEADER, driver.log.visible(2));
  const sizes = driver.sent(1).map((frame) => (frame.t === 'stocks' ? frame.items.length : 0));
  assert.equal(sizes, [FRAME_ITEMS_MAX, 1200 - FRAME_ITEMS_MAX]);
});

test('a list waits for every entry in doubt; lists and look-ups may have the same ids', () => {
  const driver = Driver.atWork([A, B]);
  driver.frontend(1);
  driver.sent(1);
  driver.say(1, listFrame(1, 'A', 1));
  assert.equal(driver.sent(1), [{ t: 'page', id: 1, stocks: [['B', 100, 5, 0]], next: null }]);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  driver.say(1, listFrame(1, '', 1), { t: 'lookup', items: [[1, 'A']] }, listFrame(2, 'A'));
  assert.equal(driver.sent(1), []);
  driver.from(LEADER, driver.log.entry(3, [list('C', 1)]));
  driver.from(LEADER, driver.log.visible(2));
  assert.equal(driver.sent(1), [
    { t: 'page', id: 1, stocks: [['A', 5500, 99, 2]], next: 'A' },
    { t: 'stocks', items: [[1, 'stock', ['A', 5500, 99, 2], true]] },
    { t: 'page', id: 2, stocks: [['B', 100, 5, 0]], next: null },
  ]);
});

test('look-ups and lists that wait too long, or without authority, are answered unready, each in its form', () => {
  const refuse: readonly ((driver: Driver) => void)[] = [
    (driver) => driver.from(LEADER, { t: 'lead', term: 1 }),
    (driver) => {
      driver.replicaGone(LEADER);
      driver.at(1180);
    },
    (driver) => {
      for (let now = 1000; now < 1500; now += 25) {
        driver.at(now);
        driver.authorize();
      }
      driver.at(1500);
    },
  ];
  for (const give of refuse) {
    const driver = Driver.atWork([A]);
    driver.frontend(1);
    driver.sent(1);
    driver.from(LEADER, driver.log.entry(2, [buy('A')]));
    driver.say(1, { t: 'lookup', items: [[1, 'A']] }, listFrame(1));
    assert.equal(driver.sent(1), []);
    give(driver);
    const frames = [
      { t: 'stocks', items: [[1, 'unready']] },
      { t: 'pageUnready', id: 1 },
    ];
    assert.equal(
      driver.sent(1).toSorted((a, b) => (a.t < b.t ? 1 : -1)),
      frames,
    );
  }
});

test('at the bound of waiting look-ups the next is answered unready; a closed front-end waits no more', () => {
  const driver = Driver.atWork([A]);
  for (const link of [1, 2]) driver.frontend(link);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  for (let id = 0; id < WAITING_MAX; id += 1000) {
    driver.say(1, { t: 'lookup', items: Array.from({ length: 1000 }, (_, i) => [id + i, 'A'] as const) });
  }
  driver.sent(2);
  assert.is(driver.lookup(2, 'A'), 'unready');
  driver.frontendGone(1);
  assert.is(driver.lookup(2, 'A'), undefined);
  driver.sent(1);
  driver.from(LEADER, driver.log.visible(2));
  assert.equal(driver.sent(1), []);
  assert.is(driver.sent(2).length, 1);
});

test('a stock that is not listed is not kept: listing it needs no revocation', () => {
  const driver = Driver.atWork([A]);
  driver.holder(1, 'A', 'N');
  driver.say(1, { t: 'report' });
  const [frame] = driver.sent(1);
  assert.ok(frame?.t === 'report');
  assert.equal(frame.report, {
    lastIndex: 0,
    stocks: 1,
    ready: true,
    sessions: [{ peer: 'frontend-1', leaseMs: 110, names: ['A'] }],
  });
  driver.from(LEADER, driver.log.entry(2, [list('N', 5)]));
  assert.equal(driver.sent(1), []);
  assert.equal(driver.sent(LEADER), [{ t: 'revoked', index: 2 }]);
  driver.from(LEADER, driver.log.visible(2));
  assert.equal(driver.lookup(1, 'N'), [5, 0, 2, true]);
});

test('renew: a lease in whole milliseconds, no longer than the authority; none once that is below one', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  driver.sent(1);
  driver.say(1, { t: 'renew', id: 1 });
  driver.at(1100.5);
  driver.say(1, { t: 'renew', id: 2 });
  driver.at(1179.5);
  driver.say(1, { t: 'renew', id: 3 });
  assert.equal(driver.sent(1), [
    { t: 'lease', id: 1, ms: 100 },
    { t: 'lease', id: 2, ms: 79 },
  ]);
});

test('a front-end that does not answer a revocation holds it up for its lease, which is told', () => {
  const driver = Driver.atWork([A]);
  driver.holder(1, 'A');
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  driver.at(1109);
  assert.equal(
    driver.sent(LEADER).filter(({ t }) => t === 'revoked'),
    [],
  );
  assert.ok(driver.wakeAt !== null && driver.wakeAt <= 1111);
  driver.at(1111);
  assert.equal(driver.sent(LEADER)[0], { t: 'revoked', index: 2 });
  assert.equal(driver.events(), [{ kind: 'leaseExpired', peer: 'frontend-1' }]);
});

test('time that only the wall clock has counted does not end a lease', () => {
  const driver = Driver.atWork([A]);
  driver.holder(1, 'A');
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  driver.clockSkipped(5000);
  driver.at(6109);
  assert.equal(
    driver.sent(LEADER).filter(({ t }) => t === 'revoked'),
    [],
  );
  driver.at(6111);
  assert.equal(
    driver.sent(LEADER).filter(({ t }) => t === 'revoked'),
    [{ t: 'revoked', index: 2 }],
  );
});

test('a front-end that answers a revocation that was not sent is closed', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.closes(), [[1, 'answered a revocation that was not sent']]);
  driver.sent(1);
  assert.is(driver.lookup(1, 'A'), undefined, 'nothing more is answered');
});

test('at the bound of front-ends the next is closed, until leases of closed ones are over', () => {
  const driver = Driver.atWork([A], { frontendsMax: 1 });
  driver.holder(1, 'A');
  driver.frontendGone(1);
  driver.frontend(2);
  assert.equal(driver.closes(), [[2, 'too many front-ends']]);
  assert.equal(driver.sent(2), []);
  driver.frontendGone(2);
  driver.at(1111);
  driver.frontend(3);
  assert.equal(driver.closes(), []);
  assert.is(driver.status().sessions, 1);
});

test.run();
