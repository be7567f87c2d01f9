/** The conformance suite of `LogStorage`, run for the LevelDB store and for the simulator's disk. */
import assert from 'node:assert/strict';
import { makeEntry } from '../core/entry.js';
import type { Entry, HardState } from '../core/types.js';
import { registerCompaction } from './conformance-compaction.js';
import { registerMembership } from './conformance-membership.js';
import {
  assertEntries,
  assertFailsWith,
  assertLog,
  makeEntries,
  hardStateOf,
  type RegisterFixtureTest,
  type StorageFixture,
  type RegisterStoreTest,
} from './conformance-tools.js';

/** How the suite of `LogStorage` registers its tests and creates stores. */
export interface LogStorageConformanceOptions {
  /** Registers one test, such as `test` of `node:test` or of uvu. A test fails if `run` rejects. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Creates an empty store that is not open; called once for each test. */
  readonly makeFixture: () => Promise<StorageFixture>;
}

/** Registers the conformance tests of a `LogStorage`; the caller runs them. They read and write one store at a time. */
export function logStorageConformance({ test, makeFixture }: LogStorageConformanceOptions): void {
  const check: RegisterFixtureTest = (name, body) => {
    test(name, async () => {
      const fixture = await makeFixture();
      try {
        await body(fixture);
      } finally {
        await fixture.dispose();
      }
    });
  };
  const withStore: RegisterStoreTest = (name, body) => {
    check(name, async (fixture) => {
      const storage = await fixture.open();
      try {
        await body(storage);
      } finally {
        await storage.close();
      }
    });
  };
  registerReads(withStore);
  registerWrites(withStore);
  registerReopening(check);
  registerCompaction(check, withStore);
  registerMembership(check);
}

function registerReads(withStore: RegisterStoreTest): void {
  withStore('a new store is empty and has term 0 without a vote', async (storage) => {
    assert.deepEqual(storage.hardState(), hardStateOf(0));
    assertLog(storage, []);
    await assertFailsWith('INVARIANT', () => storage.term(1));
    await assertFailsWith('INVARIANT', () => storage.entries(1, 1, 1000));
  });

  withStore('entries returns at most bytesMax bytes, but at least one entry', async (storage) => {
    const entries = makeEntries(1, 9, 1);
    await storage.persist({ hardState: hardStateOf(1), entries });
    const bytes = entries[0]?.record.byteLength ?? 0;
    const indexes = (bytesMax: number) => storage.entries(3, 8, bytesMax).map((entry) => entry.index);
    assert.deepEqual(indexes(0), [3]);
    assert.deepEqual(indexes(2 * bytes - 1), [3]);
    assert.deepEqual(indexes(2 * bytes), [3, 4]);
    assert.deepEqual(indexes(100 * bytes), [3, 4, 5, 6, 7, 8]);
  });

  withStore('reads refuse indexes outside the log', async (storage) => {
    await storage.persist({ hardState: hardStateOf(1), entries: makeEntries(1, 3, 1) });
    await assertFailsWith('INVARIANT', () => storage.term(4));
    await assertFailsWith('INVARIANT', () => storage.term(-1));
    await assertFailsWith('INVARIANT', () => storage.entries(0, 2, 1000));
    await assertFailsWith('INVARIANT', () => storage.entries(2, 4, 1000));
    await assertFailsWith('INVARIANT', () => storage.entries(3, 2, 1000));
  });

  withStore(
    'reads show a batch only after its persist has resolved, and earlier entries all the time',
    async (storage) => {
      const first = makeEntries(1, 3, 1);
      await storage.persist({ hardState: hardStateOf(1), entries: first });
      const second = makeEntries(3, 5, 2);
      const persisted = storage.persist({ hardState: hardStateOf(2, 'a'), entries: second });
      assert.equal(storage.lastIndex(), 3);
      assert.deepEqual(storage.hardState(), hardStateOf(1));
      assertEntries(storage.entries(1, 2, Number.MAX_SAFE_INTEGER), first.slice(0, 2));
      await persisted;
      assertLog(storage, [...first.slice(0, 2), ...second]);
      assert.deepEqual(storage.hardState(), hardStateOf(2, 'a'));
    },
  );
}

