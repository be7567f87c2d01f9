/** The catalog as leaders and front-ends meet it, one scenario a test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, HOLD_MS } from './testing/driver.js';
import { buy, decideFrame, list, sell, stock } from './testing/frames.js';
import { LEADER_LINKS_MAX } from './catalog.js';

const A = stock('A', 100);
const B = stock('B', 100);

test('a trade is seen and answered only once it is revoked everywhere, and then at once', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, decideFrame(5, 0, [buy('A', 30), buy('A', 80), buy('Z')]));
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, version: 5, names: ['A'] }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 100, 0, false], 'the old value, not to be kept');
  assert.is(driver.catalog.status().lastIndex, 0);
  assert.equal(driver.sent(100), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [{ t: 'decided', items: [[5, [5500, -2, -1]]] }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 70, 5, true]);
  assert.is(driver.catalog.status().lastIndex, 5);
  assert.is(driver.write, null, 'before anything is written');
});

test('what comes while a round is under way is decided together in the next', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, decideFrame(1, 0, [buy('A')]));
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  driver.ask(100, decideFrame(3, 2, [buy('A', 98), buy('A')]));
  assert.is(driver.catalog.status().queued, 2);
  assert.equal(driver.sent(100), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [
    { t: 'decided', items: [[1, [5500]]] },
    {
      t: 'decided',
      items: [
        [2, [5500]],
        [3, [5500, -2]],
      ],
    },
  ]);
});

test('a batch that two leaders send is decided once and answered to both', () => {
  const driver = Driver.ready([A]);
  driver.leader(101);
  driver.ask(100, decideFrame(1, 0, [buy('A', 60)]));
  driver.ask(101, decideFrame(1, 0, [buy('A', 60)]));
  assert.equal(driver.sent(100), [{ t: 'decided', items: [[1, [5500]]] }]);
  assert.equal(driver.sent(101), [{ t: 'decided', items: [[1, [5500]]] }]);
  assert.equal(driver.save()?.outcomes, [[1, [5500]]]);
  driver.ask(101, decideFrame(1, 0, [buy('A', 60)]));
  assert.is(driver.sent(101).length, 1, 'and again when it is on disk');
  assert.is(driver.save(), null, 'nothing new to write');
  driver.frontend(1);
  assert.equal(driver.lookup(1, 'A'), [5500, 40, 1, true]);
});

test('a gap is refused, and so are outcomes that are settled; answers keep the order of the requests', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, decideFrame(1, 0, [buy('A')]));
  driver.ask(100, decideFrame(5, 3, [buy('A')]));
  driver.ask(100, decideFrame(2, 1, [buy('A')], { settled: 1 }));
  driver.ask(100, decideFrame(1, 0, [buy('A')]));
  driver.ask(100, decideFrame(7, 0, [buy('A')]));
  driver.ask(100, { t: 'begin' });
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [
    { t: 'decided', items: [[1, [5500]]] },
    { t: 'refused', why: 'gap', lastIndex: 1 },
    { t: 'decided', items: [[2, [5500]]] },
    { t: 'refused', why: 'settled', lastIndex: 2 },
    { t: 'refused', why: 'gap', lastIndex: 2 },
    { t: 'standing', lastIndex: 2 },
  ]);
  assert.equal(
    driver.events().map((event) => event.kind === 'refused' && event.why),
    ['gap', 'settled', 'gap'],
  );
});

test('a refused batch still settles what it says is in the book, on disk too', () => {
  const driver = Driver.ready([A], { outcomesMax: 2 });
  driver.ask(100, decideFrame(1, 0, [buy('A'), buy('A')]));
  driver.save();
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  assert.equal(driver.sent(100).at(-1), { t: 'refused', why: 'gap', lastIndex: 1 }, 'no room for an outcome');
  assert.equal(driver.events().at(-1), {
    kind: 'refused',
    request: 'decide',
    why: 'full',
    link: 100,
    index: 2,
    prev: 1,
    lastIndex: 1,
  });
  driver.ask(100, decideFrame(9, 7, [buy('A')], { settled: 1 }));
  assert.equal(driver.save(), { lastIndex: 1, settled: 1, stocks: [], outcomes: [], forgotten: [1] });
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  assert.is(driver.catalog.status().lastIndex, 2);
});

test('a page holds what is visible, in order of name', () => {
  const driver = Driver.ready([B, A]);
  driver.frontend(1);
  driver.holder(2, 'B');
  driver.ask(100, decideFrame(1, 0, [list('AA', 5), sell('B', 1)]));
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

test('begin is answered behind what was asked before it on its link, and at once on another', () => {
  const driver = new Driver([A]);
  for (const link of [100, 101]) driver.leader(link);
  driver.ask(100, decideFrame(1, 0, [buy('A')]));
  driver.ask(100, { t: 'begin' });
  driver.ask(101, { t: 'begin' });
  assert.equal(driver.sent(101), [{ t: 'standing', lastIndex: 0 }]);
  assert.throws(() => driver.ask(100, { t: 'attach', upTo: 0 }), /attach came before standing/);
  driver.at(HOLD_MS);
  assert.equal(driver.sent(100), [
    { t: 'decided', items: [[1, [5500]]] },
    { t: 'standing', lastIndex: 1 },
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
    driver.ask(link, { t: 'begin' });
    driver.ask(link, { t: 'attach', upTo });
  }
  driver.at(HOLD_MS);
  assert.is(driver.catalog.unready(), null);
});

test('a leader that goes takes its waiting requests with it, but not the round under way', () => {
  const driver = Driver.ready([A]);
  driver.holder(1, 'A');
  driver.ask(100, decideFrame(1, 0, [buy('A')]));
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  driver.leaderGone(100);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), []);
  assert.is(driver.save()?.lastIndex, 1);
  assert.is(driver.catalog.status().lastIndex, 1);
  assert.is(driver.catalog.status().leaders, 0);
});

test('a queue at its bound closes the link that brings more, and keeps what others asked', () => {
  const driver = Driver.ready([A], { queueRequestsMax: 2 });
  driver.leader(101);
  driver.holder(1, 'A');
  driver.ask(100, decideFrame(1, 0, [buy('A')]));
  driver.ask(101, decideFrame(2, 1, [buy('A')]));
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  driver.ask(100, decideFrame(3, 2, [buy('A')]));
  assert.equal(driver.closes, [[100, 'too many requests wait']]);
  driver.ask(100, decideFrame(4, 3, [buy('A')]));
  assert.is(driver.catalog.status().queued, 1, 'nothing more is taken from a link that closes');
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.is(driver.sent(101).length, 1);
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

test('a write that nobody began and a clock that goes back stop the catalog', () => {
  const driver = Driver.ready([A]);
  assert.throws(() => driver.written(), /a write ends once/);
  assert.throws(() => driver.at(HOLD_MS - 1), /monotonic/);
});

test('a report tells those who watch where the catalog stands', () => {
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
  driver.ask(100, decideFrame(5, 0, [buy('A'), buy('Z')], { traces: [[1, 'request-7']] }));
  assert.equal(driver.events(), [
    { kind: 'traced', requestId: 'request-7', index: 5, position: 1, outcome: -1 },
  ]);
});

test.run();
