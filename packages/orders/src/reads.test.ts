import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FromReplica, Order } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { BookMachine } from './machine.js';
import type { Office } from './office.js';
import { BookReads } from './reads.js';
import { numberKey } from './records.js';
import { Book } from './rules/book.js';
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

test('an order that is in the book is answered, one that is not yet needs the leader', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta, pending } = await open(path);
    const machine = new BookMachine(new Book(store, meta, pending), store, EVENTS);
    const sent: FromReplica[] = [];
    const reads = new BookReads({ machine: () => machine, office: () => null, fatal: failing });
    reads.get(keepingLink(sent), [
      [1, 2, true],
      [2, 3, true],
      [3, 3, false],
      [4, 0, false],
    ]);
    const items = sent.flatMap((frame) => (frame.t === 'got' ? frame.items : []));
    assert.equal(
      items.map(([id, what]) => [id, what]).sort(([a], [b]) => Number(a) - Number(b)),
      [
        [1, 'order'],
        [2, 'refused'],
        [3, 'missing'],
        [4, 'missing'],
      ],
    );
    await store.close();
  });
});

test('an order that was told here and is not in the book yet is answered without the majority', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta, pending } = await open(path);
    const machine = new BookMachine(new Book(store, meta, pending), store, EVENTS);
    const told: Order = { number: 3, name: 'A', type: 'buy', quantity: 1, price: 500, time: 7 };
    const asked: number[] = [];
    const office = {
      order: (number: number) => (asked.push(number), number === 3 ? told : null),
      whenComplete: (_: number, done: (isComplete: boolean) => void) => done(true),
    } as unknown as Office;
    const sent: FromReplica[] = [];
    const reads = new BookReads({ machine: () => machine, office: () => office, fatal: failing });
    reads.get(keepingLink(sent), [
      [1, 2, true],
      [2, 3, false],
      [3, 3, true],
      [4, 4, true],
    ]);
    const [first, second] = sent.flatMap((frame) => (frame.t === 'got' ? [frame.items] : []));
    assert.equal(first?.slice(1), [
      [2, 'order', [3, 'A', 'buy', 1, 500, 7]],
      [3, 'order', [3, 'A', 'buy', 1, 500, 7]],
    ]);
    assert.equal(second, [[4, 'missing']]);
    assert.not.ok(asked.includes(2), 'what the book has is read there');
    await store.close();
  });
});

test('an order that the book has given out and cannot read is damage, never 404', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta, pending } = await open(path);
    await store.put([[numberKey('page', 1), Buffer.alloc(20)]]);
    // The book says that there are three, the store has two.
    const machine = new BookMachine(new Book(store, { ...meta, orders: 3 }, pending), store, EVENTS);
    const sent: FromReplica[] = [];
    const reads = new BookReads({ machine: () => machine, office: () => null, fatal: failing });
    for (const number of [1, 3]) {
      assert.throws(
        () => reads.get(keepingLink(sent), [[1, number, true]]),
        (error: unknown) => error instanceof RaftError && error.code === 'LOG_DAMAGED',
      );
    }
    assert.equal(sent, []);
    await store.close();
  });
});

test.run();
