/** Handing leadership over: thesis 3.10. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Health } from './health.js';
import { ELECTION_TICKS, followerOf, leaderOf } from './testing/member.js';
import { logOf, message, only } from './testing/messages.js';
import { networkOf } from './testing/network.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

test('3.10: the successor leads in the next term although all have just heard from the old leader', () => {
  const network = networkOf(['a', 'b', 'c']);
  const a = network.elect('a');
  a.propose();
  network.settle();
  a.core.transfer('c');
  a.work();
  network.settle();
  assert.equal(
    network.members.map(({ core }) => [core.term, core.leader]),
    [
      [2, 'c'],
      [2, 'c'],
      [2, 'c'],
    ],
  );
});

test('3.10: the successor is told only once its log is complete', () => {
  const a = leaderOf();
  a.propose();
  a.core.transfer('b');
  a.work();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(only('timeoutNow', a.take()), []);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.equal(only('timeoutNow', a.take()), [message('timeoutNow')]);
});

test('3.10: a lagging successor is brought up to date first, and leads with everything', () => {
  const network = networkOf(['a', 'b', 'c']);
  const a = network.elect('a');
  network.isolate('b');
  for (let count = 0; count < 20; count += 1) a.propose();
  network.settle();
  network.heal();
  a.core.transfer('b');
  a.work();
  network.settle();
  network.tick(2);
  assert.is(network.member('b').core.role, 'leader');
  assert.is(network.member('b').machine.length, 22);
});

test('3.10: a lost message is told again, and its repetition is harmless', () => {
  const network = networkOf(['a', 'b', 'c']);
  const a = network.elect('a');
  network.passes = ({ type }) => type !== 'timeoutNow';
  a.core.transfer('b');
  a.work();
  network.settle();
  network.heal();
  network.tick();
  assert.is(network.member('b').core.role, 'leader');
  network.member('b').step(message('timeoutNow'));
  assert.is(network.member('b').core.role, 'leader');
});

test('3.10: meanwhile the leader takes no proposals; after an election timeout it gives up and does', () => {
  const a = leaderOf();
  a.core.transfer('b');
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    assert.throws(() => a.propose(), codeOf('NOT_LEADER'));
    a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
    a.tick();
  }
  assert.is(a.propose(), 2);
});

test('3.10: targets that are asked for in turn block proposals for an election timeout, then leave as long for them', () => {
  const a = leaderOf();
  const targets = ['b', 'c'] as const;
  let blocked = 0;
  let longest = 0;
  for (let tick = 0, inARow = 0; tick < 20 * ELECTION_TICKS; tick += 1) {
    try {
      a.core.transfer(targets[tick % 2] ?? 'b');
    } catch (error) {
      assert.ok(codeOf('TRANSFER_REFUSED')(error));
    }
    const isBlocked = a.core.leadership?.isTransferring === true;
    inARow = isBlocked ? inARow + 1 : 0;
    blocked += isBlocked ? 1 : 0;
    longest = Math.max(longest, inARow);
    // Both are alive, and never campaign.
    for (const from of targets) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.is(longest, ELECTION_TICKS);
  assert.is(blocked, 10 * ELECTION_TICKS);
});

test('3.10: to cancel and ask again does not block for longer either', () => {
  const a = leaderOf();
  for (let tick = 0; tick < 4; tick += 1) {
    a.core.transfer('b');
    a.tick();
    a.core.cancelTransfer();
    assert.throws(() => a.core.transfer('c'), codeOf('TRANSFER_REFUSED'));
    a.propose();
    a.tick();
  }
});

test('3.10: a transfer under way is not replaced by one to another voter', () => {
  const a = leaderOf();
  a.core.transfer('b');
  assert.throws(() => a.core.transfer('c'), codeOf('TRANSFER_REFUSED'));
  assert.throws(() => a.core.transfer('c', { isStopping: true }), codeOf('TRANSFER_REFUSED'));
  a.core.transfer('b');
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(only('timeoutNow', a.take()), [message('timeoutNow')]);
});

test('3.10: whatever earlier transfers took, the next one waits for two election timeouts at most, and a stop for none', () => {
  const a = leaderOf();
  const hanging = new Health(1);
  hanging.begin('apply');
  for (let tick = 0; tick < 10; tick += 1) hanging.tick();
  assert.ok(hanging.isMachineHanging);
  for (let tick = 0; tick < 10 * ELECTION_TICKS; tick += 1) {
    a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
    a.core.leadership?.tick(hanging);
    assert.ok(a.core.leadership?.isTransferring);
  }
  a.core.cancelTransfer();
  a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
  assert.throws(
    () => a.core.transfer('b'),
    (error: unknown) => error instanceof Error && error.message.includes(`in ${2 * ELECTION_TICKS} ticks`),
  );
  a.core.transfer('b', { isStopping: true });
  assert.ok(a.core.leadership?.isTransferring);
});

test('3.10: a voter that is silent is refused at once', () => {
  const a = leaderOf();
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
    a.tick();
  }
  assert.throws(() => a.core.transfer('b'), codeOf('TRANSFER_REFUSED'));
  a.propose();
});

test('3.10: leadership goes only to another member, and only a leader can give it', () => {
  const a = leaderOf();
  assert.throws(() => a.core.transfer('a'), codeOf('BAD_CONFIG'));
  assert.throws(() => a.core.transfer('z'), codeOf('BAD_CONFIG'));
  assert.throws(() => followerOf('a', { id: 'b', term: 1 }).core.transfer('c'), codeOf('NOT_LEADER'));
});

test('3.10: a member that campaigns already is not told to campaign', () => {
  const b = followerOf('a', { id: 'b', log: logOf([1]).map(({ term }) => term) });
  b.core.campaign();
  b.step(message('timeoutNow'));
  assert.is(b.core.role, 'preCandidate');
});

test('the best successor is the furthest of those that were heard of within an election timeout', () => {
  const a = leaderOf({ members: ['a', 'b', 'c', 'd', 'e'] });
  a.propose();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  for (const from of ['c', 'd', 'e']) a.step(message('heartbeatResponse', { from, to: 'a' }));
  a.step(message('appendAccepted', { from: 'e', to: 'a', match: 2 }));
  a.tick(ELECTION_TICKS - 1);
  assert.is(a.core.leadership?.bestSuccessor(), 'e');
  for (const from of ['b', 'c', 'd']) a.step(message('heartbeatResponse', { from, to: 'a' }));
  a.tick();
  assert.is(a.core.leadership?.bestSuccessor(), 'b');
});

test('without anyone heard of there is no successor', () => {
  const a = leaderOf({ members: ['a', 'b'] });
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) a.core.leadership?.tick(new Health(ELECTION_TICKS));
  assert.is(a.core.leadership?.bestSuccessor(), null);
});

test.run();
