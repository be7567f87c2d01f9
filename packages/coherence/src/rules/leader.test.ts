import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogAuthorities, electedState, type LeaderEffect } from './leader.js';
import { honouredMs } from './lease.js';
import type { LinkId, LogIndex, ToLeader } from './messages.js';

const AUTHORITY_MS = 200;
/** How long the leader waits for authority that it gave. */
const HONOURED_MS = honouredMs(AUTHORITY_MS);

function elected(ids: readonly string[], logged = 1): CatalogAuthorities {
  return new CatalogAuthorities(electedState(logged, 0, ids, AUTHORITY_MS, 0), AUTHORITY_MS);
}

function attach(catalog: string, visible: LogIndex, process = 'p', hadAuthority = false): ToLeader {
  return { t: 'attach', catalog, process, visible, hadAuthority };
}

/** A leader at time 1000 with entry 1 committed and catalog `C1` attached on link 1, which has been sent everything. */
function attached(): CatalogAuthorities {
  const leader = elected(['C1']);
  leader.onCommitted(1, 1000);
  leader.onMessage(1, attach('C1', 0), 1000);
  leader.onCaughtUp(1, 1000);
  leader.onMessage(1, { t: 'revoked', index: 1 }, 1000);
  return leader;
}

function request(leader: CatalogAuthorities, link: LinkId, id: number, now: number): LeaderEffect[] {
  return leader.onMessage(link, { t: 'requestAuthority', id }, now);
}

/** The index up to which the grant that answers the request says the log went; null if there is none. */
function grant(leader: CatalogAuthorities, link: LinkId, id: number, now: number): LogIndex | null {
  if (!request(leader, link, id, now).some((effect) => effect.do === 'confirm')) return null;
  for (const effect of leader.onRoundEnd(link, id, true, now)) {
    if (effect.do === 'send' && effect.message.t === 'authority') return effect.message.logged;
  }
  return null;
}

test('advance: a new leader waits one lease for a catalog that says nothing', () => {
  const leader = elected(['C1'], 3);
  assert.equal(leader.onCommitted(3, 219), []);
  assert.is(leader.state.visible, 0);
  assert.is(leader.wakeAt, HONOURED_MS);
  leader.advance(HONOURED_MS);
  assert.is(leader.state.visible, 3);
  assert.is(leader.wakeAt, null);
});

test('advance: a new leader does not wait once every catalog that had authority has revoked', () => {
  const leader = elected(['C1', 'C2'], 3);
  leader.onCommitted(3, 1);
  leader.onMessage(1, attach('C1', 2, 'p', true), 1);
  leader.onMessage(2, attach('C2', 3, 'p', true), 1);
  assert.is(leader.state.visible, 2);
  leader.onMessage(1, { t: 'revoked', index: 3 }, 2);
  assert.is(leader.state.visible, 3);
});

