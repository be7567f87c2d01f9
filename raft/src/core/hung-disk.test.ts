/**
 * Hung disks: a member with one does not lead, does not keep a leader that cannot commit, and disrupts no
 * election.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { committedLeader } from './testing/groups.js';
import { ELECTION_TICKS, TestMember, TIMEOUT_TICKS, followerOf } from './testing/test-member.js';
import { makeBase, makeLog, message, messagesOfType } from './testing/messages.js';
import { makeNetwork, type TestNetwork } from './testing/test-network.js';

/** Three members with leader `a`, and an entry that the disks of `slow` do not write. */
function hanging(...slow: readonly string[]): TestNetwork {
  const network = makeNetwork(['a', 'b', 'c']);
  network.elect('a');
  for (const id of slow) network.member(id).slowDisk = true;
  network.member('a').propose();
  network.deliverAll();
  return network;
}

const leaders = (network: TestNetwork): string =>
  network.members
    .filter(({ core }) => core.role === 'leader')
    .map(({ id }) => id)
    .join(' ');

test('a leader with a hung disk steps down once another disk was ahead of it for an election timeout', () => {
  const network = hanging('a');
  network.tick(2 * ELECTION_TICKS - 2);
  assert.is(leaders(network), 'a', 'the disk may only be slow');
  network.tick();
  assert.is.not(leaders(network), 'a');
  assert.is.not(leaders(network), '', 'the successor campaigned without a timeout');
});

test('a leader with a hung disk does not count itself in the quorum check', () => {
  const network = hanging('a');
  network.isolate('c');
  // The acknowledgements of b are lost, so that a knows of no faster disk.
  network.filter = ({ type }) => type !== 'appendAccepted';
  const a = network.member('a');
  a.propose();
  network.tick(2 * ELECTION_TICKS);
  assert.is(a.core.role, 'follower');
});

test('a leader with a hung disk stays leader if no other disk is faster, or if it is the only voter', () => {
  const a = committedLeader();
  a.slowDisk = true;
  a.propose();
  for (let tick = 0; tick < 3 * ELECTION_TICKS; tick += 1) {
    for (const from of ['b', 'c']) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.is(a.core.role, 'leader');
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    assert.is(a.core.role, 'leader', 'if all disks are slow, each is ahead at times');
    a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
    a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 })).tick();
  }
  assert.is(a.core.role, 'follower');
  assert.equal(messagesOfType('timeoutNow', a.takeSent()), [message('timeoutNow', { to: 'b' })]);

  const alone = new TestMember({ members: ['a'] });
  alone.tick(TIMEOUT_TICKS);
  alone.slowDisk = true;
  alone.propose();
  alone.tick(3 * ELECTION_TICKS);
  assert.is(alone.core.role, 'leader');
});

test('a follower with a hung disk does not answer until the disk works again', () => {
  const network = hanging('b');
  network.isolate('c');
  network.tick(2 * ELECTION_TICKS + 1);
  assert.is(leaders(network), '');
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  b.step(message('appendRequest', { entries: [], prevIndex: 3, prevTerm: 1 }));
  assert.is(messagesOfType('appendRejected', b.takeSent()).length, 1);
  b.step(message('heartbeat', { term: 2 }));
  b.tick(ELECTION_TICKS);
  b.takeSent();
  b.step(message('heartbeat', { term: 2, round: 5 }));
  b.step(message('appendRequest', { term: 2, entries: [], prevIndex: 3, prevTerm: 1 }));
  assert.equal(b.takeSent(), []);
  b.finishPersist();
  b.step(message('heartbeat', { term: 2, round: 6 }));
  assert.equal(b.takeSent(), [message('heartbeatResponse', { from: 'b', to: 'a', term: 2, round: 6 })]);
});

/** Whether `b` answers a heartbeat. */
function answers(b: TestMember): boolean {
  b.step(message('heartbeat', { term: b.core.term }));
  return messagesOfType('heartbeatResponse', b.takeSent()).length > 0;
}

