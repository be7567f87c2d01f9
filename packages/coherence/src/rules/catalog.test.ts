import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogRules, startedState, WAITING_MAX, type CatalogEffect } from './catalog.js';
import type { CatalogToFrontend, ToCatalog } from './messages.js';
import { Sessions } from './sessions.js';

const TIMING = { authorityMs: 200, leaseMs: 100, lookupMs: 500 };

/** A catalog at time 1000 that is attached and has authority, with a front-end on link 7 that has a lease. */
function atWork(): CatalogRules {
  const rules = new CatalogRules(startedState('C1', 'p'), TIMING);
  rules.onLeaderOpened(1, 1000);
  authorize(rules, 1000);
  rules.onFrontendOpened(7, 1000);
  rules.onFrontendMessage(7, { t: 'requestLease', id: 1 }, 1000);
  return rules;
}

function authorize(rules: CatalogRules, now: number, logged = 0): void {
  rules.requestAuthority(now);
  fromLeader(rules, { t: 'authority', id: rules.state.authority.lastRequest, logged }, now);
}

/** A message on the link to the leader that is open. */
function fromLeader(rules: CatalogRules, message: ToCatalog, now: number): CatalogEffect[] {
  return rules.onLeaderMessage(rules.state.leader ?? 0, message, now);
}

function entry(index: number, ...names: readonly string[]): ToCatalog {
  return { t: 'entry', index, names };
}

function lookUp(rules: CatalogRules, name: string, now: number, id = 1): readonly CatalogToFrontend[] {
  return toFrontends(rules.onFrontendMessage(7, { t: 'lookup', id, name }, now));
}

function toFrontends(effects: readonly CatalogEffect[]): readonly CatalogToFrontend[] {
  return effects.flatMap((effect) => (effect.do === 'toFrontend' ? [effect.message] : []));
}

function reports(effects: readonly CatalogEffect[]): readonly number[] {
  return effects.flatMap((effect) =>
    effect.do === 'toLeader' && effect.message.t === 'revoked' ? [effect.message.index] : [],
  );
}

test('onLeaderOpened: says who attaches, and whether older authority held until now', () => {
  const rules = atWork();
  const attach = { t: 'attach', catalog: 'C1', process: 'p', visible: 0 } as const;
  assert.equal(rules.onLeaderOpened(2, 1179), [
    { do: 'toLeader', message: { ...attach, hadAuthority: true } },
  ]);
  assert.equal(rules.onLeaderOpened(3, 1179), [
    { do: 'toLeader', message: { ...attach, hadAuthority: false } },
  ]);
  const lapsed = atWork();
  assert.equal(lapsed.onLeaderOpened(2, 1180), [
    { do: 'toLeader', message: { ...attach, hadAuthority: false } },
  ]);
});

test('onLeaderMessage and onLeaderClosed: an older link changes nothing', () => {
  const rules = atWork();
  rules.onLeaderOpened(2, 1001);
  const id = rules.requestAuthority(1001).length;
  assert.equal(rules.onLeaderMessage(1, entry(1, 'x'), 1002), []);
  rules.onLeaderMessage(1, { t: 'authority', id: id + 1, logged: 0 }, 1002);
  assert.is(rules.state.received, 0);
  assert.is(rules.mayAnswer(1002), false);
  rules.onLeaderClosed(1);
  assert.equal(reports(fromLeader(rules, entry(1, 'x'), 1003)), [1]);
  rules.onLeaderClosed(2);
  assert.equal(rules.onLeaderMessage(2, entry(2, 'x'), 1004), []);
});

test('lookup: answered only under authority', () => {
  const rules = new CatalogRules(startedState('C1', 'p'), TIMING);
  assert.equal(rules.requestAuthority(1000), []);
  rules.onLeaderOpened(1, 1000);
  rules.onFrontendOpened(7, 1000);
  assert.equal(lookUp(rules, 'x', 1000), [{ t: 'unready', id: 1 }]);
  assert.equal(rules.onFrontendMessage(7, { t: 'requestLease', id: 1 }, 1000), []);
  fromLeader(rules, entry(2, 'y'), 1001);
  authorize(rules, 1001, 2);
  assert.equal(lookUp(rules, 'x', 1001), [{ t: 'stock', id: 1, name: 'x', cacheable: true }]);
  assert.equal(lookUp(rules, 'x', 1001 + 180), [{ t: 'unready', id: 1 }]);
  assert.throws(() => authorize(rules, 1200, 3), /after every entry/);
});

test('entry: a stock is taken back from the caches that may hold it, then reported', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  assert.equal(reports(fromLeader(rules, entry(1, 'y'), 1001)), [1]);
  const effects = fromLeader(rules, entry(2, 'x'), 1002);
  assert.equal(toFrontends(effects), [{ t: 'revoke', seq: 1, names: ['x'] }]);
  assert.equal(reports(effects), []);
  assert.equal(reports(rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1003)), [2]);
});

