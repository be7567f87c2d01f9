import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_COMMANDS_MAX, InvariantError, type Command, type Outcome } from '@trireme/domain';
import { CommandQueue, type CommandQueueLimits } from './command-queue.js';
import type { DecidedBatch, KnownCommand } from './state.js';
import { DONE, FILLED, NONE, REJECTED, TOO_MANY, buy, decidedBatch } from './testing/batches.js';

interface Options {
  readonly lastIndex?: number;
  readonly orders?: number;
  readonly visibleOrders?: number;
  readonly known?: Readonly<Record<string, KnownCommand>>;
  readonly limits?: CommandQueueLimits;
}

function queue({
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
function log(of: CommandQueue, index: number): readonly Command[] {
  const commands = of.takeBatch();
  assert.ok(commands);
  of.logged(index, commands);
  return commands;
}

/** What a replica tells its queue of the batch at log index `index`. */
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

test('orders that arrived together are one batch, and each waiter gets its own number once they are visible', () => {
  const of = queue({ lastIndex: 10, orders: 7 });
  assert.is(of.submit(buy('a'), { link: 1, id: 11 }), null);
  assert.is(of.submit(buy('b'), { link: 2, id: 22 }), null);
  assert.is(of.queued, 2);
  const commands = log(of, 20);
  assert.equal(commands, [buy('a'), buy('b')]);
  of.decided(decided(20, commands, 8));
  assert.equal(of.visible(19), [], 'nobody is told before no cache shows anything older');
  assert.equal(of.visible(20), [
    { link: 1, result: [11, 'filled', 8, 500] },
    { link: 2, result: [22, 'filled', 9, 500] },
  ]);
  assert.equal([of.visible(20), of.visible(15), of.takeBatch()], [[], [], null]);
});

test('several batches that are visible at once are answered in their order, and what is not decided is not', () => {
  const of = queue();
  for (const [at, key] of ['a', 'b', 'c'].entries()) {
    of.submit(buy(key), { link: 1, id: at });
    log(of, 10 * (at + 1));
  }
  of.decided(decided(10, [buy('a')], 1));
  of.decided(decided(20, [buy('b')], 2));
  assert.equal(
    of.visible(30).map(({ result }) => result[0]),
    [0, 1],
  );
  assert.is(of.visibleOrders, 2);
});

test('a rejected order takes no number, and what is done has none', () => {
  const of = queue();
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };
  for (const [id, command] of [buy('a', TOO_MANY), list, buy('b')].entries())
    of.submit(command, { link: 1, id });
  of.decided(decided(10, log(of, 10), 1, [REJECTED, DONE, FILLED]));
  assert.equal(
    of.visible(10).map(({ result }) => result),
    [
      [0, 'rejected', 'INSUFFICIENT_STOCK'],
      [1, 'done'],
      [2, 'filled', 1, 500],
    ],
  );
});

const STAGES = ['queued', 'taken to be logged', 'logged', 'decided'] as const;

for (const stage of STAGES) {
  test(`a key that comes again while its command is ${stage} joins it`, () => {
    const of = queue();
    const at = (other: (typeof STAGES)[number]): boolean => STAGES.indexOf(stage) >= STAGES.indexOf(other);
    const take = (): void => void of.takeBatch();
    const logged = (): void => of.logged(10, [buy('a')]);
    const decide = (): void => of.decided(decided(10, [buy('a')], 1));
    of.submit(buy('a'), { link: 1, id: 1 });
    if (at('taken to be logged')) take();
    if (at('logged')) logged();
    if (at('decided')) decide();
    assert.is(of.submit(buy('a'), { link: 2, id: 2 }), null);
    assert.equal(of.submit(buy('a', 9), { link: 3, id: 3 }), { link: 3, result: [3, 'keyReused'] });
    assert.is(of.open, 1);
    if (!at('taken to be logged')) take();
    if (!at('logged')) logged();
    if (!at('decided')) decide();
    assert.is(of.takeBatch(), null);
    assert.equal(of.visible(10), [
      { link: 1, result: [1, 'filled', 1, 500] },
      { link: 2, result: [2, 'filled', 1, 500] },
    ]);
  });
}

test('a key that comes again once it is visible is answered at once, until the book answers for it', () => {
  const known: Record<string, KnownCommand> = {};
  const of = queue({ known });
  of.submit(buy('a'), { link: 1, id: 1 });
  of.decided(decided(10, log(of, 10), 1));
  of.visible(10);
  assert.equal(of.submit(buy('a'), { link: 2, id: 2 }), { link: 2, result: [2, 'filled', 1, 500] });
  assert.equal(of.submit(buy('a', 2), { link: 2, id: 3 }), { link: 2, result: [3, 'keyReused'] });
  known['a'] = { command: buy('a'), index: 10, outcome: FILLED, number: 1 };
  of.stored(10);
  assert.is(of.open, 0);
  assert.equal(of.submit(buy('a'), { link: 2, id: 4 }), { link: 2, result: [4, 'filled', 1, 500] });
  assert.equal(of.submit(buy('a', 2), { link: 2, id: 5 }), { link: 2, result: [5, 'keyReused'] });
  delete known['a'];
  assert.is(of.submit(buy('a', 2), { link: 2, id: 6 }), null, 'a forgotten key is a new one');
});

test('what is stored before it is visible stays open: its key joins it and makes nothing new', () => {
  const of = queue();
  of.submit(buy('a'), { link: 1, id: 1 });
  of.decided(decided(10, log(of, 10), 1));
  of.stored(10);
  assert.is(of.open, 1);
  assert.is(of.submit(buy('a'), { link: 1, id: 2 }), null);
  assert.is(of.visible(10).length, 2);
  assert.equal([of.open, of.order(1)], [0, null], 'the book has it');
});

test('a key is the same only with the same kind, name and amount', () => {
  const list = (price: number): Command => ({ kind: 'list', key: 'k', name: 'A', price });
  const known = { k: { command: list(5), index: 10, outcome: DONE, number: 0 } };
  const of = queue({ lastIndex: 10, known });
  of.visible(10);
  const result = (command: Command): unknown => of.submit(command, { link: 1, id: 1 })?.result[1];
  assert.is(result(list(5)), 'done');
  assert.is(result(list(6)), 'keyReused');
  assert.is(result({ kind: 'restock', key: 'k', name: 'A', quantity: 5 }), 'keyReused');
  assert.is(result({ kind: 'list', key: 'k', name: 'B', price: 5 }), 'keyReused');
});

/** What earlier leaders logged: `old` is known to be visible by its order number, nothing else is. */
const INHERITED = {
  ...{ lastIndex: 30, orders: 3, visibleOrders: 1 },
  known: {
    old: { command: buy('old'), index: 10, outcome: FILLED, number: 1 },
    filled: { command: buy('filled'), index: 20, outcome: FILLED, number: 2 },
    rejected: { command: buy('rejected', TOO_MANY), index: 10, outcome: REJECTED, number: 1 },
    last: { command: buy('last'), index: 30, outcome: FILLED, number: 3 },
  },
};

test('a key of an earlier leader waits for its outcome until the catalog has caught up, unless it is known to be visible', () => {
  const of = queue(INHERITED);
  assert.equal(of.submit(buy('old'), { link: 1, id: 0 })?.result, [0, 'filled', 1, 500]);
  assert.equal(of.submit(buy('filled', 7), { link: 1, id: 9 })?.result, [9, 'keyReused']);
  assert.is(of.submit(buy('filled'), { link: 1, id: 1 }), null);
  assert.is(of.submit(buy('filled'), { link: 2, id: 2 }), null);
  assert.is(of.submit(buy('rejected', TOO_MANY), { link: 1, id: 3 }), null);
  assert.equal([of.queued, of.open, of.takeBatch()], [0, 2, null], 'nothing is logged again');
  assert.equal(of.visible(29), [], 'up to the last of what is inherited');
  assert.equal(of.visible(30), [
    { link: 1, result: [1, 'filled', 2, 500] },
    { link: 2, result: [2, 'filled', 2, 500] },
    { link: 1, result: [3, 'rejected', 'INSUFFICIENT_STOCK'] },
  ]);
  assert.is(of.open, 0);
  assert.equal(of.submit(buy('last'), { link: 1, id: 4 })?.result, [4, 'filled', 3, 500]);
});

test('a repeated key of a batch that the catalog has revoked need not wait for the last one', () => {
  const of = queue(INHERITED);
  of.visible(20);
  assert.equal(of.submit(buy('filled'), { link: 1, id: 1 })?.result, [1, 'filled', 2, 500]);
  assert.is(of.submit(buy('last'), { link: 1, id: 2 }), null);
});

test('a new leader shows what the log calls visible; all that was committed once the catalog has caught up', () => {
  const of = queue(INHERITED);
  assert.equal([of.visibleOrders, of.toldIndex, of.readableIndex], [1, 30, 0]);
  of.visible(20);
  assert.equal(
    [of.visibleOrders, of.readableIndex],
    [1, 20],
    'it does not know which of them are of batch 20',
  );
  of.visible(30);
  assert.equal([of.visibleOrders, of.toldIndex, of.readableIndex], [3, 30, 30]);
});

test('what the book goes on to hold is no part of what was inherited', () => {
  const book = { lastIndex: 10, storedIndex: 10, orders: 1, visibleOrders: 0 };
  const known = { old: { command: buy('old'), index: 10, outcome: FILLED, number: 1 } };
  const of = new CommandQueue(book, (key) => (key === 'old' ? known.old : null));
  of.submit(buy('old'), { link: 1, id: 1 });
  // The book's own record, which changes with every entry that is applied.
  Object.assign(book, { lastIndex: 90, orders: 50 });
  assert.is(of.toldIndex, 10, 'nobody was told of more');
  assert.equal(of.visible(10), [{ link: 1, result: [1, 'filled', 1, 500] }]);
  assert.is(of.visibleOrders, 1);
});

test('what any client may have been told is of a batch that was inherited or is visible', () => {
  assert.is(queue().toldIndex, 0);
  const of = queue({ lastIndex: 20 });
  of.submit(buy('c'), { link: 1, id: 1 });
  of.decided(decided(30, log(of, 30), 1));
  assert.is(of.toldIndex, 20, 'the third was told to nobody');
  of.visible(10);
  assert.is(of.toldIndex, 20, 'the second may have been told by an earlier leader');
  of.visible(30);
  assert.equal([of.toldIndex, of.readableIndex], [30, 20]);
  of.stored(30);
  assert.is(of.readableIndex, 30);
});

test('what the log refused is tried again in its order', () => {
  const of = queue();
  for (const key of ['a', 'b']) of.submit(buy(key), { link: 1, id: 1 });
  const commands = of.takeBatch();
  assert.ok(commands);
  of.submit(buy('c'), { link: 1, id: 3 });
  of.notLogged(commands);
  assert.is(of.queued, 3);
  assert.equal(of.takeBatch(), [buy('a'), buy('b'), buy('c')]);
});

test('commands wait at the queue while too many are not visible', () => {
  const of = queue({ limits: { openMax: 10, invisibleMax: 2 } });
  for (const key of ['a', 'b', 'c']) of.submit(buy(key), { link: 1, id: 1 });
  const commands = log(of, 10);
  assert.equal(commands, [buy('a'), buy('b')]);
  of.decided(decided(10, commands, 1));
  of.stored(10);
  assert.is(of.takeBatch(), null, 'decided and stored is not enough');
  of.visible(10);
  assert.equal(of.takeBatch(), [buy('c')]);
  const refused = queue({ limits: { openMax: 10, invisibleMax: 1 } });
  refused.submit(buy('a'), { link: 1, id: 1 });
  refused.notLogged(refused.takeBatch() ?? []);
  assert.is(refused.takeBatch()?.length, 1, 'a refusal gives its room back');
});

test('more commands than a batch may have are several batches', () => {
  const of = queue();
  for (let i = 0; i < BATCH_COMMANDS_MAX + 1; i += 1) of.submit(buy(`k${i}`), { link: 1, id: i });
  assert.is(of.takeBatch()?.length, BATCH_COMMANDS_MAX);
  assert.is(of.takeBatch()?.length, 1);
});

test('at the bound new commands are refused as busy, and who would join one is told that it is lost from sight', () => {
  const known: Record<string, KnownCommand> = {
    old: { command: buy('old'), index: 5, outcome: FILLED, number: 1 },
  };
  const of = queue({
    lastIndex: 5,
    orders: 1,
    visibleOrders: 0,
    known,
    limits: { openMax: 2, invisibleMax: 9 },
  });
  of.submit(buy('a'), { link: 1, id: 1 });
  of.submit(buy('a'), { link: 1, id: 2 });
  assert.equal(of.submit(buy('b'), { link: 1, id: 3 })?.result, [3, 'refused', 'busy']);
  assert.equal(of.submit(buy('a'), { link: 1, id: 4 })?.result, [4, 'lost']);
  assert.equal(
    of.submit(buy('old'), { link: 1, id: 8 })?.result,
    [8, 'lost'],
    'it has an effect, seen or not',
  );
  of.decided(decided(10, log(of, 10), 2));
  of.visible(10);
  assert.equal(of.submit(buy('old'), { link: 1, id: 9 })?.result, [9, 'filled', 1, 500]);
  assert.is(of.submit(buy('b'), { link: 1, id: 5 }), null, 'answered waiters make room');
  assert.equal(of.submit(buy('c'), { link: 1, id: 6 })?.result, [6, 'refused', 'busy']);
  of.stored(10);
  assert.is(of.submit(buy('c'), { link: 1, id: 7 }), null, 'stored commands make room');
});

test('nobody waits on a link that is closed, and its waiters make room', () => {
  const of = queue({ limits: { openMax: 2, invisibleMax: 9 } });
  of.submit(buy('a'), { link: 1, id: 1 });
  of.submit(buy('a'), { link: 2, id: 2 });
  of.forget(1);
  assert.is(of.submit(buy('b'), { link: 2, id: 3 }), null);
  of.decided(decided(10, log(of, 10), 1));
  assert.equal(
    of.visible(10).map(({ link, result }) => [link, result[0]]),
    [
      [2, 2],
      [2, 3],
    ],
  );
});

test('at its end everyone who waits gets an answer: refused if it was never logged, lost if it was', () => {
  const of = queue(INHERITED);
  of.submit(buy('last'), { link: 1, id: 1 });
  of.submit(buy('logged'), { link: 1, id: 2 });
  log(of, 40);
  of.submit(buy('queued'), { link: 1, id: 3 });
  of.submit(buy('queued'), { link: 2, id: 4 });
  assert.equal(of.close(), [
    { link: 1, result: [1, 'lost'] },
    { link: 1, result: [2, 'lost'] },
    { link: 1, result: [3, 'refused', 'notLeader'] },
    { link: 2, result: [4, 'refused', 'notLeader'] },
  ]);
  assert.equal(of.close(), []);
});

test('batches that are decided out of turn, or with a key that was used before, break the rules', () => {
  const logged = (): CommandQueue => {
    const of = queue();
    of.submit(buy('a'), { link: 1, id: 1 });
    log(of, 10);
    return of;
  };
  assertBroken(() => logged().decided(decided(20, [buy('a')], 1)), /20 is decided, but 10 is the oldest/);
  assertBroken(
    () => queue().decided(decided(10, [buy('a')], 1)),
    /10 is decided, but undefined is the oldest/,
  );
  assertBroken(
    () => logged().decided(decided(10, [buy('a')], 1, [NONE])),
    /the key of 10 at 0 was used before/,
  );
  const known = { n: { command: buy('n'), index: 10, outcome: NONE, number: 0 } };
  assert.throws(() => queue({ known }).submit(buy('n'), { link: 1, id: 1 }), /no verdict/);
});

test('an order is read from the queue once it is visible, as it will be in the book, until that has it', () => {
  const of = queue({ orders: 4 });
  for (const [at, command] of [buy('a', 3), buy('b', 7)].entries()) {
    of.submit(command, { link: 1, id: at });
    log(of, 10 * (at + 1));
  }
  of.decided(decided(10, [buy('a', 3)], 5));
  of.decided(decided(20, [buy('b', 7)], 6));
  assert.equal([of.order(5), of.visibleOrders], [null, 4], 'decided is not visible');
  of.visible(10);
  assert.equal([of.order(5)?.quantity, of.order(6), of.visibleOrders], [3, null, 5]);
  of.visible(20);
  assert.equal([of.order(5)?.quantity, of.order(6)?.quantity, of.order(7)], [3, 7, null]);
  assert.equal(of.order(6), { number: 6, name: 'A', type: 'buy', quantity: 7, price: 500, time: 2000 });
  of.stored(10);
  assert.equal([of.order(5), of.order(6)?.quantity, of.visibleOrders], [null, 7, 6]);
});

test.run();
