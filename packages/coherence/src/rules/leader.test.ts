import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AuthorityManager, initialLeaderState, type AuthorityEffect } from './leader.js';
import { grantorLeaseMs } from './lease.js';
import type { LinkId, LogIndex, CatalogToLeader } from './messages.js';

const AUTHORITY_MS = 200;
/** How long the leader waits for authority that it granted. */
const HONOURED_MS = grantorLeaseMs(AUTHORITY_MS);

function elected(ids: readonly string[], logged = 1): AuthorityManager {
  return new AuthorityManager(initialLeaderState(logged, 0, ids, AUTHORITY_MS, 0), AUTHORITY_MS);
}

function attach(catalog: string, visible: LogIndex, process = 'p', hadAuthority = false): CatalogToLeader {
  return { t: 'attach', catalog, process, visible, hadAuthority };
}

/** A leader at time 1000 with entry 1 committed and catalog `C1` attached and caught up on link 1. */
function leaderWithCatalog(): AuthorityManager {
  const leader = elected(['C1']);
  leader.onCommitted(1, 1000);
  leader.onMessage(1, attach('C1', 0), 1000);
  leader.onCaughtUp(1, 1000);
  leader.onMessage(1, { t: 'revoked', index: 1 }, 1000);
  return leader;
}

function request(leader: AuthorityManager, link: LinkId, id: number, now: number): AuthorityEffect[] {
  return leader.onMessage(link, { t: 'requestAuthority', id }, now);
}

/** Requests authority and confirms the round. Returns the `logged` index of the grant; null if there is none. */
function grant(leader: AuthorityManager, link: LinkId, id: number, now: number): LogIndex | null {
  if (!request(leader, link, id, now).some((effect) => effect.do === 'confirm')) return null;
  for (const effect of leader.onRoundEnd(link, id, true, now)) {
    if (effect.do === 'send' && effect.message.t === 'authority') return effect.message.logged;
  }
  return null;
}

test('advance: a new leader waits one lease for a silent catalog', () => {
  const leader = elected(['C1'], 3);
  assert.equal(leader.onCommitted(3, 219), []);
  assert.is(leader.state.visible, 0);
  assert.is(leader.wakeAt, HONOURED_MS);
  leader.advance(HONOURED_MS);
  assert.is(leader.state.visible, 3);
  assert.is(leader.wakeAt, null);
});

test('advance: a new leader stops waiting once every catalog with authority has revoked', () => {
  const leader = elected(['C1', 'C2'], 3);
  leader.onCommitted(3, 1);
  leader.onMessage(1, attach('C1', 2, 'p', true), 1);
  leader.onMessage(2, attach('C2', 3, 'p', true), 1);
  assert.is(leader.state.visible, 2);
  leader.onMessage(1, { t: 'revoked', index: 3 }, 2);
  assert.is(leader.state.visible, 3);
});

test('attach: a process without authority does not end the wait for a process that may have it', () => {
  const leader = elected(['C1'], 3);
  leader.onCommitted(3, 1);
  leader.onMessage(1, attach('C1', 3), 1);
  leader.onCaughtUp(1, 1);
  assert.is(leader.state.visible, 0);
  assert.equal(request(leader, 1, 1, 2), []);
  assert.is(leader.wakeAt, HONOURED_MS);
  assert.equal(leader.advance(HONOURED_MS), [
    { do: 'send', link: 1, message: { t: 'visible', index: 3 } },
    { do: 'confirm', link: 1, id: 1 },
  ]);
});

test('attach: reports of a new process do not count for an old process of the same id', () => {
  const leader = leaderWithCatalog();
  assert.is(grant(leader, 1, 1, 1000), 1);
  leader.onMessage(2, attach('C1', 0, 'q', false), 1001);
  leader.onCaughtUp(2, 1001);
  leader.onLogged(2, ['x']);
  leader.onMessage(2, { t: 'revoked', index: 2 }, 1002);
  leader.onCommitted(2, 1002);
  assert.is(leader.state.visible, 1);
  assert.is(grant(leader, 2, 1, 1003), null);
  assert.equal(leader.advance(1000 + HONOURED_MS), [
    { do: 'send', link: 2, message: { t: 'visible', index: 2 } },
    { do: 'confirm', link: 2, id: 1 },
  ]);
});