test('entry: a front-end that does not answer is waited for until its lease is over', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1002);
  assert.equal(reports(rules.tick(1109)), []);
  assert.is(Math.round(rules.wakeAt ?? 0), 1110);
  assert.equal(reports(rules.tick(1110)), [1]);
});

test('onClockSkipped: a lease that was given lasts as long as before, authority ends earlier', () => {
  const rules = atWork();
  rules.onFrontendOpened(8, 1000);
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1002);
  rules.onClockSkipped(5000);
  assert.is(rules.mayAnswer(6003), false);
  assert.equal(reports(fromLeader(rules, entry(2, 'x'), 6003)), []);
  assert.equal(reports(rules.tick(6109)), []);
  assert.equal(reports(rules.tick(6111)), [2]);
});

test('entry: a front-end whose link is closed is waited for until its lease is over', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  rules.onFrontendClosed(7, 1001);
  assert.equal(reports(fromLeader(rules, entry(1, 'x'), 1002)), []);
  assert.equal(reports(rules.tick(1111)), [1]);
});

test('entry: an earlier revocation that is unanswered is waited for, though the stock is held no more', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  rules.onLeaderClosed(1);
  rules.onLeaderOpened(2, 1002);
  assert.equal(reports(fromLeader(rules, entry(1, 'x'), 1003)), []);
  assert.equal(reports(rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1004)), [1]);
});

test('lookup of a stock in doubt: waits until the last entry that names it is visible, and may not be kept', () => {
  const rules = atWork();
  fromLeader(rules, entry(1, 'x'), 1001);
  assert.equal(lookUp(rules, 'x', 1002), []);
  fromLeader(rules, entry(2, 'x'), 1003);
  assert.equal(fromLeader(rules, { t: 'visible', index: 1 }, 1004), [
    { do: 'apply', index: 1 },
    { do: 'toFrontend', link: 7, message: { t: 'stock', id: 1, name: 'x', cacheable: false } },
  ]);
  assert.equal(lookUp(rules, 'x', 1005, 2), []);
  assert.equal(toFrontends(fromLeader(rules, { t: 'visible', index: 9 }, 1006)), [
    { t: 'stock', id: 2, name: 'x', cacheable: true },
  ]);
  assert.is(rules.state.visible, 2);
  assert.equal(fromLeader(rules, { t: 'visible', index: 1 }, 1007), []);
});

test('lookup of a stock in doubt: refused once the authority is over', () => {
  const rules = atWork();
  fromLeader(rules, entry(1, 'x'), 1001);
  fromLeader(rules, entry(2, 'x'), 1001);
  lookUp(rules, 'x', 1002);
  assert.is(rules.wakeAt, 1180);
  assert.equal(toFrontends(fromLeader(rules, { t: 'visible', index: 1 }, 1180)), [{ t: 'unready', id: 1 }]);
  authorize(rules, 1200);
  lookUp(rules, 'x', 1201, 2);
  assert.equal(toFrontends(rules.tick(1380)), [{ t: 'unready', id: 2 }]);
  authorize(rules, 1400);
  lookUp(rules, 'x', 1401, 3);
  assert.equal(toFrontends(rules.onLeaderOpened(3, 1402)), [{ t: 'unready', id: 3 }]);
});

test('lookup of a stock in doubt: refused once it has waited as long as it may', () => {
  const rules = new CatalogRules(startedState('C1', 'p'), { ...TIMING, lookupMs: 50 });
  rules.onLeaderOpened(1, 1000);
  authorize(rules, 1000);
  rules.onFrontendOpened(7, 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  lookUp(rules, 'x', 1010, 1);
  lookUp(rules, 'x', 1020, 2);
  assert.is(rules.wakeAt, 1060);
  assert.equal(rules.tick(1059), []);
  assert.equal(toFrontends(rules.tick(1060)), [{ t: 'unready', id: 1 }]);
  assert.is(rules.wakeAt, 1070);
  assert.equal(toFrontends(rules.tick(1080)), [{ t: 'unready', id: 2 }]);
  assert.is(rules.wakeAt, null);
});

test('wakeAt: when the first entry that waits is done, whatever the later ones wait for', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  rules.onFrontendOpened(8, 1020);
  rules.onFrontendMessage(8, { t: 'requestLease', id: 1 }, 1020);
  rules.onFrontendMessage(8, { t: 'lookup', id: 1, name: 'x' }, 1020);
  fromLeader(rules, entry(1, 'x'), 1021);
  fromLeader(rules, entry(2, 'y'), 1021);
  assert.is(Math.round(rules.wakeAt ?? 0), 1130);
  assert.equal(reports(rules.tick(1115)), []);
  assert.is(Math.round(rules.wakeAt ?? 0), 1130);
  assert.equal(reports(rules.tick(1131)), [2]);
  assert.is(rules.wakeAt, null);
});

