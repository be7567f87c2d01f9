/** Snapshots at the follower (Raft 7): a snapshot replaces the log only if the log lacks its last entry. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError } from './errors.js';
import type { LogBase } from './types.js';
import { TestMember, followerOf } from './testing/test-member.js';
import { makeBase, makeCommandEntry, makeLog, message, messagesOfType } from './testing/messages.js';

/** A snapshot as of (`index`, `term`). */
function snapshotAt(index: number, term: number): TestMember['snapshot'] {
  return { base: makeBase(index, term), machine: makeLog(new Array<number>(index).fill(term)) };
}

test('7: a follower replaces its state by the snapshot and its log by the base, then acknowledges', () => {
  const follower = followerOf('b', { log: [1, 1, 1], applied: 2 });
  follower.slowDisk = true;
  assert.ok(follower.receiveSnapshot('b', 1, snapshotAt(9, 1)));
  assert.equal(follower.persisting?.base, makeBase(9, 1));
  assert.equal(follower.takeSent(), [], 'the answer waits for the disk');
  assert.is(follower.core.log.commit, 9);
  assert.is(follower.core.log.applied, 2);
  follower.finishPersist();
  assert.equal(messagesOfType('appendAccepted', follower.takeSent())[0]?.match, 9);
  const { firstIndex, lastIndex, commit, applied } = follower.core.status();
  assert.equal([firstIndex, lastIndex, commit, applied], [10, 9, 9, 9]);
  assert.equal(follower.disk.log, []);
  follower.restart();
  assert.is(follower.core.log.lastIndex, 9);
});

test('7: appends and votes during an install are accepted and wait for the disk', () => {
  const follower = followerOf('b', { term: 4, log: [1, 2], applied: 1 });
  follower.slowDisk = true;
  follower.receiveSnapshot('b', 4, snapshotAt(5, 3));
  const entries = [makeCommandEntry(6, 3), makeCommandEntry(7, 4)];
  const append = { from: 'b', to: 'a', term: 4, prevIndex: 5, prevTerm: 3, commit: 7, entries };
  follower.step(message('appendRequest', append));
  follower.step(
    message('voteRequest', { from: 'c', to: 'a', term: 5, lastIndex: 7, lastTerm: 4, transfer: true }),
  );
  assert.equal(follower.takeSent(), []);
  follower.finishPersist();
  assert.equal(
    messagesOfType('appendAccepted', follower.takeSent()),
    [],
    'the acknowledgement of term 4 is void',
  );
  assert.equal(follower.machine.length, 5);
  follower.finishPersist();
  assert.equal(messagesOfType('voteResponse', follower.takeSent())[0]?.granted, true);
  assert.equal(follower.terms, [3, 4]);
  assert.equal(
    follower.machine.map(({ index }) => index),
    [1, 2, 3, 4, 5, 6, 7],
  );
});

test('7: an apply in progress ends normally, and no other starts before the snapshot is installed', () => {
  const follower = followerOf('b', { log: [1, 1, 1], applied: 0 });
  const { core } = follower;
  follower.slowDisk = true;
  core.step(message('heartbeat', { from: 'b', to: 'a', commit: 2 }));
  assert.is(core.ready().apply.length, 2);
  assert.ok(
    core.handleSnapshot({
      type: 'installSnapshot',
      from: 'b',
      to: 'a',
      term: 1,
      base: makeBase(9, 1),
    }),
  );
  const { apply, persist } = core.ready();
  assert.equal([apply, persist?.base?.index], [[], 9]);
  core.onApplied(2);
  assert.equal(core.ready().apply, []);
  core.onPersisted();
  assert.is(core.log.applied, 9);
});

test('7: if the log has the last included entry, the entries after it are retained', () => {
  const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 1 });
  assert.not.ok(follower.receiveSnapshot('b', 1, snapshotAt(3, 1)));
  assert.equal(follower.terms, [1, 1, 1, 1]);
  assert.is(follower.machine.length, 3, 'it applies its own entries');
  assert.is(messagesOfType('appendAccepted', follower.takeSent())[0]?.match, 3);
});

test('7: a snapshot also replaces entries that are only in memory', () => {
  const follower = followerOf('b', { log: [1] });
  follower.slowDisk = true;
  follower.step(
    message('appendRequest', { prevIndex: 1, prevTerm: 1, entries: makeLog([1, 1], 2), from: 'b', to: 'a' }),
  );
  follower.receiveSnapshot('b', 2, snapshotAt(8, 2));
  follower.finishPersist();
  assert.equal(
    messagesOfType('appendAccepted', follower.takeSent()),
    [],
    'the replaced entries are not acknowledged',
  );
  follower.finishPersist();
  assert.is(messagesOfType('appendAccepted', follower.takeSent())[0]?.match, 8);
  assert.equal([follower.disk.log, follower.disk.base()], [[], makeBase(8, 2)]);
});

for (const [name, base] of [
  ['below the commit index', makeBase(2, 1)],
  ['at the commit index', makeBase(3, 1)],
] as const satisfies readonly (readonly [string, LogBase])[]) {
  test(`7: a snapshot ${name} is dropped, and the answer has the commit index`, () => {
    const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3 });
    assert.not.ok(follower.receiveSnapshot('b', 1, { base, machine: [] }));
    assert.is(messagesOfType('appendAccepted', follower.takeSent())[0]?.match, 3);
    assert.equal(follower.terms, [1, 1, 1, 1]);
    assert.is(follower.machine.length, 3);
  });
}

