/** Raft, section 7: log compaction. What is compacted is sent as a snapshot, and nothing else changes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError } from './errors.js';
import type { LogBase, Message } from './types.js';
import { Member, followerOf, leaderOf, type MemberOptions } from './testing/member.js';
import { entryAt, logOf, message, only } from './testing/messages.js';
import { networkOf, type Network } from './testing/network.js';

/** A snapshot as of (`index`, `term`) of a machine that has applied as much. */
function snapshotAt(index: number, term: number): Member['snapshot'] {
  return { base: { index, term }, machine: logOf(new Array<number>(index).fill(term)) };
}

/** A leader of term 3 that has applied and compacted what is before its last entry. */
function compactedLeader(options: MemberOptions = {}): Member {
  return leaderOf({ log: [1, 1, 2, 2], applied: 4, compacted: 3, ...options });
}

/** What a follower with nothing answers to the leader's first append. */
function rejection(leader: Member, hintIndex = 0, hintTerm = 0): Message {
  const prevIndex = leader.core.leadership?.firstIndex ?? 0;
  const { term } = leader.core;
  const fields = { from: 'b', to: 'a', term, prevIndex: prevIndex - 1, hintIndex, hintTerm };
  return message('appendRejected', fields);
}

function stateOf(leader: Member, follower = 'b'): string | undefined {
  return leader.core.leadership?.progressOf(follower)?.state;
}

test('7: a leader sends a snapshot where it has discarded the next entry that a follower needs', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  assert.equal(leader.snapshots, ['b']);
  assert.is(stateOf(leader), 'snapshotting');
  leader.take();
  leader.propose();
  assert.equal(
    only('appendRequest', leader.take()).filter(({ to }) => to === 'b'),
    [],
    'no append while it is under way',
  );
});

test('7: the entry at the base itself is enough to append behind it', () => {
  const leader = compactedLeader();
  leader.take();
  leader.step(rejection(leader, 3, 2));
  const [append] = only('appendRequest', leader.take());
  assert.equal([append?.prevIndex, append?.prevTerm, append?.entries.length], [3, 2, 2]);
  assert.equal(leader.snapshots, []);
});

test('7: a hint whose term is below that of the base leads to a snapshot', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader, 4, 1));
  assert.equal(leader.snapshots, ['b']);
});

test('7: there is one snapshot under way for a follower, and heartbeats and the quorum check go on', () => {
  const leader = compactedLeader({ electionTicks: 5 });
  leader.step(rejection(leader));
  leader.take();
  for (let tick = 0; tick < 20; tick += 1) {
    leader.tick();
    const { term } = leader.core;
    assert.is(only('heartbeat', leader.take()).length, 2);
    leader.step(message('heartbeatResponse', { from: 'b', to: 'a', term }));
    leader.step(message('appendAccepted', { from: 'b', to: 'a', term, match: 0 }));
    leader.step(rejection(leader));
  }
  assert.is(leader.core.role, 'leader', 'the follower that gets a snapshot is one of the majority');
  assert.equal(leader.snapshots, ['b']);
  leader.tick(5);
  assert.is(leader.core.role, 'follower');
});

test('7: appends resume behind a snapshot that was taken, as a probe', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  leader.take();
  leader.core.snapshotSent('b', 4);
  leader.work();
  assert.is(stateOf(leader), 'probing');
  const [append] = only('appendRequest', leader.take());
  assert.equal([append?.to, append?.prevIndex, append?.entries.length], ['b', 4, 1]);
  leader.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 5 }));
  assert.is(stateOf(leader), 'replicating');
  assert.is(leader.core.log.commit, 5, 'and its entries count');
});

test("7: the follower's own word ends it as well, however it came by the entries", () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  leader.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 2 }));
  assert.is(stateOf(leader), 'snapshotting', 'a late answer of before');
  leader.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 4 }));
  assert.is(stateOf(leader), 'replicating');
  leader.core.snapshotFailed('b');
  leader.core.snapshotSent('b', 4);
  assert.is(stateOf(leader), 'replicating', 'what becomes of the transfer is of no interest any more');
});

test('7: after one that failed the next waits until the follower is heard of', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  leader.snapshots = [];
  leader.core.unreachable('b');
  leader.work();
  assert.is(stateOf(leader), 'snapshotting', 'the transfer itself tells of its end');
  leader.core.snapshotFailed('b');
  leader.tick(3);
  assert.is(stateOf(leader), 'probing');
  assert.equal(leader.snapshots, []);
  leader.step(message('heartbeatResponse', { from: 'b', to: 'a', term: 3 }));
  assert.equal(leader.snapshots, ['b']);
});

