/** Raft, section 7, at the follower: a snapshot takes the place of what its log lacks, and of nothing else. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError } from './errors.js';
import type { LogBase } from './types.js';
import { Member, followerOf } from './testing/member.js';
import { baseAt, entryAt, logOf, message, only } from './testing/messages.js';

/** A snapshot as of (`index`, `term`) of a machine that has applied as much. */
function snapshotAt(index: number, term: number): Member['snapshot'] {
  return { base: baseAt(index, term), machine: logOf(new Array<number>(index).fill(term)) };
}

test('7: a follower replaces its state by the snapshot and its log by the base; then it answers', () => {
  const follower = followerOf('b', { log: [1, 1, 1], applied: 2 });
  follower.slowDisk = true;
  assert.ok(follower.install('b', 1, snapshotAt(9, 1)));
  assert.equal(follower.persisting?.base, baseAt(9, 1));
  assert.equal(follower.take(), [], 'the answer waits for the disk');
  assert.is(follower.core.log.commit, 9);
  assert.is(follower.core.log.applied, 2);
  follower.finishPersist();
  assert.equal(only('appendAccepted', follower.take())[0]?.match, 9);
  const { firstIndex, lastIndex, commit, applied } = follower.core.status();
  assert.equal([firstIndex, lastIndex, commit, applied], [10, 9, 9, 9]);
  assert.equal(follower.disk.log, []);
  follower.restart();
  assert.is(follower.core.log.lastIndex, 9);
});

test('7: while one is being installed appends and votes are taken, and wait for the same disk', () => {
  const follower = followerOf('b', { term: 4, log: [1, 2], applied: 1 });
  follower.slowDisk = true;
  follower.install('b', 4, snapshotAt(5, 3));
  const entries = [entryAt(6, 3), entryAt(7, 4)];
  const append = { from: 'b', to: 'a', term: 4, prevIndex: 5, prevTerm: 3, commit: 7, entries };
  follower.step(message('appendRequest', append));
  follower.step(
    message('voteRequest', { from: 'c', to: 'a', term: 5, lastIndex: 7, lastTerm: 4, transfer: true }),
  );
  assert.equal(follower.take(), []);
  follower.finishPersist();
  assert.equal(only('appendAccepted', follower.take()), [], 'what was said in term 4 is void');
  assert.equal(follower.machine.length, 5);
  follower.finishPersist();
  assert.equal(only('voteResponse', follower.take())[0]?.granted, true);
  assert.equal(follower.terms, [3, 4]);
  assert.equal(
    follower.machine.map(({ index }) => index),
    [1, 2, 3, 4, 5, 6, 7],
  );
});

test('7: an apply under way comes to its end, and none begins before the snapshot is there', () => {
  const follower = followerOf('b', { log: [1, 1, 1], applied: 0 });
  const { core } = follower;
  follower.slowDisk = true;
  core.step(message('heartbeat', { from: 'b', to: 'a', commit: 2 }));
  assert.is(core.ready().apply.length, 2);
  assert.ok(
    core.installSnapshot({
      type: 'installSnapshot',
      from: 'b',
      to: 'a',
      term: 1,
      base: baseAt(9, 1),
    }),
  );
  const { apply, persist } = core.ready();
  assert.equal([apply, persist?.base?.index], [[], 9]);
  core.applied(2);
  assert.equal(core.ready().apply, []);
  core.persisted();
  assert.is(core.log.applied, 9);
});

test('7: if the log has the last included entry, what follows it is retained', () => {
  const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 1 });
  assert.not.ok(follower.install('b', 1, snapshotAt(3, 1)));
  assert.equal(follower.terms, [1, 1, 1, 1]);
  assert.is(follower.machine.length, 3, 'it applies its own entries');
  assert.is(only('appendAccepted', follower.take())[0]?.match, 3);
});

test('7: what is in memory only gives way to a snapshot as well', () => {
  const follower = followerOf('b', { log: [1] });
  follower.slowDisk = true;
  follower.step(
    message('appendRequest', { prevIndex: 1, prevTerm: 1, entries: logOf([1, 1], 2), from: 'b', to: 'a' }),
  );
  follower.install('b', 2, snapshotAt(8, 2));
  follower.finishPersist();
  assert.equal(only('appendAccepted', follower.take()), [], 'the entries of before are acknowledged no more');
  follower.finishPersist();
  assert.is(only('appendAccepted', follower.take())[0]?.match, 8);
  assert.equal([follower.disk.log, follower.disk.base()], [[], baseAt(8, 2)]);
});

for (const [name, base] of [
  ['behind the commit index', baseAt(2, 1)],
  ['at the commit index', baseAt(3, 1)],
] as const satisfies readonly (readonly [string, LogBase])[]) {
  test(`7: a snapshot ${name} is dropped, and the answer tells how far the member is`, () => {
    const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3 });
    assert.not.ok(follower.install('b', 1, { base, machine: [] }));
    assert.is(only('appendAccepted', follower.take())[0]?.match, 3);
    assert.equal(follower.terms, [1, 1, 1, 1]);
    assert.is(follower.machine.length, 3);
  });
}