test('a follower with a hung snapshot write stops answering, after ten times the limit of a log write', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.core.onSnapshotWrite(true);
  b.tick(10 * ELECTION_TICKS - 1);
  assert.ok(answers(b), 'the snapshot may be large');
  b.tick();
  assert.not.ok(answers(b));
  b.core.onSnapshotWrite(false);
  assert.ok(answers(b));

  b.slowDisk = true;
  b.receiveSnapshot('a', 1, { base: makeBase(9, 1), machine: makeLog([1, 1, 1, 1, 1, 1, 1, 1, 1]) });
  b.handleReady().tick(10 * ELECTION_TICKS - 1);
  assert.ok(answers(b));
  b.tick();
  assert.not.ok(answers(b));
  b.finishPersist();
  assert.ok(answers(b));
});

test('the time limit of a snapshot write applies to each part', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  for (let piece = 0; piece < 5; piece += 1) {
    b.core.onSnapshotWrite(true);
    b.tick(9 * ELECTION_TICKS);
    assert.ok(answers(b));
    b.core.onSnapshotWrite(false);
  }
});

test('a group with equally slow disks elects a leader and keeps it', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const writing = new Map<string, number>();
  // With jitter, some writes take less than an election timeout and some take more.
  const times = [9, 12, 8, 11, 10, 12, 7];
  let next = 0;
  for (const member of network.members) member.slowDisk = true;
  const passTick = (): void => {
    for (const member of network.members) {
      const left = writing.get(member.id) ?? 0;
      if (member.persisting === null) continue;
      if (left === 0) writing.set(member.id, times[(next += 1) % times.length] ?? 9);
      else if (left > 1) writing.set(member.id, left - 1);
      else {
        writing.set(member.id, 0);
        member.finishPersist();
      }
    }
    network.tick();
  };
  for (let tick = 0; tick < 20 * ELECTION_TICKS && leaders(network) === ''; tick += 1) passTick();
  const [leader] = network.members.filter(({ core }) => core.role === 'leader');
  assert.ok(leader !== undefined, 'an election needs two consecutive writes');
  const { term } = leader.core;
  for (let tick = 0; tick < 100 * ELECTION_TICKS; tick += 1) {
    leader.propose();
    passTick();
  }
  assert.equal([leader.core.role, leader.core.term], ['leader', term]);
  assert.ok(leader.machine.length > 500, `only ${leader.machine.length} entries were applied`);
});

test('a leader with a hung state machine transfers leadership, and does not campaign while it hangs', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  a.slowMachine = true;
  a.propose();
  network.tick(10 * ELECTION_TICKS - 1);
  assert.is(leaders(network), 'a', 'it may be busy');
  network.tick(2);
  const [successor] = network.members.filter(({ core }) => core.role === 'leader');
  assert.ok(successor !== undefined && successor.id !== 'a');
  assert.ok(a.core.log.lastIndex > 2, 'its log still grows');
  network.isolate(successor.id);
  a.tick(3 * TIMEOUT_TICKS).takeSent();
  assert.is(a.core.role, 'follower');
  a.finishApply();
  a.tick(TIMEOUT_TICKS);
  assert.is(a.core.role, 'preCandidate');
});

test('entries are applied only once the term in which their commit was learned is durable', () => {
  const b = new TestMember({ id: 'b', log: [1, 1] });
  b.slowDisk = true;
  b.step(message('heartbeat', { term: 2, commit: 2 }));
  assert.equal([b.core.log.commit, b.machine.length], [2, 0]);
  b.finishPersist();
  assert.is(b.machine.length, 2);
});

test('a member with a hung disk neither campaigns nor grants a pre-vote until the disk works again', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  b.step(message('heartbeat', { term: 2 }));
  b.tick(3 * TIMEOUT_TICKS).takeSent();
  b.step(message('timeoutNow', { term: 2 }));
  b.step(message('preVoteRequest', { from: 'c', term: 3 }));
  const refusal = message('preVoteResponse', { from: 'b', to: 'c', term: 2, granted: false });
  assert.equal([b.core.role, b.core.term, b.takeSent()], ['follower', 2, [refusal]]);
  b.finishPersist();
  b.step(message('preVoteRequest', { from: 'c', term: 3 }));
  assert.equal(b.takeSent(), [{ ...refusal, term: 3, granted: true }]);
  b.tick(TIMEOUT_TICKS);
  assert.is(b.core.role, 'preCandidate');
});

test.run();
