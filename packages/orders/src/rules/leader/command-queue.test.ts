import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_COMMANDS_MAX, InvariantError, type Command, type Outcome } from '@trireme/domain';
import { CommandQueue, type CommandQueueLimits } from './command-queue.js';
import type { DecidedBatch, RecordedCommand } from '../book/state.js';
import { DONE, FILLED, NONE, REJECTED, TOO_MANY, buy, decidedBatch } from '../testing/batches.js';

interface Options {
  readonly lastIndex?: number;
  readonly orders?: number;
  readonly visibleOrders?: number;
  readonly known?: Readonly<Record<string, RecordedCommand>>;
  readonly limits?: CommandQueueLimits;
}

function makeQueue({
  lastIndex = 0,
  orders = 0,
  visibleOrders = orders,
  known = {},
  limits,
}: Options = {}): CommandQueue {
  return new CommandQueue(
    { lastIndex, storedIndex: lastIndex, orders, visibleOrders },
    (key) => known[key] ?? null,
    limits,
  );
}

/** Takes one batch from the queue and logs it at `index`. */
function log(queue: CommandQueue, index: number): readonly Command[] {
  const commands = queue.takeBatch();
  assert.ok(commands);
  queue.onLogged(index, commands);
  return commands;
}

/** The decided batch at log index `index`. */
function decided(
  index: number,
  commands: readonly Command[],
  firstNumber: number,
  outcomes: readonly Outcome[] = commands.map(() => FILLED),
): DecidedBatch {
  return decidedBatch(index / 10, commands, { firstNumber, outcomes });
}

function assertBroken(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof InvariantError && message.test(error.message));
}

test('a visible batch answers each waiter with its own order number', () => {
  const queue = makeQueue({ lastIndex: 10, orders: 7 });
  assert.is(queue.submit(buy('a'), { link: 1, id: 11 }), null);
  assert.is(queue.submit(buy('b'), { link: 2, id: 22 }), null);
  assert.is(queue.queued, 2);
  const commands = log(queue, 20);
  assert.equal(commands, [buy('a'), buy('b')]);
  queue.onDecided(decided(20, commands, 8));
  assert.equal(queue.onVisible(19), [], 'no waiter is answered before the batch is visible');
  assert.equal(queue.onVisible(20), [
    { link: 1, result: [11, 'filled', 8, 500] },
    { link: 2, result: [22, 'filled', 9, 500] },
  ]);
  assert.equal([queue.onVisible(20), queue.onVisible(15), queue.takeBatch()], [[], [], null]);
});

test('several visible batches are answered in order, but no undecided one', () => {
  const queue = makeQueue();
  for (const [at, key] of ['a', 'b', 'c'].entries()) {
    queue.submit(buy(key), { link: 1, id: at });
    log(queue, 10 * (at + 1));
  }
  queue.onDecided(decided(10, [buy('a')], 1));
  queue.onDecided(decided(20, [buy('b')], 2));
  assert.equal(
    queue.onVisible(30).map(({ result }) => result[0]),
    [0, 1],
  );
  assert.is(queue.visibleOrders, 2);
});

test('a rejected order takes no number, and a listing has none', () => {
  const queue = makeQueue();
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };
  for (const [id, command] of [buy('a', TOO_MANY), list, buy('b')].entries())
    queue.submit(command, { link: 1, id });
  queue.onDecided(decided(10, log(queue, 10), 1, [REJECTED, DONE, FILLED]));
  assert.equal(
    queue.onVisible(10).map(({ result }) => result),
    [
      [0, 'rejected', 'INSUFFICIENT_STOCK'],
      [1, 'done'],
      [2, 'filled', 1, 500],
    ],
  );
});

const STAGES = ['queued', 'taken to be logged', 'logged', 'decided'] as const;

for (const stage of STAGES) {
  test(`submit of a key whose command is ${stage} joins that command`, () => {
    const queue = makeQueue();
    const at = (other: (typeof STAGES)[number]): boolean => STAGES.indexOf(stage) >= STAGES.indexOf(other);
    const take = (): void => void queue.takeBatch();
    const logged = (): void => queue.onLogged(10, [buy('a')]);
    const decide = (): void => queue.onDecided(decided(10, [buy('a')], 1));
    queue.submit(buy('a'), { link: 1, id: 1 });
    if (at('taken to be logged')) take();
    if (at('logged')) logged();
    if (at('decided')) decide();
    assert.is(queue.submit(buy('a'), { link: 2, id: 2 }), null);
    assert.equal(queue.submit(buy('a', 9), { link: 3, id: 3 }), { link: 3, result: [3, 'keyReused'] });
    assert.is(queue.open, 1);
    if (!at('taken to be logged')) take();
    if (!at('logged')) logged();
    if (!at('decided')) decide();
    assert.is(queue.takeBatch(), null);
    assert.equal(queue.onVisible(10), [
      { link: 1, result: [1, 'filled', 1, 500] },
      { link: 2, result: [2, 'filled', 1, 500] },
    ]);
  });
}