test('lookup of a stock in doubt: at the bound it is refused; a closed front-end waits no more', () => {
  const rules = atWork();
  fromLeader(rules, entry(1, 'x'), 1001);
  for (let id = 0; id < WAITING_MAX; id += 1) assert.equal(lookUp(rules, 'x', 1002, id), []);
  assert.equal(lookUp(rules, 'x', 1002, 77), [{ t: 'unready', id: 77 }]);
  rules.onFrontendClosed(7, 1003);
  assert.is(rules.state.waiting.length, 0);
  assert.equal(lookUp(rules, 'x', 1003), []);
});

test('onLeaderOpened: older authority ends, and what is not visible is forgotten; leases go on', () => {
  const rules = atWork();
  lookUp(rules, 'y', 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  fromLeader(rules, { t: 'visible', index: 1 }, 1001);
  fromLeader(rules, entry(2, 'x'), 1001);
  rules.requestAuthority(1001);
  rules.onLeaderClosed(1);
  assert.is(rules.mayAnswer(1002), true);
  assert.equal(rules.onLeaderOpened(2, 1003), [
    { do: 'toLeader', message: { t: 'attach', catalog: 'C1', process: 'p', visible: 1, hadAuthority: true } },
  ]);
  assert.is(rules.mayAnswer(1003), false);
  assert.is(rules.state.received, 1);
  fromLeader(rules, { t: 'authority', id: 2, logged: 0 }, 1004);
  assert.is(rules.mayAnswer(1004), false);
  assert.is(rules.state.sessions.get(7)?.held.has('y'), true);
  assert.equal(fromLeader(rules, entry(1, 'x'), 1005), []);
});

test('snapshot: everything is taken back, as it is unknown what has changed', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  lookUp(rules, 'y', 1000);
  rules.onLeaderOpened(2, 1001);
  assert.equal(fromLeader(rules, { t: 'snapshot', index: 9 }, 1002), [
    { do: 'install', index: 9 },
    { do: 'toFrontend', link: 7, message: { t: 'revoke', seq: 1, names: ['x', 'y'] } },
  ]);
  assert.equal(fromLeader(rules, { t: 'snapshot', index: 9 }, 1002), []);
  assert.equal(reports(rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1003)), [9]);
});

test('requestLease: never longer than the authority', () => {
  const rules = atWork();
  const effects = rules.onFrontendMessage(7, { t: 'requestLease', id: 2 }, 1150);
  assert.equal(toFrontends(effects), [{ t: 'lease', id: 2, ms: 30 }]);
});

test('requestLease: refused while a revocation that was sent before the last lease is unanswered', () => {
  const rules = atWork();
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  assert.is(rules.onFrontendMessage(7, { t: 'requestLease', id: 2 }, 1050).length, 1);
  assert.equal(rules.onFrontendMessage(7, { t: 'requestLease', id: 3 }, 1100), []);
  rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1101);
  assert.is(rules.onFrontendMessage(7, { t: 'requestLease', id: 4 }, 1102).length, 1);
});

test('keep: at the bound of stocks that a front-end may keep, the next may not be kept', () => {
  const sessions = new Sessions(new Map(), 9, 2);
  sessions.open(7, 0);
  assert.equal(
    ['x', 'y', 'z', 'x'].map((name) => sessions.keep(7, name)),
    [true, true, false, true],
  );
  assert.is(sessions.keep(8, 'x'), false);
});

test('onDropped: a front-end that answers what was not sent is closed', () => {
  const rules = atWork();
  assert.equal(rules.onFrontendMessage(7, { t: 'dropped', seq: 3 }, 1001), [
    { do: 'closeFrontend', link: 7, reason: 'answered a revocation that was not sent' },
  ]);
});

test('onFrontendOpened: refused at the bound, until leases of closed ones are over', () => {
  const rules = new CatalogRules(startedState('C1', 'p'), TIMING, { sessionsMax: 1 });
  rules.onLeaderOpened(1, 1000);
  authorize(rules, 1000);
  rules.onFrontendOpened(7, 1000);
  rules.onFrontendMessage(7, { t: 'requestLease', id: 1 }, 1000);
  rules.onFrontendClosed(7, 1001);
  assert.equal(rules.onFrontendOpened(8, 1050), [
    { do: 'closeFrontend', link: 8, reason: 'too many front-ends' },
  ]);
  assert.equal(rules.onFrontendOpened(8, 1200), []);
  rules.onFrontendClosed(9, 1200);
});

test.run();
