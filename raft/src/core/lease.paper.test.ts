/** Lease reads (thesis 6.4.1), and the promise that every voter makes for them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseChange, message, messagesOfType } from './testing/messages.js';
import { committedLeader } from './testing/groups.js';
import { ELECTION_TICKS, TestMember, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/test-member.js';

/** A clock that the test advances, with leases of 100 ms. */
class TestLease {
  ms = 1000;
  readonly durationMs = 100;
  readonly now = (): number => this.ms;
}

/** A leader with leases whose no-op is committed, and its clock. */
function leaseHolder(members: readonly string[] = ['a', 'b', 'c']): {
  readonly a: TestMember;
  readonly clock: TestLease;
} {
  const clock = new TestLease();
  const a = leaderOf({ members, lease: clock });
  for (const from of members.slice(1)) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.takeSent();
  return { a, clock };
}

/** Makes the leader send a heartbeat, and returns its round. */
function beat(a: TestMember): number {
  return messagesOfType('heartbeat', a.tick().takeSent())[0]?.round ?? -1;
}

const answer = (a: TestMember, round: number, from = 'b'): TestMember =>
  a.step(message('heartbeatResponse', { from, to: 'a', round }));

test('6.4.1: a lease is valid once a quorum has answered a heartbeat, and starts when that was sent', () => {
  const { a, clock } = leaseHolder();
  assert.is(a.core.leaseIndex(), null);
  const round = beat(a);
  clock.ms += 60;
  answer(a, round);
  assert.is(a.core.leaseIndex(), 1);
  clock.ms += 39;
  assert.is(a.core.leaseIndex(), 1);
  clock.ms += 1;
  assert.is(a.core.leaseIndex(), null, '100 ms after the heartbeat was sent, 40 ms after it was answered');
});

test('6.4.1: a quorum of five needs answers of two other members to the same or a later heartbeat', () => {
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
  assert.is(a.core.leaseIndex(), 1, 'the lease of the first heartbeat, which both have answered');
  clock.ms += 1;
  assert.is(a.core.leaseIndex(), null, 'not that of the second heartbeat, which one has answered');
});

test('6.4.1: the lease of a paused leader has ended, even if answers are waiting', () => {
  const { a, clock } = leaseHolder();
  const round = beat(a);
  clock.ms += 5000;
  answer(a, round);
  answer(a, round, 'c');
  assert.is(a.core.leaseIndex(), null);
});

test('6.4.1: no lease read before an entry of the term is committed', () => {
  const clock = new TestLease();
  const a = leaderOf({ lease: clock });
  answer(a, beat(a));
  assert.is(a.core.leaseIndex(), null);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.is(a.core.leaseIndex(), 1);
});

test('3.10: after the start of a leadership transfer there is no lease in this term, even if it is cancelled', () => {
  const { a } = leaseHolder();
  answer(a, beat(a));
  a.core.transferLeadership('b');
  assert.is(a.core.leaseIndex(), null);
  for (let tick = 0; tick < 2 * ELECTION_TICKS; tick += 1) answer(a, beat(a));
  assert.equal([a.core.role, a.core.leaseIndex()], ['leader', null]);
});

test('6: a lease needs a majority of both halves of a joint configuration', () => {
  const { a } = leaseHolder();
  a.core.changeMembership(parseChange('-b -c +d +e'), { force: true });
  a.handleReady();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  const round = beat(a);
  answer(answer(a, round), round, 'c');
  assert.is(a.core.leaseIndex(), null);
  answer(a, round, 'd');
  assert.is(a.core.leaseIndex(), 2);
});

test('a leader without lease configuration has no lease, nor has a follower', () => {
  const a = committedLeader();
  answer(a, beat(a));
  assert.is(a.core.leaseIndex(), null);
  assert.is(followerOf('a', { id: 'b', term: 1, lease: new TestLease() }).core.leaseIndex(), null);
});

test('with leases a ReadIndex read still needs a heartbeat round of its own', () => {
  const { a } = leaseHolder();
  const before = beat(a);
  a.read(5);
  answer(a, before);
  assert.equal(a.grantedReads, []);
  answer(a, messagesOfType('heartbeat', a.takeSent())[0]?.round ?? 0);
  assert.equal(a.grantedReads, [{ id: 5, index: 1 }]);
});

test('6.4.1: with leases a follower neither campaigns nor votes within a timeout after a broken link', () => {
  const b = followerOf('a', { id: 'b', term: 1, lease: new TestLease() });
  b.core.onLinkLost('a');
  b.tick(ELECTION_TICKS - 1);
  assert.equal([b.core.role, b.core.leader], ['follower', 'a']);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 2 }));
  assert.equal([b.core.term, b.takeSent()], [1, []]);
});

test('6.4.1: a follower keeps its promise after its term has risen', () => {
  const b = followerOf('a', { id: 'b', term: 1, lease: new TestLease() });
  b.step(message('voteResponse', { from: 'c', to: 'b', term: 5, granted: false }));
  assert.equal([b.core.term, b.core.leader], [5, null]);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 5 }));
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 6 }));
  assert.equal([b.core.term, b.takeSent()], [5, []]);
  b.tick(ELECTION_TICKS);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 6 }));
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'c', term: 6 })]);
});

test('6.4.1: with leases a restarted member does not vote until a timeout has passed', () => {
  const b = new TestMember({ id: 'b', term: 1, lease: new TestLease() });
  b.tick(ELECTION_TICKS - 1);
  b.step(
    message('voteRequest', { from: 'c', to: 'b', term: 2 }),
    message('preVoteRequest', { from: 'c', to: 'b', term: 2 }),
  );
  assert.equal(
    b.takeSent().map((one) => [one.type, 'granted' in one && one.granted]),
    [['preVoteResponse', false]],
  );
  b.tick().step(message('voteRequest', { from: 'c', to: 'b', term: 2 }));
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'c', term: 2 })]);
});

test('6.4.1: a follower votes at once in an election that the leader requested', () => {
  const b = followerOf('a', { id: 'b', term: 1, lease: new TestLease() });
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 2, transfer: true }));
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'c', term: 2 })]);
});

test('6.4.1: with leases a member without a leader campaigns after its timeout', () => {
  const a = new TestMember({ lease: new TestLease() });
  a.tick(TIMEOUT_TICKS);
  assert.is(a.core.role, 'preCandidate');
});

test.run();