test('submit of a visible key is answered at once by the book, stored or not', () => {
  const known: Record<string, RecordedCommand> = {};
  const queue = makeQueue({ known });
  queue.submit(buy('a'), { link: 1, id: 1 });
  queue.onDecided(decided(10, log(queue, 10), 1));
  known['a'] = { command: buy('a'), index: 10, outcome: FILLED, number: 1 };
  queue.onVisible(10);
  assert.is(queue.open, 0);
  assert.equal(queue.submit(buy('a'), { link: 2, id: 2 }), { link: 2, result: [2, 'filled', 1, 500] });
  assert.equal(queue.submit(buy('a', 2), { link: 2, id: 3 }), { link: 2, result: [3, 'keyReused'] });
  queue.onStored(10);
  assert.equal(queue.submit(buy('a'), { link: 2, id: 4 }), { link: 2, result: [4, 'filled', 1, 500] });
  assert.equal(queue.submit(buy('a', 2), { link: 2, id: 5 }), { link: 2, result: [5, 'keyReused'] });
  delete known['a'];
  assert.is(queue.submit(buy('a', 2), { link: 2, id: 6 }), null, 'an expired key is new');
});

test('submit joins a command that is stored and not visible yet', () => {
  const queue = makeQueue();
  queue.submit(buy('a'), { link: 1, id: 1 });
  queue.onDecided(decided(10, log(queue, 10), 1));
  queue.onStored(10);
  assert.is(queue.open, 1);
  assert.is(queue.submit(buy('a'), { link: 1, id: 2 }), null);
  assert.is(queue.onVisible(10).length, 2);
  assert.equal([queue.open, queue.unstoredOrder(1)], [0, null], 'the book has it');
});

test('submit of a key with another kind, name or amount answers keyReused', () => {
  const list = (price: number): Command => ({ kind: 'list', key: 'k', name: 'A', price });
  const known = { k: { command: list(5), index: 10, outcome: DONE, number: 0 } };
  const queue = makeQueue({ lastIndex: 10, known });
  queue.onVisible(10);
  const result = (command: Command): unknown => queue.submit(command, { link: 1, id: 1 })?.result[1];
  assert.is(result(list(5)), 'done');
  assert.is(result(list(6)), 'keyReused');
  assert.is(result({ kind: 'restock', key: 'k', name: 'A', quantity: 5 }), 'keyReused');
  assert.is(result({ kind: 'list', key: 'k', name: 'B', price: 5 }), 'keyReused');
});

/** Commands of earlier leaders: `old` is known to be visible by its order number, nothing else is. */
const INHERITED = {
  lastIndex: 30,
  orders: 3,
  visibleOrders: 1,
  known: {
    old: { command: buy('old'), index: 10, outcome: FILLED, number: 1 },
    filled: { command: buy('filled'), index: 20, outcome: FILLED, number: 2 },
    rejected: { command: buy('rejected', TOO_MANY), index: 10, outcome: REJECTED, number: 1 },
    last: { command: buy('last'), index: 30, outcome: FILLED, number: 3 },
  },
};

test('submit of an inherited key waits until everything inherited is visible, unless it is known to be', () => {
  const queue = makeQueue(INHERITED);
  assert.equal(queue.submit(buy('old'), { link: 1, id: 0 })?.result, [0, 'filled', 1, 500]);
  assert.equal(queue.submit(buy('filled', 7), { link: 1, id: 9 })?.result, [9, 'keyReused']);
  assert.is(queue.submit(buy('filled'), { link: 1, id: 1 }), null);
  assert.is(queue.submit(buy('filled'), { link: 2, id: 2 }), null);
  assert.is(queue.submit(buy('rejected', TOO_MANY), { link: 1, id: 3 }), null);
  assert.equal([queue.queued, queue.open, queue.takeBatch()], [0, 2, null], 'no command is logged again');
  assert.equal(queue.onVisible(29), [], 'the last inherited batch is not visible');
  assert.equal(queue.onVisible(30), [
    { link: 1, result: [1, 'filled', 2, 500] },
    { link: 2, result: [2, 'filled', 2, 500] },
    { link: 1, result: [3, 'rejected', 'INSUFFICIENT_STOCK'] },
  ]);
  assert.is(queue.open, 0);
  assert.equal(queue.submit(buy('last'), { link: 1, id: 4 })?.result, [4, 'filled', 3, 500]);
});

