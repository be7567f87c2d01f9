/** The book's machine on a real store: rules at once, the store behind them, many applies in one write. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvariantError } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { BookMachine } from './machine.js';
import type { Book } from './rules/book.js';
import type { BookWrite } from './rules/state.js';
import { buy, entry, seeding } from './rules/testing/batches.js';
import type { BookStore } from './store.js';
import { logged } from './testing/books.js';
import { withFolder } from './testing/folders.js';
import { until } from './testing/rig.js';
import { bookOf, open } from './testing/stores.js';

class Bench {
  readonly store: BookStore;
  readonly machine: BookMachine;
  readonly applied: (readonly number[])[] = [];
  readonly stored: number[] = [];
  readonly failures: unknown[] = [];
  /** Records of each write, in its order. */
  readonly writes: (readonly BookWrite[])[] = [];
  /** Ends the write that is held up; writes are once `hold` was called. */
  release: (() => void) | null = null;
  #isHeld = false;

  constructor(store: BookStore, book: Book) {
    this.store = store;
    const write = store.write.bind(store);
    store.write = async (writes) => {
      this.writes.push(writes);
      if (this.#isHeld) await new Promise<void>((resolve) => (this.release = resolve));
      await write(writes);
    };
    this.machine = new BookMachine(book, store, {
      applied: (applied, decided) => this.applied.push([applied, ...decided.map(({ index }) => index)]),
      stored: (applied) => this.stored.push(applied),
      failed: (error) => this.failures.push(error),
    });
  }

  hold(): void {
    this.#isHeld = true;
  }

  letGo(): void {
    this.#isHeld = false;
    this.release?.();
  }
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    const opened = await open(path);
    const bench = new Bench(opened.store, bookOf(opened));
    try {
      await run(bench);
    } finally {
      bench.letGo();
      await bench.machine.close();
    }
  });
}

test('what is applied is told at once, and stored a little later, all of it in one write', async () => {
  await withBench(async ({ machine, applied, stored, writes, store }) => {
    await machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    await machine.apply(logged([entry(3, [buy('b')]), entry(4, []), entry(5, [buy('a')])]));
    assert.equal(applied, [
      [2, 2],
      [5, 3],
    ]);
    assert.equal([stored, writes.length, machine.applied, machine.isStored], [[], 0, 0, false]);
    assert.is(machine.book.meta.applied, 5);
    await until(() => machine.isStored, 'the write');
    assert.equal(stored, [5]);
    assert.is(writes.length, 1);
    assert.is(writes[0]?.filter(({ table }) => table === 'meta' || table === 'stock').length, 2);
    assert.equal([machine.applied, machine.stored.orders, store.order(2)?.name], [5, 2, 'A']);
  });
});

test('a key that is on its way to the store, or waits to be, is known', async () => {
  await withBench(async (bench) => {
    const { machine } = bench;
    bench.hold();
    await machine.apply(logged([seeding(1), entry(2, [buy('leaving')])]));
    machine.hurry();
    await until(() => bench.release !== null, 'a write under way');
    await machine.apply(logged([entry(3, [buy('gathered')])]));
    await machine.apply(logged([entry(4, [buy('leaving'), buy('gathered'), buy('new')])]));
    assert.equal(bench.stored, []);
    bench.letGo();
    await machine.flush();
    assert.equal(bench.stored, [2, 4]);
    assert.equal(
      [1, 2, 3].map((seq) => bench.store.batch(seq)?.skip),
      [[], [], [0, 1]],
    );
    assert.equal([machine.stored.keys, machine.stored.orders], [3, 3]);
  });
});

test('flush is over when all that was applied before it is stored, whoever began to write it', async () => {
  await withBench(async (bench) => {
    const { machine } = bench;
    bench.hold();
    await machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    const first = machine.flush();
    await until(() => bench.release !== null, 'a write under way');
    await machine.apply(logged([entry(3, [buy('b')])]));
    const second = machine.flush();
    bench.letGo();
    await first;
    assert.is(machine.applied, 2);
    await second;
    assert.is(machine.applied, 3);
    await machine.flush();
    assert.is(bench.writes.length, 2);
  });
});

