/** Raft, section 7, at the leader: what is compacted is sent as a snapshot, and nothing else changes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from './types.js';
import { leaderOf, type Member, type MemberOptions } from './testing/member.js';
import { message, only } from './testing/messages.js';
import { networkOf, type Network } from './testing/network.js';

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
