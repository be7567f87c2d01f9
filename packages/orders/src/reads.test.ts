import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FromReplica, GetItem, GetResult, Order } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { BookMachine } from './machine.js';
import type { LeaderSession } from './leader-session.js';
import { BookReads } from './reads.js';
import { numberKey } from './records.js';
import { Book } from './rules/book.js';
import { ScanPacer } from './scan-pacer.js';
import type { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';
import { ENTRIES, fill, open } from './testing/stores.js';

function failing(error: unknown): never {
  throw error;
}

const EVENTS = { applied: () => undefined, stored: () => undefined, failed: failing };

/** A link that keeps what it is given. */
function keepingLink(sent: FromReplica[]): Link {
  const link = {
    id: 1,
    peer: 'frontend',
    send: (frame: FromReplica) => sent.push(frame),
    close: () => undefined,
  };
  return link as unknown as Link;
}

interface ReadsBench {
  readonly store: BookStore;
  readonly reads: BookReads;
  readonly get: (...items: readonly GetItem[]) => void;
  /** What came of each frame that was answered with. */
  readonly answers: () => readonly (readonly GetResult[])[];
}

interface Options {
  readonly session?: LeaderSession;
  /** How many orders the book says that it has; there are four. */
  readonly orders?: number;
  /** How many of them the log calls visible. */
  readonly visibleOrders?: number;
}

/** A replica that leads, and knows of so many visible orders. */
function leading(visibleOrders: number, told: Order | null = null): LeaderSession {
  return {
    visibleOrders,
    order: (number: number) => (number === told?.number ? told : null),
    whenComplete: (_: number, done: (isComplete: boolean) => void) => done(true),
  } as unknown as LeaderSession;
}

async function withReads(
  { session, orders = 4, visibleOrders = 2 }: Options,
  use: (bench: ReadsBench) => Promise<void> | void,
): Promise<void> {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta, stocks } = await open(path);
    assert.equal([meta.orders, meta.visibleOrders], [4, 2]);
    const book = new Book(store, { ...meta, orders, visibleOrders }, stocks);
    const machine = new BookMachine(book, store, EVENTS);
    const sent: FromReplica[] = [];
    const reads = new BookReads({
      ...{ machine: () => machine, session: () => session ?? null },
      ...{ pacer: new ScanPacer(), fatal: failing },
    });
    await use({
      ...{ store, reads },
      get: (...items) => reads.get(keepingLink(sent), items),
      answers: () => sent.map((frame) => (frame.t === 'got' ? frame.items : [])),
    });
    await store.close();
  });
}

/** What came of each id, by id. */
const kindsOf = (answers: readonly (readonly GetResult[])[]): readonly unknown[] =>
  answers
    .flat()
    .map(([id, what]) => [id, what])
    .sort(([a], [b]) => Number(a) - Number(b));

test('a replica shows orders that the log calls visible; any other needs the leader', async () => {
  await withReads({}, ({ get, answers }) => {
    get([1, 2, true], [2, 3, true], [3, 3, false], [4, 0, false], [5, 5, true]);
    assert.equal(kindsOf(answers()), [
      [1, 'order'],
      [2, 'refused'],
      [3, 'missing'],
      [4, 'missing'],
      [5, 'refused'],
    ]);
  });
});

test('a leader shows what it knows to be visible, more than the log says, and not all that is stored', async () => {
  await withReads({ session: leading(3) }, ({ get, answers }) => {
    get([1, 3, true], [2, 4, true], [3, 4, false]);
    assert.equal(kindsOf(answers()), [
      [1, 'order'],
      [2, 'missing'],
      [3, 'missing'],
    ]);
  });
});

test('an order that is visible here and is not in the book yet is answered without the majority', async () => {
  const told: Order = { number: 5, name: 'A', type: 'buy', quantity: 1, price: 500, time: 7 };
  await withReads({ session: leading(5, told) }, ({ get, answers }) => {
    get([1, 2, true], [2, 5, false], [3, 5, true], [4, 6, true]);
    const [first, second] = answers();
    assert.equal(first?.slice(1), [
      [2, 'order', [5, 'A', 'buy', 1, 500, 7]],
      [3, 'order', [5, 'A', 'buy', 1, 500, 7]],
    ]);
    assert.equal(second, [[4, 'missing']]);
  });
});

test('an order that the book has given out and cannot read is damage, never 404', async () => {
  await withReads({ orders: 5, visibleOrders: 5 }, async ({ store, get, answers }) => {
    await store.put([[numberKey('page', 1), Buffer.alloc(20)]]);
    // The book says that there are five; their page is damaged.
    for (const number of [1, 5]) {
      assert.throws(
        () => get([1, number, true]),
        (error: unknown) => error instanceof RaftError && error.code === 'LOG_DAMAGED',
      );
    }
    assert.equal(answers(), []);
  });
});

test('the export ends with the last order that may be shown', async () => {
  const numbers = async (reads: BookReads): Promise<readonly string[]> => {
    let text = '';
    for await (const chunk of reads.csv()) text += chunk;
    return text.split('\n').map((row) => row.split(',')[0] ?? '');
  };
  await withReads({}, async ({ reads }) => assert.equal(await numbers(reads), ['number', '1', '2', '']));
  await withReads({ session: leading(3) }, async ({ reads }) =>
    assert.equal(await numbers(reads), ['number', '1', '2', '3', '']),
  );
});

test.run();
