/** Elections: Raft 5.1, 5.2 and 5.4.1. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ELECTION_TICKS, TestMember, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/test-member.js';
import { message, messagesOfType } from './testing/messages.js';

const FIVE = ['a', 'b', 'c', 'd', 'e'];

/** A candidate in the next term; its requests so far are dropped. */
function candidate(options: ConstructorParameters<typeof TestMember>[0] = {}): TestMember {
  const member = new TestMember(options);
  member.core.campaign();
  member.handleReady();
  const { members = ['a', 'b', 'c'] } = options;
  const to = member.id;
  const term = member.core.term + 1;
  for (const from of members.filter((other) => other !== to)) {
    if (member.core.role === 'preCandidate') member.step(message('preVoteResponse', { from, to, term }));
  }
  member.takeSent();
  return member;
}

test('5.1: a member adopts a later term and becomes a follower', () => {
  for (const type of ['appendRequest', 'heartbeat', 'voteRequest', 'timeoutNow'] as const) {
    const b = new TestMember({ id: 'b', term: 2 });
    b.step(message(type, { term: 5 }));
    assert.is.not(b.core.term, 2, type);
    assert.is(b.disk.hardState.term, b.core.term, type);
  }
});

test('5.1: a leader steps down after an answer with a later term', () => {
  for (const type of ['appendAccepted', 'appendRejected', 'heartbeatResponse', 'voteResponse'] as const) {
    const a = leaderOf();
    a.step(message(type, { from: 'b', to: 'a', term: 9 }));
    assert.is(a.core.role, 'follower', type);
    assert.is(a.core.term, 9, type);
    assert.is(a.core.leader, null, type);
  }
});

test('5.1: requests of an earlier term change nothing and are answered with the current term', () => {
  const b = followerOf('c', { id: 'b', term: 3, log: [1, 2] });
  b.step(message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, commit: 2 }));
  b.step(message('heartbeat', { term: 2, commit: 2 }));
  assert.equal(b.terms, [1, 2]);
  assert.is(b.core.log.commit, 0);
  assert.is(b.core.leader, 'c');
  const answers = b.takeSent();
  assert.equal(
    answers.map(({ type, to, term }) => [type, to, term]),
    [
      ['heartbeatResponse', 'a', 3],
      ['heartbeatResponse', 'a', 3],
    ],
  );
});

test('5.1: answers of an earlier term are ignored', () => {
  const c = candidate({ id: 'c', term: 3 });
  c.step(message('voteResponse', { from: 'a', to: 'c', term: 3 }));
  assert.is(c.core.role, 'candidate');

  const a = leaderOf({ term: 3 });
  const stale = { from: 'b', to: 'a', term: 3 };
  a.step(message('appendAccepted', { ...stale, match: 1 }));
  a.step(message('appendRejected', { ...stale, prevIndex: 0 }));
  a.step(message('timeoutNow', stale), message('preVoteResponse', stale), message('voteRequest', stale));
  assert.is(a.core.log.commit, 0);
  assert.is(a.core.leadership?.progressOf('b')?.match, 0);
  assert.equal(a.takeSent(), []);
});

test('5.1: a message that claims to be from this member is ignored', () => {
  const b = new TestMember({ id: 'b', term: 2 });
  b.step(message('heartbeat', { from: 'b', term: 7 }));
  assert.is(b.core.term, 2);
  assert.equal(b.takeSent(), []);
});

test('5.2: a follower without a leader for its timeout requests pre-votes, then votes in the next term', () => {
  const a = new TestMember({ term: 4, log: [1, 4] });
  a.tick(TIMEOUT_TICKS - 1);
  assert.is(a.core.role, 'follower');
  a.tick();
  assert.is(a.core.role, 'preCandidate');
  assert.is(a.core.term, 4);
  const fields = { from: 'a', term: 5, lastIndex: 2, lastTerm: 4 };
  assert.equal(a.takeSent(), [
    message('preVoteRequest', { ...fields, to: 'b' }),
    message('preVoteRequest', { ...fields, to: 'c' }),
  ]);
  a.step(message('preVoteResponse', { from: 'b', to: 'a', term: 5 }));
  assert.is(a.core.role, 'candidate');
  assert.equal(a.disk.hardState, { term: 5, vote: 'a' });
  assert.equal(a.takeSent(), [
    message('voteRequest', { ...fields, to: 'b' }),
    message('voteRequest', { ...fields, to: 'c' }),
  ]);
});

test('5.2: heartbeats and appends keep a follower from campaigning', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  for (const type of ['heartbeat', 'appendRequest'] as const) {
    for (let round = 0; round < 3; round += 1) {
      b.tick(TIMEOUT_TICKS - 1);
      b.step(message(type));
    }
  }
  assert.is(b.core.role, 'follower');
  assert.is(b.core.leader, 'a');
});

test('5.2: the election timeout is random in [electionTicks, 2 * electionTicks)', () => {
  for (const [drawn, ticks] of [
    [0, ELECTION_TICKS],
    [0.999, 2 * ELECTION_TICKS - 1],
  ] as const) {
    const a = new TestMember({ random: () => drawn });
    a.tick(ticks - 1);
    assert.is(a.core.role, 'follower');
    a.tick();
    assert.is(a.core.role, 'preCandidate');
  }
});

