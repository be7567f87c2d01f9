/** Snapshots at the leader (Raft 7): followers that need compacted entries get a snapshot. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from './types.js';
import { leaderOf, type TestMember, type TestMemberOptions } from './testing/test-member.js';
import { message, messagesOfType } from './testing/messages.js';
import { makeNetwork, type TestNetwork } from './testing/test-network.js';

/** A leader of term 3 that has applied its log and compacted it up to index 3. */
function compactedLeader(options: TestMemberOptions = {}): TestMember {
  return leaderOf({ log: [1, 1, 2, 2], applied: 4, compacted: 3, ...options });
}

/** The answer of a follower, by default one with an empty log, to the leader's first append. */
function rejection(leader: TestMember, hintIndex = 0, hintTerm = 0): Message {
  const prevIndex = leader.core.leadership?.firstIndex ?? 0;
  const { term } = leader.core;
  const fields = { from: 'b', to: 'a', term, prevIndex: prevIndex - 1, hintIndex, hintTerm };
  return message('appendRejected', fields);
}

function stateOf(leader: TestMember, follower = 'b'): string | undefined {
  return leader.core.leadership?.progressOf(follower)?.state;
}

test('7: a leader sends a snapshot if it has compacted the next entry that a follower needs', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  assert.equal(leader.snapshots, ['b']);
  assert.is(stateOf(leader), 'snapshotting');
  leader.takeSent();
  leader.propose();
  assert.equal(
    messagesOfType('appendRequest', leader.takeSent()).filter(({ to }) => to === 'b'),
    [],
    'no append while the snapshot is in progress',
  );
});

test('7: a follower with the entry at the base needs no snapshot', () => {
  const leader = compactedLeader();
  leader.takeSent();
  leader.step(rejection(leader, 3, 2));
  const [append] = messagesOfType('appendRequest', leader.takeSent());
  assert.equal([append?.prevIndex, append?.prevTerm, append?.entries.length], [3, 2, 2]);
  assert.equal(leader.snapshots, []);
});

test('7: a hint with a term below that of the base leads to a snapshot', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader, 4, 1));
  assert.equal(leader.snapshots, ['b']);
});

test('7: a follower gets one snapshot at a time, with heartbeats, and counts for the quorum check', () => {
  const leader = compactedLeader({ electionTicks: 5 });
  leader.step(rejection(leader));
  leader.takeSent();
  for (let tick = 0; tick < 20; tick += 1) {
    leader.tick();
    const { term } = leader.core;
    assert.is(messagesOfType('heartbeat', leader.takeSent()).length, 2);
    leader.step(message('heartbeatResponse', { from: 'b', to: 'a', term }));
    leader.step(message('appendAccepted', { from: 'b', to: 'a', term, match: 0 }));
    leader.step(rejection(leader));
  }
  assert.is(leader.core.role, 'leader', 'the follower that receives a snapshot counts in the majority');
  assert.equal(leader.snapshots, ['b']);
  leader.tick(5);
  assert.is(leader.core.role, 'follower');
});

test('7: after an accepted snapshot appends resume with a probe', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  leader.takeSent();
  leader.core.onSnapshotAccepted('b', 4);
  leader.handleReady();
  assert.is(stateOf(leader), 'probing');
  const [append] = messagesOfType('appendRequest', leader.takeSent());
  assert.equal([append?.to, append?.prevIndex, append?.entries.length], ['b', 4, 1]);
  leader.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 5 }));
  assert.is(stateOf(leader), 'replicating');
  assert.is(leader.core.log.commit, 5, 'the entries of the follower count');
});

test('7: an acknowledgement at or after the base also ends the snapshot', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  leader.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 2 }));
  assert.is(stateOf(leader), 'snapshotting', 'a late answer to an earlier append');
  leader.step(message('appendAccepted', { from: 'b', to: 'a', term: 3, match: 4 }));
  assert.is(stateOf(leader), 'replicating');
  leader.core.onSnapshotFailed('b');
  leader.core.onSnapshotAccepted('b', 4);
  assert.is(stateOf(leader), 'replicating', 'the result of the transfer no longer matters');
});

test('7: after a failed snapshot the next one waits until the follower answers', () => {
  const leader = compactedLeader();
  leader.step(rejection(leader));
  leader.snapshots = [];
  leader.core.onUnreachable('b');
  leader.handleReady();
  assert.is(stateOf(leader), 'snapshotting', 'the transfer reports its own result');
  leader.core.onSnapshotFailed('b');
  leader.tick(3);
  assert.is(stateOf(leader), 'probing');
  assert.equal(leader.snapshots, []);
  leader.step(message('heartbeatResponse', { from: 'b', to: 'a', term: 3 }));
  assert.equal(leader.snapshots, ['b']);
});

test('7: a follower that does not answer gets no snapshot', () => {
  const leader = compactedLeader({ electionTicks: 5 });
  const answer = message('heartbeatResponse', { from: 'c', to: 'a', term: 3 });
  for (let tick = 0; tick < 6; tick += 1) leader.tick().step(answer);
  leader.disk.compact(4);
  leader.handleReady();
  assert.equal(leader.snapshots, []);
  assert.is(leader.core.role, 'leader');
});

/** Delivers every requested snapshot and returns their number. */
function carry(network: TestNetwork): number {
  let carried = 0;
  for (const sender of network.members) {
    for (const to of sender.snapshots.splice(0)) {
      const { snapshot } = sender;
      network.member(to).receiveSnapshot(sender.id, sender.core.term, snapshot);
      sender.core.onSnapshotAccepted(to, snapshot.base.index);
      sender.handleReady();
      carried += 1;
    }
  }
  network.deliverAll();
  return carried;
}

test('a member that was unreachable during a compaction catches up with a snapshot and the entries after it', () => {
  const network = makeNetwork(['a', 'b', 'c']);
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
  const c = network.member('c');
  assert.equal(c.machine, leader.machine);
  assert.is(c.core.log.lastIndex, leader.core.log.lastIndex);
  assert.is(c.core.log.base.index, 12);
  leader.propose();
  network.tick(2);
  assert.is(c.machine.length, 13, 'replication continues');
});

test.run();
