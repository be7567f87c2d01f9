/**
 * Safety: which entries are committed (Raft 5.4.2, figure 8), and which state must be on disk before it is sent
 * (figure 2).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestMember, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/test-member.js';
import { makeLog, message, messagesOfType } from './testing/messages.js';
import { TestNetwork } from './testing/test-network.js';

test('5.4.2: an entry of an earlier term is not committed by counting replicas', () => {
  const a = leaderOf({ log: [1, 2] });
  a.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 2 }));
  a.step(message('appendAccepted', { from: 'c', to: 'a', term: 3, match: 2 }));
  assert.is(a.core.log.commit, 0);
  a.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 3 }));
  assert.is(a.core.log.commit, 3);
});

test('5.4.2, figure 8: an entry of term 2 on a majority can still be lost until one of term 4 is committed', () => {
  const members = ['s1', 's2', 's3', 's4', 's5'];
  const of = (id: string, log: readonly number[]): TestMember =>
    new TestMember({ id, members, log, term: 3 });
  // (b): S1 led term 2 and replicated entry 2 to S2; S5 led term 3 and has another entry 2.
  const figure = (): TestNetwork =>
    new TestNetwork([of('s1', [1, 2]), of('s2', [1, 2]), of('s3', [1]), of('s4', [1]), of('s5', [1, 3])]);

  // (c): S1 leads term 4 and replicates entry 2 to S3, which makes a majority; its own entry of term 4 is lost.
  const lost = figure();
  lost.isolate('s5');
  lost.isolate('s4');
  lost.filter = (one) => one.type !== 'appendRequest' || one.entries.every(({ term }) => term < 4);
  const s1 = lost.elect('s1');
  lost.member('s3').step(
    message('appendRequest', {
      from: 's1',
      to: 's3',
      term: 4,
      prevIndex: 1,
      prevTerm: 1,
      entries: makeLog([2], 2),
    }),
  );
  lost
    .member('s2')
    .step(message('appendRequest', { from: 's1', to: 's2', term: 4, prevIndex: 2, prevTerm: 2 }));
  lost.deliverAll();
  assert.equal(lost.member('s3').terms, [1, 2]);
  assert.equal(s1.terms, [1, 2, 4]);
  assert.is(s1.core.log.commit, 0);
  // (d): S1 crashes. S5's last term is the latest, so it leads with the votes of S2, S3 and S4, and replaces entry 2.
  lost.heal();
  lost
    .member('s5')
    .step(message('voteRequest', { from: 's1', to: 's5', term: 4, lastIndex: 3, lastTerm: 2 }));
  lost.isolate('s1');
  lost.elect('s5');
  lost.tick();
  for (const id of ['s2', 's3', 's4']) assert.equal(lost.member(id).terms, [1, 3, 5]);
  lost.heal();
  lost.tick(2);
  assert.equal(s1.terms, [1, 3, 5]);

  // (e): if S1 replicates its entry of term 4 before it crashes, S5 cannot win, and both entries stay.
  const kept = figure();
  kept.isolate('s5');
  kept.isolate('s4');
  const leader = kept.elect('s1');
  assert.is(leader.core.log.commit, 3);
  kept.heal();
  kept.isolate('s1');
  kept.tick(4 * TIMEOUT_TICKS);
  const next = kept.members.find(({ id, core }) => id !== 's1' && core.role === 'leader');
  assert.ok(next !== undefined && ['s2', 's3'].includes(next.id));
  assert.equal(next.terms.slice(0, 3), [1, 2, 4]);
});

test('figure 2: a vote is sent only once it is durable', () => {
  const b = new TestMember({ id: 'b' });
  b.slowDisk = true;
  b.step(message('voteRequest'));
  assert.equal(b.persisting?.hardState, { term: 1, vote: 'a' });
  assert.equal(b.takeSent(), []);
  b.finishPersist();
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'a' })]);
});

test('figure 2: a vote that was not durable at a crash was never sent', () => {
  const b = new TestMember({ id: 'b' });
  b.slowDisk = true;
  b.step(message('voteRequest'));
  b.restart();
  b.step(message('voteRequest', { from: 'c', to: 'b' }));
  b.finishPersist();
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'c' })]);
});

test('figure 2: a candidate requests votes, and counts its own, only once its candidacy is durable', () => {
  const a = new TestMember({ members: ['a', 'b'] });
  a.slowDisk = true;
  a.core.campaign();
  a.step(message('preVoteResponse', { from: 'b', to: 'a' }));
  assert.equal(messagesOfType('voteRequest', a.takeSent()), []);
  a.step(message('voteResponse', { from: 'b', to: 'a' }));
  assert.is(a.core.role, 'candidate', 'its own vote is missing');
  a.finishPersist();
  assert.is(a.core.role, 'leader');
});

test('figure 2: held vote requests of an earlier term are never sent', () => {
  const a = new TestMember();
  a.slowDisk = true;
  a.core.campaign();
  a.step(message('preVoteResponse', { from: 'b', to: 'a' }));
  a.step(message('heartbeat', { from: 'c', to: 'a', term: 2 }));
  a.takeSent();
  a.finishPersist();
  assert.equal(a.takeSent(), []);
  assert.is(a.core.role, 'follower');
});

test('figure 2: an append is acknowledged once its entries and its term are durable', () => {
  const b = new TestMember({ id: 'b' });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 2, entries: makeLog([1, 2]) }));
  assert.equal(b.takeSent(), []);
  assert.equal(b.persisting, { hardState: { term: 2, vote: null }, entries: makeLog([1, 2]) });
  b.finishPersist();
  assert.equal(b.takeSent(), [message('appendAccepted', { from: 'b', to: 'a', term: 2, match: 2 })]);
});

test("rejected appends, heartbeat responses and a leader's appends do not wait for the disk", () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  b.step(message('appendRequest', { entries: makeLog([1]) }));
  b.step(message('appendRequest', { prevIndex: 7, prevTerm: 1 }), message('heartbeat', { round: 3 }));
  assert.equal(
    b.takeSent().map(({ type }) => type),
    ['appendRejected', 'heartbeatResponse'],
  );
  const a = leaderOf();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  a.takeSent();
  a.slowDisk = true;
  a.propose();
  assert.equal(
    messagesOfType('appendRequest', a.takeSent()).map(({ to, entries }) => [to, entries.length]),
    [['b', 1]],
  );
});

test('10.2.1: a leader counts itself only for entries on its own disk', () => {
  const a = leaderOf();
  a.slowDisk = true;
  a.propose();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.is(a.core.log.commit, 1);
  a.finishPersist();
  assert.is(a.core.log.commit, 2);
});

test('10.2.1: a leader may commit entries before its own disk has them, but applies them only after', () => {
  const a = leaderOf();
  a.slowDisk = true;
  a.propose();
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 2 }));
  assert.equal([a.core.log.commit, a.machine.length], [2, 1]);
  a.finishPersist();
  assert.is(a.machine.length, 2);
});

test('appends that arrive during a write share the next batch and one acknowledgement', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  const append = (index: number) =>
    message('appendRequest', {
      prevIndex: index - 1,
      prevTerm: index === 1 ? 0 : 1,
      entries: makeLog([1], index),
    });
  b.step(append(1));
  for (const index of [2, 3, 4, 3]) b.step(append(index));
  b.finishPersist();
  assert.equal(
    messagesOfType('appendAccepted', b.takeSent()).map(({ match }) => match),
    [1],
  );
  assert.equal(
    b.persisting?.entries.map(({ index }) => index),
    [2, 3, 4],
  );
  b.finishPersist();
  assert.equal(
    messagesOfType('appendAccepted', b.takeSent()).map(({ match }) => match),
    [4],
    'the highest match implies the others',
  );
});

test('a finished write does not acknowledge entries that were replaced meanwhile', () => {
  const b = new TestMember({ id: 'b' });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 1, entries: makeLog([1, 1, 1]) }));
  b.step(message('appendRequest', { from: 'c', to: 'b', term: 2, prevIndex: 1, prevTerm: 1, entries: [] }));
  b.step(
    message('appendRequest', {
      from: 'c',
      to: 'b',
      term: 2,
      prevIndex: 1,
      prevTerm: 1,
      entries: makeLog([2], 2),
      commit: 2,
    }),
  );
  b.finishPersist();
  assert.equal(b.takeSent(), [], 'neither to the old leader nor to the new one');
  assert.equal([b.core.log.stableIndex, b.machine.length], [1, 0], 'the second term is not durable yet');
  b.finishPersist();
  assert.equal(b.takeSent(), [message('appendAccepted', { from: 'b', to: 'c', term: 2, match: 2 })]);
  assert.equal(
    b.disk.log.map(({ term }) => term),
    [1, 2],
  );
  assert.equal(
    b.machine.map(({ term }) => term),
    [1, 2],
  );
});

test('a finished write does not acknowledge entries that were replaced and appended again meanwhile', () => {
  const b = new TestMember({ id: 'b' });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 1, entries: makeLog([1, 1]) }));
  b.step(message('appendRequest', { from: 'c', to: 'b', term: 2, entries: makeLog([2, 2]) }));
  b.step(message('appendRequest', { term: 3, entries: makeLog([1, 1, 3]) }));
  b.finishPersist();
  assert.equal(b.takeSent(), []);
  b.finishPersist();
  assert.equal(b.takeSent(), [message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 3 })]);
  assert.equal(
    b.disk.log.map(({ term }) => term),
    [1, 1, 3],
  );
});

test('entries on disk that a new leader replaces are not stable until the replacement is durable', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1, 1], term: 2 });
  b.slowDisk = true;
  b.step(
    message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, entries: makeLog([2], 2), commit: 2 }),
  );
  assert.equal([b.core.log.stableIndex, b.core.log.commit, b.machine.length], [1, 2, 1]);
  b.restart();
  assert.equal(b.terms, [1, 1, 1]);
});

test('committed entries are handed out once, in order, in portions of applyBytesMax, and only when durable', () => {
  const b = followerOf('a', { id: 'b', term: 1, limits: { applyBytesMax: 60 } });
  b.core.step(message('appendRequest', { entries: makeLog([1, 1, 1, 1, 1]), commit: 5 }));
  const { persist, apply } = b.core.ready();
  assert.ok(persist !== null && apply.length === 0);
  b.disk.write(persist);
  b.core.onPersisted();
  const portion = b.core.ready().apply;
  assert.equal(
    portion.map(({ index }) => index),
    [1],
  );
  assert.equal(b.core.ready().apply, [], 'not before the previous ones are applied');
  assert.throws(() => b.core.onApplied(2), /applied up to 2, but entries were handed out up to 1/);
});

test('after a restart the commit index is the applied index, and no entry is applied twice', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1, 1], applied: 2 });
  assert.is(b.core.log.commit, 2);
  b.step(message('heartbeat', { commit: 3 }));
  assert.equal(
    b.machine.map(({ index }) => index),
    [1, 2, 3],
  );
});

test.run();
