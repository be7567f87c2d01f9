/** How a leader keeps its followers supplied: probes, the window, and making good what was lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_HEADER_BYTES } from './entry.js';
import type { Member } from './testing/member.js';
import { TIMEOUT_TICKS, followerOf, leaderOf } from './testing/member.js';
import { entryAt, message, only } from './testing/messages.js';
import { networkOf } from './testing/network.js';

/** A leader of term 1 whose followers have its no-op, so that it pipelines; nothing is in flight. */
function replicating(limits = {}): Member {
  const a = leaderOf({ limits });
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.take();
  return a;
}

const RECORD_BYTES = RECORD_HEADER_BYTES + 1;

test("probing: one append at a time, until an answer, a heartbeat's answer or a broken link", () => {
  const a = leaderOf();
  const appendsToB = (): number => only('appendRequest', a.take()).filter(({ to }) => to === 'b').length;
  a.propose();
  a.propose();
  assert.is(appendsToB(), 0, 'the probe with the no-op is still out');
  a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
  assert.is(appendsToB(), 1);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  a.propose();
  a.propose();
  assert.is(appendsToB(), 2, 'pipelined: each entry at once');
});

test('the window: at most so many appends in flight; an answer to the newest frees all', () => {
  const a = replicating({ inflightMessagesMax: 2 });
  const sent = (): number[] =>
    only('appendRequest', a.take())
      .filter(({ to }) => to === 'b')
      .flatMap(({ entries }) => entries.map(({ index }) => index));
  for (let count = 0; count < 5; count += 1) a.propose();
  assert.equal(sent(), [2, 3]);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 3 }));
  assert.equal(sent(), [4, 5, 6], 'what waited travels in one append');
});

test('the window: at most so many bytes in flight, but one append always', () => {
  const a = replicating({ inflightBytesMax: 1 });
  a.propose();
  a.propose();
  assert.is(
    only('appendRequest', a.take()).filter(({ to, entries }) => to === 'b' && entries.length > 0).length,
    1,
  );
});

test('an append takes at most appendBytesMax of records, but one entry always', () => {
  const b = (a: Member): number[] =>
    only('appendRequest', a.take())
      .filter(({ to }) => to === 'b')
      .map(({ entries }) => entries.length);
  const fit = replicating({ appendBytesMax: 2 * RECORD_BYTES });
  for (let count = 0; count < 5; count += 1) fit.core.propose(Buffer.from('x'));
  assert.equal(b(fit.work()), [2, 2, 1]);
  const tiny = replicating({ appendBytesMax: 1 });
  for (let count = 0; count < 2; count += 1) tiny.core.propose(Buffer.from('x'));
  assert.equal(b(tiny.work()), [1, 1]);
});

test('a window that stays full because its answers were lost is opened by heartbeats', () => {
  const network = networkOf(['a', 'b']);
  const a = network.elect('a');
  network.passes = ({ type }) => type !== 'appendAccepted';
  for (let count = 0; count < 300; count += 1) a.propose();
  network.settle();
  assert.is(a.core.log.commit, 1);
  network.heal();
  network.tick(2);
  assert.is(a.core.log.commit, 301);
});

test('with no further traffic: a lost append, a lost answer and a lost commit are all made good by heartbeats', () => {
  for (const lost of ['appendRequest', 'appendAccepted', 'appendRejected'] as const) {
    for (const limits of [{}, { inflightMessagesMax: 1 }, { inflightBytesMax: 1 }]) {
      const network = networkOf(['a', 'b', 'c'], () => ({ limits }));
      const a = network.elect('a');
      network.passes = ({ type }) => type !== lost;
      a.propose();
      a.propose();
      network.settle();
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

test('a broken link: what was in flight is sent again from where both are known to agree', () => {
  const a = replicating();
  a.propose();
  a.take();
  a.core.unreachable('b');
  a.core.unreachable('b');
  a.work();
  assert.equal(
    only('appendRequest', a.take()).map(({ to, prevIndex, entries }) => [to, prevIndex, entries.length]),
    [['b', 1, 1]],
  );
});

test('a follower that was away catches up by itself', () => {
  const network = networkOf(['a', 'b', 'c'], () => ({
    limits: { appendBytesMax: 3 * RECORD_BYTES, inflightMessagesMax: 4 },
  }));
  const a = network.elect('a');
  network.isolate('c');
  for (let count = 0; count < 50; count += 1) a.propose();
  network.settle();
  network.heal();
  network.tick(TIMEOUT_TICKS);
  assert.equal(network.member('c').disk.log, a.disk.log);
  assert.is(network.member('c').machine.length, 51);
});

test('a refusal of what was agreed before is stale, or of a member that lost its disk: it is not asked again at once', () => {
  const a = replicating();
  a.core.unreachable('b');
  a.work();
  a.take();
  a.step(message('appendRejected', { from: 'b', to: 'a', prevIndex: 1 }));
  assert.equal(a.take(), []);
});

test('stale refusals change nothing', () => {
  const a = replicating();
  a.propose();
  a.take();
  a.step(message('appendRejected', { from: 'b', to: 'a', prevIndex: 1 }));
  assert.is(a.core.leadership?.progressOf('b')?.next, 3, 'replicating: it already agreed there');
  const probing = leaderOf({ log: [1, 1, 1] });
  probing.step(
    message('appendRejected', { from: 'b', to: 'a', term: 2, prevIndex: 2, hintIndex: 1, hintTerm: 1 }),
  );
  assert.is(probing.core.leadership?.progressOf('b')?.next, 4, 'probing: it answers an older probe');
  assert.equal(probing.take(), []);
});

test("an acknowledgement beyond the leader's log stops it", () => {
  assert.throws(
    () => leaderOf().step(message('appendAccepted', { from: 'b', to: 'a', match: 2 })),
    /b has 2, the leader 1/,
  );
});

test('answers to whoever leads no more are ignored', () => {
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
  b.core.unreachable('a');
  assert.equal(b.work().take(), []);
  assert.throws(() => b.core.propose(entryAt(1, 1).data), /leader is a/);
});

test.run();
