/** The catalog as leaders and front-ends meet it, one scenario a test. */
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, HOLD_MS } from './testing/driver.js';
import { buy, entryFrame, list, sell, stock } from './testing/frames.js';
import { LEADER_LINKS_MAX } from './catalog.js';

const A = stock('A', 100);
const B = stock('B', 100);

test('a trade is seen and answered only once it is revoked everywhere, and then at once', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, driver.log.entry(5, [buy('A', 30), buy('A', 80), buy('Z')]));
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, version: 5, names: ['A'] }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 100, 0, false], 'the old value, not to be kept');
  assert.is(driver.catalog.status().lastIndex, 0);
  assert.equal(driver.sent(100), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [{ t: 'revoked', index: 5 }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 70, 5, true]);
  assert.is(driver.catalog.status().lastIndex, 5);
});

test('what comes while a round is under way is applied together in the next, and answered by one frame', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  driver.ask(100, driver.log.entry(2, [buy('A')]));
  driver.ask(100, driver.log.entry(3, [buy('A', 98), buy('A')]));
  assert.is(driver.catalog.status().queued, 2);
  assert.equal(driver.sent(100), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 1 },
    { t: 'revoked', index: 3 },
  ]);
});

test('an entry that two leaders send is applied once and answered to both', () => {
  const driver = Driver.ready([A]);
  driver.leader(101);
  const entry = driver.log.entry(1, [buy('A', 60)]);
  driver.ask(100, entry);
  driver.ask(101, entry);
  assert.equal(driver.sent(100), [{ t: 'revoked', index: 1 }]);
  assert.equal(driver.sent(101), [{ t: 'revoked', index: 1 }]);
  driver.frontend(1);
  assert.equal(driver.lookup(1, 'A'), [5500, 40, 1, true]);
});

test('an entry that comes again is answered in its turn: not before what it made is revoked', () => {
  const driver = Driver.ready([A]);
  driver.leader(101);
  driver.holder(1, 'A');
  const entry = driver.log.entry(1, [buy('A')]);
  driver.ask(100, entry);
  driver.ask(101, { t: 'begin' }, entry);
  assert.equal(driver.sent(101), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(101), [
    { t: 'standing', lastIndex: 1, hash: driver.catalog.status().hash },
    { t: 'revoked', index: 1 },
  ]);
});

test('an entry that does not follow is refused; answers keep the order of the requests', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  const first = driver.log.entry(1, [buy('A')]);
  driver.ask(100, first);
  driver.ask(100, entryFrame(5, 3, [buy('A')]));
  driver.ask(100, driver.log.entry(2, [buy('A')]));
  driver.ask(100, first);
  driver.ask(100, entryFrame(7, 0, [buy('A')]));
  driver.ask(100, { t: 'begin' });
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 1 },
    { t: 'refused', lastIndex: 1 },
    { t: 'revoked', index: 2 },
    { t: 'refused', lastIndex: 2 },
    { t: 'standing', lastIndex: 2, hash: driver.catalog.status().hash },
  ]);
  assert.equal(driver.events(), [
    { kind: 'refused', link: 100, index: 5, prev: 3, lastIndex: 1 },
    { kind: 'refused', link: 100, index: 7, prev: 0, lastIndex: 2 },
  ]);
});

test('an entry that gives another hash than at the leader stops the catalog', () => {
  const driver = Driver.ready([A]);
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  assert.throws(
    () => driver.ask(100, entryFrame(2, 1, [buy('A')], { hash: 'ab'.repeat(32) })),
    (error: unknown) => {
      return (
        error instanceof Error &&
        error.name === 'InvariantError' &&
        /log index 2 gives hash/.test(error.message)
      );
    },
  );
});

test('positions that are skipped make nothing, and count for the hash', () => {
  const driver = Driver.ready([A]);
  const entry = driver.log.entry(1, [buy('A', 1), buy('A', 10)], { skip: [0] });
  driver.ask(100, entry);
  assert.equal(driver.sent(100), [{ t: 'revoked', index: 1 }]);
  driver.frontend(1);
  assert.equal(driver.lookup(1, 'A'), [5500, 90, 1, true]);
});

test('a page holds what is visible, in order of name', () => {
  const driver = Driver.ready([B, A]);
  driver.frontend(1);
  driver.sent(1);
  driver.holder(2, 'B');
  driver.ask(100, driver.log.entry(1, [list('AA', 5), sell('B', 1)]));
  const page = (after: string, limit: number): unknown => {
    driver.say(1, { t: 'list', id: 1, after, limit });
    return driver.sent(1)[0];
  };
  assert.equal(page('', 9), {
    t: 'page',
    id: 1,
    stocks: [
      ['A', 5500, 100, 0],
      ['B', 5500, 100, 0],
    ],
    next: null,
  });
  driver.say(2, { t: 'dropped', seq: 1 });
  assert.equal(page('', 2), {
    t: 'page',
    id: 1,
    stocks: [
      ['A', 5500, 100, 0],
      ['AA', 5, 0, 1],
    ],
    next: 'AA',
  });
  assert.equal(page('AA', 2), { t: 'page', id: 1, stocks: [['B', 5500, 101, 1]], next: null });
  assert.equal(page('B', 2), { t: 'page', id: 1, stocks: [], next: null });
});

