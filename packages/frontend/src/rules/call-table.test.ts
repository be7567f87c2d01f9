import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { test } from 'uvu';
import { CallTable, type NoAnswer, type Waiter } from './call-table.js';

interface Answer {
  readonly text: string;
}
type End = Answer | NoAnswer;

function table(join = false): CallTable<string, Answer> {
  return new CallTable(join ? { joinTextOf: (question) => question } : {});
}

/** Asks, and collects how it ended. */
function ask(
  asks: CallTable<string, Answer>,
  question: string,
): { ends: End[]; waiter: Waiter<string, Answer> } {
  const ends: End[] = [];
  return { ends, waiter: asks.ask(question, (end) => ends.push(end)) };
}

test('a question is queued, sent and answered once', () => {
  const asks = table();
  const { ends } = ask(asks, 'a');
  assert.equal([asks.queuedCount, asks.sentCount], [1, 0]);
  const [first] = asks.peek(10);
  assert.is(first?.question, 'a');
  assert.is(asks.queuedCount, 1, 'a peek takes nothing');
  asks.markSent(asks.peek(10), 7);
  assert.equal([asks.queuedCount, asks.sentCount], [0, 1]);
  asks.answer(7, first?.id ?? 0, { text: 'b' });
  asks.answer(7, first?.id ?? 0, { text: 'again' });
  assert.equal(ends, [{ text: 'b' }]);
  assert.equal([asks.queuedCount, asks.sentCount], [0, 0]);
});

test('a frame takes the oldest questions up to its bound', () => {
  const asks = table();
  for (const question of ['a', 'b', 'c']) ask(asks, question);
  assert.equal(
    asks.peek(2).map(({ question }) => question),
    ['a', 'b'],
  );
});

test('an answer on another link than the question went by is ignored', () => {
  const asks = table();
  const { ends, waiter } = ask(asks, 'a');
  asks.markSent(asks.peek(1), 7);
  asks.answer(8, waiter.ask.id, { text: 'b' });
  asks.answer(7, waiter.ask.id + 1, { text: 'b' });
  assert.equal(ends, []);
});

test('giving up tells whether the question ever left, and a late answer is ignored', () => {
  const asks = table();
  const queued = ask(asks, 'a');
  asks.giveUp(queued.waiter);
  assert.equal(queued.ends, ['unsent']);
  const sent = ask(asks, 'b');
  asks.markSent(asks.peek(1), 7);
  asks.giveUp(sent.waiter);
  asks.giveUp(sent.waiter);
  asks.answer(7, sent.waiter.ask.id, { text: 'late' });
  assert.equal(sent.ends, ['unanswered']);
  assert.equal([asks.queuedCount, asks.sentCount], [0, 0]);
});

test('a closed link leaves its questions unanswered and no others', () => {
  const asks = table();
  const one = ask(asks, 'a');
  asks.markSent(asks.peek(1), 7);
  const two = ask(asks, 'b');
  asks.markSent(asks.peek(1), 8);
  const three = ask(asks, 'c');
  asks.abandon(7);
  assert.equal([one.ends, two.ends, three.ends], [['unanswered'], [], []]);
  asks.abandonOthers(8);
  assert.equal([two.ends, three.ends], [[], []]);
  asks.abandonOthers(9);
  assert.equal([two.ends, three.ends], [['unanswered'], []]);
});

test('those who wait can be told something else, and those whose question is queued that it never left', () => {
  const asks = table(true);
  const one = ask(asks, 'a');
  asks.markSent(asks.peek(1), 7);
  const two = ask(asks, 'b');
  asks.abandon(7, { text: 'instead' });
  asks.dropQueued();
  assert.equal([one.ends, two.ends], [[{ text: 'instead' }], ['unsent']]);
  ask(asks, 'b');
  assert.is(asks.peek(1)[0]?.waiters.length, 1, 'nobody joins what was dropped');
});

test('equal questions join while they are queued and never after', () => {
  const asks = table(true);
  const one = ask(asks, 'a');
  const two = ask(asks, 'a');
  assert.is(asks.queuedCount, 1);
  const { id } = one.waiter.ask;
  asks.markSent(asks.peek(1), 7);
  const three = ask(asks, 'a');
  assert.is(asks.queuedCount, 1, 'what comes after it was sent is a question of its own');
  asks.answer(7, id, { text: 'old' });
  assert.equal([one.ends, two.ends, three.ends], [[{ text: 'old' }], [{ text: 'old' }], []]);
});

test('one of those who joined gives up alone; with the last the question goes', () => {
  const asks = table(true);
  const one = ask(asks, 'a');
  const two = ask(asks, 'a');
  asks.giveUp(one.waiter);
  assert.is(asks.queuedCount, 1);
  asks.giveUp(two.waiter);
  assert.is(asks.queuedCount, 0);
  const three = ask(asks, 'a');
  assert.is(asks.peek(1)[0]?.waiters.length, 1);
  asks.markSent(asks.peek(1), 7);
  asks.giveUp(three.waiter);
  assert.equal([one.ends, two.ends, three.ends], [['unsent'], ['unsent'], ['unanswered']]);
});

test('of those who gave up a question keeps few, however many came and went while one always waited', () => {
  const asks = table(true);
  let { waiter } = ask(asks, 'a');
  for (let i = 0; i < 1000; i += 1) {
    const next = ask(asks, 'a');
    asks.giveUp(waiter);
    assert.is(next.waiter.ask, waiter.ask);
    waiter = next.waiter;
    assert.ok(waiter.ask.waiters.length <= 20, `${waiter.ask.waiters.length} waiters`);
  }
  assert.is(waiter.ask.waiters.length, 1);
});

test('each who waits is told once, whatever being told leads to', () => {
  const asks = table(true);
  const told: string[] = [];
  const first = asks.ask('a', (end) => {
    told.push(`first ${typeof end}`);
    asks.giveUp(first);
    asks.giveUp(second);
  });
  const second = asks.ask('a', (end) => told.push(`second ${typeof end === 'string' ? end : 'answered'}`));
  const third = asks.ask('a', (end) => told.push(`third ${typeof end}`));
  asks.markSent(asks.peek(1), 7);
  asks.answer(7, third.ask.id, { text: 'b' });
  asks.giveUp(third);
  assert.equal(told, ['first object', 'second unanswered', 'third object']);
});

test('ids can be drawn from a source of others', () => {
  const asks = new CallTable<string, Answer>({ nextId: () => 42 });
  ask(asks, 'a');
  assert.is(asks.peek(1)[0]?.id, 42);
});

test('property: every question ends at most once, and nothing is left when all have', () => {
  const step = fc.record({
    kind: fc.constantFrom('ask', 'send', 'answer', 'abandon', 'giveUp'),
    pick: fc.nat(20),
    link: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (join, steps) => {
      const asks = table(join);
      const asked: ReturnType<typeof ask>[] = [];
      for (const { kind, pick, link } of steps) {
        if (kind === 'ask') asked.push(ask(asks, `q${pick % 3}`));
        else if (kind === 'send') asks.markSent(asks.peek(2), link);
        else if (kind === 'answer') asks.answer(link, pick, { text: 'x' });
        else if (kind === 'abandon') asks.abandon(link);
        else {
          const one = asked[pick % Math.max(1, asked.length)];
          if (one !== undefined && one.ends.length === 0) asks.giveUp(one.waiter);
        }
      }
      for (const one of asked) if (one.ends.length === 0) asks.giveUp(one.waiter);
      assert.ok(asked.every(({ ends }) => ends.length === 1));
      assert.equal([asks.queuedCount, asks.sentCount], [0, 0]);
    }),
  );
});

test.run();
