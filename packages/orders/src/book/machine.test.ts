/**
 * BookStateMachine on a real store: entries are applied at once, and stored later with many applies in one write.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvariantError } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { BookStateMachine } from './machine.js';
import type { Book } from '../rules/book/book.js';
import type { BookWrite } from '../rules/book/state.js';
import { buy, entry, seedEntry } from '../rules/testing/batches.js';
import type { BookStore } from './store.js';
import { toLogEntries } from '../testing/books.js';
import { withFolder } from '../testing/folders.js';
import { until } from '../testing/test-replica.js';
import { bookOf, openStore } from '../testing/stores.js';

class MachineFixture {
  readonly store: BookStore;
  readonly machine: BookStateMachine;
  readonly applied: (readonly number[])[] = [];
  readonly stored: number[] = [];
  readonly failures: unknown[] = [];
  /** Records of each write, in order. */
  readonly writes: (readonly BookWrite[])[] = [];
  /** Ends the write that is held; null unless `hold` was called and a write has begun. */
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
    this.machine = new BookStateMachine(book, store, {
      onApplied: (applied, decided) => this.applied.push([applied, ...decided.map(({ index }) => index)]),
      onStored: (applied) => this.stored.push(applied),
      onError: (error) => this.failures.push(error),
    });
  }

  hold(): void {
    this.#isHeld = true;
  }

  stopHolding(): void {
    this.#isHeld = false;
    this.release?.();
  }
}

async function withFixture(run: (fixture: MachineFixture) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    const opened = await openStore(path);
    const fixture = new MachineFixture(opened.store, bookOf(opened));
    try {
      await run(fixture);
    } finally {
      fixture.stopHolding();
      await fixture.machine.close();
    }
  });
}

test('apply reports entries at once and stores them later in one write', async () => {
  await withFixture(async ({ machine, applied, stored, writes, store }) => {
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    await machine.apply(toLogEntries([entry(3, [buy('b')]), entry(4, []), entry(5, [buy('a')])]));
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
    assert.equal([machine.applied, machine.stored.orders, store.records.order(2)?.name], [5, 2, 'A']);
  });
});

test('apply recognizes keys whose write is in flight or pending', async () => {
  await withFixture(async (fixture) => {
    const { machine } = fixture;
    fixture.hold();
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('in-flight')])]));
    machine.startFlush();
    await until(() => fixture.release !== null, 'a write in flight');
    await machine.apply(toLogEntries([entry(3, [buy('pending')])]));
    await machine.apply(toLogEntries([entry(4, [buy('in-flight'), buy('pending'), buy('new')])]));
    assert.equal(fixture.stored, []);
    fixture.stopHolding();
    await machine.flush();
    assert.equal(fixture.stored, [2, 4]);
    assert.equal(
      [1, 2, 3].map((seq) => fixture.store.batch(seq)?.skip),
      [[], [], [0, 1]],
    );
    assert.equal([machine.stored.keys, machine.stored.orders], [3, 3]);
  });
});

test('flush resolves once everything applied before it is stored, even by a write that began earlier', async () => {
  await withFixture(async (fixture) => {
    const { machine } = fixture;
    fixture.hold();
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    const first = machine.flush();
    await until(() => fixture.release !== null, 'a write in flight');
    await machine.apply(toLogEntries([entry(3, [buy('b')])]));
    const second = machine.flush();
    fixture.stopHolding();
    await first;
    assert.is(machine.applied, 2);
    await second;
    assert.is(machine.applied, 3);
    await machine.flush();
    assert.is(fixture.writes.length, 2);
  });
});

test('apply waits for the store at the limit of pending records', async () => {
  await withFixture(async (fixture) => {
    const { machine } = fixture;
    fixture.hold();
    let applied = 0;
    const applying = (async () => {
      await machine.apply(toLogEntries([seedEntry(1)]));
      for (let index = 2; index <= 31; index += 1) {
        const keys = Array.from({ length: 1000 }, (_, i) => buy(`${index}-${i}`));
        await machine.apply(toLogEntries([entry(index, keys)]));
        applied = index;
      }
    })();
    await until(() => fixture.release !== null, 'a write in flight');
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.ok(applied > 0 && applied < 31, 'an apply waits');
    fixture.stopHolding();
    await applying;
    await machine.flush();
    assert.is(machine.stored.keys, 30_000);
  });
});

