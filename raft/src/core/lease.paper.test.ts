/** Reads under a lease: thesis 6.4.1, and what every voter promises for it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { changeOf, message, only } from './testing/messages.js';
import { settledLeader } from './testing/groups.js';
import { ELECTION_TICKS, Member, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/member.js';

/** A clock under the test's hand, and leases of 100 ms by it. */
class TestLease {
  ms = 1000;
  readonly durationMs = 100;
  readonly now = (): number => this.ms;
}

/** A leader with leases, and the means to let its heartbeats be answered. */
function leaseHolder(members: readonly string[] = ['a', 'b', 'c']): {
  readonly a: Member;
  readonly clock: TestLease;
} {
  const clock = new TestLease();
  const a = leaderOf({ members, lease: clock });
  for (const from of members.slice(1)) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.take();
  return { a, clock };
}

/** Sends a heartbeat now, and returns its round. */
function beat(a: Member): number {
  return only('heartbeat', a.tick().take())[0]?.round ?? -1;
}

const answer = (a: Member, round: number, from = 'b'): Member =>
  a.step(message('heartbeatResponse', { from, to: 'a', round }));

test('6.4.1: a lease holds once a quorum has answered a heartbeat, counted from when that was sent', () => {
  const { a, clock } = leaseHolder();
  assert.is(a.core.leaseIndex(), null);
  const round = beat(a);
  clock.ms += 60;
  answer(a, round);
  assert.is(a.core.leaseIndex(), 1);
  clock.ms += 39;
  assert.is(a.core.leaseIndex(), 1);
  clock.ms += 1;
  assert.is(a.core.leaseIndex(), null, '100 ms after it was sent, 40 after it was answered');
});

test('6.4.1: one of five is no quorum, and each heartbeat is told apart', () => {
  const { a, clock } = leaseHolder(['a', 'b', 'c', 'd', 'e']);
  const first = beat(a);
  answer(answer(a, first), first);
  assert.is(a.core.leaseIndex(), null);
  clock.ms += 50;
  const second = beat(a);
  assert.ok(second > first);
  answer(a, second);
  answer(a, first, 'c');
  clock.ms += 49;
  assert.is(a.core.leaseIndex(), 1, 'of the first, which both have answered');
  clock.ms += 1;
  assert.is(a.core.leaseIndex(), null, 'not of the second, which one has');
});

test('6.4.1: a leader that was paused finds its lease over, whatever answers wait for it', () => {
  const { a, clock } = leaseHolder();
  const round = beat(a);
  clock.ms += 5000;
  answer(a, round);
  answer(a, round, 'c');
  assert.is(a.core.leaseIndex(), null);
});

test('6.4.1: no lease serves before an entry of the term is committed', () => {
  const clock = new TestLease();
  const a = leaderOf({ lease: clock });
  answer(a, beat(a));
  assert.is(a.core.leaseIndex(), null);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.is(a.core.leaseIndex(), 1);
});

test('3.10: from a leadership transfer on there is no lease in this term, even if it is given up', () => {
  const { a } = leaseHolder();
  answer(a, beat(a));
  a.core.transfer('b');
  assert.is(a.core.leaseIndex(), null);
  for (let tick = 0; tick < 2 * ELECTION_TICKS; tick += 1) answer(a, beat(a));
  assert.equal([a.core.role, a.core.leaseIndex()], ['leader', null]);
});

test('6: a lease takes a quorum of both halves of a joint configuration', () => {
  const { a } = leaseHolder();
  a.core.changeMembership(changeOf('-b -c +d +e'), { force: true });
  a.work();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  const round = beat(a);
  answer(answer(a, round), round, 'c');
  assert.is(a.core.leaseIndex(), null);
  answer(a, round, 'd');
  assert.is(a.core.leaseIndex(), 2);
});

test('without leases there is none; who follows has none', () => {
  const a = settledLeader();
  answer(a, beat(a));
  assert.is(a.core.leaseIndex(), null);
  assert.is(followerOf('a', { id: 'b', term: 1, lease: new TestLease() }).core.leaseIndex(), null);
});

test('ReadIndex goes on beside leases, with rounds of its own', () => {
  const { a } = leaseHolder();
  const before = beat(a);
  a.read(5);
  answer(a, before);
  assert.equal(a.grants, []);
  answer(a, only('heartbeat', a.take())[0]?.round ?? 0);
  assert.equal(a.grants, [{ id: 5, index: 1 }]);
});

test('6.4.1: a lost link is no reason to give up a leader that was promised a timeout', () => {
  const b = followerOf('a', { id: 'b', term: 1, lease: new TestLease() });
  b.core.linkLost('a');
  b.tick(ELECTION_TICKS - 1);
  assert.equal([b.core.role, b.core.leader], ['follower', 'a']);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 2 }));
  assert.equal([b.core.term, b.take()], [1, []]);
});

test('6.4.1: the promise is kept though the term was raised meanwhile', () => {
  const b = followerOf('a', { id: 'b', term: 1, lease: new TestLease() });
  b.step(message('voteResponse', { from: 'c', to: 'b', term: 5, granted: false }));
  assert.equal([b.core.term, b.core.leader], [5, null]);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 5 }));
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 6 }));
  assert.equal([b.core.term, b.take()], [5, []]);
  b.tick(ELECTION_TICKS);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 6 }));
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'c', term: 6 })]);
});

test('6.4.1: a member that has just started may have promised before: it votes for no one for a timeout', () => {
  const b = new Member({ id: 'b', term: 1, lease: new TestLease() });
  b.tick(ELECTION_TICKS - 1);
  b.step(
    message('voteRequest', { from: 'c', to: 'b', term: 2 }),
    message('preVoteRequest', { from: 'c', to: 'b', term: 2 }),
  );
  assert.equal(
    b.take().map((one) => [one.type, 'granted' in one && one.granted]),
    [['preVoteResponse', false]],
  );
  b.tick().step(message('voteRequest', { from: 'c', to: 'b', term: 2 }));
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'c', term: 2 })]);
});

test('6.4.1: who the leader itself sends to the election is voted for at once', () => {
  const b = followerOf('a', { id: 'b', term: 1, lease: new TestLease() });
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 2, transfer: true }));
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'c', term: 2 })]);
});

test('6.4.1: leases keep no group from electing', () => {
  const a = new Member({ lease: new TestLease() });
  a.tick(TIMEOUT_TICKS);
  assert.is(a.core.role, 'preCandidate');
});

test.run();
