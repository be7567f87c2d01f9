/** Replication to followers: probes, the window, and recovery from lost messages. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_HEADER_BYTES } from './entry.js';
import type { TestMember } from './testing/test-member.js';
import { TIMEOUT_TICKS, followerOf, leaderOf } from './testing/test-member.js';
import { makeCommandEntry, message, messagesOfType } from './testing/messages.js';
import { makeNetwork } from './testing/test-network.js';

/** A leader of term 1 whose followers have its no-op, so that it pipelines; no appends are in flight. */
function replicating(limits = {}): TestMember {
  const a = leaderOf({ limits });
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.takeSent();
  return a;
}

const RECORD_BYTES = RECORD_HEADER_BYTES + 1;

test('probing sends one append at a time, the next after an append or heartbeat response', () => {
  const a = leaderOf();
  const appendsToB = (): number =>
    messagesOfType('appendRequest', a.takeSent()).filter(({ to }) => to === 'b').length;
  a.propose();
  a.propose();
  assert.is(appendsToB(), 0, 'the probe with the no-op is still in flight');
  a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
  assert.is(appendsToB(), 1);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  a.propose();
  a.propose();
  assert.is(appendsToB(), 2, 'pipelined: each entry is sent at once');
});

test('the window limits the appends in flight; an answer to the newest frees all', () => {
  const a = replicating({ inflightMessagesMax: 2 });
  const sent = (): number[] =>
    messagesOfType('appendRequest', a.takeSent())
      .filter(({ to }) => to === 'b')
      .flatMap(({ entries }) => entries.map(({ index }) => index));
  for (let count = 0; count < 5; count += 1) a.propose();
  assert.equal(sent(), [2, 3]);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.equal(sent(), [4, 5, 6], 'the waiting entries share one append');
});

test('the window limits the bytes in flight, but always allows one append', () => {
  const a = replicating({ inflightBytesMax: 1 });
  a.propose();
  a.propose();
  assert.is(
    messagesOfType('appendRequest', a.takeSent()).filter(
      ({ to, entries }) => to === 'b' && entries.length > 0,
    ).length,
    1,
  );
});

test('an append has at most appendBytesMax of records, but always one entry', () => {
  const b = (a: TestMember): number[] =>
    messagesOfType('appendRequest', a.takeSent())
      .filter(({ to }) => to === 'b')
      .map(({ entries }) => entries.length);
  const fit = replicating({ appendBytesMax: 2 * RECORD_BYTES });
  for (let count = 0; count < 5; count += 1) fit.core.propose(Buffer.from('x'));
  assert.equal(b(fit.handleReady()), [2, 2, 1]);
  const tiny = replicating({ appendBytesMax: 1 });
  for (let count = 0; count < 2; count += 1) tiny.core.propose(Buffer.from('x'));
  assert.equal(b(tiny.handleReady()), [1, 1]);
});

test('heartbeats free a window that stays full because answers were lost', () => {
  const network = makeNetwork(['a', 'b']);
  const a = network.elect('a');
  network.filter = ({ type }) => type !== 'appendAccepted';
  for (let count = 0; count < 300; count += 1) a.propose();
  network.deliverAll();
  assert.is(a.core.log.commit, 1);
  network.heal();
  network.tick(2);
  assert.is(a.core.log.commit, 301);
});

test('without new proposals, heartbeats repair a lost append, a lost answer and a lost commit', () => {
  for (const lost of ['appendRequest', 'appendAccepted', 'appendRejected'] as const) {
    for (const limits of [{}, { inflightMessagesMax: 1 }, { inflightBytesMax: 1 }]) {
      const network = makeNetwork(['a', 'b', 'c'], () => ({ limits }));
      const a = network.elect('a');
      network.filter = ({ type }) => type !== lost;
      a.propose();
      a.propose();
      network.deliverAll();
      network.heal();
      network.tick(5);
      assert.equal(
        network.members.map(({ machine }) => machine.length),
        [3, 3, 3],
        lost,
      );
    }
  }
});

test('after a broken link entries are sent again from the last known match', () => {
  const a = replicating();
  a.propose();
  a.takeSent();
  a.core.onUnreachable('b');
  a.core.onUnreachable('b');
  a.handleReady();
  assert.equal(
    messagesOfType('appendRequest', a.takeSent()).map(({ to, prevIndex, entries }) => [
      to,
      prevIndex,
      entries.length,
    ]),
    [['b', 1, 1]],
  );
});

test('a follower that was unreachable catches up without new proposals', () => {
  const network = makeNetwork(['a', 'b', 'c'], () => ({
    limits: { appendBytesMax: 3 * RECORD_BYTES, inflightMessagesMax: 4 },
  }));
  const a = network.elect('a');
  network.isolate('c');
  for (let count = 0; count < 50; count += 1) a.propose();
  network.deliverAll();
  network.heal();
  network.tick(TIMEOUT_TICKS);
  assert.equal(network.member('c').disk.log, a.disk.log);
  assert.is(network.member('c').machine.length, 51);
});

test('a rejection at an index that has matched before does not cause an immediate retry', () => {
  const a = replicating();
  a.core.onUnreachable('b');
  a.handleReady();
  a.takeSent();
  a.step(message('appendRejected', { from: 'b', to: 'a', prevIndex: 1 }));
  assert.equal(a.takeSent(), []);
});

test('stale rejections change nothing', () => {
  const a = replicating();
  a.propose();
  a.takeSent();
  a.step(message('appendRejected', { from: 'b', to: 'a', prevIndex: 1 }));
  assert.is(a.core.leadership?.progressOf('b')?.next, 3, 'replicating: it already matched there');
  const probing = leaderOf({ log: [1, 1, 1] });
  probing.step(
    message('appendRejected', { from: 'b', to: 'a', term: 2, prevIndex: 2, hintIndex: 1, hintTerm: 1 }),
  );
  assert.is(probing.core.leadership?.progressOf('b')?.next, 4, 'probing: it answers an older probe');
  assert.equal(probing.takeSent(), []);
});

test('a leader stops at an acknowledgement beyond the end of its log', () => {
  assert.throws(
    () => leaderOf().step(message('appendAccepted', { from: 'b', to: 'a', match: 2 })),
    /b acknowledged entry 2, but the leader's log ends at 1/,
  );
});

test('a member that no longer leads ignores answers to its earlier requests', () => {
  const b = followerOf('a', { id: 'b', term: 1, log: [1] });
  for (const type of [
    'appendAccepted',
    'appendRejected',
    'heartbeatResponse',
    'voteResponse',
    'preVoteResponse',
  ] as const) {
    b.step(message(type));
  }
  b.core.onUnreachable('a');
  assert.equal(b.handleReady().takeSent(), []);
  assert.throws(() => b.core.propose(makeCommandEntry(1, 1).data), /the leader is a$/);
});

test.run();
