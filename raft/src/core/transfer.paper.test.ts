/** Leadership transfer: thesis 3.10. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HangDetector } from './health.js';
import { ELECTION_TICKS, followerOf, leaderOf } from './testing/test-member.js';
import { makeLog, message, messagesOfType } from './testing/messages.js';
import { makeNetwork } from './testing/test-network.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

test('3.10: the successor leads the next term although the old leader is alive', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  a.propose();
  network.deliverAll();
  a.core.transferLeadership('c');
  a.handleReady();
  network.deliverAll();
  assert.equal(
    network.members.map(({ core }) => [core.term, core.leader]),
    [
      [2, 'c'],
      [2, 'c'],
      [2, 'c'],
    ],
  );
});

test('3.10: the successor is told to campaign only once its log is complete', () => {
  const a = leaderOf();
  a.propose();
  a.core.transferLeadership('b');
  a.handleReady();
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(messagesOfType('timeoutNow', a.takeSent()), []);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 2 }));
  assert.equal(messagesOfType('timeoutNow', a.takeSent()), [message('timeoutNow')]);
});

test('3.10: a lagging successor is brought up to date before it leads', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  network.isolate('b');
  for (let count = 0; count < 20; count += 1) a.propose();
  network.deliverAll();
  network.heal();
  a.core.transferLeadership('b');
  a.handleReady();
  network.deliverAll();
  network.tick(2);
  assert.is(network.member('b').core.role, 'leader');
  assert.is(network.member('b').machine.length, 22);
});

test('3.10: a lost timeoutNow is sent again, and a repeated one is harmless', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  network.filter = ({ type }) => type !== 'timeoutNow';
  a.core.transferLeadership('b');
  a.handleReady();
  network.deliverAll();
  network.heal();
  network.tick();
  assert.is(network.member('b').core.role, 'leader');
  network.member('b').step(message('timeoutNow'));
  assert.is(network.member('b').core.role, 'leader');
});

test('3.10: a leader refuses proposals during a transfer, which it cancels after an election timeout', () => {
  const a = leaderOf();
  a.core.transferLeadership('b');
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    assert.throws(() => a.propose(), codeOf('NOT_LEADER'));
    a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
    a.tick();
  }
  assert.is(a.propose(), 2);
});

test('3.10: transfers to alternating targets leave as much time for proposals as they block', () => {
  const a = leaderOf();
  const targets = ['b', 'c'] as const;
  let blocked = 0;
  let longest = 0;
  for (let tick = 0, inARow = 0; tick < 20 * ELECTION_TICKS; tick += 1) {
    try {
      a.core.transferLeadership(targets[tick % 2] ?? 'b');
    } catch (error) {
      assert.ok(codeOf('TRANSFER_REFUSED')(error));
    }
    const isBlocked = a.core.leadership?.isTransferring === true;
    inARow = isBlocked ? inARow + 1 : 0;
    blocked += isBlocked ? 1 : 0;
    longest = Math.max(longest, inARow);
    // Both targets are alive, but never campaign.
    for (const from of targets) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.is(longest, ELECTION_TICKS);
  assert.is(blocked, 10 * ELECTION_TICKS);
});

test('3.10: a cancelled transfer delays the next one as well', () => {
  const a = leaderOf();
  for (let tick = 0; tick < 4; tick += 1) {
    a.core.transferLeadership('b');
    a.tick();
    a.core.cancelTransfer();
    assert.throws(() => a.core.transferLeadership('c'), codeOf('TRANSFER_REFUSED'));
    a.propose();
    a.tick();
  }
});

test('3.10: a transfer in progress is not replaced by one to another voter', () => {
  const a = leaderOf();
  a.core.transferLeadership('b');
  assert.throws(() => a.core.transferLeadership('c'), codeOf('TRANSFER_REFUSED'));
  assert.throws(() => a.core.transferLeadership('c', { isStopping: true }), codeOf('TRANSFER_REFUSED'));
  a.core.transferLeadership('b');
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(messagesOfType('timeoutNow', a.takeSent()), [message('timeoutNow')]);
});

test('3.10: a transfer waits at most two election timeouts after earlier ones, and not at all before a stop', () => {
  const a = leaderOf();
  const hanging = new HangDetector(1);
  hanging.begin('apply');
  for (let tick = 0; tick < 10; tick += 1) hanging.tick();
  assert.ok(hanging.isStateMachineHung);
  for (let tick = 0; tick < 10 * ELECTION_TICKS; tick += 1) {
    a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
    a.core.leadership?.tick(hanging);
    assert.ok(a.core.leadership?.isTransferring);
  }
  a.core.cancelTransfer();
  a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
  assert.throws(
    () => a.core.transferLeadership('b'),
    (error: unknown) => error instanceof Error && error.message.includes(`in ${2 * ELECTION_TICKS} ticks`),
  );
  a.core.transferLeadership('b', { isStopping: true });
  assert.ok(a.core.leadership?.isTransferring);
});

test('3.10: a transfer to a voter that does not answer is refused at once', () => {
  const a = leaderOf();
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
    a.tick();
  }
  assert.throws(() => a.core.transferLeadership('b'), codeOf('TRANSFER_REFUSED'));
  a.propose();
});

test('3.10: only a leader can transfer leadership, and only to another member', () => {
  const a = leaderOf();
  assert.throws(() => a.core.transferLeadership('a'), codeOf('BAD_CONFIG'));
  assert.throws(() => a.core.transferLeadership('z'), codeOf('BAD_CONFIG'));
  assert.throws(
    () => followerOf('a', { id: 'b', term: 1 }).core.transferLeadership('c'),
    codeOf('NOT_LEADER'),
  );
});

test('3.10: a pre-candidate ignores timeoutNow', () => {
  const b = followerOf('a', { id: 'b', log: makeLog([1]).map(({ term }) => term) });
  b.core.campaign();
  b.step(message('timeoutNow'));
  assert.is(b.core.role, 'preCandidate');
});

test('bestSuccessor is the member with the longest log of those that answered within an election timeout', () => {
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

test('bestSuccessor is null if no member has answered', () => {
  const a = leaderOf({ members: ['a', 'b'] });
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1)
    a.core.leadership?.tick(new HangDetector(ELECTION_TICKS));
  assert.is(a.core.leadership?.bestSuccessor(), null);
});

test.run();
