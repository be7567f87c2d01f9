import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_COMMANDS_MAX, InvariantError, type Command } from '@trireme/domain';
import { Desk, type DeskLimits } from './desk.js';
import type { DecidedBatch } from './told-orders.js';
import type { KnownCommand, PendingBatch } from './state.js';
import { DONE, FILLED, NONE, REJECTED, buy, pendingBatch } from './testing/batches.js';

interface Options {
  readonly orders?: number;
  readonly pending?: readonly PendingBatch[];
  readonly known?: Readonly<Record<string, KnownCommand>>;
  readonly limits?: DeskLimits;
}

/** What the desk is told of the batch at a log index. */
const at = (index: number): DecidedBatch => ({ index, time: index * 1000 });

function desk({ orders = 0, pending = [], known = {}, limits }: Options = {}): Desk {
  return new Desk(orders, pending, (key) => known[key] ?? null, limits);
}

/** Takes one batch from the desk and logs it at `index`. */
function log(of: Desk, index: number): readonly Command[] {
  const batch = of.takeBatch();
  assert.ok(batch);
  of.logged(index, batch.commands);
  return batch.commands;
}

function assertBroken(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof InvariantError && message.test(error.message));
}

test('orders that arrived together are one batch, and each waiter gets its own number', () => {
  const of = desk({ orders: 7 });
  assert.is(of.submit(buy('a'), { link: 1, id: 11 }), null);
  assert.is(of.submit(buy('b'), { link: 2, id: 22 }), null);
  assert.is(of.queued, 2);
  assert.equal(log(of, 5), [buy('a'), buy('b')]);
  assert.equal(of.decided(at(5), [FILLED, FILLED]), [
    { link: 1, result: [11, 'filled', 8, 500] },
    { link: 2, result: [22, 'filled', 9, 500] },
  ]);
  assert.equal(of.takeBatch(), { commands: [], settlements: [{ index: 5, outcomes: [FILLED, FILLED] }] });
  assert.is(of.takeBatch(), null);
});

test('a rejected order takes no number, and what is done has none', () => {
  const of = desk();
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };
  for (const [id, command] of [buy('a'), list, buy('b')].entries()) of.submit(command, { link: 1, id });
  log(of, 1);
  assert.equal(
    of.decided(at(1), [REJECTED, DONE, FILLED]).map(({ result }) => result),
    [
      [0, 'rejected', 'INSUFFICIENT_STOCK'],
      [1, 'done'],
      [2, 'filled', 1, 500],
    ],
  );
});

const STAGES: readonly [string, (of: Desk) => void][] = [
  ['queued', () => undefined],
  ['taken to be logged', (of) => void of.takeBatch()],
  ['logged', (of) => void log(of, 1)],
];

for (const [stage, reach] of STAGES) {
  test(`a key that comes again while its command is ${stage} joins it`, () => {
    const of = desk();
    of.submit(buy('a'), { link: 1, id: 1 });
    reach(of);
    assert.is(of.submit(buy('a'), { link: 2, id: 2 }), null);
    assert.equal(of.submit(buy('a', 9), { link: 3, id: 3 }), { link: 3, result: [3, 'keyReused'] });
    assert.is(of.open, 1);
    if (stage === 'queued') log(of, 1);
    if (stage === 'taken to be logged') of.logged(1, [buy('a')]);
    assert.is(of.takeBatch(), null);
    assert.equal(of.decided(at(1), [FILLED]), [
      { link: 1, result: [1, 'filled', 1, 500] },
      { link: 2, result: [2, 'filled', 1, 500] },
    ]);
  });
}

