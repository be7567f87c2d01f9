/** A disk that hangs: its member leads no more, keeps no one leading that cannot commit, and disturbs no election. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { settledLeader } from './testing/groups.js';
import { ELECTION_TICKS, Member, TIMEOUT_TICKS, followerOf } from './testing/member.js';
import { baseAt, logOf, message, only } from './testing/messages.js';
import { networkOf, type Network } from './testing/network.js';

/** Three of whom `a` leads, and an entry that the disks of `slow` do not write. */
function hanging(...slow: readonly string[]): Network {
  const network = networkOf(['a', 'b', 'c']);
  network.elect('a');
  for (const id of slow) network.member(id).slowDisk = true;
  network.member('a').propose();
  network.settle();
  return network;
}

const leaders = (network: Network): string =>
  network.members
    .filter(({ core }) => core.role === 'leader')
    .map(({ id }) => id)
    .join(' ');

test('a leader whose disk hangs gives way to one whose disk was ahead of it for an election timeout', () => {
  const network = hanging('a');
  network.tick(2 * ELECTION_TICKS - 2);
  assert.is(leaders(network), 'a', 'it may just be slow');
  network.tick();
  assert.is.not(leaders(network), 'a');
  assert.is.not(leaders(network), '', 'no timeout had to pass');
});

test('heartbeats alone do not keep a leader whose disk hangs: without it there must be a quorum', () => {
  const network = hanging('a');
  network.isolate('c');
  // What b has acknowledged is lost, so that a knows of no faster disk.
  network.passes = ({ type }) => type !== 'appendAccepted';
  const a = network.member('a');
  a.propose();
  network.tick(2 * ELECTION_TICKS);
  assert.is(a.core.role, 'follower');
});

test('a leader whose disk hangs leads on where no other disk is faster, or no one else could lead', () => {
  const a = settledLeader();
  a.slowDisk = true;
  a.propose();
  for (let tick = 0; tick < 3 * ELECTION_TICKS; tick += 1) {
    for (const from of ['b', 'c']) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.is(a.core.role, 'leader');
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    assert.is(a.core.role, 'leader', 'where all are slow, each is ahead now and then');
    a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
    a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 })).tick();
  }
  assert.is(a.core.role, 'follower');
  assert.equal(only('timeoutNow', a.take()), [message('timeoutNow', { to: 'b' })]);

  const alone = new Member({ members: ['a'] });
  alone.tick(TIMEOUT_TICKS);
  alone.slowDisk = true;
  alone.propose();
  alone.tick(3 * ELECTION_TICKS);
  assert.is(alone.core.role, 'leader');
});

test('a follower whose disk hangs keeps no leader that cannot commit: it answers nothing until the disk is back', () => {
  const network = hanging('b');
  network.isolate('c');
  network.tick(2 * ELECTION_TICKS + 1);
  assert.is(leaders(network), '');
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  b.step(message('appendRequest', { entries: [], prevIndex: 3, prevTerm: 1 }));
  assert.is(only('appendRejected', b.take()).length, 1);
  b.step(message('heartbeat', { term: 2 }));
  b.tick(ELECTION_TICKS);
  b.take();
  b.step(message('heartbeat', { term: 2, round: 5 }));
  b.step(message('appendRequest', { term: 2, entries: [], prevIndex: 3, prevTerm: 1 }));
  assert.equal(b.take(), []);
  b.finishPersist();
  b.step(message('heartbeat', { term: 2, round: 6 }));
  assert.equal(b.take(), [message('heartbeatResponse', { from: 'b', to: 'a', term: 2, round: 6 })]);
});

/** Whether `b` answers a heartbeat. */
function answers(b: Member): boolean {
  b.step(message('heartbeat', { term: b.core.term }));
  return only('heartbeatResponse', b.take()).length > 0;
}

test('a follower whose disk hangs with a snapshot falls silent as well, though later', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.core.writingSnapshot(true);
  b.tick(10 * ELECTION_TICKS - 1);
  assert.ok(answers(b), 'it may be a large one');
  b.tick();
  assert.not.ok(answers(b));
  b.core.writingSnapshot(false);
  assert.ok(answers(b));

  b.slowDisk = true;
  b.install('a', 1, { base: baseAt(9, 1), machine: logOf([1, 1, 1, 1, 1, 1, 1, 1, 1]) });
  b.work().tick(10 * ELECTION_TICKS - 1);
  assert.ok(answers(b));
  b.tick();
  assert.not.ok(answers(b));
  b.finishPersist();
  assert.ok(answers(b));
});

test('each piece of a snapshot has its own time', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  for (let piece = 0; piece < 5; piece += 1) {
    b.core.writingSnapshot(true);
    b.tick(9 * ELECTION_TICKS);
    assert.ok(answers(b));
    b.core.writingSnapshot(false);
  }
});

test('disks that are slow alike keep their leader, and elect one where there is none', () => {
  const network = networkOf(['a', 'b', 'c']);
  const writing = new Map<string, number>();
  // Writes take nine tenths of a timeout, then more than all of it, as jitter has it.
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
  assert.ok(leader !== undefined, 'an election takes two writes in a row');
  const { term } = leader.core;
  for (let tick = 0; tick < 100 * ELECTION_TICKS; tick += 1) {
    leader.propose();
    passTick();
  }
  assert.equal([leader.core.role, leader.core.term], ['leader', term]);
  assert.ok(leader.machine.length > 500, `${leader.machine.length} committed`);
});

test('a leader whose state machine hangs transfers leadership, and does not come back before it goes on', () => {
  const network = networkOf(['a', 'b', 'c']);
  const a = network.elect('a');
  a.slowMachine = true;
  a.propose();
  network.tick(10 * ELECTION_TICKS - 1);
  assert.is(leaders(network), 'a', 'it may have much to do');
  network.tick(2);
  const [successor] = network.members.filter(({ core }) => core.role === 'leader');
  assert.ok(successor !== undefined && successor.id !== 'a');
  assert.ok(a.core.log.lastIndex > 2, 'its log goes on as ever');
  network.isolate(successor.id);
  a.tick(3 * TIMEOUT_TICKS).take();
  assert.is(a.core.role, 'follower');
  a.finishApply();
  a.tick(TIMEOUT_TICKS);
  assert.is(a.core.role, 'preCandidate');
});

test('nothing is applied before the term is durable in which it was learned to be committed', () => {
  const b = new Member({ id: 'b', log: [1, 1] });
  b.slowDisk = true;
  b.step(message('heartbeat', { term: 2, commit: 2 }));
  assert.equal([b.core.log.commit, b.machine.length], [2, 0]);
  b.finishPersist();
  assert.is(b.machine.length, 2);
});

test('a member whose disk hangs neither campaigns nor grants a pre-vote; afterwards it does', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.slowDisk = true;
  b.step(message('heartbeat', { term: 2 }));
  b.tick(3 * TIMEOUT_TICKS).take();
  b.step(message('timeoutNow', { term: 2 }));
  b.step(message('preVoteRequest', { from: 'c', term: 3 }));
  const refusal = message('preVoteResponse', { from: 'b', to: 'c', term: 2, granted: false });
  assert.equal([b.core.role, b.core.term, b.take()], ['follower', 2, [refusal]]);
  b.finishPersist();
  b.step(message('preVoteRequest', { from: 'c', term: 3 }));
  assert.equal(b.take(), [{ ...refusal, term: 3, granted: true }]);
  b.tick(TIMEOUT_TICKS);
  assert.is(b.core.role, 'preCandidate');
});

test.run();