test('onRoundEnd: only entries logged after the grant wait until it has expired', () => {
  const leader = leaderWithCatalog();
  leader.onLogged(2, ['x']);
  assert.equal(request(leader, 1, 5, 1000), [{ do: 'confirm', link: 1, id: 5 }]);
  assert.equal(leader.onRoundEnd(1, 5, true, 1000), [
    { do: 'send', link: 1, message: { t: 'authority', id: 5, logged: 2 } },
  ]);
  leader.onLogged(3, ['x']);
  leader.onCommitted(3, 1001);
  assert.is(leader.state.visible, 2);
  assert.is(leader.wakeAt, 1000 + HONOURED_MS);
  leader.advance(1000 + HONOURED_MS);
  assert.is(leader.state.visible, 3);
});

test('requestAuthority: waits until an entry of the own term is committed', () => {
  const leader = elected(['C1'], 3);
  leader.onMessage(1, attach('C1', 0, 'p', true), 1);
  leader.onCaughtUp(1, 1);
  leader.onMessage(1, { t: 'revoked', index: 3 }, 1);
  assert.equal(request(leader, 1, 1, 1), []);
  assert.equal(leader.onCommitted(2, 2), [{ do: 'send', link: 1, message: { t: 'visible', index: 2 } }]);
  assert.equal(leader.onCommitted(3, 3), [
    { do: 'send', link: 1, message: { t: 'visible', index: 3 } },
    { do: 'confirm', link: 1, id: 1 },
  ]);
});

test('requestAuthority: waits until the catalog has caught up and revoked what was visible', () => {
  const leader = elected(['C1']);
  leader.onCommitted(1, 1000);
  assert.is(leader.state.visible, 1);
  leader.onMessage(1, attach('C1', 0), 1000);
  assert.equal(request(leader, 1, 1, 1000), []);
  leader.onMessage(1, { t: 'revoked', index: 1 }, 1001);
  assert.equal(leader.onCaughtUp(1, 1001).at(-1), { do: 'confirm', link: 1, id: 1 });
  leader.onRoundEnd(1, 1, true, 1001);
  // From here on the catalog renews but never reports. It delays entry 2 by one lease and loses its authority.
  leader.onLogged(2, ['x']);
  leader.onCommitted(2, 1002);
  assert.is(grant(leader, 1, 2, 1100), 2);
  leader.advance(1001 + HONOURED_MS);
  assert.is(leader.state.visible, 2);
  assert.is(grant(leader, 1, 3, 1001 + HONOURED_MS), null);
  leader.onLogged(3, ['x']);
  leader.onCommitted(3, 1230);
  leader.advance(1100 + HONOURED_MS);
  assert.is(leader.state.visible, 3);
});

test('requestAuthority: runs one round at a time; the last request waits for the next round', () => {
  const leader = leaderWithCatalog();
  assert.is(request(leader, 1, 1, 1000).length, 1);
  assert.equal(request(leader, 1, 2, 1001), []);
  assert.equal(request(leader, 1, 3, 1002), []);
  assert.equal(leader.onRoundEnd(1, 2, true, 1003), []);
  assert.equal(leader.onRoundEnd(1, 1, false, 1003), [{ do: 'confirm', link: 1, id: 3 }]);
  assert.is(leader.onRoundEnd(1, 3, true, 1004).length, 1);
});