test('attach: a process without authority does not end the wait for the one that may have it', () => {
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

test('attach: what a new process reports says nothing of an old one of the same id', () => {
  const leader = attached();
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

test('onRoundEnd: the leader waits with later entries until the grant is over, not with earlier ones', () => {
  const leader = attached();
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

test('requestAuthority: nothing before an entry of the own term is committed', () => {
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

test('requestAuthority: nothing while the catalog catches up, nor before it has revoked what was visible', () => {
  const leader = elected(['C1']);
  leader.onCommitted(1, 1000);
  assert.is(leader.state.visible, 1);
  leader.onMessage(1, attach('C1', 0), 1000);
  assert.equal(request(leader, 1, 1, 1000), []);
  leader.onMessage(1, { t: 'revoked', index: 1 }, 1001);
  assert.equal(leader.onCaughtUp(1, 1001).at(-1), { do: 'confirm', link: 1, id: 1 });
  leader.onRoundEnd(1, 1, true, 1001);
  // From here on the catalog renews and never reports: it delays entry 2 by one lease, and loses its authority.
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

test('requestAuthority: one round at a time; the last request waits for the next', () => {
  const leader = attached();
  assert.is(request(leader, 1, 1, 1000).length, 1);
  assert.equal(request(leader, 1, 2, 1001), []);
  assert.equal(request(leader, 1, 3, 1002), []);
  assert.equal(leader.onRoundEnd(1, 2, true, 1003), []);
  assert.equal(leader.onRoundEnd(1, 1, false, 1003), [{ do: 'confirm', link: 1, id: 3 }]);
  assert.is(leader.onRoundEnd(1, 3, true, 1004).length, 1);
});

test('requestAuthority: at the bound of grants it waits until the oldest is over', () => {
  const leader = attached();
  for (let at = 0; at < 8; at += 1) assert.is(grant(leader, 1, at, 1000 + at), 1);
  assert.equal(request(leader, 1, 8, 1010), []);
  assert.is(leader.wakeAt, 1000 + HONOURED_MS);
  assert.equal(leader.advance(1000 + HONOURED_MS), [{ do: 'confirm', link: 1, id: 8 }]);
});

test('requestAuthority: nothing for a catalog that is detached, is retired, or whose entry is not committed', () => {
  const leader = attached();
  assert.equal(request(leader, 9, 1, 1000), []);
  leader.onLogged(2, []);
  leader.onSetLogged(2, ['C1', 'C2'], 1000);
  leader.onMessage(2, attach('C2', 1), 1000);
  leader.onCaughtUp(2, 1000);
  assert.equal(request(leader, 2, 1, 1000), []);
  assert.equal(leader.onCommitted(2, 1000).at(-1), { do: 'confirm', link: 2, id: 1 });
  leader.retire('C2');
  leader.retire('C9');
  assert.equal(leader.onRoundEnd(2, 1, true, 1000), []);
  assert.equal(request(leader, 2, 2, 1000), []);
  request(leader, 1, 1, 1000);
  leader.onClosed(1);
  assert.equal(leader.onRoundEnd(1, 1, true, 1000), []);
  assert.equal(leader.onCaughtUp(1, 1000), []);
});

test('onSetLogged: a catalog leaves only once it is retired and surely holds no authority; its link is closed', () => {
  const leader = attached();
  grant(leader, 1, 1, 1000);
  assert.is(leader.mayRemove('C1', 1001), false);
  leader.retire('C1');
  assert.is(leader.mayRemove('C1', 1000 + HONOURED_MS - 1), false);
  assert.throws(() => leader.onSetLogged(2, [], 1000 + HONOURED_MS - 1), /surely holds no authority/);
  assert.is(leader.mayRemove('C1', 1000 + HONOURED_MS), true);
  assert.is(leader.mayRemove('unknown', 0), true);
  assert.equal(leader.onSetLogged(2, [], 5000), [
    { do: 'close', link: 1, reason: 'catalog C1 left the set of catalogs' },
  ]);
  assert.is(leader.state.catalogs.size, 0);
  const other = elected(['C1']);
  other.advance(1000);
  other.retire('C1');
  assert.equal(other.onSetLogged(2, [], 1000), []);
});

test('attach: a catalog outside the set is refused by name, a second link replaces the first', () => {
  const leader = attached();
  assert.equal(leader.onMessage(3, attach('C9', 0), 1000), [
    { do: 'close', link: 3, reason: 'catalog C9 is not in the set of catalogs' },
  ]);
  assert.equal(leader.onMessage(4, attach('C1', 0), 1000), [
    { do: 'close', link: 1, reason: 'catalog C1 attached again on another link' },
    { do: 'catchUp', link: 4, after: 0 },
  ]);
  assert.equal(leader.onMessage(1, { t: 'revoked', index: 1 }, 1000), []);
  assert.equal(request(leader, 1, 1, 1000), []);
  assert.equal(leader.onCaughtUp(1, 1000), []);
  leader.onClosed(1);
  assert.is(leader.state.catalogs.get('C1')?.link, 4);
});

test('onLogged: entries go to attached catalogs, after what the log held when they attached', () => {
  const leader = elected(['C1']);
  leader.onMessage(1, attach('C1', 0), 1000);
  assert.equal(leader.onLogged(2, ['x']), []);
  assert.equal(leader.onCaughtUp(1, 1000), [{ do: 'send', link: 1, message: { t: 'visible', index: 0 } }]);
  assert.equal(leader.onLogged(3, ['y']), [
    { do: 'send', link: 1, message: { t: 'entry', index: 3, names: ['y'] } },
  ]);
  assert.throws(() => leader.onLogged(3, []), /logged in order/);
});

test.run();