test('submit of an inherited key is answered once its own batch is visible', () => {
  const queue = makeQueue(INHERITED);
  queue.onVisible(20);
  assert.equal(queue.submit(buy('filled'), { link: 1, id: 1 })?.result, [1, 'filled', 2, 500]);
  assert.is(queue.submit(buy('last'), { link: 1, id: 2 }), null);
});

test('visibleOrders of a new leader is that of the log until everything inherited is visible', () => {
  const queue = makeQueue(INHERITED);
  assert.equal([queue.visibleOrders, queue.acknowledgedIndex, queue.readableIndex], [1, 30, 0]);
  queue.onVisible(20);
  assert.equal([queue.visibleOrders, queue.readableIndex], [1, 20], 'the orders of batch 20 are not known');
  queue.onVisible(30);
  assert.equal([queue.visibleOrders, queue.acknowledgedIndex, queue.readableIndex], [3, 30, 30]);
});

test('later changes of the book do not change what was inherited', () => {
  const book = { lastIndex: 10, storedIndex: 10, orders: 1, visibleOrders: 0 };
  const known = { old: { command: buy('old'), index: 10, outcome: FILLED, number: 1 } };
  const queue = new CommandQueue(book, (key) => (key === 'old' ? known.old : null));
  queue.submit(buy('old'), { link: 1, id: 1 });
  // The book's own record changes with every applied entry.
  Object.assign(book, { lastIndex: 90, orders: 50 });
  assert.is(queue.acknowledgedIndex, 10, 'no later outcome was answered');
  assert.equal(queue.onVisible(10), [{ link: 1, result: [1, 'filled', 1, 500] }]);
  assert.is(queue.visibleOrders, 1);
});

test('the acknowledged index covers inherited and visible batches', () => {
  assert.is(makeQueue().acknowledgedIndex, 0);
  const queue = makeQueue({ lastIndex: 20 });
  queue.submit(buy('c'), { link: 1, id: 1 });
  queue.onDecided(decided(30, log(queue, 30), 1));
  assert.is(queue.acknowledgedIndex, 20, 'batch 30 was not answered');
  queue.onVisible(10);
  assert.is(queue.acknowledgedIndex, 20, 'an earlier leader may have answered batch 20');
  queue.onVisible(30);
  assert.equal([queue.acknowledgedIndex, queue.readableIndex], [30, 20]);
  queue.onStored(30);
  assert.is(queue.readableIndex, 30);
});

test('commands that the log refused return to the queue in order', () => {
  const queue = makeQueue();
  for (const key of ['a', 'b']) queue.submit(buy(key), { link: 1, id: 1 });
  const commands = queue.takeBatch();
  assert.ok(commands);
  queue.submit(buy('c'), { link: 1, id: 3 });
  queue.requeue(commands);
  assert.is(queue.queued, 3);
  assert.equal(queue.takeBatch(), [buy('a'), buy('b'), buy('c')]);
});

test('takeBatch returns nothing while too many commands are not visible', () => {
  const queue = makeQueue({ limits: { openMax: 10, invisibleMax: 2 } });
  for (const key of ['a', 'b', 'c']) queue.submit(buy(key), { link: 1, id: 1 });
  const commands = log(queue, 10);
  assert.equal(commands, [buy('a'), buy('b')]);
  queue.onDecided(decided(10, commands, 1));
  queue.onStored(10);
  assert.is(queue.takeBatch(), null, 'decided and stored does not suffice');
  queue.onVisible(10);
  assert.equal(queue.takeBatch(), [buy('c')]);
  const refused = makeQueue({ limits: { openMax: 10, invisibleMax: 1 } });
  refused.submit(buy('a'), { link: 1, id: 1 });
  refused.requeue(refused.takeBatch() ?? []);
  assert.is(refused.takeBatch()?.length, 1, 'a refused batch does not count');
});

test('takeBatch splits more commands than a batch may have', () => {
  const queue = makeQueue();
  for (let i = 0; i < BATCH_COMMANDS_MAX + 1; i += 1) queue.submit(buy(`k${i}`), { link: 1, id: i });
  assert.is(queue.takeBatch()?.length, BATCH_COMMANDS_MAX);
  assert.is(queue.takeBatch()?.length, 1);
});