test('begin is answered after what was asked before it on its link, and at once on another', () => {
  const driver = new Driver([A]);
  for (const link of [100, 101]) driver.leader(link);
  driver.ask(100, ...driver.log.snapshot(), driver.log.entry(1, [buy('A')]), { t: 'begin' });
  driver.ask(101, { t: 'begin' });
  assert.equal(driver.sent(101), [{ t: 'standing', lastIndex: 0, hash: EMPTY_HASH }]);
  assert.throws(() => driver.ask(100, { t: 'attach', upTo: 0 }), /attach came before standing/);
  driver.at(HOLD_MS);
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 0 },
    { t: 'revoked', index: 1 },
    { t: 'standing', lastIndex: 1, hash: driver.catalog.status().hash },
  ]);
});

test('the least index that a leader names is enough', () => {
  const driver = new Driver([A]);
  for (const [link, upTo] of [
    [100, 8],
    [101, 0],
    [102, 4],
  ] as const) {
    driver.leader(link);
    driver.ask(link, { t: 'begin' }, { t: 'attach', upTo });
  }
  driver.ask(100, ...driver.log.snapshot());
  driver.at(HOLD_MS);
  assert.is(driver.catalog.unready(), null);
});

test('a leader that goes takes its waiting requests with it, but not the round under way', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  driver.ask(100, driver.log.entry(2, [buy('A')]));
  driver.leaderGone(100);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), []);
  assert.is(driver.catalog.status().lastIndex, 1);
  assert.is(driver.catalog.status().leaders, 0);
});

test('a queue at its bound closes the link that brings more, and keeps what others asked', () => {
  const driver = Driver.ready([A], { queueRequestsMax: 2 });
  driver.leader(101);
  driver.holder(1, 'A');
  const [first, second, third, fourth] = [1, 2, 3, 4].map((index) => driver.log.entry(index, [buy('A')]));
  assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
  driver.ask(100, first);
  driver.ask(101, second);
  driver.ask(100, second);
  driver.ask(100, third);
  assert.equal(driver.closes, [[100, 'too many requests wait']]);
  driver.ask(100, fourth);
  assert.is(driver.catalog.status().queued, 1, 'nothing more is taken from a link that closes');
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(101), [{ t: 'revoked', index: 2 }]);
});

test('links beyond the bounds are closed and not listened to', () => {
  const driver = Driver.ready([A], { sessionsMax: 1 });
  driver.frontend(1);
  driver.frontend(2);
  assert.equal(driver.closes, [[2, 'too many front-end sessions']]);
  driver.say(2, { t: 'renew', id: 1 });
  assert.equal(driver.sent(2), []);
  for (let link = 101; link <= 100 + LEADER_LINKS_MAX; link++) driver.leader(link);
  assert.equal(driver.closes.at(-1), [100 + LEADER_LINKS_MAX, 'too many leader links']);
  driver.ask(100 + LEADER_LINKS_MAX, { t: 'begin' });
  assert.equal(driver.sent(100 + LEADER_LINKS_MAX), []);
});

test('a front-end that drops what was not revoked is malformed', () => {
  const driver = Driver.ready([A]);
  driver.frontend(1);
  assert.throws(() => driver.say(1, { t: 'dropped', seq: 1 }), /not sent/);
});

test('a clock that goes back stops the catalog', () => {
  const driver = Driver.ready([A]);
  assert.throws(() => driver.at(HOLD_MS - 1), /monotonic/);
});

test('a report tells those who watch how far the catalog is', () => {
  const driver = Driver.ready([A, B]);
  driver.frontend(1);
  driver.lookup(1, 'A');
  driver.catalog.frontendMessage(1, { t: 'report' }, driver.now);
  const frame = driver.catalog.take().sends[0]?.[1];
  assert.ok(frame?.t === 'report' && 'sessions' in frame.report);
  assert.equal([frame.report.stocks, frame.report.ready, frame.report.lastIndex], [2, true, 0]);
  assert.equal(frame.report.sessions[0]?.names, ['A']);
});

test('what is decided of a request that is followed is told of', () => {
  const driver = Driver.ready([A]);
  driver.ask(100, driver.log.entry(5, [buy('A'), buy('Z')], { traces: [[1, 'request-7']] }));
  assert.equal(driver.events(), [
    { kind: 'traced', requestId: 'request-7', index: 5, position: 1, outcome: -1 },
  ]);
});

test.run();