test('too much that is not stored makes the next apply wait for the store', async () => {
  await withBench(async (bench) => {
    const { machine } = bench;
    bench.hold();
    let applied = 0;
    const applying = (async () => {
      await machine.apply(logged([seeding(1)]));
      for (let index = 2; index <= 31; index += 1) {
        const keys = Array.from({ length: 1000 }, (_, i) => buy(`${index}-${i}`));
        await machine.apply(logged([entry(index, keys)]));
        applied = index;
      }
    })();
    await until(() => bench.release !== null, 'a write under way');
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.ok(applied > 0 && applied < 31, 'an apply waits');
    bench.letGo();
    await applying;
    await machine.flush();
    assert.is(machine.stored.keys, 30_000);
  });
});

test('a store that fails is told once; nothing is applied, written or said to be stored any more', async () => {
  await withBench(async ({ machine, store, stored, failures }) => {
    let writes = 0;
    store.write = async () => {
      writes += 1;
      return Promise.reject(new RaftError('STORAGE_FAILED', 'no disk'));
    };
    await machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    await until(() => failures.length === 1, 'the failure');
    const isIt = (error: unknown): boolean => error === failures[0];
    await rejects(machine.apply(logged([entry(3, [buy('b')])])), isIt);
    await rejects(machine.flush(), isIt);
    machine.hurry();
    await machine.close();
    assert.equal([writes, stored, failures.length, machine.applied], [1, [], 1, 0]);
  });
});

test('a rule that breaks where someone is told what is stored is a failure, though nobody waited for the write', async () => {
  await withFolder(async (path) => {
    const opened = await open(path);
    const broken = new InvariantError('stored out of turn');
    const failures: unknown[] = [];
    const machine = new BookMachine(bookOf(opened), opened.store, {
      applied: () => undefined,
      stored: () => {
        throw broken;
      },
      failed: (error) => failures.push(error),
    });
    await machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    await until(() => failures.length > 0, 'the failure');
    assert.equal([failures.length, failures[0] === broken], [1, true]);
    await rejects(machine.apply(logged([entry(3, [buy('b')])])), (error) => error === broken);
    await machine.close();
  });
});

test('an apply that a rule stopped half way is never stored, nor what gathered with it', async () => {
  await withFolder(async (path) => {
    const opened = await open(path);
    const { machine, failures, writes } = new Bench(opened.store, bookOf(opened));
    await machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    await rejects(
      machine.apply(logged([entry(3, [buy('b')]), entry(4, [buy('c')], { visibleOrders: 7 })])),
      (error) => error instanceof InvariantError,
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    await machine.close();
    assert.equal([writes.length, failures.length], [0, 0], 'who applies is told by the rejection');
    const again = await open(path);
    assert.is(again.meta.applied, 0);
    await again.store.close();
  });
});

test('a filled order counts as pending until it is stored and the log calls it visible', async () => {
  await withBench(async ({ machine }) => {
    await machine.apply(logged([seeding(1), entry(2, [buy('a'), buy('b')])]));
    assert.is(machine.pending, 2);
    await machine.flush();
    assert.is(machine.pending, 2, 'stored, and visible nowhere that is known here');
    await machine.apply(logged([entry(3, [], { visibleOrders: 2 })]));
    assert.is(machine.pending, 2, 'that is not stored yet');
    await machine.flush();
    assert.is(machine.pending, 0);
  });
});

test('who closes writes what is left, and the next life finds it', async () => {
  await withFolder(async (path) => {
    const opened = await open(path);
    const bench = new Bench(opened.store, bookOf(opened));
    await bench.machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    await bench.machine.close();
    const again = await open(path);
    assert.equal([again.meta.applied, again.meta.orders], [2, 1]);
    await again.store.close();
  });
});

test('a book that is not written cannot be given up for another', async () => {
  await withBench(async ({ machine, store }) => {
    const { book } = machine;
    await machine.apply(logged([seeding(1), entry(2, [buy('a')])]));
    assert.throws(
      () => machine.become(book, store),
      (error: unknown) => error instanceof InvariantError,
    );
  });
});

async function rejects(promise: Promise<unknown>, isIt: (error: unknown) => boolean): Promise<void> {
  await promise.then(
    () => assert.unreachable('it should have failed'),
    (error: unknown) => assert.ok(isIt(error)),
  );
}

test.run();
