/** Log replication: Raft 5.3 and its Figure 7. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestMember, followerOf, leaderOf } from './testing/test-member.js';
import { makeLog, message, messagesOfType } from './testing/messages.js';
import { TestNetwork } from './testing/test-network.js';

test('5.3: a proposal is committed once a majority has it on disk', () => {
  const a = leaderOf();
  const index = a.propose();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.is(a.core.log.commit, 1);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: index }));
  assert.is(a.core.log.commit, index);
  assert.equal(
    a.machine.map(({ kind }) => kind),
    ['noop', 'command'],
  );
});

test('5.3: the commit index is the highest index that a majority has', () => {
  const a = leaderOf({ members: ['a', 'b', 'c', 'd', 'e'] });
  a.propose();
  a.propose();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.is(a.core.log.commit, 0);
  a.step(message('appendAccepted', { from: 'c', to: 'a', match: 2 }));
  assert.is(a.core.log.commit, 2);
});

test('5.3: a commit of an entry of this term commits the earlier entries of earlier leaders', () => {
  const a = leaderOf({ log: [1, 2] });
  a.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 3 }));
  assert.is(a.core.log.commit, 3);
  assert.equal(
    a.machine.map(({ term }) => term),
    [1, 2, 3],
  );
});

test('5.3: followers learn the commit index from the next entries or tick, and from heartbeats', () => {
  const a = leaderOf();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  const appendsToB = (): number[][] =>
    messagesOfType('appendRequest', a.takeSent())
      .filter(({ to }) => to === 'b')
      .map(({ commit, entries }) => [commit, entries.length]);
  assert.equal(appendsToB(), [], 'no append for the commit index alone');
  a.propose();
  assert.equal(appendsToB(), [[1, 1]]);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  a.tick();
  const sent = a.takeSent();
  assert.equal(
    messagesOfType('appendRequest', sent)
      .filter(({ to }) => to === 'b')
      .map(({ commit, entries }) => [commit, entries.length]),
    [[2, 0]],
  );
  assert.equal(
    messagesOfType('heartbeat', sent).map(({ to, commit }) => [to, commit]),
    [
      ['b', 2],
      ['c', 0],
    ],
  );
});

test('5.3: a follower rejects an append if its log lacks the previous entry or has another term there', () => {
  const cases = [
    { prevIndex: 3, prevTerm: 2, granted: false },
    { prevIndex: 2, prevTerm: 3, granted: false },
    { prevIndex: 2, prevTerm: 2, granted: true },
    { prevIndex: 0, prevTerm: 0, granted: true },
  ];
  for (const { prevIndex, prevTerm, granted } of cases) {
    const b = followerOf('a', { id: 'b', log: [1, 2], term: 4 });
    b.step(message('appendRequest', { term: 4, prevIndex, prevTerm }));
    assert.is(b.takeSent()[0]?.type, granted ? 'appendAccepted' : 'appendRejected');
    assert.equal(b.terms, [1, 2]);
  }
});

test('5.3: a follower drops its entries from the first conflict on and keeps matching ones', () => {
  const cases = [
    { prev: 2, sent: [3], log: [1, 2, 3] },
    { prev: 1, sent: [3, 4], log: [1, 3, 4] },
    { prev: 0, sent: [1, 3], log: [1, 3] },
    { prev: 0, sent: [1], log: [1, 2, 2] },
    { prev: 2, sent: [2, 4], log: [1, 2, 2, 4] },
  ];
  for (const { prev, sent, log } of cases) {
    const b = followerOf('a', { id: 'b', log: [1, 2, 2], term: 5 });
    const prevTerm = b.core.log.term(prev);
    b.step(
      message('appendRequest', { term: 5, prevIndex: prev, prevTerm, entries: makeLog(sent, prev + 1) }),
    );
    assert.equal(b.terms, log);
    assert.equal(
      b.disk.log.map(({ term }) => term),
      log,
    );
    assert.equal(
      messagesOfType('appendAccepted', b.takeSent()).map(({ match }) => match),
      [prev + sent.length],
    );
  }
});

test('5.3: an old append that arrives late removes no entries', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  const late = message('appendRequest', { entries: makeLog([1]) });
  b.step(message('appendRequest', { entries: makeLog([1, 1, 1]), commit: 3 }), late);
  assert.equal(b.terms, [1, 1, 1]);
  assert.is(b.core.log.commit, 3);
  assert.equal(
    messagesOfType('appendAccepted', b.takeSent()).map(({ match }) => match),
    [3],
  );
});

test("5.3: a follower commits up to the leader's commit index, but not beyond the last matching entry", () => {
  const b = followerOf('a', { id: 'b', log: [1, 1, 1], term: 2 });
  b.step(message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, commit: 3 }));
  assert.is(b.core.log.commit, 1, "entries 2 and 3 may differ from the leader's");
  b.step(
    message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, commit: 3, entries: makeLog([2], 2) }),
  );
  assert.equal([b.core.log.commit, b.machine.map(({ term }) => term)], [2, [1, 2]]);
});

test('5.3: a member stops at an append that conflicts with a committed entry', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1], applied: 2, term: 2 });
  const other = message('appendRequest', { term: 2, prevIndex: 0, prevTerm: 0, entries: makeLog([2]) });
  assert.throws(
    () => b.step(other),
    /entry 1 of the leader differs from this log, which is committed up to 2/,
  );
});

test('5.3: the hint of a rejection skips a whole term in one round trip', () => {
  const b = followerOf('a', { id: 'b', log: [1, 2, 2, 2, 2], term: 6 });
  b.step(message('appendRequest', { term: 6, prevIndex: 9, prevTerm: 6 }));
  b.step(message('appendRequest', { term: 6, prevIndex: 4, prevTerm: 1 }));
  assert.equal(
    messagesOfType('appendRejected', b.takeSent()).map(({ hintIndex, hintTerm }) => [hintIndex, hintTerm]),
    [
      [5, 2],
      [1, 1],
    ],
  );
  const a = leaderOf({ log: [1, 1, 1, 5, 5, 5] });
  a.step(message('appendRejected', { from: 'b', to: 'a', term: 6, prevIndex: 6, hintIndex: 5, hintTerm: 2 }));
  assert.equal(
    messagesOfType('appendRequest', a.takeSent()).map(({ prevIndex }) => prevIndex),
    [3],
  );
});

const FIGURE_7_LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
const FIGURE_7: readonly (readonly [string, readonly number[]])[] = [
  ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
  ['b', [1, 1, 1, 4]],
  ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
  ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
  ['e', [1, 1, 1, 4, 4, 4, 4]],
  ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
];
for (const [name, log] of FIGURE_7) {
  test(`5.3, figure 7 (${name}): the follower's log becomes equal to that of the new leader`, () => {
    const members = ['leader', 'follower', 'voter'];
    const options = { members, term: 7 };
    const network = new TestNetwork([
      new TestMember({ ...options, id: 'leader', log: FIGURE_7_LEADER }),
      new TestMember({ ...options, id: 'follower', log }),
      // The third member of the majority: some of the figure's followers would not vote for the leader.
      new TestMember({ ...options, id: 'voter' }),
    ]);
    const leader = network.elect('leader');
    leader.propose();
    network.deliverAll();
    network.tick();
    const follower = network.member('follower');
    assert.equal(follower.terms, [...FIGURE_7_LEADER, 8, 8]);
    assert.equal(follower.disk.log, leader.disk.log);
    assert.is(follower.machine.length, FIGURE_7_LEADER.length + 2);
  });
}

test.run();
