/** Log replication: Raft 5.3, its Figure 7, and how a leader keeps its followers supplied when messages are lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_HEADER_BYTES } from './entry.js';
import { Member, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/member.js';
import { entryAt, logOf, message, only } from './testing/messages.js';
import { Network, networkOf } from './testing/network.js';

/** A leader of term 1 whose followers have its no-op, so that it pipelines; nothing is in flight. */
function replicating(limits = {}): Member {
  const a = leaderOf({ limits });
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.take();
  return a;
}

const RECORD_BYTES = RECORD_HEADER_BYTES + 1;

test('5.3: a proposal is appended, sent to all, and committed once a majority has it on disk', () => {
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

test('5.3: what a majority lacks is not committed, and nothing beyond what it has', () => {
  const a = leaderOf({ members: ['a', 'b', 'c', 'd', 'e'] });
  a.propose();
  a.propose();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.is(a.core.log.commit, 0);
  a.step(message('appendAccepted', { from: 'c', to: 'a', match: 2 }));
  assert.is(a.core.log.commit, 2);
});

test('5.3: an entry committed in this term commits the earlier ones of earlier leaders with it', () => {
  const a = leaderOf({ log: [1, 2] });
  a.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 3 }));
  assert.is(a.core.log.commit, 3);
  assert.equal(
    a.machine.map(({ term }) => term),
    [1, 2, 3],
  );
});

test('5.3: followers learn of a commit at once, and again by heartbeats up to what they have', () => {
  const a = leaderOf();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(
    only('appendRequest', a.take())
      .filter(({ to }) => to === 'b')
      .map(({ commit, entries }) => [commit, entries.length]),
    [[1, 0]],
  );
  a.tick();
  assert.equal(
    only('heartbeat', a.take()).map(({ to, commit }) => [to, commit]),
    [
      ['b', 1],
      ['c', 0],
    ],
  );
});

test('5.3: a follower refuses an append whose previous entry it lacks or has of another term', () => {
  const cases = [
    { prevIndex: 3, prevTerm: 2, granted: false },
    { prevIndex: 2, prevTerm: 3, granted: false },
    { prevIndex: 2, prevTerm: 2, granted: true },
    { prevIndex: 0, prevTerm: 0, granted: true },
  ];
  for (const { prevIndex, prevTerm, granted } of cases) {
    const b = followerOf('a', { id: 'b', log: [1, 2], term: 4 });
    b.step(message('appendRequest', { term: 4, prevIndex, prevTerm }));
    assert.is(b.take()[0]?.type, granted ? 'appendAccepted' : 'appendRejected');
    assert.equal(b.terms, [1, 2]);
  }
});

test('5.3: a follower drops its entries from the first conflict on, and keeps those that agree', () => {
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
    b.step(message('appendRequest', { term: 5, prevIndex: prev, prevTerm, entries: logOf(sent, prev + 1) }));
    assert.equal(b.terms, log);
    assert.equal(
      b.disk.log.map(({ term }) => term),
      log,
    );
    assert.equal(
      only('appendAccepted', b.take()).map(({ match }) => match),
      [prev + sent.length],
    );
  }
});

test('5.3: an old append that comes late takes nothing away', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  const late = message('appendRequest', { entries: logOf([1]) });
  b.step(message('appendRequest', { entries: logOf([1, 1, 1]), commit: 3 }), late);
  assert.equal(b.terms, [1, 1, 1]);
  assert.is(b.core.log.commit, 3);
  assert.equal(
    only('appendAccepted', b.take()).map(({ match }) => match),
    [3],
  );
});

test('5.3: a follower commits what the leader has committed, but not beyond what it knows to agree', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1, 1], term: 2 });
  b.step(message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, commit: 3 }));
  assert.is(b.core.log.commit, 1, "entries 2 and 3 may differ from the leader's");
  b.step(message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, commit: 3, entries: logOf([2], 2) }));
  assert.equal([b.core.log.commit, b.machine.map(({ term }) => term)], [2, [1, 2]]);
});

