/** Queues, waiting reads and the list of replicas. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '@trireme/domain';
import { answersByLink } from './command-queue.js';
import { Fifo } from './fifo.js';
import { parsePeers } from './peers.js';
import { ReadWaits } from './read-waits.js';

test('a queue gives what it got, in order, however much has passed through it', () => {
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
    queue.all,
    queue.all.toSorted((a, b) => a - b),
  );
  assert.equal([queue.all.length, queue.all[0]], [queue.size, given]);
  assert.equal(queue.takeAll()[0], given);
  assert.is(queue.size, 0);
  assert.is(queue.shift(), undefined);
  queue.push(1);
  assert.is(queue.shift(), 1);
});

test('a queue lets go of what was taken out', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const queue = new Fifo<object>();
  const taken = ((): WeakRef<object> => {
    queue.push({ of: 1 });
    queue.push({ of: 2 });
    return new WeakRef(queue.shift() ?? {});
  })();
  // A reference that was just made holds on until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  assert.is(taken.deref(), undefined);
  assert.equal(queue.first, { of: 2 });
});

function waits(): {
  readonly of: ReadWaits;
  readonly calls: string[];
  readonly wait: (index: number, items?: number) => void;
} {
  const of = new ReadWaits(3);
  const calls: string[] = [];
  return {
    of,
    calls,
    wait: (index, items = 1) => of.wait(index, 5, items, (complete) => calls.push(`${index} ${complete}`)),
  };
}

test('a read waits until everything that was told can be read', () => {
  const { of, calls, wait } = waits();
  wait(5);
  assert.equal(calls, ['5 true']);
  wait(6);
  wait(8);
  of.readableTo(7);
  assert.equal(calls, ['5 true', '6 true']);
  assert.is(of.size, 1);
  of.readableTo(8);
  assert.equal(calls, ['5 true', '6 true', '8 true']);
});

test('at the bound a read is told that it cannot be waited for, and those that are done make room', () => {
  const { of, calls, wait } = waits();
  wait(6, 2);
  wait(7, 2);
  assert.equal(calls, ['7 false']);
  of.readableTo(6);
  wait(7, 3);
  assert.equal(calls, ['7 false', '6 true']);
});

test('when it is not to be waited for any more, everyone hears of it once', () => {
  const { of, calls, wait } = waits();
  wait(6);
  wait(7);
  of.giveUp();
  of.giveUp();
  of.readableTo(9);
  assert.equal(calls, ['6 false', '7 false']);
  wait(8, 3);
  assert.is(of.size, 1);
});

test('the list of replicas names each with its url', () => {
  assert.equal(
    [...parsePeers('b-2=https://host:1/?a=b,1=http://127.0.0.1:8201')],
    [
      ['1', 'http://127.0.0.1:8201'],
      ['b-2', 'https://host:1/?a=b'],
    ],
  );
  for (const text of [
    '',
    '1',
    '1=',
    '=http://a',
    '1=ftp://a',
    '1=http://a,',
    '1=http://a,1=http://b',
    '1=http://a:80,2=http://A/',
    'a b=http://a',
  ]) {
    assert.throws(
      () => parsePeers(text),
      (error: unknown) => error instanceof FormatError,
      text,
    );
  }
});

test('answers are gathered by link, in order', () => {
  const answers = [
    { link: 1, result: [1, 'done'] },
    { link: 2, result: [9, 'lost'] },
    { link: 1, result: [2, 'lost'] },
  ] as const;
  assert.equal(
    [...answersByLink(answers)],
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