test('submit at the limit refuses new commands as busy and answers repeated keys with lost', () => {
  const known: Record<string, RecordedCommand> = {
    old: { command: buy('old'), index: 5, outcome: FILLED, number: 1 },
  };
  const queue = makeQueue({
    lastIndex: 5,
    orders: 1,
    visibleOrders: 0,
    known,
    limits: { openMax: 2, invisibleMax: 9 },
  });
  queue.submit(buy('a'), { link: 1, id: 1 });
  queue.submit(buy('a'), { link: 1, id: 2 });
  assert.equal(queue.submit(buy('b'), { link: 1, id: 3 })?.result, [3, 'refused', 'busy']);
  assert.equal(queue.submit(buy('a'), { link: 1, id: 4 })?.result, [4, 'lost']);
  assert.equal(
    queue.submit(buy('old'), { link: 1, id: 8 })?.result,
    [8, 'lost'],
    'its command may have taken effect',
  );
  queue.onDecided(decided(10, log(queue, 10), 2));
  queue.onVisible(10);
  assert.equal(queue.submit(buy('old'), { link: 1, id: 9 })?.result, [9, 'filled', 1, 500]);
  assert.is(
    queue.submit(buy('b'), { link: 1, id: 5 }),
    null,
    'visible commands and answered waiters do not count',
  );
  assert.is(queue.submit(buy('c'), { link: 1, id: 7 }), null);
  assert.equal(queue.submit(buy('d'), { link: 1, id: 6 })?.result, [6, 'refused', 'busy']);
});

test('a closed link drops its waiters', () => {
  const queue = makeQueue({ limits: { openMax: 2, invisibleMax: 9 } });
  queue.submit(buy('a'), { link: 1, id: 1 });
  queue.submit(buy('a'), { link: 2, id: 2 });
  queue.dropWaiters(1);
  assert.is(queue.submit(buy('b'), { link: 2, id: 3 }), null);
  queue.onDecided(decided(10, log(queue, 10), 1));
  assert.equal(
    queue.onVisible(10).map(({ link, result }) => [link, result[0]]),
    [
      [2, 2],
      [2, 3],
    ],
  );
});

test('close answers all waiters: refused for unlogged commands, lost for logged ones', () => {
  const queue = makeQueue(INHERITED);
  queue.submit(buy('last'), { link: 1, id: 1 });
  queue.submit(buy('logged'), { link: 1, id: 2 });
  log(queue, 40);
  queue.submit(buy('queued'), { link: 1, id: 3 });
  queue.submit(buy('queued'), { link: 2, id: 4 });
  assert.equal(queue.close(), [
    { link: 1, result: [1, 'lost'] },
    { link: 1, result: [2, 'lost'] },
    { link: 1, result: [3, 'refused', 'notLeader'] },
    { link: 2, result: [4, 'refused', 'notLeader'] },
  ]);
  assert.equal(queue.close(), []);
});

test('a batch decided out of order, or with a used key, violates an invariant', () => {
  const logged = (): CommandQueue => {
    const queue = makeQueue();
    queue.submit(buy('a'), { link: 1, id: 1 });
    log(queue, 10);
    return queue;
  };
  assertBroken(
    () => logged().onDecided(decided(20, [buy('a')], 1)),
    /batch 20 is decided, but the oldest undecided batch is 10/,
  );
  assertBroken(
    () => makeQueue().onDecided(decided(10, [buy('a')], 1)),
    /batch 10 is decided, but the oldest undecided batch is undefined/,
  );
  assertBroken(
    () => logged().onDecided(decided(10, [buy('a')], 1, [NONE])),
    /the key of command 0 in batch 10 was used before/,
  );
  const known = { n: { command: buy('n'), index: 10, outcome: NONE, number: 0 } };
  assert.throws(() => makeQueue({ known }).submit(buy('n'), { link: 1, id: 1 }), /has no result/);
});

test('unstoredOrder returns a visible order until it is stored', () => {
  const queue = makeQueue({ orders: 4 });
  for (const [at, command] of [buy('a', 3), buy('b', 7)].entries()) {
    queue.submit(command, { link: 1, id: at });
    log(queue, 10 * (at + 1));
  }
  queue.onDecided(decided(10, [buy('a', 3)], 5));
  queue.onDecided(decided(20, [buy('b', 7)], 6));
  assert.equal([queue.unstoredOrder(5), queue.visibleOrders], [null, 4], 'decided, but not visible');
  queue.onVisible(10);
  assert.equal([queue.unstoredOrder(5)?.quantity, queue.unstoredOrder(6), queue.visibleOrders], [3, null, 5]);
  queue.onVisible(20);
  assert.equal(
    [queue.unstoredOrder(5)?.quantity, queue.unstoredOrder(6)?.quantity, queue.unstoredOrder(7)],
    [3, 7, null],
  );
  assert.equal(queue.unstoredOrder(6), {
    number: 6,
    name: 'A',
    type: 'buy',
    quantity: 7,
    price: 500,
    time: 2000,
  });
  queue.onStored(10);
  assert.equal([queue.unstoredOrder(5), queue.unstoredOrder(6)?.quantity, queue.visibleOrders], [null, 7, 6]);
});

test.run();
