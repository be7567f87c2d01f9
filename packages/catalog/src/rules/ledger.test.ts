/** Exactly once: whatever leaders repeat, drop or send out of order, each index is decided one time, in order. */
import fc from 'fast-check';
import type { OutcomeWire } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ledger } from './ledger.js';
import { WorkQueue } from './queue.js';
import { FRAME_OUTCOMES_MAX, Round } from './round.js';
import { StockTable } from './stocks.js';
import { buy, stock } from './testing/frames.js';

const EMPTY = { lastIndex: 0, settled: 0, outcomes: [] };

test('an index is new once, then on record, then settled', () => {
  const ledger = new Ledger(EMPTY);
  assert.equal(ledger.judge(3, 0, 1), { kind: 'new' });
  ledger.record(3, [5500]);
  assert.equal(ledger.judge(3, 0, 1), { kind: 'recorded', outcomes: [5500] });
  assert.equal(ledger.judge(2, 0, 1), { kind: 'refused', why: 'settled' });
  assert.equal(ledger.settle(3), [3]);
  assert.equal(ledger.settle(2), [], 'settling does not go back');
  assert.is(ledger.settled, 3);
  assert.equal(ledger.judge(3, 0, 1), { kind: 'refused', why: 'settled' });
});

test('a gap is refused on either side', () => {
  const ledger = new Ledger({ ...EMPTY, lastIndex: 5 });
  assert.equal(ledger.judge(8, 6, 1), { kind: 'refused', why: 'gap' }, 'prev is ahead');
  assert.equal(ledger.judge(8, 3, 1), { kind: 'refused', why: 'gap' }, 'prev is behind');
  assert.equal(ledger.judge(8, 5, 1), { kind: 'new' });
});

test('the record has a bound; settling makes room, and a batch without commands takes a place', () => {
  const ledger = new Ledger({ ...EMPTY, lastIndex: 2, outcomes: [[2, [1, null]]] }, 4);
  assert.is(ledger.count, 2);
  assert.equal(ledger.judge(3, 2, 3), { kind: 'refused', why: 'full' });
  ledger.record(3, []);
  ledger.record(4, []);
  assert.equal(ledger.judge(5, 4, 0), { kind: 'refused', why: 'full' });
  assert.equal(ledger.settle(3), [2, 3]);
  assert.is(ledger.count, 1);
  assert.equal(ledger.judge(5, 4, 3), { kind: 'new' });
});

test('deciding twice and a record beyond the last index stop the catalog', () => {
  assert.throws(() => new Ledger({ ...EMPTY, lastIndex: 2 }).record(2, []), /twice/);
  assert.throws(() => new Ledger({ ...EMPTY, outcomes: [[1, []]] }), /beyond/);
});

test('however a log is sent, each index is decided once and every answer to it is the same', () => {
  const quantity = fc.integer({ min: 1, max: 40 });
  const log = fc.array(fc.array(quantity, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });
  // Where a leader begins to send, how much of the log it sends, and how much it says is settled.
  const leaders = fc.array(fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 8 }), fc.nat({ max: 8 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(log, leaders, fc.boolean(), (batches, sends, oneRound) => {
      const indexOf = (position: number): number => 2 * position;
      const queue = new WorkQueue();
      const table = new StockTable([stock('A', 100)]);
      const ledger = new Ledger(EMPTY);
      const answers = new Map<number, string>();
      const decided: number[] = [];
      let quantity = 100;
      const runRound = (): void => {
        const round = new Round(table, ledger, queue.takeAll());
        table.publish(round.changed.values());
        decided.push(...(round.write?.outcomes.map(([index]) => index) ?? []));
        for (const [, frame] of round.answers) {
          if (frame.t !== 'decided') continue;
          for (const [index, outcomes] of frame.items) checkSame(answers, index, outcomes);
        }
      };
      for (const [from, count, settled] of [...sends, [0, 8, 0] as const]) {
        for (let position = from + 1; position <= Math.min(batches.length, from + count); position++) {
          const commands = (batches[position - 1] ?? []).map((amount) => buy('A', amount));
          const prev = indexOf(position - 1);
          // Only what was answered can be in the book.
          const inBook = Math.min(indexOf(settled), ledger.lastIndex);
          queue.push(1, {
            kind: 'decide',
            index: indexOf(position),
            prev,
            settled: inBook,
            skip: new Set(),
            traces: [],
            commands,
            bytes: 1,
          });
          if (!oneRound) runRound();
        }
        runRound();
      }
      assert.is(ledger.lastIndex, indexOf(batches.length));
      assert.equal(
        decided,
        [...new Set(decided)].sort((a, b) => a - b),
        'once, and in order',
      );
      for (const amount of batches.flat()) if (amount <= quantity) quantity -= amount;
      assert.is(table.get('A')?.quantity, quantity, 'as if each had been sent once');
    }),
    { numRuns: 500 },
  );
});

test('outcomes that are recorded and settled within one round are not written at all', () => {
  const queue = new WorkQueue();
  const work = {
    kind: 'decide',
    skip: new Set<number>(),
    traces: [],
    commands: [buy('A')],
    bytes: 1,
  } as const;
  queue.push(1, { ...work, index: 1, prev: 0, settled: 0 });
  queue.push(1, { ...work, index: 2, prev: 1, settled: 1 });
  const { write } = new Round(new StockTable([stock('A', 9)]), new Ledger(EMPTY), queue.takeAll());
  assert.equal(write?.outcomes, [[2, [5500]]]);
  assert.equal(write?.forgotten, []);
  assert.is(write?.settled, 1);
});

test('many outcomes are answered in more than one frame', () => {
  const queue = new WorkQueue();
  const commands = Array.from({ length: 4096 }, () => buy('Z'));
  const batches = FRAME_OUTCOMES_MAX / 4096 + 1;
  for (let index = 1; index <= batches; index++) {
    queue.push(1, {
      kind: 'decide',
      index,
      prev: index - 1,
      settled: 0,
      skip: new Set(),
      traces: [],
      commands,
      bytes: 1,
    });
  }
  const { answers } = new Round(new StockTable([]), new Ledger(EMPTY), queue.takeAll());
  assert.equal(
    answers.map(([, frame]) => frame.t === 'decided' && frame.items.length),
    [batches - 1, 1],
  );
});

test('a queue is bounded by bytes too, but takes one request of any size', () => {
  const queue = new WorkQueue(10, 100);
  const replay = { kind: 'replay', prev: 0, index: 1, effects: [] } as const;
  assert.ok(queue.push(1, { ...replay, bytes: 500 }));
  assert.not.ok(queue.push(2, { ...replay, bytes: 1 }));
  queue.dropLink(1);
  assert.ok(queue.push(2, { ...replay, bytes: 60 }));
  assert.ok(queue.push(3, { ...replay, bytes: 40 }));
  assert.not.ok(queue.push(2, { ...replay, bytes: 1 }));
  assert.equal(
    queue.takeAll().map(({ link }) => link),
    [2, 3],
  );
  assert.is(queue.size, 0);
});

function checkSame(answers: Map<number, string>, index: number, outcomes: readonly OutcomeWire[]): void {
  const text = JSON.stringify(outcomes);
  assert.is(answers.get(index) ?? text, text, `the answer for index ${index} never changes`);
  answers.set(index, text);
}

test.run();
