/**
 * Unnecessary elections are avoided: PreVote (thesis 9.6), leader stickiness (4.2.3), CheckQuorum (6.2), broken
 * links.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ELECTION_TICKS, TestMember, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/test-member.js';
import { makeLog, message } from './testing/messages.js';
import { makeNetwork } from './testing/test-network.js';

const FIVE = ['a', 'b', 'c', 'd', 'e'];

test('9.6: a granted pre-vote has the requested term and changes neither term nor vote', () => {
  const b = new TestMember({ id: 'b', term: 1 });
  b.step(message('preVoteRequest', { term: 2 }));
  assert.equal(b.takeSent(), [message('preVoteResponse', { from: 'b', to: 'a', term: 2 })]);
  assert.equal(b.disk.hardState, { term: 1, vote: null });
});

test('9.6: a pre-candidate in an earlier term learns the current one', () => {
  const network = makeNetwork(['a', 'b', 'c'], (id) => ({ term: id === 'a' ? 1 : 6 }));
  network.member('a').tick(TIMEOUT_TICKS);
  network.deliverAll();
  assert.is(network.member('a').core.term, 6);
  assert.is(network.member('a').core.role, 'follower');
});

test('9.6: pre-votes for other terms do not count', () => {
  const a = new TestMember({ term: 1 });
  a.tick(TIMEOUT_TICKS);
  a.step(message('preVoteResponse', { from: 'b', to: 'a', term: 1 }));
  assert.is(a.core.role, 'preCandidate');
  assert.is(a.core.term, 1);
  a.step(message('preVoteResponse', { from: 'b', to: 'a', term: 3 }));
  assert.is(a.core.role, 'preCandidate');
});

test('9.6: a partitioned member does not raise its term or disrupt the group when it returns', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  network.elect('a');
  network.isolate('c');
  network.tick(5 * TIMEOUT_TICKS);
  assert.is(network.member('c').core.term, 1);
  network.heal();
  network.tick(2 * TIMEOUT_TICKS);
  assert.equal(
    network.members.map(({ core }) => [core.term, core.leader]),
    [
      [1, 'a'],
      [1, 'a'],
      [1, 'a'],
    ],
  );
});

test('9.6: a pre-candidate becomes a follower when a majority rejects its pre-vote', () => {
  const a = new TestMember({ term: 1 });
  a.tick(TIMEOUT_TICKS);
  for (const from of ['b', 'c']) a.step(message('preVoteResponse', { from, to: 'a', granted: false }));
  assert.is(a.core.role, 'follower');
});

test('4.2.3: a follower with a live leader ignores candidates and their terms', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.tick(ELECTION_TICKS - 1);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 8 }));
  assert.is(b.core.term, 1);
  b.step(message('preVoteRequest', { from: 'c', to: 'b', term: 2 }));
  assert.equal(b.takeSent(), [message('preVoteResponse', { from: 'b', to: 'c', granted: false })]);
  b.tick();
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 8 }));
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'c', term: 8 })]);
});

test('4.2.3: a leader ignores candidates and their terms', () => {
  const a = leaderOf();
  a.step(message('voteRequest', { from: 'c', to: 'a', term: 8 }));
  assert.is(a.core.role, 'leader');
  assert.equal(a.takeSent(), []);
});

test('6.2: a leader without answers from a majority for an election timeout steps down', () => {
  const a = leaderOf({ members: FIVE });
  a.tick(ELECTION_TICKS - 1);
  assert.is(a.core.role, 'leader');
  a.tick();
  assert.is(a.core.role, 'follower');
  assert.is(a.core.leader, null);
});

test('6.2: a leader stays leader while a majority answers any of its messages', () => {
  const a = leaderOf({ members: FIVE });
  for (let round = 0; round < 4; round += 1) {
    a.tick(ELECTION_TICKS - 1);
    a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
    a.step(message('appendAccepted', { from: 'c', to: 'a' }));
  }
  assert.is(a.core.role, 'leader');
});

test('6.2: a leader that can send but not receive steps down, and another member is elected', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  network.elect('a');
  for (const id of ['b', 'c']) network.cut(id, 'a');
  network.tick(4 * TIMEOUT_TICKS);
  const leaders = network.members.filter(({ core }) => core.role === 'leader').map(({ id }) => id);
  assert.is(leaders.length, 1);
  assert.not(leaders.includes('a'));
});

test('a member in a later term rejoins: its answer makes the leader step down, and all reach one term', () => {
  const network = makeNetwork(['a', 'b', 'c'], (id) => ({ term: id === 'c' ? 9 : 0 }));
  network.isolate('c');
  network.elect('a');
  network.heal();
  network.tick(3 * TIMEOUT_TICKS);
  const leader = network.members.find(({ core }) => core.role === 'leader');
  assert.ok(leader !== undefined && leader.core.term > 9);
  assert.ok(network.members.every(({ core }) => core.leader === leader.id));
});

test('a follower starts a pre-vote at once when its link to the leader breaks, not for other links', () => {
  const b = followerOf('a', { id: 'b', term: 1, random: () => 0.99 });
  b.core.onLinkLost('c');
  b.tick(3);
  assert.is(b.core.role, 'follower');
  b.core.onLinkLost('a');
  assert.is(b.core.role, 'preCandidate');
});

test('after a broken link to the leader a rejected pre-vote is retried soon, a limited number of times', () => {
  const b = followerOf('a', { id: 'b', term: 1, random: () => 0.99 });
  b.core.onLinkLost('a');
  for (let repeat = 0; repeat < 6; repeat += 1) {
    b.step(message('preVoteResponse', { from: 'c', to: 'b', term: 1, granted: false }));
    b.takeSent();
    b.tick(4);
    assert.equal(b.takeSent(), []);
    b.tick();
    assert.equal(
      b.takeSent().map(({ type, to }) => [type, to]),
      [
        ['preVoteRequest', 'a'],
        ['preVoteRequest', 'c'],
      ],
    );
  }
  b.tick(ELECTION_TICKS);
  assert.equal(b.takeSent(), []);
});

test('after a broken link to the leader a pre-vote is retried soon even if a majority rejects it', () => {
  const b = followerOf('a', { id: 'b', members: FIVE, term: 1, random: () => 0.99 });
  b.core.onLinkLost('a');
  for (const from of ['c', 'd', 'e'])
    b.step(message('preVoteResponse', { from, to: 'b', term: 1, granted: false }));
  assert.is(b.core.role, 'follower');
  b.takeSent();
  b.tick(4);
  assert.equal(b.takeSent(), []);
  b.tick();
  assert.is(b.core.role, 'preCandidate');
});

test('a member that may not campaign when its link to the leader breaks campaigns as soon as it may', () => {
  const b = followerOf('a', { id: 'b', term: 1, random: () => 0.99 });
  b.slowDisk = true;
  b.step(message('appendRequest', { entries: makeLog([1]) }));
  b.handleReady();
  b.tick(ELECTION_TICKS);
  b.step(message('heartbeat'));
  b.core.onLinkLost('a');
  b.tick(5);
  assert.is(b.core.role, 'follower', 'its disk hangs');
  b.finishPersist();
  b.tick(5);
  assert.is(b.core.role, 'preCandidate');
});

test('a message of the leader ends the pre-vote that a broken link has started', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.core.onLinkLost('a');
  b.step(message('heartbeat'));
  b.tick(TIMEOUT_TICKS - 1);
  assert.is(b.core.leader, 'a');
});

test('of pre-candidates that campaign at the same moment one wins without a second timeout', () => {
  for (const [ids, asking] of [
    [
      ['a', 'b', 'c'],
      ['b', 'c'],
    ],
    [FIVE, ['b', 'd', 'c']],
  ] as const) {
    const network = makeNetwork(ids);
    network.elect('a');
    network.isolate('a');
    const followers = network.members.filter(({ id }) => id !== 'a');
    for (const id of asking) network.member(id).core.onLinkLost('a');
    for (const id of asking) network.member(id).handleReady();
    for (const { core } of followers) core.onLinkLost('a');
    network.deliverAll();
    const leaders = followers
      .filter(({ core }) => core.role === 'leader')
      .map(({ id, core }) => [id, core.term]);
    assert.equal(leaders, [[asking.toSorted().at(-1), 2]]);
    assert.ok(followers.every(({ core }) => core.term === 2));
  }
});

test('a pre-candidate does not step back for one that cannot win, nor for one with a lower id', () => {
  for (const [id, rival, log] of [
    ['b', 'c', []],
    ['b', 'a', [1, 1]],
  ] as const) {
    const member = new TestMember({ id, log: [1], term: 1 });
    member.tick(TIMEOUT_TICKS);
    const { length: lastIndex } = log;
    member.step(
      message('preVoteRequest', {
        from: rival,
        to: id,
        term: 2,
        lastIndex,
        lastTerm: lastIndex === 0 ? 0 : 1,
      }),
    );
    assert.is(member.core.role, 'preCandidate');
  }
});

test('the only voter becomes leader once its vote is durable', () => {
  const a = new TestMember({ members: ['a'] });
  a.slowDisk = true;
  a.core.campaign();
  a.handleReady();
  assert.is(a.core.role, 'candidate');
  a.finishPersist();
  assert.is(a.core.role, 'leader');
  a.finishPersist();
  assert.is(a.core.log.commit, 1);
  a.core.campaign();
  assert.is(a.core.role, 'leader', 'a leader does not campaign');
});

test.run();
