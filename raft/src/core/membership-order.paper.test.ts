/** When a change of the membership is taken, when it takes effect, and who may campaign meanwhile: etcd's rules. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { accept, membershipEntry, settledLeader } from './testing/groups.js';
import { Member, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/member.js';
import { baseAt, changeOf, entryAt, logOf, message, only } from './testing/messages.js';
import type { LogBase } from './types.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

test('4.1: no change before an entry of the term is committed', () => {
  const a = leaderOf();
  assert.throws(() => a.change('+d'), codeOf('NOT_READY'));
  accept(a, ['b'], 1);
  a.change('+d');
});

test('a change is known to be committed once a quorum of the group that it leads to has said so; all are told at once', () => {
  const a = settledLeader();
  a.change('-c +d');
  accept(a, ['b', 'd'], 2);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.is(a.members, 'a b d');
  assert.is(a.core.status().membershipIndex, 3);
  assert.is(only('heartbeat', a.take()).filter(({ to, commit }) => to === 'b' && commit === 3).length, 1);
  const tell = (from: string, commit: number): boolean => {
    a.step(message('heartbeatResponse', { from, to: 'a', commit }));
    return a.core.leadership?.isCommitKnown(3) === true;
  };
  assert.not.ok(tell('c', 3), 'who has left does not count');
  assert.not.ok(tell('b', 2));
  assert.ok(tell('d', 3));
  assert.ok(tell('d', 0), 'what was known stays known');
});

test('one change at a time: refused until the one before is applied, and until a joint configuration is left', () => {
  const a = settledLeader();
  a.change('+d');
  assert.throws(() => a.change('+e'), codeOf('CHANGE_PENDING'));
  accept(a, ['b'], 2);
  a.change('-c -d');
  assert.throws(() => a.change('+e'), codeOf('CHANGE_PENDING'));
  accept(a, ['b', 'c', 'd'], 3);
  assert.is(a.members, 'a b & a b c d');
  assert.throws(() => a.change('+e'), codeOf('CHANGE_PENDING'));
  accept(a, ['b', 'c', 'd'], 4);
  assert.is(a.members, 'a b');
  assert.throws(() => a.change('+a'), codeOf('BAD_MEMBERSHIP'));
  a.change('+e');
});

test('a change that is committed and not applied is pending still', () => {
  const a = settledLeader();
  a.core.changeMembership(changeOf('+d'), { force: true });
  const { persist } = a.core.ready();
  if (persist !== null) a.disk.write(persist);
  a.core.persisted();
  a.core.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  const { apply } = a.core.ready();
  assert.equal(
    apply.map(({ kind }) => kind),
    ['membership'],
  );
  assert.throws(() => a.core.changeMembership(changeOf('+e'), { force: true }), codeOf('CHANGE_PENDING'));
  assert.is(a.members, 'a b c');
  a.core.applied(2);
  assert.is(a.members, 'a b c d');
  a.core.changeMembership(changeOf('+e'), { force: true });
});

test('followers and members under a leadership transfer take no change', () => {
  assert.throws(() => followerOf('a', { id: 'b', term: 1 }).change('+d'), codeOf('NOT_LEADER'));
  const a = settledLeader();
  a.core.transfer('b');
  assert.throws(() => a.change('+d'), codeOf('NOT_LEADER'));
});

test('a configuration takes effect when it is applied, not when it is logged', () => {
  const a = settledLeader();
  a.change('+d');
  assert.is(a.members, 'a b c');
  assert.equal(
    only('appendRequest', a.tick().take()).filter(({ to }) => to === 'd'),
    [],
  );
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.is(a.members, 'a b c d');
  assert.is(only('appendRequest', a.take()).filter(({ to }) => to === 'd').length, 1);
});

test('who is in touch with whom: members of a logged configuration are known before it is applied', () => {
  const a = settledLeader();
  const peers = (): string => [...(a.view?.peers.keys() ?? [])].join(' ');
  assert.is(peers(), 'a b c');
  a.change('+d -c');
  assert.is(peers(), 'a b c d');
  a.step(
    message('appendRequest', {
      from: 'b',
      to: 'a',
      term: 2,
      prevIndex: 1,
      prevTerm: 1,
      entries: [entryAt(2, 2)],
    }),
  );
  assert.is(peers(), 'a b c', 'the entry was replaced');
});

test('no one campaigns while a change is committed and not applied', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  const entries = [membershipEntry(1, 1, 'a b c', '+d')];
  b.core.step(message('appendRequest', { entries, commit: 1 }));
  const { persist } = b.core.ready();
  if (persist !== null) b.disk.write(persist);
  b.core.persisted();
  const { apply } = b.core.ready();
  assert.is(apply.length, 1);
  for (let tick = 0; tick < 3 * TIMEOUT_TICKS; tick += 1) b.core.tick();
  b.core.step(message('timeoutNow'));
  assert.is(b.core.role, 'follower');
  b.core.applied(1);
  for (let tick = 0; tick < TIMEOUT_TICKS; tick += 1) b.core.tick();
  assert.is(b.core.role, 'preCandidate');
});

test('after a restart a change with a later one behind it is known to be committed: no campaign before it is applied', () => {
  const b = new Member({ id: 'b', term: 1 });
  const entries = [membershipEntry(1, 1, 'a b c', '+d'), membershipEntry(2, 1, 'a b c d', '+e')];
  b.disk.write({ hardState: null, entries });
  b.restart();
  assert.is(b.core.log.commit, 1);
  b.core.campaign();
  assert.is(b.core.role, 'follower');
  b.work();
  assert.is(b.members, 'a b c d');
  b.core.campaign();
  assert.is(b.core.role, 'preCandidate');
});

test('after a restart the configuration is that of the applied index, and later ones come with their entries', () => {
  const b = new Member({ id: 'b', term: 1 });
  const entries = [
    membershipEntry(1, 1, 'a b c', '+d'),
    entryAt(2, 1),
    membershipEntry(3, 1, 'a b c d', '?e'),
  ];
  b.disk.write({ hardState: null, entries });
  b.machine.push(...entries.slice(0, 2));
  b.restart();
  assert.is(b.members, 'a b c d');
  b.step(message('heartbeat', { commit: 3 }));
  assert.is(b.members, 'a b c d + e');
});

test('a member that waits to be let in keeps its peace', () => {
  const d = new Member({ id: 'd', members: [] });
  d.tick(10 * TIMEOUT_TICKS);
  d.core.campaign();
  assert.equal([d.work().take(), d.core.role, d.core.term, d.members], [[], 'follower', 0, '']);
});

test('3.10: leadership goes to voters only, and not to one that loses its vote meanwhile', () => {
  const a = settledLeader(['a', 'b', 'c', 'd']);
  a.change('?b');
  a.core.transfer('b');
  for (const from of ['c', 'd']) a.step(message('appendAccepted', { from, to: 'a', match: 2 }));
  assert.is(a.members, 'a c d + b');
  a.take();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.equal(only('timeoutNow', a.take()), []);
  assert.throws(() => a.core.transfer('b'), codeOf('BAD_CONFIG'));
  assert.is(a.core.leadership?.bestSuccessor() === 'b', false);
});

test('7: a compacted log keeps the configuration in its base', () => {
  const b = new Member({ id: 'b', term: 1 });
  b.disk.write({ hardState: null, entries: [membershipEntry(1, 1, 'a b c', '+d'), ...logOf([1, 1], 2)] });
  b.machine.push(...b.disk.log);
  b.restart();
  const base = b.core.log.baseAt(2);
  assert.is([...base.membership.addresses.keys()].join(' '), 'a b c d');
  b.disk.compact(2);
  b.restart();
  assert.is(b.members, 'a b c d');
  assert.equal(b.core.log.baseAt(3).membership, base.membership);
});

test('7: a snapshot brings the configuration as of its base, which is in force once it is installed', () => {
  const e = new Member({ id: 'e', members: [] });
  const { membership } = groupBase();
  e.slowDisk = true;
  const machine = logOf([1, 1, 1, 1]);
  e.install('a', 1, { base: { ...baseAt(4, 1), membership }, machine });
  assert.equal([e.members, [...(e.view?.peers.keys() ?? [])].join(' ')], ['', 'a b c d']);
  e.finishPersist();
  assert.is(e.members, 'a b c d');
});

test('7: no one campaigns while a snapshot with its configuration is being installed', () => {
  const c = followerOf('a', { id: 'c', term: 1 });
  c.slowDisk = true;
  const { membership } = groupBase();
  c.install('a', 1, { base: { ...baseAt(4, 1), membership }, machine: logOf([1, 1, 1, 1]) });
  c.tick(3 * TIMEOUT_TICKS);
  assert.is(c.core.role, 'follower');
});

/** The base of a log whose group is a, b, c and d. */
function groupBase(): LogBase {
  const b = new Member({ id: 'b', term: 1 });
  b.disk.write({ hardState: null, entries: [membershipEntry(1, 1, 'a b c', '+d')] });
  b.disk.compact(1);
  return b.disk.base();
}

test.run();
