/** Conformance tests of `LogStorage`: compaction, and logs with a base. */
import assert from 'node:assert/strict';
import type { Entry, HardState, LogBase } from '../core/types.js';
import {
  assertFailsWith,
  assertLog,
  makeBase,
  makeEntries,
  hardStateOf,
  type RegisterFixtureTest,
  type StorageFixture,
  type RegisterStoreTest,
} from './conformance-tools.js';
import type { LogStorage } from './storage.js';

/** Registers the tests. */
export function registerCompaction(check: RegisterFixtureTest, withStore: RegisterStoreTest): void {
  registerCompact(check, withStore);
  registerBase(check, withStore);
}

function registerCompact(check: RegisterFixtureTest, withStore: RegisterStoreTest): void {
  check('compact removes entries for good, and the log continues after its base', async (fixture) => {
    let storage = await fixture.open();
    await storage.persist({
      hardState: hardStateOf(2),
      entries: [...makeEntries(1, 4, 1), ...makeEntries(5, 9, 2)],
    });
    await storage.compact(makeBase(4, 1));
    assertLog(storage, makeEntries(5, 9, 2), makeBase(4, 1));
    await storage.compact(makeBase(7, 2));
    await storage.persist({ hardState: null, entries: makeEntries(10, 12, 2) });
    await storage.persist({ hardState: hardStateOf(3), entries: makeEntries(11, 11, 3) });
    const expected = [...makeEntries(8, 10, 2), ...makeEntries(11, 11, 3)];
    storage = await reopen(storage, fixture);
    assertLog(storage, expected, makeBase(7, 2));
    assert.deepEqual(storage.hardState(), hardStateOf(3));
    await storage.close();
  });

  check('compact up to the end keeps the last index and the last term', async (fixture) => {
    let storage = await fixture.open();
    await storage.persist({ hardState: hardStateOf(3), entries: makeEntries(1, 5, 3) });
    await storage.compact(makeBase(5, 3));
    storage = await reopen(storage, fixture);
    assertLog(storage, [], makeBase(5, 3));
    await storage.persist({ hardState: null, entries: makeEntries(6, 6, 3) });
    storage = await reopen(storage, fixture);
    assertLog(storage, makeEntries(6, 6, 3), makeBase(5, 3));
    await storage.close();
  });

  withStore('reads refuse indexes below the base, and return only the term of the base', async (storage) => {
    await storage.persist({ hardState: hardStateOf(1), entries: makeEntries(1, 9, 1) });
    const compacted = storage.compact(makeBase(4, 1));
    assert.equal(storage.base().index, 4, 'as soon as compact is called');
    await compacted;
    assert.equal(storage.term(4), 1);
    await assertFailsWith('INVARIANT', () => storage.term(3));
    await assertFailsWith('INVARIANT', () => storage.entries(4, 9, 1000));
    assert.equal(storage.entries(5, 9, Number.MAX_SAFE_INTEGER).length, 5);
  });

  withStore(
    'compact does nothing for removed entries, and refuses an index beyond the end or another term',
    async (storage) => {
      await storage.persist({ hardState: hardStateOf(1), entries: makeEntries(1, 9, 1) });
      await storage.compact(makeBase(4, 1));
      await storage.compact(makeBase(3, 1));
      await storage.compact(makeBase(4, 1));
      await assertFailsWith('INVARIANT', async () => storage.compact(makeBase(10, 1)));
      await assertFailsWith('INVARIANT', async () => storage.compact(makeBase(6, 2)));
      assertLog(storage, makeEntries(5, 9, 1), makeBase(4, 1));
      await assertFailsWith('INVARIANT', async () =>
        storage.persist({ hardState: null, entries: makeEntries(4, 9, 1) }),
      );
    },
  );

  check('compact and persist may run at the same time', async (fixture) => {
    let storage = await fixture.open();
    await storage.persist({ hardState: hardStateOf(1), entries: makeEntries(1, 3000, 1) });
    const compacted = storage.compact(makeBase(2999, 1));
    await assertFailsWith('INVARIANT', async () => storage.compact(makeBase(3000, 1)));
    await storage.persist({ hardState: hardStateOf(1, 'a'), entries: makeEntries(3001, 3010, 1) });
    await compacted;
    storage = await reopen(storage, fixture);
    assertLog(storage, makeEntries(3000, 3010, 1), makeBase(2999, 1));
    assert.deepEqual(storage.hardState(), hardStateOf(1, 'a'));
    await storage.close();
  });
}

