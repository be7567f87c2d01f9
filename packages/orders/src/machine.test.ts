/** The book's machine on a real store: rules at once, the store behind them, many applies in one write. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvariantError } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { BookMachine } from './machine.js';
import { Book } from './rules/book.js';
import type { BookWrite } from './rules/state.js';
import { FILLED, buy, entry, settling } from './rules/testing/batches.js';
import type { BookStore } from './store.js';
import { logged } from './testing/books.js';
import { withFolder } from './testing/folders.js';
import { until } from './testing/rig.js';
import { open } from './testing/stores.js';

class Bench {
  readonly store: BookStore;
  readonly machine: BookMachine;
  readonly committed: (readonly number[])[] = [];
  readonly stored: (readonly number[])[] = [];
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
      committed: (applied, pending) => this.committed.push([applied, ...pending.map(({ index }) => index)]),
      stored: (applied, settled) => this.stored.push([applied, ...settled.map(({ index }) => index)]),
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
    const { store, meta, pending } = await open(path);
    const bench = new Bench(store, new Book(store, meta, pending));
    try {
      await run(bench);
    } finally {
      bench.letGo();
      await bench.machine.close();
    }
  });
}

test('what is applied is told at once, and stored a little later, all of it in one write', async () => {
  await withBench(async ({ machine, committed, stored, writes, store }) => {
    await machine.apply(logged([entry(1, [buy('a')])]));
    await machine.apply(logged([entry(2, [buy('b')]), settling(3, 1, [FILLED])]));
    assert.equal(committed, [
      [1, 1],
      [3, 2],
    ]);
    assert.equal([stored, writes.length, machine.applied, machine.isStored], [[], 0, 0, false]);
    assert.is(machine.book.meta.applied, 3);
    await until(() => machine.isStored, 'the write');
    assert.equal(stored, [[3, 1]]);
    assert.is(writes.length, 1);
    assert.is(writes[0]?.filter(({ table }) => table === 'meta').length, 1);
    assert.equal([machine.applied, machine.stored.orders, store.order(1)?.name], [3, 1, 'A']);
  });
});

test('a key that is on its way to the store, or waits to be, is known', async () => {
  await withBench(async (bench) => {
    const { machine } = bench;
    bench.hold();
    await machine.apply(logged([entry(1, [buy('leaving')])]));
    machine.hurry();
    await until(() => bench.release !== null, 'a write under way');
    await machine.apply(logged([entry(2, [buy('gathered')])]));
    await machine.apply(logged([entry(3, [buy('leaving'), buy('gathered'), buy('new')])]));
    assert.equal(
      machine.book.pending.map(({ skip }) => skip),
      [[], [], [0, 1]],
    );
    assert.equal(bench.stored, []);
    bench.letGo();
    await machine.flush();
    assert.equal(bench.stored, [[1], [3]]);
    assert.is(machine.stored.keys, 3);
  });
});

test('flush is over when all that was applied before it is stored, whoever began to write it', async () => {
  await withBench(async (bench) => {
    const { machine } = bench;
    bench.hold();
    await machine.apply(logged([entry(1, [buy('a')])]));
    const first = machine.flush();
    await until(() => bench.release !== null, 'a write under way');
    await machine.apply(logged([entry(2, [buy('b')])]));
    const second = machine.flush();
    bench.letGo();
    await first;
    assert.is(machine.applied, 1);
    await second;
    assert.is(machine.applied, 2);
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
      for (let index = 1; index <= 30; index += 1) {
        const keys = Array.from({ length: 1000 }, (_, i) => buy(`${index}-${i}`));
        await machine.apply(logged([entry(index, keys)]));
        applied = index;
      }
    })();
    await until(() => bench.release !== null, 'a write under way');
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.ok(applied < 30, 'an apply waits');
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
    await machine.apply(logged([entry(1, [buy('a')])]));
    await until(() => failures.length === 1, 'the failure');
    const isIt = (error: unknown): boolean => error === failures[0];
    await rejects(machine.apply(logged([entry(2, [buy('b')])])), isIt);
    await rejects(machine.flush(), isIt);
    machine.hurry();
    await machine.close();
    assert.equal([writes, stored, failures.length, machine.applied], [1, [], 1, 0]);
  });
});

test('a rule that breaks where someone is told what is stored is a failure, though nobody waited for the write', async () => {
  await withFolder(async (path) => {
    const { store, meta, pending } = await open(path);
    const broken = new InvariantError('settled out of turn');
    const failures: unknown[] = [];
    const machine = new BookMachine(new Book(store, meta, pending), store, {
      committed: () => undefined,
      stored: () => {
        throw broken;
      },
      failed: (error) => failures.push(error),
    });
    await machine.apply(logged([entry(1, [buy('a')])]));
    await until(() => failures.length > 0, 'the failure');
    assert.equal([failures.length, failures[0] === broken], [1, true]);
    await rejects(machine.apply(logged([entry(2, [buy('b')])])), (error) => error === broken);
    await machine.close();
  });
});

test('an apply that a rule stopped half way is never stored, nor what gathered with it', async () => {
  await withFolder(async (path) => {
    const { store, meta, pending } = await open(path);
    const { machine, failures, writes } = new Bench(store, new Book(store, meta, pending));
    await machine.apply(logged([entry(1, [buy('a')])]));
    await rejects(
      machine.apply(logged([entry(2, [buy('b')]), settling(3, 7, [FILLED])])),
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

test('what is committed counts as unsettled until its outcome is stored', async () => {
  await withBench(async ({ machine }) => {
    await machine.apply(logged([entry(1, [buy('a')]), entry(2, [buy('b')])]));
    assert.is(machine.unsettled, 2);
    await machine.apply(logged([settling(3, 1, [FILLED]), settling(4, 2, [FILLED])]));
    assert.equal([machine.book.pending.length, machine.unsettled], [0, 2]);
    await machine.flush();
    assert.is(machine.unsettled, 0);
  });
});

test('who closes writes what is left, and the next life finds it', async () => {
  await withFolder(async (path) => {
    const { store, meta, pending } = await open(path);
    const bench = new Bench(store, new Book(store, meta, pending));
    await bench.machine.apply(logged([entry(1, [buy('a')]), settling(2, 1, [FILLED])]));
    await bench.machine.close();
    const again = await open(path);
    assert.equal([again.meta.applied, again.meta.orders], [2, 1]);
    await again.store.close();
  });
});

test('a book that is not written cannot be given up for another', async () => {
  await withBench(async ({ machine, store }) => {
    const { book } = machine;
    await machine.apply(logged([entry(1, [buy('a')])]));
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