test('7: a snapshot below the base of the log is dropped', () => {
  const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3, compacted: 3 });
  assert.not.ok(follower.receiveSnapshot('b', 1, snapshotAt(2, 1)));
  assert.is(messagesOfType('appendAccepted', follower.takeSent())[0]?.match, 3);
});

test('7: a second snapshot during an install is dropped', () => {
  const follower = followerOf('b', { log: [1] });
  follower.slowDisk = true;
  follower.receiveSnapshot('b', 1, snapshotAt(5, 1));
  assert.not.ok(follower.receiveSnapshot('b', 1, snapshotAt(9, 1)));
  follower.finishPersist();
  assert.is(follower.core.log.base.index, 5);
});

test('5.1: a snapshot of an earlier term is answered with the current term; one of a later term sets the leader', () => {
  const follower = new TestMember({ term: 5, log: [1] });
  follower.receiveSnapshot('b', 4, snapshotAt(5, 4));
  assert.is(messagesOfType('heartbeatResponse', follower.takeSent())[0]?.term, 5);
  assert.is(follower.core.leader, null);
  assert.ok(follower.receiveSnapshot('b', 6, snapshotAt(9, 4)));
  assert.equal([follower.core.term, follower.core.leader, follower.disk.hardState.term], [6, 'b', 6]);
});

test('7: a follower installs a snapshot of an earlier term, a pre-candidate does not', () => {
  const follower = new TestMember({ term: 5, log: [1, 3] });
  assert.ok(follower.receiveSnapshot('b', 4, snapshotAt(5, 4)));
  assert.equal(
    [follower.core.log.base.index, follower.core.log.lastIndex, follower.machine.length],
    [5, 5, 5],
  );
  assert.equal([follower.core.term, follower.disk.hardState.term], [5, 5]);

  const complete = new TestMember({ term: 5, log: [1, 1, 4, 4, 4, 5] });
  assert.not.ok(complete.receiveSnapshot('b', 4, snapshotAt(5, 4)), 'it has the entries of the snapshot');
  assert.equal([complete.core.log.commit, complete.core.log.lastIndex], [5, 6]);

  const asking = new TestMember({ term: 5, log: [1] });
  asking.core.campaign();
  assert.not.ok(asking.receiveSnapshot('b', 4, snapshotAt(5, 4)));
  assert.equal([asking.core.role, asking.core.log.lastIndex], ['preCandidate', 1]);
});

test('5.2: a candidate follows the sender of a snapshot of its own term', () => {
  const candidate = new TestMember({ term: 1, log: [1] });
  candidate.core.campaign();
  candidate.handleReady();
  const grants = ['b', 'c'].map((from) => message('preVoteResponse', { from, to: 'a', term: 2 }));
  candidate.step(...grants);
  assert.is(candidate.core.role, 'candidate');
  assert.ok(candidate.receiveSnapshot('b', 2, snapshotAt(5, 2)));
  assert.equal([candidate.core.role, candidate.core.leader], ['follower', 'b']);
});

test('a snapshot that claims to be from this member is ignored; one for another member is an invariant violation', () => {
  const follower = followerOf('b', { log: [1] });
  assert.not.ok(follower.receiveSnapshot('a', 9, snapshotAt(5, 1)));
  assert.is(follower.core.term, 1);
  const base = makeBase(5, 1);
  assert.throws(
    () => follower.core.handleSnapshot({ type: 'installSnapshot', from: 'b', to: 'c', term: 1, base }),
    (error: unknown) => error instanceof RaftError && error.code === 'INVARIANT',
  );
});

test('an append that starts below the base is accepted, because compacted entries are committed', () => {
  const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3, compacted: 3 });
  const entries = makeLog([1, 1, 1, 1], 2);
  follower.step(message('appendRequest', { from: 'b', to: 'a', prevIndex: 1, prevTerm: 1, entries }));
  assert.is(messagesOfType('appendAccepted', follower.takeSent())[0]?.match, 5);
  assert.equal(follower.terms, [1, 1]);
});

test('5.4.1: a member with a fully compacted log compares candidates with its base', () => {
  const member = new TestMember({ term: 2, log: [1, 2, 2], applied: 3, compacted: 3 });
  const ask = { from: 'b', to: 'a', term: 3, lastTerm: 2 };
  member.step(message('preVoteRequest', { ...ask, lastIndex: 2 }));
  assert.is(messagesOfType('preVoteResponse', member.takeSent())[0]?.granted, false);
  member.step(message('preVoteRequest', { ...ask, lastIndex: 3 }));
  assert.is(messagesOfType('preVoteResponse', member.takeSent())[0]?.granted, true);
});

test('a state machine with an applied index below the base of the log is refused', () => {
  assert.throws(
    () => new TestMember({ log: [1, 1, 1], applied: 1, compacted: 2 }),
    /log starts after 2, but the state machine has applied only 1: it has lost data/,
  );
});

test.run();