test('a failing store is reported once; nothing is applied, written or reported as stored afterwards', async () => {
  await withFixture(async ({ machine, store, stored, failures }) => {
    let writes = 0;
    store.write = async () => {
      writes += 1;
      return Promise.reject(new RaftError('STORAGE_FAILED', 'no disk'));
    };
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    await until(() => failures.length === 1, 'the failure');
    const isFirstFailure = (error: unknown): boolean => error === failures[0];
    await rejects(machine.apply(toLogEntries([entry(3, [buy('b')])])), isFirstFailure);
    await rejects(machine.flush(), isFirstFailure);
    machine.startFlush();
    await machine.close();
    assert.equal([writes, stored, failures.length, machine.applied], [1, [], 1, 0]);
  });
});

test('an error thrown by the stored listener is a failure, even if no caller waits for the write', async () => {
  await withFolder(async (path) => {
    const opened = await openStore(path);
    const broken = new InvariantError('stored out of order');
    const failures: unknown[] = [];
    const machine = new BookStateMachine(bookOf(opened), opened.store, {
      onApplied: () => undefined,
      onStored: () => {
        throw broken;
      },
      onError: (error) => failures.push(error),
    });
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    await until(() => failures.length > 0, 'the failure');
    assert.equal([failures.length, failures[0] === broken], [1, true]);
    await rejects(machine.apply(toLogEntries([entry(3, [buy('b')])])), (error) => error === broken);
    await machine.close();
  });
});

test('apply that fails half way: neither it nor the pending records before it are stored', async () => {
  await withFolder(async (path) => {
    const opened = await openStore(path);
    const { machine, failures, writes } = new MachineFixture(opened.store, bookOf(opened));
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    await rejects(
      machine.apply(toLogEntries([entry(3, [buy('b')]), entry(4, [buy('c')], { visibleOrders: 7 })])),
      (error) => error instanceof InvariantError,
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    await machine.close();
    assert.equal([writes.length, failures.length], [0, 0], 'the rejection of apply reports it');
    const again = await openStore(path);
    assert.is(again.meta.applied, 0);
    await again.store.close();
  });
});

test('unconfirmedOrders counts a filled order until it is stored and the log calls it visible', async () => {
  await withFixture(async ({ machine }) => {
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a'), buy('b')])]));
    assert.is(machine.unconfirmedOrders, 2);
    await machine.flush();
    assert.is(machine.unconfirmedOrders, 2, 'stored, and not known to be visible');
    await machine.apply(toLogEntries([entry(3, [], { visibleOrders: 2 })]));
    assert.is(machine.unconfirmedOrders, 2, 'the entry that calls them visible is not stored yet');
    await machine.flush();
    assert.is(machine.unconfirmedOrders, 0);
  });
});

test('close writes the pending records, and the next open finds them', async () => {
  await withFolder(async (path) => {
    const opened = await openStore(path);
    const fixture = new MachineFixture(opened.store, bookOf(opened));
    await fixture.machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    await fixture.machine.close();
    const again = await openStore(path);
    assert.equal([again.meta.applied, again.meta.orders], [2, 1]);
    await again.store.close();
  });
});

test('replacing the book fails while it is not stored', async () => {
  await withFixture(async ({ machine, store }) => {
    const { book } = machine;
    await machine.apply(toLogEntries([seedEntry(1), entry(2, [buy('a')])]));
    assert.throws(
      () => machine.replaceBook(book, store),
      (error: unknown) => error instanceof InvariantError,
    );
  });
});

async function rejects(promise: Promise<unknown>, isExpected: (error: unknown) => boolean): Promise<void> {
  await promise.then(
    () => assert.unreachable('it should have failed'),
    (error: unknown) => assert.ok(isExpected(error)),
  );
}

test.run();