test('5.2: a candidate becomes leader only with a majority of votes, and then appends a no-op', () => {
  const a = candidate({ members: FIVE });
  a.step(message('voteResponse', { from: 'b', to: 'a' }));
  a.step(message('voteResponse', { from: 'b', to: 'a' }));
  assert.is(a.core.role, 'candidate', 'a repeated vote counts once');
  a.step(message('voteResponse', { from: 'c', to: 'a' }));
  assert.is(a.core.role, 'leader');
  assert.is(a.core.leader, 'a');
  const appends = messagesOfType('appendRequest', a.takeSent());
  assert.equal(
    appends.map(({ to, entries }) => [to, entries.map(({ kind }) => kind)]),
    ['b', 'c', 'd', 'e'].map((to) => [to, ['noop']]),
  );
});

test('5.2: a candidate becomes a follower when a majority rejects it, not before', () => {
  const a = candidate({ members: FIVE });
  for (const from of ['b', 'c']) a.step(message('voteResponse', { from, to: 'a', granted: false }));
  assert.is(a.core.role, 'candidate');
  a.step(message('voteResponse', { from: 'd', to: 'a', granted: false }));
  assert.is(a.core.role, 'follower');
});

test('5.2: a candidate follows the leader of its term', () => {
  const b = candidate({ id: 'b' });
  b.step(message('appendRequest'));
  assert.is(b.core.role, 'follower');
  assert.is(b.core.leader, 'a');
});

test('5.2: a candidate without a majority campaigns again in a later term', () => {
  const a = candidate();
  a.tick(TIMEOUT_TICKS);
  assert.is(a.core.role, 'preCandidate');
  a.step(message('voteResponse', { from: 'b', to: 'a' }));
  assert.is(a.core.role, 'preCandidate', 'votes of the previous election do not count');
  a.step(message('preVoteResponse', { from: 'b', to: 'a', term: 2 }));
  assert.is(a.core.term, 2);
});

test('5.2: a member votes once a term, for the first candidate, even after a crash', () => {
  const c = new TestMember({ id: 'c' });
  c.step(message('voteRequest', { from: 'a', to: 'c' }));
  c.step(message('voteRequest', { from: 'b', to: 'c' }));
  c.restart();
  c.step(message('voteRequest', { from: 'b', to: 'c' }));
  c.step(message('voteRequest', { from: 'a', to: 'c' }));
  assert.equal(
    c.takeSent().map((answer) => answer.type === 'voteResponse' && [answer.to, answer.granted]),
    [
      ['b', false],
      ['a', true],
    ],
  );
  assert.equal(c.disk.hardState, { term: 1, vote: 'a' });
});

test('5.2: a member with a leader in this term does not vote, even if its vote is free', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.step(message('voteRequest', { from: 'c', to: 'b' }));
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'c', granted: false })]);
});

test('5.2: a repeated vote request of the elected leader does not make the voter forget the leader', () => {
  const b = new TestMember({ id: 'b' });
  b.step(message('voteRequest', { lastIndex: 5, lastTerm: 1 }), message('heartbeat'));
  b.step(message('voteRequest', { lastIndex: 5, lastTerm: 1 }));
  assert.is(b.core.leader, 'a');
});

test('5.2: a member stops when two leaders claim the same term', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  assert.throws(() => b.step(message('heartbeat', { from: 'c', to: 'b' })), /two leaders: a and c/);
  const a = leaderOf();
  assert.throws(
    () => a.step(message('heartbeat', { from: 'b', to: 'a' })),
    /b claims to lead term 1, which this member leads/,
  );
});

test('5.2: granting a vote restarts the timer, rejecting one in the same term does not', () => {
  const granting = new TestMember({ id: 'b', term: 1 });
  granting
    .tick(TIMEOUT_TICKS - 1)
    .step(message('voteRequest'))
    .tick();
  assert.is(granting.core.role, 'follower');
  const rejecting = new TestMember({ id: 'b', term: 1, log: [1] });
  rejecting
    .tick(TIMEOUT_TICKS - 1)
    .step(message('voteRequest'))
    .tick();
  assert.is(rejecting.core.role, 'preCandidate');
});

test('5.4.1: votes and pre-votes are granted only to candidates with an up-to-date log', () => {
  const cases = [
    { index: 1, term: 3, granted: true },
    { index: 3, term: 2, granted: true },
    { index: 2, term: 2, granted: true },
    { index: 1, term: 2, granted: false },
    { index: 9, term: 1, granted: false },
  ];
  for (const { index: lastIndex, term: lastTerm, granted } of cases) {
    for (const [request, response] of [
      ['voteRequest', 'voteResponse'],
      ['preVoteRequest', 'preVoteResponse'],
    ] as const) {
      const b = new TestMember({ id: 'b', log: [1, 2], term: 3 });
      b.step(message(request, { term: 4, lastIndex, lastTerm }));
      assert.equal(
        messagesOfType(response, b.takeSent()).map((answer) => answer.granted),
        [granted],
      );
    }
  }
});

test.run();