test('7: a snapshot behind what is compacted here is dropped as well', () => {
  const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3, compacted: 3 });
  assert.not.ok(follower.install('b', 1, snapshotAt(2, 1)));
  assert.is(only('appendAccepted', follower.take())[0]?.match, 3);
});

test('7: a second snapshot while one is being installed is dropped', () => {
  const follower = followerOf('b', { log: [1] });
  follower.slowDisk = true;
  follower.install('b', 1, snapshotAt(5, 1));
  assert.not.ok(follower.install('b', 1, snapshotAt(9, 1)));
  follower.finishPersist();
  assert.is(follower.core.log.base.index, 5);
});

test('5.1: the sender of a snapshot of an earlier term is told; one of a later term is followed', () => {
  const follower = new Member({ term: 5, log: [1] });
  follower.install('b', 4, snapshotAt(5, 4));
  assert.is(only('heartbeatResponse', follower.take())[0]?.term, 5);
  assert.is(follower.core.leader, null);
  assert.ok(follower.install('b', 6, snapshotAt(9, 4)));
  assert.equal([follower.core.term, follower.core.leader, follower.disk.hardState.term], [6, 'b', 6]);
});

test('7: a follower takes a whole snapshot of an earlier term, as it is committed; who has spoken of its log does not', () => {
  const follower = new Member({ term: 5, log: [1, 3] });
  assert.ok(follower.install('b', 4, snapshotAt(5, 4)));
  assert.equal(
    [follower.core.log.base.index, follower.core.log.lastIndex, follower.machine.length],
    [5, 5, 5],
  );
  assert.equal([follower.core.term, follower.disk.hardState.term], [5, 5]);

  const complete = new Member({ term: 5, log: [1, 1, 4, 4, 4, 5] });
  assert.not.ok(complete.install('b', 4, snapshotAt(5, 4)), 'it has what is in it');
  assert.equal([complete.core.log.commit, complete.core.log.lastIndex], [5, 6]);

  const asking = new Member({ term: 5, log: [1] });
  asking.core.campaign();
  assert.not.ok(asking.install('b', 4, snapshotAt(5, 4)));
  assert.equal([asking.core.role, asking.core.log.lastIndex], ['preCandidate', 1]);
});

test('5.2: a candidate that is sent a snapshot of its own term follows', () => {
  const candidate = new Member({ term: 1, log: [1] });
  candidate.core.campaign();
  candidate.work();
  const grants = ['b', 'c'].map((from) => message('preVoteResponse', { from, to: 'a', term: 2 }));
  candidate.step(...grants);
  assert.is(candidate.core.role, 'candidate');
  assert.ok(candidate.install('b', 2, snapshotAt(5, 2)));
  assert.equal([candidate.core.role, candidate.core.leader], ['follower', 'b']);
});

test('whoever claims to be this member sends no snapshot; one for another member is a fault', () => {
  const follower = followerOf('b', { log: [1] });
  assert.not.ok(follower.install('a', 9, snapshotAt(5, 1)));
  assert.is(follower.core.term, 1);
  const base = baseAt(5, 1);
  assert.throws(
    () => follower.core.installSnapshot({ type: 'installSnapshot', from: 'b', to: 'c', term: 1, base }),
    (error: unknown) => error instanceof RaftError && error.code === 'INVARIANT',
  );
});

test('an append that reaches below the base is taken: what is compacted was committed', () => {
  const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3, compacted: 3 });
  const entries = logOf([1, 1, 1, 1], 2);
  follower.step(message('appendRequest', { from: 'b', to: 'a', prevIndex: 1, prevTerm: 1, entries }));
  assert.is(only('appendAccepted', follower.take())[0]?.match, 5);
  assert.equal(follower.terms, [1, 1]);
});

test('5.4.1: who has compacted everything still compares by the last entry that was', () => {
  const member = new Member({ term: 2, log: [1, 2, 2], applied: 3, compacted: 3 });
  const ask = { from: 'b', to: 'a', term: 3, lastTerm: 2 };
  member.step(message('preVoteRequest', { ...ask, lastIndex: 2 }));
  assert.is(only('preVoteResponse', member.take())[0]?.granted, false);
  member.step(message('preVoteRequest', { ...ask, lastIndex: 3 }));
  assert.is(only('preVoteResponse', member.take())[0]?.granted, true);
});

test('a machine that is behind the base of the log is refused', () => {
  assert.throws(
    () => new Member({ log: [1, 1, 1], applied: 1, compacted: 2 }),
    /applied 1 is below the log's base 2/,
  );
});

test.run();
