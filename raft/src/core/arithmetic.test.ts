/** Index and majority arithmetic, checked against naive implementations. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftLog } from './log.js';
import { EMPTY_MEMBERSHIP } from './membership.js';
import { Progress } from './progress.js';
import { electionResult, majoritySize, highestOfMajority } from './quorum.js';
import { MemoryDisk } from './testing/memory-disk.js';
import { makeLog } from './testing/messages.js';

/** The terms of a log: they never decrease. */
const terms = fc
  .array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 })
  .map((list) => list.sort((a, b) => a - b));

test('majorityOf is the smallest size for which two majorities always share a member', () => {
  for (let members = 1; members <= 9; members += 1) {
    assert.ok(2 * majoritySize(members) > members);
    assert.ok(2 * (majoritySize(members) - 1) <= members);
  }
});

test('reachedByMajority is the highest value that more than half of the members have reached', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }), (values) => {
      let naive = 0;
      for (let value = 0; value <= 20; value += 1) {
        if (values.filter((one) => one >= value).length * 2 > values.length) naive = value;
      }
      assert.is(highestOfMajority(values), naive);
    }),
  );
});

test('electionState is decided once no missing vote can change it, and ignores members without a vote', () => {
  const vote = fc.constantFrom(true, false, undefined);
  fc.assert(
    fc.property(fc.array(vote, { minLength: 1, maxLength: 9 }), fc.array(fc.boolean()), (given, others) => {
      const voters = given.map((_, position) => `member ${position}`);
      const votes = new Map<string, boolean>();
      others.forEach((one, position) => votes.set(`other ${position}`, one));
      given.forEach((one, position) => one !== undefined && votes.set(`member ${position}`, one));
      const isMajority = (count: number): boolean => count * 2 > voters.length;
      const granted = given.filter((one) => one === true).length;
      const open = given.filter((one) => one === undefined).length;
      const expected = isMajority(granted) ? 'won' : isMajority(granted + open) ? 'open' : 'lost';
      assert.is(electionResult({ voters, outgoing: [] }, votes), expected);
    }),
  );
});

test('lastAgreeable equals a scan from the end, across disk and memory', () => {
  fc.assert(
    fc.property(
      terms,
      fc.nat(20),
      fc.nat(20),
      fc.nat(25),
      fc.nat(7),
      (list, onDisk, compacted, index, term) => {
        const entries = makeLog(list);
        const disk = new MemoryDisk({ term: 9, vote: null }, entries.slice(0, onDisk));
        const base = Math.min(compacted, disk.lastIndex());
        disk.compact(base);
        const log = new RaftLog(disk, base, EMPTY_MEMBERSHIP);
        log.append(entries.slice(onDisk));
        let naive = Math.min(index, log.lastIndex);
        while (naive >= base && naive > 0 && log.term(naive) > term) naive -= 1;
        assert.is(log.findConflictByTerm(index, term), naive);
      },
    ),
  );
});

test("merge gives the leader's log, and keeps longer logs that match all its entries", () => {
  fc.assert(
    fc.property(terms, terms, fc.nat(20), fc.nat(20), (ours, theirs, onDisk, compacted) => {
      const disk = new MemoryDisk({ term: 9, vote: null }, makeLog(ours.slice(0, onDisk)));
      // Compacted entries were committed, so the leader has them as well.
      const matching = ours.findIndex((term, position) => theirs[position] !== term);
      const base = Math.min(compacted, disk.lastIndex(), matching === -1 ? ours.length : matching);
      disk.compact(base);
      const log = new RaftLog(disk, base, EMPTY_MEMBERSHIP);
      log.append(makeLog(ours).slice(onDisk));
      log.merge(makeLog(theirs));
      const matchesAll = theirs.every((term, position) => ours[position] === term);
      const expected = (matchesAll ? ours : theirs).slice(base);
      const length = log.lastIndex - base;
      assert.equal(
        Array.from({ length }, (_, position) => log.term(base + position + 1)),
        expected,
      );
    }),
  );
});

interface Sent {
  readonly last: number;
  readonly bytes: number;
}

test('the window contains exactly the appends that were sent and not acknowledged, within its limits', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('send' as const),
      count: fc.integer({ min: 0, max: 3 }),
      bytes: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ kind: fc.constant('accept' as const), back: fc.nat(8) }),
    fc.record({ kind: fc.constant('reject' as const), back: fc.nat(8), agreeable: fc.nat(30) }),
    fc.record({ kind: fc.constant('lose' as const) }),
  );
  const window = { messagesMax: 3, bytesMax: 15 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const progress = new Progress(5, window);
      let model: Sent[] = [];
      for (const one of steps) {
        const matchBefore = progress.match;
        const stateBefore = progress.state;
        if (one.kind === 'send' && !progress.isWindowFull) {
          const last = progress.next - 1 + one.count;
          if (progress.state === 'replicating' && one.count > 0) model.push({ last, bytes: one.bytes });
          progress.onAppendSent(last, one.bytes);
        } else if (one.kind === 'accept') {
          const match = Math.max(0, progress.next - 1 - one.back);
          progress.onAppendAccepted(match, 0);
          assert.is(progress.match, Math.max(matchBefore, match));
          model = model.filter(({ last }) => last > match);
        } else if (one.kind === 'reject') {
          const { next } = progress;
          progress.onAppendRejected(Math.max(0, next - 1 - one.back), one.agreeable);
          assert.ok(progress.next <= next, 'a rejection never advances next');
        } else if (one.kind === 'lose') progress.onUnreachable();
        if (progress.state !== stateBefore) model = [];
        assert.ok(progress.match >= matchBefore && progress.next > progress.match);
        assert.is(progress.inflightMessages, model.length);
        const bytes = model.reduce((sum, sent) => sum + sent.bytes, 0);
        assert.is(progress.isWindowFull, model.length >= window.messagesMax || bytes >= window.bytesMax);
      }
    }),
  );
});

test.run();
