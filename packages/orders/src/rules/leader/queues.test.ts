/** Fifo, ReadWaitQueue and groupResultsByLink. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { groupResultsByLink } from './command-queue.js';
import { Fifo } from './fifo.js';
import { ReadWaitQueue } from './read-wait-queue.js';

test('Fifo returns items in order, for any number of items', () => {
  const queue = new Fifo<number>();
  let given = 0;
  for (let i = 0; i < 10_000; i += 1) {
    queue.push(i);
    if (i % 3 !== 0) assert.is(queue.shift(), given++);
  }
  assert.is(queue.size, 10_000 - given);
  assert.is(queue.first, given);
  assert.equal([queue.at(0), queue.at(1), queue.at(queue.size)], [given, given + 1, undefined]);
  assert.equal(
    queue.toArray,
    queue.toArray.toSorted((a, b) => a - b),
  );
  assert.equal([queue.toArray.length, queue.toArray[0]], [queue.size, given]);
  assert.equal(queue.drain()[0], given);
  assert.is(queue.size, 0);
  assert.is(queue.shift(), undefined);
  queue.push(1);
  assert.is(queue.shift(), 1);
});

test('Fifo releases removed items', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const queue = new Fifo<object>();
  const removed = ((): WeakRef<object> => {
    queue.push({ of: 1 });
    queue.push({ of: 2 });
    return new WeakRef(queue.shift() ?? {});
  })();
  // A new WeakRef keeps its target alive until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  assert.is(removed.deref(), undefined);
  assert.equal(queue.first, { of: 2 });
});

function makeWaits(): {
  readonly waits: ReadWaitQueue;
  readonly calls: string[];
  readonly wait: (index: number, items?: number) => void;
} {
  const waits = new ReadWaitQueue(3);
  const calls: string[] = [];
  return {
    waits,
    calls,
    wait: (index, items = 1) => waits.wait(index, 5, items, (complete) => calls.push(`${index} ${complete}`)),
  };
}

test('ReadWaitQueue.wait ends once its index is readable', () => {
  const { waits, calls, wait } = makeWaits();
  wait(5);
  assert.equal(calls, ['5 true']);
  wait(6);
  wait(8);
  waits.onReadable(7);
  assert.equal(calls, ['5 true', '6 true']);
  assert.is(waits.size, 1);
  waits.onReadable(8);
  assert.equal(calls, ['5 true', '6 true', '8 true']);
});

test('ReadWaitQueue.wait answers false at the limit; finished reads do not count', () => {
  const { waits, calls, wait } = makeWaits();
  wait(6, 2);
  wait(7, 2);
  assert.equal(calls, ['7 false']);
  waits.onReadable(6);
  wait(7, 3);
  assert.equal(calls, ['7 false', '6 true']);
});

test('ReadWaitQueue.cancelAll answers every waiting read once', () => {
  const { waits, calls, wait } = makeWaits();
  wait(6);
  wait(7);
  waits.cancelAll();
  waits.cancelAll();
  waits.onReadable(9);
  assert.equal(calls, ['6 false', '7 false']);
  wait(8, 3);
  assert.is(waits.size, 1);
});

test('answersByLink groups answers by link, in order', () => {
  const answers = [
    { link: 1, result: [1, 'done'] },
    { link: 2, result: [9, 'lost'] },
    { link: 1, result: [2, 'lost'] },
  ] as const;
  assert.equal(
    [...groupResultsByLink(answers)],
    [
      [
        1,
        [
          [1, 'done'],
          [2, 'lost'],
        ],
      ],
      [2, [[9, 'lost']]],
    ],
  );
});

test.run();