test('a key that comes again once it is decided is answered at once, until the book answers for it', () => {
  const known: Record<string, KnownCommand> = {};
  const of = desk({ known });
  of.submit(buy('a'), { link: 1, id: 1 });
  log(of, 10);
  of.decided(at(10), [FILLED]);
  assert.equal(of.submit(buy('a'), { link: 2, id: 2 }), { link: 2, result: [2, 'filled', 1, 500] });
  assert.equal(of.submit(buy('a', 2), { link: 2, id: 3 }), { link: 2, result: [3, 'keyReused'] });
  known['a'] = { command: buy('a'), outcome: FILLED, number: 1 };
  of.settled(pendingBatch(1, [buy('a')]));
  assert.is(of.open, 0);
  assert.equal(of.submit(buy('a'), { link: 2, id: 4 }), { link: 2, result: [4, 'filled', 1, 500] });
  assert.equal(of.submit(buy('a', 2), { link: 2, id: 5 }), { link: 2, result: [5, 'keyReused'] });
  delete known['a'];
  assert.is(of.submit(buy('a', 2), { link: 2, id: 6 }), null, 'a forgotten key is a new one');
});

test('a key is the same only with the same kind, name and amount', () => {
  const list = (price: number): Command => ({ kind: 'list', key: 'k', name: 'A', price });
  const known = { k: { command: list(5), outcome: DONE, number: 0 } };
  const of = desk({ known });
  const result = (command: Command): unknown => of.submit(command, { link: 1, id: 1 })?.result[1];
  assert.is(result(list(5)), 'done');
  assert.is(result(list(6)), 'keyReused');
  assert.is(result({ kind: 'restock', key: 'k', name: 'A', quantity: 5 }), 'keyReused');
  assert.is(result({ kind: 'list', key: 'k', name: 'B', price: 5 }), 'keyReused');
});

test('what earlier leaders logged is waited for and numbered before what is new', () => {
  const of = desk({ orders: 3, pending: [pendingBatch(1, [buy('a'), buy('a'), buy('b')], [1])] });
  assert.is(of.open, 2);
  of.submit(buy('new'), { link: 1, id: 3 });
  assert.is(of.submit(buy('b'), { link: 1, id: 2 }), null);
  assert.equal(log(of, 21), [buy('new')]);
  assertBroken(() => of.decided(at(21), [FILLED]), /21 is decided, but 10 is the oldest/);
  const again = desk({ orders: 3, pending: [pendingBatch(1, [buy('a'), buy('a'), buy('b')], [1])] });
  again.submit(buy('b'), { link: 1, id: 2 });
  assert.equal(again.decided(at(10), [FILLED, NONE, FILLED]), [{ link: 1, result: [2, 'filled', 5, 500] }]);
});

test('what any client may have been told is of a batch that was inherited or decided here', () => {
  assert.is(desk().toldIndex, 0);
  const of = desk({ pending: [pendingBatch(1, [buy('a')]), pendingBatch(2, [buy('b')])] });
  assert.is(of.toldIndex, 20);
  of.submit(buy('c'), { link: 1, id: 1 });
  log(of, 30);
  of.decided(at(10), [FILLED]);
  assert.is(of.toldIndex, 20, 'the second may have been told by an earlier leader');
  of.decided(at(20), [FILLED]);
  assert.is(of.toldIndex, 20, 'the third was told to nobody');
  of.decided(at(30), [FILLED]);
  assert.is(of.toldIndex, 30);
});

test('what the log refused is tried again in its order, its settlements too', () => {
  const of = desk();
  for (const key of ['a', 'b']) of.submit(buy(key), { link: 1, id: 1 });
  log(of, 1);
  of.submit(buy('c'), { link: 1, id: 2 });
  of.decided(at(1), [FILLED, FILLED]);
  const batch = of.takeBatch();
  assert.ok(batch);
  of.submit(buy('d'), { link: 1, id: 3 });
  of.notLogged(batch.commands, batch.settlements);
  assert.is(of.unsettled, 1);
  assert.equal(of.takeBatch(), { commands: [buy('c'), buy('d')], settlements: batch.settlements });
});

test('commands wait at the desk while too many are undecided; settlements do not', () => {
  const of = desk({ limits: { openMax: 10, undecidedMax: 2 } });
  for (const key of ['a', 'b', 'c']) of.submit(buy(key), { link: 1, id: 1 });
  assert.equal(log(of, 1), [buy('a'), buy('b')]);
  assert.is(of.takeBatch(), null);
  of.decided(at(1), [FILLED, FILLED]);
  assert.is(of.takeBatch()?.settlements.length, 1);
  assert.is(of.takeBatch(), null);
  const refused = desk({ limits: { openMax: 10, undecidedMax: 1 } });
  refused.submit(buy('a'), { link: 1, id: 1 });
  refused.notLogged(refused.takeBatch()?.commands ?? [], []);
  assert.is(refused.takeBatch()?.commands.length, 1, 'a refusal gives its room back');
});