test('5.3: a leader that would replace what is committed stops the member', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1], applied: 2, term: 2 });
  const other = message('appendRequest', { term: 2, prevIndex: 0, prevTerm: 0, entries: logOf([2]) });
  assert.throws(() => b.step(other), /conflict at 1, committed up to 2/);
});

test('5.3: a refusal names the last place that could agree, so that a whole term is skipped in one round trip', () => {
  const b = followerOf('a', { id: 'b', log: [1, 2, 2, 2, 2], term: 6 });
  b.step(message('appendRequest', { term: 6, prevIndex: 9, prevTerm: 6 }));
  b.step(message('appendRequest', { term: 6, prevIndex: 4, prevTerm: 1 }));
  assert.equal(
    only('appendRejected', b.take()).map(({ hintIndex, hintTerm }) => [hintIndex, hintTerm]),
    [
      [5, 2],
      [1, 1],
    ],
  );
  const a = leaderOf({ log: [1, 1, 1, 5, 5, 5] });
  a.step(message('appendRejected', { from: 'b', to: 'a', term: 6, prevIndex: 6, hintIndex: 5, hintTerm: 2 }));
  assert.equal(
    only('appendRequest', a.take()).map(({ prevIndex }) => prevIndex),
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
  test(`5.3, figure 7 (${name}): the new leader brings the follower's log into line`, () => {
    const members = ['leader', 'follower', 'voter'];
    const options = { members, term: 7 };
    const network = new Network([
      new Member({ ...options, id: 'leader', log: FIGURE_7_LEADER }),
      new Member({ ...options, id: 'follower', log }),
      // Stands for the majority that the leader needs, as the figure's followers would not all vote for it.
      new Member({ ...options, id: 'voter' }),
    ]);
    const leader = network.elect('leader');
    leader.propose();
    network.settle();
    network.tick();
    const follower = network.member('follower');
    assert.equal(follower.terms, [...FIGURE_7_LEADER, 8, 8]);
    assert.equal(follower.disk.log, leader.disk.log);
    assert.is(follower.machine.length, FIGURE_7_LEADER.length + 2);
  });
}

test("probing: one append at a time, until an answer, a heartbeat's answer or a broken link", () => {
  const a = leaderOf();
  const appendsToB = (): number => only('appendRequest', a.take()).filter(({ to }) => to === 'b').length;
  a.propose();
  a.propose();
  assert.is(appendsToB(), 0, 'the probe with the no-op is still out');
  a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
  assert.is(appendsToB(), 1);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  a.propose();
  a.propose();
  assert.is(appendsToB(), 3, 'pipelined: the news of the commit, then each entry at once');
});

test('the window: at most so many appends in flight; an answer to the newest frees all', () => {
  const a = replicating({ inflightMessagesMax: 2 });
  const sent = (): number[] =>
    only('appendRequest', a.take())
      .filter(({ to }) => to === 'b')
      .flatMap(({ entries }) => entries.map(({ index }) => index));
  for (let count = 0; count < 5; count += 1) a.propose();
  assert.equal(sent(), [2, 3]);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.equal(sent(), [4, 5, 6], 'what waited travels in one append');
});

test('the window: at most so many bytes in flight, but one append always', () => {
  const a = replicating({ inflightBytesMax: 1 });
  a.propose();
  a.propose();
  assert.is(
    only('appendRequest', a.take()).filter(({ to, entries }) => to === 'b' && entries.length > 0).length,
    1,
  );
});

test('an append takes at most appendBytesMax of records, but one entry always', () => {
  const b = (a: Member): number[] =>
    only('appendRequest', a.take())
      .filter(({ to }) => to === 'b')
      .map(({ entries }) => entries.length);
  const fit = replicating({ appendBytesMax: 2 * RECORD_BYTES });
  for (let count = 0; count < 5; count += 1) fit.core.propose(Buffer.from('x'));
  assert.equal(b(fit.work()), [2, 2, 1]);
  const tiny = replicating({ appendBytesMax: 1 });
  for (let count = 0; count < 2; count += 1) tiny.core.propose(Buffer.from('x'));
  assert.equal(b(tiny.work()), [1, 1]);
});

test('a window that stays full because its answers were lost is opened by heartbeats', () => {
  const network = networkOf(['a', 'b']);
  const a = network.elect('a');
  network.passes = ({ type }) => type !== 'appendAccepted';
  for (let count = 0; count < 300; count += 1) a.propose();
  network.settle();
  assert.is(a.core.log.commit, 1);
  network.heal();
  network.tick(2);
  assert.is(a.core.log.commit, 301);
});

test('with no further traffic: a lost append, a lost answer and a lost commit are all made good by heartbeats', () => {
  for (const lost of ['appendRequest', 'appendAccepted', 'appendRejected'] as const) {
    for (const limits of [{}, { inflightMessagesMax: 1 }, { inflightBytesMax: 1 }]) {
      const network = networkOf(['a', 'b', 'c'], () => ({ limits }));
      const a = network.elect('a');
      network.passes = ({ type }) => type !== lost;
      a.propose();
      a.propose();
      network.settle();
      network.heal();
      network.tick(5);
      assert.equal(
        network.members.map(({ machine }) => machine.length),
        [3, 3, 3],
        lost,
      );
    }
  }
});

test('a broken link: what was in flight is sent again from where both are known to agree', () => {
  const a = replicating();
  a.propose();
  a.take();
  a.core.unreachable('b');
  a.core.unreachable('b');
  a.work();
  assert.equal(
    only('appendRequest', a.take()).map(({ to, prevIndex, entries }) => [to, prevIndex, entries.length]),
    [['b', 1, 1]],
  );
});

test('a follower that was away catches up by itself', () => {
  const network = networkOf(['a', 'b', 'c'], () => ({
    limits: { appendBytesMax: 3 * RECORD_BYTES, inflightMessagesMax: 4 },
  }));
  const a = network.elect('a');
  network.isolate('c');
  for (let count = 0; count < 50; count += 1) a.propose();
  network.settle();
  network.heal();
  network.tick(TIMEOUT_TICKS);
  assert.equal(network.member('c').disk.log, a.disk.log);
  assert.is(network.member('c').machine.length, 51);
});

test('a refusal of what was agreed before is stale, or of a member that lost its disk: it is not asked again at once', () => {
  const a = replicating();
  a.core.unreachable('b');
  a.work();
  a.take();
  a.step(message('appendRejected', { from: 'b', to: 'a', prevIndex: 1 }));
  assert.equal(a.take(), []);
});

test('stale refusals change nothing', () => {
  const a = replicating();
  a.propose();
  a.take();
  a.step(message('appendRejected', { from: 'b', to: 'a', prevIndex: 1 }));
  assert.is(a.core.leadership?.progressOf('b')?.next, 3, 'replicating: it already agreed there');
  const probing = leaderOf({ log: [1, 1, 1] });
  probing.step(
    message('appendRejected', { from: 'b', to: 'a', term: 2, prevIndex: 2, hintIndex: 1, hintTerm: 1 }),
  );
  assert.is(probing.core.leadership?.progressOf('b')?.next, 4, 'probing: it answers an older probe');
  assert.equal(probing.take(), []);
});

test("an acknowledgement beyond the leader's log stops it", () => {
  assert.throws(
    () => leaderOf().step(message('appendAccepted', { from: 'b', to: 'a', match: 2 })),
    /b has 2, the leader 1/,
  );
});

test('answers to whoever leads no more are ignored', () => {
  const b = followerOf('a', { id: 'b', term: 1, log: [1] });
  for (const type of [
    'appendAccepted',
    'appendRejected',
    'heartbeatResponse',
    'voteResponse',
    'preVoteResponse',
  ] as const) {
    b.step(message(type));
  }
  b.core.unreachable('a');
  assert.equal(b.work().take(), []);
  assert.throws(() => b.core.propose(entryAt(1, 1).data), /leader is a/);
});

test.run();
