import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogAuthorities, electedState, type LeaderEffect } from './leader.js';
import { honouredMs } from './lease.js';

const AUTHORITY_MS = 200;
/** How long the leader waits for authority that it gave. */
const HONOURED_MS = honouredMs(AUTHORITY_MS);

function elected(ids: readonly string[], logged = 0): CatalogAuthorities {
  return new CatalogAuthorities(electedState(logged, 0, ids, AUTHORITY_MS, 0), AUTHORITY_MS);
}

/** A leader at time 1000 with catalog `C1` attached on link 1, which has been sent everything. */
function attached(): CatalogAuthorities {
  const leader = elected(['C1']);
  leader.received(1, { t: 'attach', catalog: 'C1', visible: 0 }, 1000);
  leader.caughtUp(1);
  return leader;
}

function commit(leader: CatalogAuthorities, index: number, now: number): readonly LeaderEffect[] {
  leader.committed(index);
  return leader.advance(now);
}

test('advance: a new leader waits one lease for a catalog that says nothing', () => {
  const leader = elected(['C1'], 3);
  assert.equal(commit(leader, 3, 219), []);
  assert.is(leader.state.visible, 0);
  assert.is(leader.wakeAt, HONOURED_MS);
  leader.advance(HONOURED_MS);
  assert.is(leader.state.visible, 3);
  assert.is(leader.wakeAt, null);
});

test('advance: a new leader does not wait once every catalog has revoked', () => {
  const leader = elected(['C1', 'C2'], 3);
  commit(leader, 3, 1);
  leader.received(1, { t: 'attach', catalog: 'C1', visible: 2 }, 1);
  leader.received(2, { t: 'attach', catalog: 'C2', visible: 3 }, 1);
  assert.is(leader.state.visible, 0);
  leader.received(1, { t: 'revoked', index: 3 }, 2);
  assert.is(leader.state.visible, 3);
});

test('confirmed: the leader waits with later entries until the grant is over, not with earlier ones', () => {
  const leader = attached();
  leader.logged(1, ['x']);
  assert.equal(leader.received(1, { t: 'requestAuthority', id: 5 }, 1000), [
    { do: 'confirm', link: 1, id: 5 },
  ]);
  assert.equal(leader.confirmed(1, 5, 1000), [
    { do: 'send', link: 1, message: { t: 'authority', id: 5, logged: 1 } },
  ]);
  leader.logged(2, ['x']);
  commit(leader, 2, 1001);
  assert.is(leader.state.visible, 1);
  assert.is(leader.wakeAt, 1000 + HONOURED_MS);
  leader.advance(1000 + HONOURED_MS);
  assert.is(leader.state.visible, 2);
});

test('confirmed: many grants wait no shorter than each of them, in bounded memory', () => {
  const leader = attached();
  for (let at = 0; at < 50; at += 1) {
    leader.logged(at + 1, []);
    leader.confirmed(1, at, 1000 + at);
  }
  assert.ok((leader.state.catalogs.get('C1')?.grants.length ?? 99) <= 8);
  leader.logged(51, ['x']);
  commit(leader, 51, 1000 + 49 + HONOURED_MS - 1);
  assert.ok(leader.state.visible < 51);
  leader.advance(1000 + 49 + HONOURED_MS);
  assert.is(leader.state.visible, 51);
});

test('confirmed: nothing for a catalog that left, is retired, or whose entry is not committed', () => {
  const leader = attached();
  assert.equal(leader.confirmed(9, 1, 1000), []);
  leader.logged(1, []);
  leader.setLogged(1, ['C1', 'C2']);
  leader.received(2, { t: 'attach', catalog: 'C2', visible: 0 }, 1000);
  assert.equal(leader.confirmed(2, 1, 1000), []);
  commit(leader, 1, 1000);
  assert.is(leader.confirmed(2, 1, 1000).length, 1);
  leader.retire('C2');
  leader.retire('C9');
  assert.equal(leader.confirmed(2, 2, 1000), []);
  leader.closed(1);
  assert.equal(leader.confirmed(1, 1, 1000), []);
});

test('mayRemove: only once a retired catalog surely holds no authority', () => {
  const leader = attached();
  leader.confirmed(1, 1, 1000);
  assert.is(leader.mayRemove('C1', 5000), false);
  leader.retire('C1');
  assert.is(leader.mayRemove('C1', 5000), true);
  assert.is(leader.mayRemove('unknown', 0), true);
  leader.setLogged(1, []);
  assert.is(leader.state.catalogs.size, 0);
});

test('attach: a catalog outside the set is refused by name, a second link replaces the first', () => {
  const leader = attached();
  assert.equal(leader.received(3, { t: 'attach', catalog: 'C9', visible: 0 }, 1000), [
    { do: 'close', link: 3, reason: 'catalog C9 is not in the set of catalogs' },
  ]);
  assert.equal(leader.received(4, { t: 'attach', catalog: 'C1', visible: 0 }, 1000), [
    { do: 'close', link: 1, reason: 'catalog C1 attached again on another link' },
    { do: 'catchUp', link: 4, after: 0 },
  ]);
  assert.equal(leader.received(1, { t: 'revoked', index: 1 }, 1000), []);
  assert.equal(leader.received(1, { t: 'requestAuthority', id: 1 }, 1000), []);
  assert.equal(leader.caughtUp(1), []);
  leader.closed(1);
  assert.is(leader.state.catalogs.get('C1')?.link, 4);
});

test('logged: entries go to attached catalogs, after what the log held when they attached', () => {
  const leader = elected(['C1']);
  leader.received(1, { t: 'attach', catalog: 'C1', visible: 0 }, 1000);
  assert.equal(leader.logged(1, ['x']), []);
  assert.equal(leader.caughtUp(1), [{ do: 'send', link: 1, message: { t: 'visible', index: 0 } }]);
  assert.equal(leader.logged(2, ['y']), [
    { do: 'send', link: 1, message: { t: 'entry', index: 2, names: ['y'] } },
  ]);
  assert.throws(() => leader.logged(2, []), /logged in order/);
});

test.run();