function registerWrites(withStore: RegisterStoreTest): void {
  withStore('persist keeps the hard state if a batch has none', async (storage) => {
    await storage.persist({ hardState: hardStateOf(3, 'b'), entries: [] });
    await storage.persist({ hardState: null, entries: makeEntries(1, 1, 3) });
    assert.deepEqual(storage.hardState(), hardStateOf(3, 'b'));
    await storage.persist({ hardState: hardStateOf(4), entries: [] });
    assert.deepEqual(storage.hardState(), hardStateOf(4));
    assertLog(storage, makeEntries(1, 1, 3));
  });

  withStore('persist replaces all entries from the first index of the batch on', async (storage) => {
    await storage.persist({ hardState: hardStateOf(1), entries: makeEntries(1, 10, 1) });
    await storage.persist({ hardState: hardStateOf(2), entries: makeEntries(4, 5, 2) });
    assertLog(storage, [...makeEntries(1, 3, 1), ...makeEntries(4, 5, 2)]);
    await storage.persist({ hardState: hardStateOf(3), entries: makeEntries(1, 1, 3) });
    assertLog(storage, makeEntries(1, 1, 3));
  });

  withStore('persist is refused while another one is running, which completes', async (storage) => {
    const first = storage.persist({ hardState: hardStateOf(1), entries: makeEntries(1, 2, 1) });
    await assertFailsWith('INVARIANT', async () =>
      storage.persist({ hardState: null, entries: makeEntries(3, 3, 1) }),
    );
    await first;
    assertLog(storage, makeEntries(1, 2, 1));
    await storage.persist({ hardState: null, entries: makeEntries(3, 3, 1) });
    assertLog(storage, makeEntries(1, 3, 1));
  });

  withStore('persist refuses a batch that breaks a rule of the log, and changes nothing', async (storage) => {
    const before = makeEntries(1, 3, 2);
    await storage.persist({ hardState: hardStateOf(2, 'a'), entries: before });
    const refused = async (hardState: HardState | null, entries: readonly Entry[]) => {
      await assertFailsWith('INVARIANT', async () => storage.persist({ hardState, entries }));
      assertLog(storage, before);
      assert.deepEqual(storage.hardState(), hardStateOf(2, 'a'));
    };
    await refused(null, makeEntries(5, 5, 2));
    await refused(null, [...makeEntries(4, 4, 2), ...makeEntries(6, 6, 2)]);
    await refused(null, makeEntries(4, 4, 1));
    await refused(null, makeEntries(3, 3, 1));
    await refused(null, makeEntries(4, 4, 3));
    await refused(hardStateOf(3), [...makeEntries(4, 4, 3), ...makeEntries(5, 5, 2)]);
    await refused(hardStateOf(1), []);
    await refused(hardStateOf(2, 'b'), []);
    await refused(hardStateOf(2), []);
  });
}

function registerReopening(check: RegisterFixtureTest): void {
  check('entries and hard state survive reopening', async (fixture) => {
    const large = makeEntry(4, 5, 'command', Buffer.alloc(100_000, 'large'));
    const noop = makeEntry(5, 5, 'noop', new Uint8Array(0));
    const expected = [...makeEntries(1, 2, 1), ...makeEntries(3, 3, 4), large, noop];
    let storage = await fixture.open();
    await storage.persist({ hardState: hardStateOf(1, 'a'), entries: makeEntries(1, 7, 1) });
    await storage.persist({ hardState: hardStateOf(5, 'node-2.x_y'), entries: expected.slice(2) });
    for (let round = 0; round < 3; round++) {
      await storage.close();
      storage = await fixture.open();
      assertLog(storage, expected);
      assert.deepEqual(storage.hardState(), hardStateOf(5, 'node-2.x_y'));
    }
    await storage.persist({ hardState: hardStateOf(6), entries: makeEntries(6, 6, 6) });
    await storage.close();
    storage = await fixture.open();
    assertLog(storage, [...expected, ...makeEntries(6, 6, 6)]);
    assert.deepEqual(storage.hardState(), hardStateOf(6));
    await storage.close();
  });

  check('a hard state without entries survives reopening', async (fixture) => {
    const before = await fixture.open();
    await before.persist({ hardState: hardStateOf(7, 'c'), entries: [] });
    await before.close();
    const after = await fixture.open();
    assert.deepEqual(after.hardState(), hardStateOf(7, 'c'));
    assertLog(after, []);
    await after.close();
  });

  check('a store that was never written opens again', async (fixture) => {
    for (let round = 0; round < 3; round++) {
      const storage = await fixture.open();
      assert.deepEqual(storage.hardState(), hardStateOf(0));
      assertLog(storage, []);
      await storage.close();
    }
  });
}
