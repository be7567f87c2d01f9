/**
 * When a membership change is accepted, when it takes effect, and which members may campaign meanwhile (etcd's
 * rules).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acknowledge, makeMembershipEntry, committedLeader } from './testing/groups.js';
import { TestMember, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/test-member.js';
import {
  makeBase,
  parseChange,
  makeCommandEntry,
  makeLog,
  message,
  messagesOfType,
} from './testing/messages.js';
import type { LogBase } from './types.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

test('4.1: a leader refuses changes until it has committed an entry of its term', () => {
  const a = leaderOf();
  assert.throws(() => a.change('+d'), codeOf('NOT_READY'));
  acknowledge(a, ['b'], 1);
  a.change('+d');
});

test('isCommitKnown needs reports of a quorum of the new configuration, and the commit is sent at once', () => {
  const a = committedLeader();
  a.change('-c +d');
  acknowledge(a, ['b', 'd'], 2);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.is(a.members, 'a b d');
  assert.is(a.core.status().membershipIndex, 3);
  assert.is(
    messagesOfType('heartbeat', a.takeSent()).filter(({ to, commit }) => to === 'b' && commit === 3).length,
    1,
  );
  const report = (from: string, commit: number): boolean => {
    a.step(message('heartbeatResponse', { from, to: 'a', commit }));
    return a.core.leadership?.isCommitReportedByQuorum(3) === true;
  };
  assert.not.ok(report('c', 3), 'a removed member does not count');
  assert.not.ok(report('b', 2));
  assert.ok(report('d', 3));
  assert.ok(report('d', 0), 'a lower report changes nothing');
});

test('a change is refused until the previous one is applied and a joint configuration is left', () => {
  const a = committedLeader();
  a.change('+d');
  assert.throws(() => a.change('+e'), codeOf('CHANGE_PENDING'));
  acknowledge(a, ['b'], 2);
  a.change('-c -d');
  assert.throws(() => a.change('+e'), codeOf('CHANGE_PENDING'));
  acknowledge(a, ['b', 'c', 'd'], 3);
  assert.is(a.members, 'a b & a b c d');
  assert.throws(() => a.change('+e'), codeOf('CHANGE_PENDING'));
  acknowledge(a, ['b', 'c', 'd'], 4);
  assert.is(a.members, 'a b');
  assert.throws(() => a.change('+a'), codeOf('BAD_MEMBERSHIP'));
  a.change('+e');
});

test('a committed change is pending until it is applied', () => {
  const a = committedLeader();
  a.core.changeMembership(parseChange('+d'), { force: true });
  const { persist } = a.core.ready();
  if (persist !== null) a.disk.write(persist);
  a.core.onPersisted();
  a.core.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  const { apply } = a.core.ready();
  assert.equal(
    apply.map(({ kind }) => kind),
    ['membership'],
  );
  assert.throws(() => a.core.changeMembership(parseChange('+e'), { force: true }), codeOf('CHANGE_PENDING'));
  assert.is(a.members, 'a b c');
  a.core.onApplied(2);
  assert.is(a.members, 'a b c d');
  a.core.changeMembership(parseChange('+e'), { force: true });
});

test('followers, and leaders during a leadership transfer, refuse changes', () => {
  assert.throws(() => followerOf('a', { id: 'b', term: 1 }).change('+d'), codeOf('NOT_LEADER'));
  const a = committedLeader();
  a.core.transferLeadership('b');
  assert.throws(() => a.change('+d'), codeOf('NOT_LEADER'));
});

test('a configuration takes effect when it is applied, not when it is logged', () => {
  const a = committedLeader();
  a.change('+d');
  assert.is(a.members, 'a b c');
  assert.equal(
    messagesOfType('appendRequest', a.tick().takeSent()).filter(({ to }) => to === 'd'),
    [],
  );
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.is(a.members, 'a b c d');
  assert.is(messagesOfType('appendRequest', a.takeSent()).filter(({ to }) => to === 'd').length, 1);
});

test('peers include the members of a logged configuration before it is applied', () => {
  const a = committedLeader();
  const peers = (): string => [...(a.membershipView?.peers.keys() ?? [])].join(' ');
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
      entries: [makeCommandEntry(2, 2)],
    }),
  );
  assert.is(peers(), 'a b c', 'the entry was replaced');
});

test('a member does not campaign while a committed change is not applied', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  const entries = [makeMembershipEntry(1, 1, 'a b c', '+d')];
  b.core.step(message('appendRequest', { entries, commit: 1 }));
  const { persist } = b.core.ready();
  if (persist !== null) b.disk.write(persist);
  b.core.onPersisted();
  const { apply } = b.core.ready();
  assert.is(apply.length, 1);
  for (let tick = 0; tick < 3 * TIMEOUT_TICKS; tick += 1) b.core.tick();
  b.core.step(message('timeoutNow'));
  assert.is(b.core.role, 'follower');
  b.core.onApplied(1);
  for (let tick = 0; tick < TIMEOUT_TICKS; tick += 1) b.core.tick();
  assert.is(b.core.role, 'preCandidate');
});

test('after a restart a change that is followed by another one counts as committed and blocks campaigns', () => {
  const b = new TestMember({ id: 'b', term: 1 });
  const entries = [makeMembershipEntry(1, 1, 'a b c', '+d'), makeMembershipEntry(2, 1, 'a b c d', '+e')];
  b.disk.write({ hardState: null, entries });
  b.restart();
  assert.is(b.core.log.commit, 1);
  b.core.campaign();
  assert.is(b.core.role, 'follower');
  b.handleReady();
  assert.is(b.members, 'a b c d');
  b.core.campaign();
  assert.is(b.core.role, 'preCandidate');
});

test('after a restart the configuration is that of the applied index, and later ones take effect when applied', () => {
  const b = new TestMember({ id: 'b', term: 1 });
  const entries = [
    makeMembershipEntry(1, 1, 'a b c', '+d'),
    makeCommandEntry(2, 1),
    makeMembershipEntry(3, 1, 'a b c d', '?e'),
  ];
  b.disk.write({ hardState: null, entries });
  b.machine.push(...entries.slice(0, 2));
  b.restart();
  assert.is(b.members, 'a b c d');
  b.step(message('heartbeat', { commit: 3 }));
  assert.is(b.members, 'a b c d + e');
});

test('a member without a group does not campaign', () => {
  const d = new TestMember({ id: 'd', members: [] });
  d.tick(10 * TIMEOUT_TICKS);
  d.core.campaign();
  assert.equal([d.handleReady().takeSent(), d.core.role, d.core.term, d.members], [[], 'follower', 0, '']);
});

test('3.10: a transfer to a voter is cancelled when it loses its vote', () => {
  const a = committedLeader(['a', 'b', 'c', 'd']);
  a.change('?b');
  a.core.transferLeadership('b');
  for (const from of ['c', 'd']) a.step(message('appendAccepted', { from, to: 'a', match: 2 }));
  assert.is(a.members, 'a c d + b');
  a.takeSent();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.equal(messagesOfType('timeoutNow', a.takeSent()), []);
  assert.throws(() => a.core.transferLeadership('b'), codeOf('BAD_CONFIG'));
  assert.is(a.core.leadership?.bestSuccessor() === 'b', false);
});

test('7: the base of a compacted log contains the configuration', () => {
  const b = new TestMember({ id: 'b', term: 1 });
  b.disk.write({
    hardState: null,
    entries: [makeMembershipEntry(1, 1, 'a b c', '+d'), ...makeLog([1, 1], 2)],
  });
  b.machine.push(...b.disk.log);
  b.restart();
  const base = b.core.log.baseAt(2);
  assert.is([...base.membership.addresses.keys()].join(' '), 'a b c d');
  b.disk.compact(2);
  b.restart();
  assert.is(b.members, 'a b c d');
  assert.equal(b.core.log.baseAt(3).membership, base.membership);
});

test('7: the configuration of a snapshot is in force once the snapshot is installed', () => {
  const e = new TestMember({ id: 'e', members: [] });
  const { membership } = groupBase();
  e.slowDisk = true;
  const machine = makeLog([1, 1, 1, 1]);
  e.receiveSnapshot('a', 1, { base: { ...makeBase(4, 1), membership }, machine });
  assert.equal([e.members, [...(e.membershipView?.peers.keys() ?? [])].join(' ')], ['', 'a b c d']);
  e.finishPersist();
  assert.is(e.members, 'a b c d');
});

test('7: a member does not campaign while a snapshot with a configuration is being installed', () => {
  const c = followerOf('a', { id: 'c', term: 1 });
  c.slowDisk = true;
  const { membership } = groupBase();
  c.receiveSnapshot('a', 1, { base: { ...makeBase(4, 1), membership }, machine: makeLog([1, 1, 1, 1]) });
  c.tick(3 * TIMEOUT_TICKS);
  assert.is(c.core.role, 'follower');
});

/** The base of a log with the configuration a, b, c, d. */
function groupBase(): LogBase {
  const b = new TestMember({ id: 'b', term: 1 });
  b.disk.write({ hardState: null, entries: [makeMembershipEntry(1, 1, 'a b c', '+d')] });
  b.disk.compact(1);
  return b.disk.base();
}

test.run();
