/** Elections that need not be are not held: PreVote (thesis 9.6), stickiness (4.2.3), the quorum check (6.2) and hints. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ELECTION_TICKS, Member, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/member.js';
import { logOf, message } from './testing/messages.js';
import { networkOf } from './testing/network.js';

const FIVE = ['a', 'b', 'c', 'd', 'e'];

test('9.6: a pre-vote changes neither term nor vote of anyone, and says the term asked for', () => {
  const b = new Member({ id: 'b', term: 1 });
  b.step(message('preVoteRequest', { term: 2 }));
  assert.equal(b.take(), [message('preVoteResponse', { from: 'b', to: 'a', term: 2 })]);
  assert.equal(b.disk.hardState, { term: 1, vote: null });
});

test('9.6: whoever asks in an earlier term learns the later one', () => {
  const network = networkOf(['a', 'b', 'c'], (id) => ({ term: id === 'a' ? 1 : 6 }));
  network.member('a').tick(TIMEOUT_TICKS);
  network.settle();
  assert.is(network.member('a').core.term, 6);
  assert.is(network.member('a').core.role, 'follower');
});

test('9.6: pre-votes for an earlier term do not count', () => {
  const a = new Member({ term: 1 });
  a.tick(TIMEOUT_TICKS);
  a.step(message('preVoteResponse', { from: 'b', to: 'a', term: 1 }));
  assert.is(a.core.role, 'preCandidate');
  assert.is(a.core.term, 1);
  a.step(message('preVoteResponse', { from: 'b', to: 'a', term: 3 }));
  assert.is(a.core.role, 'preCandidate');
});

test('9.6: a member that was cut off raises no term, and disturbs no one when it comes back', () => {
  const network = networkOf(['a', 'b', 'c']);
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

test('9.6: a refused pre-vote of the own term is a refusal; enough of them and the member follows', () => {
  const a = new Member({ term: 1 });
  a.tick(TIMEOUT_TICKS);
  for (const from of ['b', 'c']) a.step(message('preVoteResponse', { from, to: 'a', granted: false }));
  assert.is(a.core.role, 'follower');
});

test('4.2.3: who hears from a leader ignores candidates, its term included', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.tick(ELECTION_TICKS - 1);
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 8 }));
  assert.is(b.core.term, 1);
  b.step(message('preVoteRequest', { from: 'c', to: 'b', term: 2 }));
  assert.equal(b.take(), [message('preVoteResponse', { from: 'b', to: 'c', granted: false })]);
  b.tick();
  b.step(message('voteRequest', { from: 'c', to: 'b', term: 8 }));
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'c', term: 8 })]);
});

test('4.2.3: a leader ignores candidates as well', () => {
  const a = leaderOf();
  a.step(message('voteRequest', { from: 'c', to: 'a', term: 8 }));
  assert.is(a.core.role, 'leader');
  assert.equal(a.take(), []);
});

test('6.2: a leader that hears no majority for an election timeout steps down', () => {
  const a = leaderOf({ members: FIVE });
  a.tick(ELECTION_TICKS - 1);
  assert.is(a.core.role, 'leader');
  a.tick();
  assert.is(a.core.role, 'follower');
  assert.is(a.core.leader, null);
});

test('6.2: any answer of a majority keeps a leader', () => {
  const a = leaderOf({ members: FIVE });
  for (let round = 0; round < 4; round += 1) {
    a.tick(ELECTION_TICKS - 1);
    a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
    a.step(message('appendAccepted', { from: 'c', to: 'a' }));
  }
  assert.is(a.core.role, 'leader');
});

test('6.2: a leader that can send but not receive steps down, and another one is elected', () => {
  const network = networkOf(['a', 'b', 'c']);
  network.elect('a');
  for (const id of ['b', 'c']) network.cut(id, 'a');
  network.tick(4 * TIMEOUT_TICKS);
  const leaders = network.members.filter(({ core }) => core.role === 'leader').map(({ id }) => id);
  assert.is(leaders.length, 1);
  assert.not(leaders.includes('a'));
});

test('a member stuck in a later term is freed: its answer makes the leader step down and all meet again', () => {
  const network = networkOf(['a', 'b', 'c'], (id) => ({ term: id === 'c' ? 9 : 0 }));
  network.isolate('c');
  network.elect('a');
  network.heal();
  network.tick(3 * TIMEOUT_TICKS);
  const leader = network.members.find(({ core }) => core.role === 'leader');
  assert.ok(leader !== undefined && leader.core.term > 9);
  assert.ok(network.members.every(({ core }) => core.leader === leader.id));
});

test('a lost link to the leader makes a follower ask at once; one to another member means nothing', () => {
  const b = followerOf('a', { id: 'b', term: 1, random: () => 0.99 });
  b.core.linkLost('c');
  b.tick(3);
  assert.is(b.core.role, 'follower');
  b.core.linkLost('a');
  assert.is(b.core.role, 'preCandidate');
});

test('who lost its leader and was refused by one that had not yet asks again soon, a few times', () => {
  const b = followerOf('a', { id: 'b', term: 1, random: () => 0.99 });
  b.core.linkLost('a');
  for (let repeat = 0; repeat < 6; repeat += 1) {
    b.step(message('preVoteResponse', { from: 'c', to: 'b', term: 1, granted: false }));
    b.take();
    b.tick(4);
    assert.equal(b.take(), []);
    b.tick();
    assert.equal(
      b.take().map(({ type, to }) => [type, to]),
      [
        ['preVoteRequest', 'a'],
        ['preVoteRequest', 'c'],
      ],
    );
  }
  b.tick(ELECTION_TICKS);
  assert.equal(b.take(), []);
});

test('who lost its leader asks again soon though a majority has refused', () => {
  const b = followerOf('a', { id: 'b', members: FIVE, term: 1, random: () => 0.99 });
  b.core.linkLost('a');
  for (const from of ['c', 'd', 'e'])
    b.step(message('preVoteResponse', { from, to: 'b', term: 1, granted: false }));
  assert.is(b.core.role, 'follower');
  b.take();
  b.tick(4);
  assert.equal(b.take(), []);
  b.tick();
  assert.is(b.core.role, 'preCandidate');
});

test('who loses its leader while it may not campaign asks as soon as it may', () => {
  const b = followerOf('a', { id: 'b', term: 1, random: () => 0.99 });
  b.slowDisk = true;
  b.step(message('appendRequest', { entries: logOf([1]) }));
  b.work();
  b.tick(ELECTION_TICKS);
  b.step(message('heartbeat'));
  b.core.linkLost('a');
  b.tick(5);
  assert.is(b.core.role, 'follower', 'its disk hangs');
  b.finishPersist();
  b.tick(5);
  assert.is(b.core.role, 'preCandidate');
});

test('a lost link to a leader that lives is forgiven with its next message', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.core.linkLost('a');
  b.step(message('heartbeat'));
  b.tick(TIMEOUT_TICKS - 1);
  assert.is(b.core.leader, 'a');
});

test('of two that lose their leader and ask at the same moment one gives way, and the other leads without a second timeout', () => {
  for (const [ids, asking] of [
    [
      ['a', 'b', 'c'],
      ['b', 'c'],
    ],
    [FIVE, ['b', 'd', 'c']],
  ] as const) {
    const network = networkOf(ids);
    network.elect('a');
    network.isolate('a');
    const followers = network.members.filter(({ id }) => id !== 'a');
    for (const id of asking) network.member(id).core.linkLost('a');
    for (const id of asking) network.member(id).work();
    for (const { core } of followers) core.linkLost('a');
    network.settle();
    const led = followers.filter(({ core }) => core.role === 'leader').map(({ id, core }) => [id, core.term]);
    assert.equal(led, [[asking.toSorted().at(-1), 2]]);
    assert.ok(followers.every(({ core }) => core.term === 2));
  }
});

test('nobody gives way to one that could not win, nor to one with the lesser id', () => {
  for (const [id, rival, log] of [
    ['b', 'c', []],
    ['b', 'a', [1, 1]],
  ] as const) {
    const member = new Member({ id, log: [1], term: 1 });
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

test('a cluster of one elects itself once its vote is durable', () => {
  const a = new Member({ members: ['a'] });
  a.slowDisk = true;
  a.core.campaign();
  a.work();
  assert.is(a.core.role, 'candidate');
  a.finishPersist();
  assert.is(a.core.role, 'leader');
  a.finishPersist();
  assert.is(a.core.log.commit, 1);
  a.core.campaign();
  assert.is(a.core.role, 'leader', 'a leader has nothing to ask for');
});

test.run();