test('more commands than a batch may have are several batches', () => {
  const of = desk();
  for (let i = 0; i < BATCH_COMMANDS_MAX + 1; i += 1) of.submit(buy(`k${i}`), { link: 1, id: i });
  assert.is(of.takeBatch()?.commands.length, BATCH_COMMANDS_MAX);
  assert.is(of.takeBatch()?.commands.length, 1);
});

test('at the bound new commands are refused as busy, and who would join one is told that it is lost from sight', () => {
  const of = desk({ limits: { openMax: 2, undecidedMax: 9 } });
  of.submit(buy('a'), { link: 1, id: 1 });
  of.submit(buy('a'), { link: 1, id: 2 });
  assert.equal(of.submit(buy('b'), { link: 1, id: 3 })?.result, [3, 'refused', 'busy']);
  assert.equal(of.submit(buy('a'), { link: 1, id: 4 })?.result, [4, 'lost']);
  log(of, 10);
  of.decided(at(10), [FILLED]);
  assert.is(of.submit(buy('b'), { link: 1, id: 5 }), null, 'answered waiters make room');
  assert.equal(of.submit(buy('c'), { link: 1, id: 6 })?.result, [6, 'refused', 'busy']);
  of.settled(pendingBatch(1, [buy('a')]));
  assert.is(of.submit(buy('c'), { link: 1, id: 7 }), null, 'settled commands make room');
});

test('nobody waits on a link that is closed, and its waiters make room', () => {
  const of = desk({ limits: { openMax: 2, undecidedMax: 9 } });
  of.submit(buy('a'), { link: 1, id: 1 });
  of.submit(buy('a'), { link: 2, id: 2 });
  of.forget(1);
  assert.is(of.submit(buy('b'), { link: 2, id: 3 }), null);
  log(of, 1);
  const results = of.decided(at(1), [FILLED, FILLED]);
  assert.equal(
    results.map(({ link, result }) => [link, result[0]]),
    [
      [2, 2],
      [2, 3],
    ],
  );
});

test('at its end everyone who waits gets an answer: refused if it was never logged, lost if it was', () => {
  const of = desk({ pending: [pendingBatch(1, [buy('old')])] });
  of.submit(buy('old'), { link: 1, id: 1 });
  of.submit(buy('logged'), { link: 1, id: 2 });
  log(of, 11);
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

test('a command that is decided without having been taken in breaks the rules', () => {
  const of = desk({ pending: [pendingBatch(1, [buy('a')])] });
  of.settled(pendingBatch(1, [buy('a')]));
  assertBroken(() => of.decided(at(10), [FILLED]), /of 10 at 0 is not open/);
  assert.throws(
    () =>
      desk({ known: { n: { command: buy('n'), outcome: NONE, number: 0 } } }).submit(buy('n'), {
        link: 1,
        id: 1,
      }),
    /no verdict/,
  );
});

test('an order is read from the desk once it is decided, one of an earlier leader as well, until the book has it', () => {
  const pending = pendingBatch(1, [buy('a', 3)]);
  const of = new Desk(4, [pending], () => null);
  assert.is(of.order(5), null);
  of.decided(at(10), [FILLED]);
  of.submit(buy('b', 7), { link: 1, id: 1 });
  of.logged(20, of.takeBatch()?.commands ?? []);
  of.decided(at(20), [FILLED]);
  assert.equal([of.order(5)?.quantity, of.order(6)?.quantity, of.order(7)], [3, 7, null]);
  assert.is(of.order(6)?.time, 20_000);
  of.settled(pending);
  assert.equal([of.order(5), of.order(6)?.quantity], [null, 7]);
});

test.run();