test('requestAuthority: waits until the oldest grant has expired when there are too many', () => {
  const leader = leaderWithCatalog();
  for (let at = 0; at < 8; at += 1) assert.is(grant(leader, 1, at, 1000 + at), 1);
  assert.equal(request(leader, 1, 8, 1010), []);
  assert.is(leader.wakeAt, 1000 + HONOURED_MS);
  assert.equal(leader.advance(1000 + HONOURED_MS), [{ do: 'confirm', link: 1, id: 8 }]);
});

test('requestAuthority: no grant for a catalog that is detached, retired, or not yet committed to the set', () => {
  const leader = leaderWithCatalog();
  assert.equal(request(leader, 9, 1, 1000), []);
  leader.onLogged(2, []);
  leader.onCatalogSetLogged(2, ['C1', 'C2'], 1000);
  leader.onMessage(2, attach('C2', 1), 1000);
  leader.onCaughtUp(2, 1000);
  assert.equal(request(leader, 2, 1, 1000), []);
  assert.equal(leader.onCommitted(2, 1000).at(-1), { do: 'confirm', link: 2, id: 1 });
  leader.retire('C2');
  leader.retire('C9');
  assert.equal(leader.onRoundEnd(2, 1, true, 1000), []);
  assert.equal(request(leader, 2, 2, 1000), []);
  request(leader, 1, 1, 1000);
  leader.onLinkClosed(1);
  assert.equal(leader.onRoundEnd(1, 1, true, 1000), []);
  assert.equal(leader.onCaughtUp(1, 1000), []);
});

test('onCatalogSetLogged: a catalog leaves only once it is retired and its authority has expired; its link is closed', () => {
  const leader = leaderWithCatalog();
  grant(leader, 1, 1, 1000);
  assert.is(leader.mayRemove('C1', 1001), false);
  leader.retire('C1');
  assert.is(leader.mayRemove('C1', 1000 + HONOURED_MS - 1), false);
  assert.throws(
    () => leader.onCatalogSetLogged(2, [], 1000 + HONOURED_MS - 1),
    /only once its authority has expired/,
  );
  assert.is(leader.mayRemove('C1', 1000 + HONOURED_MS), true);
  assert.is(leader.mayRemove('unknown', 0), true);
  assert.equal(leader.onCatalogSetLogged(2, [], 5000), [
    { do: 'close', link: 1, reason: 'catalog C1 left the catalog set' },
  ]);
  assert.is(leader.state.catalogs.size, 0);
  const other = elected(['C1']);
  other.advance(1000);
  other.retire('C1');
  assert.equal(other.onCatalogSetLogged(2, [], 1000), []);
});

test('attach: refuses a catalog outside the set; a second link replaces the first', () => {
  const leader = leaderWithCatalog();
  assert.equal(leader.onMessage(3, attach('C9', 0), 1000), [
    { do: 'close', link: 3, reason: 'catalog C9 is not in the catalog set' },
  ]);
  assert.equal(leader.onMessage(4, attach('C1', 0), 1000), [
    { do: 'close', link: 1, reason: 'catalog C1 attached again on another link' },
    { do: 'catchUp', link: 4, after: 0 },
  ]);
  assert.equal(leader.onMessage(1, { t: 'revoked', index: 1 }, 1000), []);
  assert.equal(request(leader, 1, 1, 1000), []);
  assert.equal(leader.onCaughtUp(1, 1000), []);
  leader.onLinkClosed(1);
  assert.is(leader.state.catalogs.get('C1')?.link, 4);
});

test('onLogged: sends entries to attached catalogs that have caught up', () => {
  const leader = elected(['C1']);
  leader.onMessage(1, attach('C1', 0), 1000);
  assert.equal(leader.onLogged(2, ['x']), []);
  assert.equal(leader.onCaughtUp(1, 1000), [{ do: 'send', link: 1, message: { t: 'visible', index: 0 } }]);
  assert.equal(leader.onLogged(3, ['y']), [
    { do: 'send', link: 1, message: { t: 'entry', index: 3, names: ['y'] } },
  ]);
  assert.throws(() => leader.onLogged(3, []), /must be logged in order/);
});

test.run();