test('7: a follower that is not heard of gets no snapshot', () => {
  const leader = compactedLeader({ electionTicks: 5 });
  const heard = message('heartbeatResponse', { from: 'c', to: 'a', term: 3 });
  for (let tick = 0; tick < 6; tick += 1) leader.tick().step(heard);
  leader.disk.compact(4);
  leader.work();
  assert.equal(leader.snapshots, []);
  assert.is(leader.core.role, 'leader');
});

test('7: a follower replaces its state by the snapshot and its log by the base; then it answers', () => {
  const follower = followerOf('b', { log: [1, 1, 1], applied: 2 });
  follower.slowDisk = true;
  assert.ok(follower.install('b', 1, snapshotAt(9, 1)));
  assert.equal(follower.persisting?.base, { index: 9, term: 1 });
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
      base: { index: 9, term: 1 },
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
  assert.equal([follower.disk.log, follower.disk.base()], [[], { index: 8, term: 2 }]);
});

for (const [name, base] of [
  ['behind the commit index', { index: 2, term: 1 }],
  ['at the commit index', { index: 3, term: 1 }],
] as const satisfies readonly (readonly [string, LogBase])[]) {
  test(`7: a snapshot ${name} is dropped, and the answer tells how far the member is`, () => {
    const follower = followerOf('b', { log: [1, 1, 1, 1], applied: 3 });
    assert.not.ok(follower.install('b', 1, { base, machine: [] }));
    assert.is(only('appendAccepted', follower.take())[0]?.match, 3);
    assert.equal(follower.terms, [1, 1, 1, 1]);
    assert.is(follower.machine.length, 3);
  });
}

test('7: a second snapshot while one is being installed is dropped', () => {
  const follower = followerOf('b', { log: [1] });
  follower.slowDisk = true;
  follower.install('b', 1, snapshotAt(5, 1));
  assert.not.ok(follower.install('b', 1, snapshotAt(9, 1)));
  follower.finishPersist();
  assert.is(follower.core.log.base.index, 5);
});

test('5.1: a snapshot of an earlier term is dropped and its sender told; one of a later term is followed', () => {
  const follower = new Member({ term: 5, log: [1] });
  assert.not.ok(follower.install('b', 4, snapshotAt(5, 4)));
  assert.is(only('heartbeatResponse', follower.take())[0]?.term, 5);
  assert.ok(follower.install('b', 6, snapshotAt(5, 4)));
  assert.equal([follower.core.term, follower.core.leader, follower.disk.hardState.term], [6, 'b', 6]);
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

test('a stranger, and whoever claims to be this member, sends no snapshot; one for another member is a fault', () => {
  const follower = followerOf('b', { log: [1] });
  assert.not.ok(follower.install('z', 9, snapshotAt(5, 1)));
  assert.not.ok(follower.install('a', 9, snapshotAt(5, 1)));
  assert.is(follower.core.term, 1);
  const base = { index: 5, term: 1 };
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

/** Carries every snapshot that is asked for, once. */
function carry(network: Network): number {
  let carried = 0;
  for (const sender of network.members) {
    for (const to of sender.snapshots.splice(0)) {
      const { snapshot } = sender;
      network.member(to).install(sender.id, sender.core.term, snapshot);
      sender.core.snapshotSent(to, snapshot.base.index);
      sender.work();
      carried += 1;
    }
  }
  network.settle();
  return carried;
}

test('a member that slept through a compaction is brought back by a snapshot and the entries behind it', () => {
  const network = networkOf(['a', 'b', 'c']);
  const leader = network.elect('a');
  network.isolate('c');
  for (let count = 0; count < 10; count += 1) leader.propose();
  network.tick();
  leader.disk.compact(8);
  leader.propose();
  network.heal();
  network.tick();
  assert.is(carry(network), 1);
  network.tick();
  const sleeper = network.member('c');
  assert.equal(sleeper.machine, leader.machine);
  assert.is(sleeper.core.log.lastIndex, leader.core.log.lastIndex);
  assert.is(sleeper.core.log.base.index, 12);
  leader.propose();
  network.tick(2);
  assert.is(sleeper.machine.length, 13, 'and replication goes on as ever');
});

test.run();
