import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogRules, initialCatalogState, WAITING_LOOKUPS_MAX, type CatalogEffect } from './catalog.js';
import type { CatalogToFrontend, LeaderToCatalog } from './messages.js';
import { FrontendSessions } from './sessions.js';

const TIMING = { authorityMs: 200, leaseMs: 100, lookupWaitMs: 500 };

/** An attached catalog with authority at time 1000, and a front-end on link 7 with a lease. */
function authorizedCatalog(): CatalogRules {
  const rules = new CatalogRules(initialCatalogState('C1', 'p'), TIMING);
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

/** Delivers a message on the open link to the leader. */
function fromLeader(rules: CatalogRules, message: LeaderToCatalog, now: number): CatalogEffect[] {
  return rules.onLeaderMessage(rules.state.leader ?? 0, message, now);
}

function entry(index: number, ...names: readonly string[]): LeaderToCatalog {
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

test('onLeaderOpened: sends attach, with whether older authority was still valid', () => {
  const rules = authorizedCatalog();
  const attach = { t: 'attach', catalog: 'C1', process: 'p', visible: 0 } as const;
  assert.equal(rules.onLeaderOpened(2, 1179), [
    { do: 'toLeader', message: { ...attach, hadAuthority: true } },
  ]);
  assert.equal(rules.onLeaderOpened(3, 1179), [
    { do: 'toLeader', message: { ...attach, hadAuthority: false } },
  ]);
  const expired = authorizedCatalog();
  assert.equal(expired.onLeaderOpened(2, 1180), [
    { do: 'toLeader', message: { ...attach, hadAuthority: false } },
  ]);
});

test('onLeaderMessage and onLeaderClosed: ignore an older link', () => {
  const rules = authorizedCatalog();
  rules.onLeaderOpened(2, 1001);
  const id = rules.requestAuthority(1001).length;
  assert.equal(rules.onLeaderMessage(1, entry(1, 'x'), 1002), []);
  rules.onLeaderMessage(1, { t: 'authority', id: id + 1, logged: 0 }, 1002);
  assert.is(rules.state.receivedIndex, 0);
  assert.is(rules.hasAuthority(1002), false);
  rules.onLeaderClosed(1);
  assert.equal(reports(fromLeader(rules, entry(1, 'x'), 1003)), [1]);
  rules.onLeaderClosed(2);
  assert.equal(rules.onLeaderMessage(2, entry(2, 'x'), 1004), []);
});

test('lookup: is answered only with authority', () => {
  const rules = new CatalogRules(initialCatalogState('C1', 'p'), TIMING);
  assert.equal(rules.requestAuthority(1000), []);
  rules.onLeaderOpened(1, 1000);
  rules.onFrontendOpened(7, 1000);
  assert.equal(lookUp(rules, 'x', 1000), [{ t: 'unready', id: 1 }]);
  assert.equal(rules.onFrontendMessage(7, { t: 'requestLease', id: 1 }, 1000), []);
  fromLeader(rules, entry(2, 'y'), 1001);
  authorize(rules, 1001, 2);
  assert.equal(lookUp(rules, 'x', 1001), [{ t: 'stock', id: 1, name: 'x', cacheable: true }]);
  assert.equal(lookUp(rules, 'x', 1001 + 180), [{ t: 'unready', id: 1 }]);
  assert.throws(() => authorize(rules, 1200, 3), /must follow every entry/);
});

test('entry: revokes the stock from caches that may hold it, then reports', () => {
  const rules = authorizedCatalog();
  lookUp(rules, 'x', 1000);
  assert.equal(reports(fromLeader(rules, entry(1, 'y'), 1001)), [1]);
  const effects = fromLeader(rules, entry(2, 'x'), 1002);
  assert.equal(toFrontends(effects), [{ t: 'revoke', seq: 1, names: ['x'] }]);
  assert.equal(reports(effects), []);
  assert.equal(reports(rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1003)), [2]);
});

test('entry: waits for a front-end that does not acknowledge until its lease has expired', () => {
  const rules = authorizedCatalog();
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1002);
  assert.equal(reports(rules.tick(1109)), []);
  assert.is(Math.round(rules.wakeAt ?? 0), 1110);
  assert.equal(reports(rules.tick(1110)), [1]);
});

test('onClockSkipped: granted leases keep their length, authority ends earlier', () => {
  const rules = authorizedCatalog();
  rules.onFrontendOpened(8, 1000);
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1002);
  rules.onClockSkipped(5000);
  assert.is(rules.hasAuthority(6003), false);
  assert.equal(reports(fromLeader(rules, entry(2, 'x'), 6003)), []);
  assert.equal(reports(rules.tick(6109)), []);
  assert.equal(reports(rules.tick(6111)), [2]);
});

test('entry: waits for a disconnected front-end until its lease has expired', () => {
  const rules = authorizedCatalog();
  lookUp(rules, 'x', 1000);
  rules.onFrontendClosed(7, 1001);
  assert.equal(reports(fromLeader(rules, entry(1, 'x'), 1002)), []);
  assert.equal(reports(rules.tick(1111)), [1]);
});

