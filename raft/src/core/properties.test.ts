/** Arithmetic that is easy to get wrong by one, held against naive versions of it. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftLog } from './log.js';
import { NO_MEMBERS } from './membership.js';
import { Progress } from './progress.js';
import { electionState, majorityOf, reachedByMajority } from './quorum.js';
import { MemoryDisk } from './testing/disk.js';
import { logOf } from './testing/messages.js';

/** The terms of a log: they never fall. */
const terms = fc
  .array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 })
  .map((list) => list.sort((a, b) => a - b));

test('two majorities always share a member, and a majority is no larger than that needs', () => {
  for (let members = 1; members <= 9; members += 1) {
    assert.ok(2 * majorityOf(members) > members);
    assert.ok(2 * (majorityOf(members) - 1) <= members);
  }
});

test('reachedByMajority is the highest value that more than half have reached', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }), (values) => {
      let naive = 0;
      for (let value = 0; value <= 20; value += 1) {
        if (values.filter((one) => one >= value).length * 2 > values.length) naive = value;
      }
      assert.is(reachedByMajority(values), naive);
    }),
  );
});

test('an election is won or lost once no vote that is still out can change it; strangers do not count', () => {
  const vote = fc.constantFrom(true, false, undefined);
  fc.assert(
    fc.property(
      fc.array(vote, { minLength: 1, maxLength: 9 }),
      fc.array(fc.boolean()),
      (given, strangers) => {
        const voters = given.map((_, place) => `member ${place}`);
        const votes = new Map<string, boolean>();
        strangers.forEach((one, place) => votes.set(`stranger ${place}`, one));
        given.forEach((one, place) => one !== undefined && votes.set(`member ${place}`, one));
        const isMajority = (count: number): boolean => count * 2 > voters.length;
        const granted = given.filter((one) => one === true).length;
        const open = given.filter((one) => one === undefined).length;
        const expected = isMajority(granted) ? 'won' : isMajority(granted + open) ? 'open' : 'lost';
        assert.is(electionState({ voters, outgoing: [] }, votes), expected);
      },
    ),
  );
});

test('lastAgreeable finds what a scan from the end finds, across disk and memory', () => {
  fc.assert(
    fc.property(terms, fc.nat(20), fc.nat(20), fc.nat(25), fc.nat(7), (list, onDisk, gone, index, term) => {
      const entries = logOf(list);
      const disk = new MemoryDisk({ term: 9, vote: null }, entries.slice(0, onDisk));
      const base = Math.min(gone, disk.lastIndex());
      disk.compact(base);
      const log = new RaftLog(disk, base, NO_MEMBERS);
      log.append(entries.slice(onDisk));
      let naive = Math.min(index, log.lastIndex);
      while (naive >= base && naive > 0 && log.term(naive) > term) naive -= 1;
      assert.is(log.lastAgreeable(index, term), naive);
    }),
  );
});

test("merging a leader's entries gives its log, up to a tail that agrees with all of them", () => {
  fc.assert(
    fc.property(terms, terms, fc.nat(20), fc.nat(20), (ours, theirs, onDisk, gone) => {
      const disk = new MemoryDisk({ term: 9, vote: null }, logOf(ours.slice(0, onDisk)));
      // What is compacted was committed, so the leader has it as well.
      const agreed = ours.findIndex((term, place) => theirs[place] !== term);
      const base = Math.min(gone, disk.lastIndex(), agreed === -1 ? ours.length : agreed);
      disk.compact(base);
      const log = new RaftLog(disk, base, NO_MEMBERS);
      log.append(logOf(ours).slice(onDisk));
      log.merge(logOf(theirs));
      const agrees = theirs.every((term, place) => ours[place] === term);
      const expected = (agrees ? ours : theirs).slice(base);
      const length = log.lastIndex - base;
      assert.equal(
        Array.from({ length }, (_, place) => log.term(base + place + 1)),
        expected,
      );
    }),
  );
});

interface Sent {
  readonly last: number;
  readonly bytes: number;
}

test('the window holds exactly what was sent and not yet acknowledged, within its bounds', () => {
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
        if (one.kind === 'send' && !progress.windowFull) {
          const last = progress.next - 1 + one.count;
          if (progress.state === 'replicating' && one.count > 0) model.push({ last, bytes: one.bytes });
          progress.sent(last, one.bytes);
        } else if (one.kind === 'accept') {
          const match = Math.max(0, progress.next - 1 - one.back);
          progress.accepted(match, 0);
          assert.is(progress.match, Math.max(matchBefore, match));
          model = model.filter(({ last }) => last > match);
        } else if (one.kind === 'reject') {
          const { next } = progress;
          progress.rejected(Math.max(0, next - 1 - one.back), one.agreeable);
          assert.ok(progress.next <= next, 'a refusal never moves forward');
        } else if (one.kind === 'lose') progress.unreachable();
        if (progress.state !== stateBefore) model = [];
        assert.ok(progress.match >= matchBefore && progress.next > progress.match);
        assert.is(progress.inflightMessages, model.length);
        const bytes = model.reduce((sum, sent) => sum + sent.bytes, 0);
        assert.is(progress.windowFull, model.length >= window.messagesMax || bytes >= window.bytesMax);
      }
    }),
  );
});

test.run();