/** Entries of a log before a batch with the base (20, 3), and the entries of that batch. */
const REBASED: readonly (readonly [name: string, before: readonly Entry[], after: readonly Entry[]])[] = [
  ['empty log', [], []],
  ['base beyond the log', makeEntries(1, 9, 1), []],
  ['base at the end of a different log', makeEntries(1, 20, 2), []],
  ['base in the middle of a different log', makeEntries(1, 40, 2), []],
  ['entries after the base', makeEntries(1, 30, 2), makeEntries(21, 23, 3)],
  ['as many entries as the log had', makeEntries(1, 23, 2), makeEntries(21, 23, 3)],
];
const BASE: LogBase = makeBase(20, 3);

function registerBase(check: RegisterFixtureTest, withStore: RegisterStoreTest): void {
  for (const [name, before, after] of REBASED) {
    check(`persist with a base restarts the log: ${name}`, async (fixture) => {
      let storage = await fixture.open();
      await storage.persist({ hardState: hardStateOf(2, 'a'), entries: before });
      await storage.persist({ base: BASE, hardState: hardStateOf(4), entries: after });
      for (let round = 0; round < 2; round += 1) {
        assertLog(storage, after, BASE);
        assert.deepEqual(storage.hardState(), hardStateOf(4));
        storage = await reopen(storage, fixture);
      }
      const next = BASE.index + after.length + 1;
      await storage.persist({ hardState: null, entries: makeEntries(next, next + 2, 4) });
      await storage.compact(makeBase(next, 4));
      storage = await reopen(storage, fixture);
      assertLog(storage, makeEntries(next + 1, next + 2, 4), makeBase(next, 4));
      await storage.close();
    });
  }

  withStore('persist refuses an invalid base and changes nothing', async (storage) => {
    const before = makeEntries(6, 9, 3);
    await storage.persist({ hardState: hardStateOf(3), entries: makeEntries(1, 9, 3) });
    await storage.compact(makeBase(5, 3));
    const refused = async (base: LogBase, hardState: HardState | null, entries: readonly Entry[]) => {
      await assertFailsWith('INVARIANT', async () => storage.persist({ base, hardState, entries }));
      assertLog(storage, before, makeBase(5, 3));
    };
    await refused(makeBase(5, 3), null, []);
    await refused(makeBase(20, 4), null, []);
    await refused(BASE, null, makeEntries(20, 21, 3));
    await refused(BASE, null, makeEntries(22, 22, 3));
    await refused(BASE, hardStateOf(4), makeEntries(21, 21, 2));
  });

  withStore('compact and persist with a base refuse to run at the same time', async (storage) => {
    await storage.persist({ hardState: hardStateOf(3), entries: makeEntries(1, 9, 3) });
    const compacted = storage.compact(makeBase(5, 3));
    const batch = { base: BASE, hardState: null, entries: [] };
    await assertFailsWith('INVARIANT', async () => storage.persist(batch));
    await compacted;
    const persisted = storage.persist(batch);
    await assertFailsWith('INVARIANT', async () => storage.compact(makeBase(7, 3)));
    await persisted;
    assertLog(storage, [], BASE);
  });
}

async function reopen(storage: LogStorage, fixture: StorageFixture): Promise<LogStorage> {
  await storage.close();
  return fixture.open();
}
