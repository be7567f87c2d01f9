import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { test } from 'uvu';
import { CallTable, type CallFailure, type CallWaiter } from './call-table.js';

interface Answer {
  readonly text: string;
}
type End = Answer | CallFailure;

function newTable(join = false): CallTable<string, Answer> {
  return new CallTable(join ? { dedupeKeyOf: (question) => question } : {});
}

/** Queues a request and collects its results. */
function ask(
  table: CallTable<string, Answer>,
  question: string,
): { ends: End[]; waiter: CallWaiter<string, Answer> } {
  const ends: End[] = [];
  return { ends, waiter: table.add(question, (end) => ends.push(end)) };
}

test('call queues a request that is sent and answered once', () => {
  const table = newTable();
  const { ends } = ask(table, 'a');
  assert.equal([table.queuedCount, table.sentCount], [1, 0]);
  const [first] = table.peek(10);
  assert.is(first?.request, 'a');
  assert.is(table.queuedCount, 1, 'peek removes nothing');
  table.markSent(table.peek(10), 7);
  assert.equal([table.queuedCount, table.sentCount], [0, 1]);
  table.onAnswer(7, first?.id ?? 0, { text: 'b' });
  table.onAnswer(7, first?.id ?? 0, { text: 'again' });
  assert.equal(ends, [{ text: 'b' }]);
  assert.equal([table.queuedCount, table.sentCount], [0, 0]);
});

test('peek returns the oldest requests up to the bound', () => {
  const table = newTable();
  for (const question of ['a', 'b', 'c']) ask(table, question);
  assert.equal(
    table.peek(2).map(({ request }) => request),
    ['a', 'b'],
  );
});

test('onAnswer ignores an answer on another link or with an unknown id', () => {
  const table = newTable();
  const { ends, waiter } = ask(table, 'a');
  table.markSent(table.peek(1), 7);
  table.onAnswer(8, waiter.call.id, { text: 'b' });
  table.onAnswer(7, waiter.call.id + 1, { text: 'b' });
  assert.equal(ends, []);
});

test('expire reports whether the request was sent, and a late answer is ignored', () => {
  const table = newTable();
  const queued = ask(table, 'a');
  table.expire(queued.waiter);
  assert.equal(queued.ends, ['unsent']);
  const sent = ask(table, 'b');
  table.markSent(table.peek(1), 7);
  table.expire(sent.waiter);
  table.expire(sent.waiter);
  table.onAnswer(7, sent.waiter.call.id, { text: 'late' });
  assert.equal(sent.ends, ['unanswered']);
  assert.equal([table.queuedCount, table.sentCount], [0, 0]);
});

test('failSent ends the requests of its link as unanswered, and no others', () => {
  const table = newTable();
  const one = ask(table, 'a');
  table.markSent(table.peek(1), 7);
  const two = ask(table, 'b');
  table.markSent(table.peek(1), 8);
  const three = ask(table, 'c');
  table.failSent(7);
  assert.equal([one.ends, two.ends, three.ends], [['unanswered'], [], []]);
  table.failSentOnOthers(8);
  assert.equal([two.ends, three.ends], [[], []]);
  table.failSentOnOthers(9);
  assert.equal([two.ends, three.ends], [['unanswered'], []]);
});

test('failSent can pass another result, and dropQueued ends queued requests as unsent', () => {
  const table = newTable(true);
  const one = ask(table, 'a');
  table.markSent(table.peek(1), 7);
  const two = ask(table, 'b');
  table.failSent(7, { text: 'instead' });
  table.failQueued();
  assert.equal([one.ends, two.ends], [[{ text: 'instead' }], ['unsent']]);
  ask(table, 'b');
  assert.is(table.peek(1)[0]?.waiters.length, 1, 'a dropped request cannot be joined');
});

test('call joins equal requests while they are queued, but not after one was sent', () => {
  const table = newTable(true);
  const one = ask(table, 'a');
  const two = ask(table, 'a');
  assert.is(table.queuedCount, 1);
  const { id } = one.waiter.call;
  table.markSent(table.peek(1), 7);
  const three = ask(table, 'a');
  assert.is(table.queuedCount, 1, 'a request after it was sent is separate');
  table.onAnswer(7, id, { text: 'old' });
  assert.equal([one.ends, two.ends, three.ends], [[{ text: 'old' }], [{ text: 'old' }], []]);
});

test('expire ends one joined caller, and the last one removes the request', () => {
  const table = newTable(true);
  const one = ask(table, 'a');
  const two = ask(table, 'a');
  table.expire(one.waiter);
  assert.is(table.queuedCount, 1);
  table.expire(two.waiter);
  assert.is(table.queuedCount, 0);
  const three = ask(table, 'a');
  assert.is(table.peek(1)[0]?.waiters.length, 1);
  table.markSent(table.peek(1), 7);
  table.expire(three.waiter);
  assert.equal([one.ends, two.ends, three.ends], [['unsent'], ['unsent'], ['unanswered']]);
});

test('expire does not accumulate callers while another one always waits', () => {
  const table = newTable(true);
  let { waiter } = ask(table, 'a');
  for (let i = 0; i < 1000; i += 1) {
    const next = ask(table, 'a');
    table.expire(waiter);
    assert.is(next.waiter.call, waiter.call);
    waiter = next.waiter;
    assert.ok(waiter.call.waiters.length <= 20, `${waiter.call.waiters.length} waiters`);
  }
  assert.is(waiter.call.waiters.length, 1);
});

test('onAnswer calls each caller once, even if a callback gives up others', () => {
  const table = newTable(true);
  const results: string[] = [];
  const first = table.add('a', (end) => {
    results.push(`first ${typeof end}`);
    table.expire(first);
    table.expire(second);
  });
  const second = table.add('a', (end) =>
    results.push(`second ${typeof end === 'string' ? end : 'answered'}`),
  );
  const third = table.add('a', (end) => results.push(`third ${typeof end}`));
  table.markSent(table.peek(1), 7);
  table.onAnswer(7, third.call.id, { text: 'b' });
  table.expire(third);
  assert.equal(results, ['first object', 'second unanswered', 'third object']);
});

test('call takes ids from nextId', () => {
  const table = new CallTable<string, Answer>({ nextId: () => 42 });
  ask(table, 'a');
  assert.is(table.peek(1)[0]?.id, 42);
});

test('property: every request ends exactly once, and the table is empty afterwards', () => {
  const step = fc.record({
    kind: fc.constantFrom('ask', 'send', 'answer', 'abandon', 'giveUp'),
    pick: fc.nat(20),
    link: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (join, steps) => {
      const table = newTable(join);
      const asked: ReturnType<typeof ask>[] = [];
      for (const { kind, pick, link } of steps) {
        if (kind === 'ask') asked.push(ask(table, `q${pick % 3}`));
        else if (kind === 'send') table.markSent(table.peek(2), link);
        else if (kind === 'answer') table.onAnswer(link, pick, { text: 'x' });
        else if (kind === 'abandon') table.failSent(link);
        else {
          const one = asked[pick % Math.max(1, asked.length)];
          if (one !== undefined && one.ends.length === 0) table.expire(one.waiter);
        }
      }
      for (const one of asked) if (one.ends.length === 0) table.expire(one.waiter);
      assert.ok(asked.every(({ ends }) => ends.length === 1));
      assert.equal([table.queuedCount, table.sentCount], [0, 0]);
    }),
  );
});

test.run();