test('entry: waits for an earlier unacknowledged revocation, although the stock was already revoked', () => {
  const rules = authorizedCatalog();
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  rules.onLeaderClosed(1);
  rules.onLeaderOpened(2, 1002);
  assert.equal(reports(fromLeader(rules, entry(1, 'x'), 1003)), []);
  assert.equal(reports(rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1004)), [1]);
});

test('lookup of a pending stock: waits until the last entry that names it is visible', () => {
  const rules = authorizedCatalog();
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
  assert.is(rules.state.visibleIndex, 2);
  assert.equal(fromLeader(rules, { t: 'visible', index: 1 }, 1007), []);
});

test('lookup of a pending stock: is refused once the authority has ended', () => {
  const rules = authorizedCatalog();
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

test('lookup of a pending stock: is refused after the maximum wait', () => {
  const rules = new CatalogRules(initialCatalogState('C1', 'p'), { ...TIMING, lookupWaitMs: 50 });
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

test('wakeAt: depends on the first waiting entry only', () => {
  const rules = authorizedCatalog();
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

test('lookup of a pending stock: is refused when too many wait; closing a front-end removes its look-ups', () => {
  const rules = authorizedCatalog();
  fromLeader(rules, entry(1, 'x'), 1001);
  for (let id = 0; id < WAITING_LOOKUPS_MAX; id += 1) assert.equal(lookUp(rules, 'x', 1002, id), []);
  assert.equal(lookUp(rules, 'x', 1002, 77), [{ t: 'unready', id: 77 }]);
  rules.onFrontendClosed(7, 1003);
  assert.is(rules.state.waiting.length, 0);
  assert.equal(lookUp(rules, 'x', 1003), []);
});

test('onLeaderOpened: ends older authority and drops entries that are not visible; leases continue', () => {
  const rules = authorizedCatalog();
  lookUp(rules, 'y', 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  fromLeader(rules, { t: 'visible', index: 1 }, 1001);
  fromLeader(rules, entry(2, 'x'), 1001);
  rules.requestAuthority(1001);
  rules.onLeaderClosed(1);
  assert.is(rules.hasAuthority(1002), true);
  assert.equal(rules.onLeaderOpened(2, 1003), [
    { do: 'toLeader', message: { t: 'attach', catalog: 'C1', process: 'p', visible: 1, hadAuthority: true } },
  ]);
  assert.is(rules.hasAuthority(1003), false);
  assert.is(rules.state.receivedIndex, 1);
  fromLeader(rules, { t: 'authority', id: 2, logged: 0 }, 1004);
  assert.is(rules.hasAuthority(1004), false);
  assert.is(rules.state.sessions.get(7)?.cachedStocks.has('y'), true);
  assert.equal(fromLeader(rules, entry(1, 'x'), 1005), []);
});

test('snapshot: revokes all stocks', () => {
  const rules = authorizedCatalog();
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

test('requestLease: a lease is never longer than the authority', () => {
  const rules = authorizedCatalog();
  const effects = rules.onFrontendMessage(7, { t: 'requestLease', id: 2 }, 1150);
  assert.equal(toFrontends(effects), [{ t: 'lease', id: 2, ms: 30 }]);
});

test('requestLease: is refused while a revocation sent before the last grant is not acknowledged', () => {
  const rules = authorizedCatalog();
  lookUp(rules, 'x', 1000);
  fromLeader(rules, entry(1, 'x'), 1001);
  assert.is(rules.onFrontendMessage(7, { t: 'requestLease', id: 2 }, 1050).length, 1);
  assert.equal(rules.onFrontendMessage(7, { t: 'requestLease', id: 3 }, 1100), []);
  rules.onFrontendMessage(7, { t: 'dropped', seq: 1 }, 1101);
  assert.is(rules.onFrontendMessage(7, { t: 'requestLease', id: 4 }, 1102).length, 1);
});

test('keep: a front-end at its limit of cached stocks may not cache another one', () => {
  const sessions = new FrontendSessions(new Map(), 9, 2);
  sessions.open(7, 0);
  assert.equal(
    ['x', 'y', 'z', 'x'].map((name) => sessions.recordCacheable(7, name)),
    [true, true, false, true],
  );
  assert.is(sessions.recordCacheable(8, 'x'), false);
});

test('onDropped: closes a front-end that acknowledges a revocation that was not sent', () => {
  const rules = authorizedCatalog();
  assert.equal(rules.onFrontendMessage(7, { t: 'dropped', seq: 3 }, 1001), [
    { do: 'closeFrontend', link: 7, reason: 'acknowledged a revocation that was not sent' },
  ]);
});

test('onFrontendOpened: is refused when there are too many sessions, until leases of closed ones expire', () => {
  const rules = new CatalogRules(initialCatalogState('C1', 'p'), TIMING, { sessionsMax: 1 });
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
