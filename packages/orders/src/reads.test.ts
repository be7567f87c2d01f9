import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FromReplica, GetItem, GetResult, Order } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { BookMachine } from './machine.js';
import type { Office } from './office.js';
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

const EVENTS = { committed: () => undefined, stored: () => undefined, failed: failing };

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
  readonly get: (...items: readonly GetItem[]) => void;
  /** What came of each frame that was answered with. */
  readonly answers: () => readonly (readonly GetResult[])[];
}

/** Uses the reads of a book of two orders, which says that it has `orders` of them. */
async function withReads(
  { office = null, orders = 2 }: { readonly office?: Office | null; readonly orders?: number },
  use: (bench: ReadsBench) => Promise<void> | void,
): Promise<void> {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta, pending } = await open(path);
    assert.is(meta.orders, 2);
    const machine = new BookMachine(new Book(store, { ...meta, orders }, pending), store, EVENTS);
    const sent: FromReplica[] = [];
    const reads = new BookReads({
      ...{ machine: () => machine, office: () => office },
      ...{ pacer: new ScanPacer(), fatal: failing },
    });
    await use({
      store,
      get: (...items) => reads.get(keepingLink(sent), items),
      answers: () => sent.map((frame) => (frame.t === 'got' ? frame.items : [])),
    });
    await store.close();
  });
}

test('an order that is in the book is answered, one that is not yet needs the leader', async () => {
  await withReads({}, ({ get, answers }) => {
    get([1, 2, true], [2, 3, true], [3, 3, false], [4, 0, false]);
    const items = answers().flat();
    assert.equal(
      items.map(([id, what]) => [id, what]).sort(([a], [b]) => Number(a) - Number(b)),
      [
        [1, 'order'],
        [2, 'refused'],
        [3, 'missing'],
        [4, 'missing'],
      ],
    );
  });
});

test('an order that was told here and is not in the book yet is answered without the majority', async () => {
  const told: Order = { number: 3, name: 'A', type: 'buy', quantity: 1, price: 500, time: 7 };
  const asked: number[] = [];
  const office = {
    order: (number: number) => (asked.push(number), number === 3 ? told : null),
    whenComplete: (_: number, done: (isComplete: boolean) => void) => done(true),
  } as unknown as Office;
  await withReads({ office }, ({ get, answers }) => {
    get([1, 2, true], [2, 3, false], [3, 3, true], [4, 4, true]);
    const [first, second] = answers();
    assert.equal(first?.slice(1), [
      [2, 'order', [3, 'A', 'buy', 1, 500, 7]],
      [3, 'order', [3, 'A', 'buy', 1, 500, 7]],
    ]);
    assert.equal(second, [[4, 'missing']]);
    assert.not.ok(asked.includes(2), 'what the book has is read there');
  });
});

test('an order that the book has given out and cannot read is damage, never 404', async () => {
  await withReads({ orders: 3 }, async ({ store, get, answers }) => {
    await store.put([[numberKey('page', 1), Buffer.alloc(20)]]);
    // The book says that there are three; their page is damaged.
    for (const number of [1, 3]) {
      assert.throws(
        () => get([1, number, true]),
        (error: unknown) => error instanceof RaftError && error.code === 'LOG_DAMAGED',
      );
    }
    assert.equal(answers(), []);
  });
});

test.run();
