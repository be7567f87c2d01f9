/** Safety: what makes a commit final (Raft 5.4.2, figure 8), and what must be on disk before it is told (figure 2). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Member, TIMEOUT_TICKS, followerOf, leaderOf } from './testing/member.js';
import { logOf, message, only } from './testing/messages.js';
import { Network } from './testing/network.js';

test('5.4.2: an entry of an earlier term is not committed by counting replicas', () => {
  const a = leaderOf({ log: [1, 2] });
  a.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 2 }));
  a.step(message('appendAccepted', { from: 'c', to: 'a', term: 3, match: 2 }));
  assert.is(a.core.log.commit, 0);
  a.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 3 }));
  assert.is(a.core.log.commit, 3);
});

test('5.4.2, figure 8: an entry of term 2 on a majority can still be lost, so it is not committed before one of term 4', () => {
  const members = ['s1', 's2', 's3', 's4', 's5'];
  const of = (id: string, log: readonly number[]): Member => new Member({ id, members, log, term: 3 });
  // (b): S1 led term 2 and replicated entry 2 to S2; S5 led term 3 and has another entry 2.
  const figure = (): Network =>
    new Network([of('s1', [1, 2]), of('s2', [1, 2]), of('s3', [1]), of('s4', [1]), of('s5', [1, 3])]);

  // (c): S1 leads term 4 and brings entry 2 to S3, a majority; its own entry of term 4 gets nowhere.
  const lost = figure();
  lost.isolate('s5');
  lost.isolate('s4');
  lost.passes = (one) => one.type !== 'appendRequest' || one.entries.every(({ term }) => term < 4);
  const s1 = lost.elect('s1');
  lost.member('s3').step(
    message('appendRequest', {
      from: 's1',
      to: 's3',
      term: 4,
      prevIndex: 1,
      prevTerm: 1,
      entries: logOf([2], 2),
    }),
  );
  lost
    .member('s2')
    .step(message('appendRequest', { from: 's1', to: 's2', term: 4, prevIndex: 2, prevTerm: 2 }));
  lost.settle();
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

  // (e): had S1 replicated its entry of term 4 before, S5 could not win and both stay.
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

test('figure 2: a vote leaves only once it is durable', () => {
  const b = new Member({ id: 'b' });
  b.slowDisk = true;
  b.step(message('voteRequest'));
  assert.equal(b.persisting?.hardState, { term: 1, vote: 'a' });
  assert.equal(b.take(), []);
  b.finishPersist();
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'a' })]);
});

test('figure 2: a vote that was not durable when its member crashed was never told', () => {
  const b = new Member({ id: 'b' });
  b.slowDisk = true;
  b.step(message('voteRequest'));
  b.restart();
  b.step(message('voteRequest', { from: 'c', to: 'b' }));
  b.finishPersist();
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'c' })]);
});

test('figure 2: a candidate asks for votes, and counts its own, once its candidacy is durable', () => {
  const a = new Member({ members: ['a', 'b'] });
  a.slowDisk = true;
  a.core.campaign();
  a.step(message('preVoteResponse', { from: 'b', to: 'a' }));
  assert.equal(only('voteRequest', a.take()), []);
  a.step(message('voteResponse', { from: 'b', to: 'a' }));
  assert.is(a.core.role, 'candidate', 'the own vote is missing');
  a.finishPersist();
  assert.is(a.core.role, 'leader');
});

test('figure 2: votes asked for in a term that is over are never sent', () => {
  const a = new Member();
  a.slowDisk = true;
  a.core.campaign();
  a.step(message('preVoteResponse', { from: 'b', to: 'a' }));
  a.step(message('heartbeat', { from: 'c', to: 'a', term: 2 }));
  a.take();
  a.finishPersist();
  assert.equal(a.take(), []);
  assert.is(a.core.role, 'follower');
});

test('figure 2: an append is acknowledged once it is durable; its term is too', () => {
  const b = new Member({ id: 'b' });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 2, entries: logOf([1, 2]) }));
  assert.equal(b.take(), []);
  assert.equal(b.persisting, { hardState: { term: 2, vote: null }, entries: logOf([1, 2]) });
  b.finishPersist();
  assert.equal(b.take(), [message('appendAccepted', { from: 'b', to: 'a', term: 2, match: 2 })]);
});

test("what needs no disk does not wait for it: refusals, heartbeats and a leader's appends", () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  b.step(message('appendRequest', { entries: logOf([1]) }));
  b.step(message('appendRequest', { prevIndex: 7, prevTerm: 1 }), message('heartbeat', { round: 3 }));
  assert.equal(
    b.take().map(({ type }) => type),
    ['appendRejected', 'heartbeatResponse'],
  );
  const a = leaderOf();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  a.take();
  a.slowDisk = true;
  a.propose();
  assert.equal(
    only('appendRequest', a.take()).map(({ to, entries }) => [to, entries.length]),
    [['b', 1]],
  );
});

test('10.2.1: a leader counts itself only for what is on its own disk', () => {
  const a = leaderOf();
  a.slowDisk = true;
  a.propose();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.is(a.core.log.commit, 1);
  a.finishPersist();
  assert.is(a.core.log.commit, 2);
});

test('10.2.1: a leader may commit what its followers have while its own disk is busy, but applies it only when it has it', () => {
  const a = leaderOf();
  a.slowDisk = true;
  a.propose();
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 2 }));
  assert.equal([a.core.log.commit, a.machine.length], [2, 1]);
  a.finishPersist();
  assert.is(a.machine.length, 2);
});

test('what arrives while the disk is busy goes into the next batch, acknowledged once for all', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  const append = (index: number) =>
    message('appendRequest', {
      prevIndex: index - 1,
      prevTerm: index === 1 ? 0 : 1,
      entries: logOf([1], index),
    });
  b.step(append(1));
  for (const index of [2, 3, 4, 3]) b.step(append(index));
  b.finishPersist();
  assert.equal(
    only('appendAccepted', b.take()).map(({ match }) => match),
    [1],
  );
  assert.equal(
    b.persisting?.entries.map(({ index }) => index),
    [2, 3, 4],
  );
  b.finishPersist();
  assert.equal(
    only('appendAccepted', b.take()).map(({ match }) => match),
    [4],
    'the furthest says it all',
  );
});

test('a persist that ends after its entries were replaced acknowledges nothing of them', () => {
  const b = new Member({ id: 'b' });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 1, entries: logOf([1, 1, 1]) }));
  b.step(message('appendRequest', { from: 'c', to: 'b', term: 2, prevIndex: 1, prevTerm: 1, entries: [] }));
  b.step(
    message('appendRequest', {
      from: 'c',
      to: 'b',
      term: 2,
      prevIndex: 1,
      prevTerm: 1,
      entries: logOf([2], 2),
      commit: 2,
    }),
  );
  b.finishPersist();
  assert.equal(b.take(), [], 'neither to the old leader nor to the new one');
  assert.equal([b.core.log.stableIndex, b.machine.length], [1, 0], 'the second term is not durable yet');
  b.finishPersist();
  assert.equal(b.take(), [message('appendAccepted', { from: 'b', to: 'c', term: 2, match: 2 })]);
  assert.equal(
    b.disk.log.map(({ term }) => term),
    [1, 2],
  );
  assert.equal(
    b.machine.map(({ term }) => term),
    [1, 2],
  );
});

test('a persist that ends after its entries were replaced and came back counts only for the bytes it wrote', () => {
  const b = new Member({ id: 'b' });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 1, entries: logOf([1, 1]) }));
  b.step(message('appendRequest', { from: 'c', to: 'b', term: 2, entries: logOf([2, 2]) }));
  b.step(message('appendRequest', { term: 3, entries: logOf([1, 1, 3]) }));
  b.finishPersist();
  assert.equal(b.take(), []);
  b.finishPersist();
  assert.equal(b.take(), [message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 3 })]);
  assert.equal(
    b.disk.log.map(({ term }) => term),
    [1, 1, 3],
  );
});

test('entries on disk that a new leader replaces count for nothing until the replacement is durable', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1, 1], term: 2 });
  b.slowDisk = true;
  b.step(message('appendRequest', { term: 2, prevIndex: 1, prevTerm: 1, entries: logOf([2], 2), commit: 2 }));
  assert.equal([b.core.log.stableIndex, b.core.log.commit, b.machine.length], [1, 2, 1]);
  b.restart();
  assert.equal(b.terms, [1, 1, 1]);
});

test('committed entries are handed out in order, once, in portions of applyBytesMax, and never beyond the disk', () => {
  const b = followerOf('a', { id: 'b', term: 1, limits: { applyBytesMax: 60 } });
  b.core.step(message('appendRequest', { entries: logOf([1, 1, 1, 1, 1]), commit: 5 }));
  const { persist, apply } = b.core.ready();
  assert.ok(persist !== null && apply.length === 0);
  b.disk.write(persist);
  b.core.persisted();
  const portion = b.core.ready().apply;
  assert.equal(
    portion.map(({ index }) => index),
    [1],
  );
  assert.equal(b.core.ready().apply, [], 'not before the last ones are applied');
  assert.throws(() => b.core.applied(2), /applied 2, handed out up to 1/);
});

test('a restarted member knows as committed what it has applied, and applies nothing twice', () => {
  const b = followerOf('a', { id: 'b', log: [1, 1, 1], applied: 2 });
  assert.is(b.core.log.commit, 2);
  b.step(message('heartbeat', { commit: 3 }));
  assert.equal(
    b.machine.map(({ index }) => index),
    [1, 2, 3],
  );
});

test.run();
