/** What every `LogStorage` must do where the log does not begin with its first entry, as tests. */
import * as assert from 'uvu/assert';
import { baseAt } from '../core/testing/messages.js';
import type { Entry, HardState, LogBase } from '../core/types.js';
import {
  assertFails,
  assertLog,
  makeEntries,
  state,
  type Check,
  type StorageFixture,
  type WithStore,
} from './conformance-tools.js';
import type { LogStorage } from './storage.js';

/** Registers the tests. */
export function registerCompaction(check: Check, withStore: WithStore): void {
  registerCompact(check, withStore);
  registerBase(check, withStore);
}

function registerCompact(check: Check, withStore: WithStore): void {
  check('what is compacted is gone for good, and the log goes on behind it', async (fixture) => {
    let storage = await fixture.open();
    await storage.persist({
      hardState: state(2),
      entries: [...makeEntries(1, 4, 1), ...makeEntries(5, 9, 2)],
    });
    await storage.compact(baseAt(4, 1));
    assertLog(storage, makeEntries(5, 9, 2), baseAt(4, 1));
    await storage.compact(baseAt(7, 2));
    await storage.persist({ hardState: null, entries: makeEntries(10, 12, 2) });
    await storage.persist({ hardState: state(3), entries: makeEntries(11, 11, 3) });
    const expected = [...makeEntries(8, 10, 2), ...makeEntries(11, 11, 3)];
    storage = await reopen(storage, fixture);
    assertLog(storage, expected, baseAt(7, 2));
    assert.equal(storage.hardState(), state(3));
    await storage.close();
  });

  check('a log that is compacted to its end has a last index and a last term', async (fixture) => {
    let storage = await fixture.open();
    await storage.persist({ hardState: state(3), entries: makeEntries(1, 5, 3) });
    await storage.compact(baseAt(5, 3));
    storage = await reopen(storage, fixture);
    assertLog(storage, [], baseAt(5, 3));
    await storage.persist({ hardState: null, entries: makeEntries(6, 6, 3) });
    storage = await reopen(storage, fixture);
    assertLog(storage, makeEntries(6, 6, 3), baseAt(5, 3));
    await storage.close();
  });

  withStore('below the base nothing can be read, and the base has a term only', async (storage) => {
    await storage.persist({ hardState: state(1), entries: makeEntries(1, 9, 1) });
    const compacted = storage.compact(baseAt(4, 1));
    assert.is(storage.base().index, 4, 'from the call on');
    await compacted;
    assert.is(storage.term(4), 1);
    await assertFails('INVARIANT', () => storage.term(3));
    await assertFails('INVARIANT', () => storage.entries(4, 9, 1000));
    assert.is(storage.entries(5, 9, Number.MAX_SAFE_INTEGER).length, 5);
  });

  withStore(
    'compacting what is gone does nothing; beyond the end or in another term is refused',
    async (storage) => {
      await storage.persist({ hardState: state(1), entries: makeEntries(1, 9, 1) });
      await storage.compact(baseAt(4, 1));
      await storage.compact(baseAt(3, 1));
      await storage.compact(baseAt(4, 1));
      await assertFails('INVARIANT', async () => storage.compact(baseAt(10, 1)));
      await assertFails('INVARIANT', async () => storage.compact(baseAt(6, 2)));
      assertLog(storage, makeEntries(5, 9, 1), baseAt(4, 1));
      await assertFails('INVARIANT', async () =>
        storage.persist({ hardState: null, entries: makeEntries(4, 9, 1) }),
      );
    },
  );

  check('a log is compacted while it is written', async (fixture) => {
    let storage = await fixture.open();
    await storage.persist({ hardState: state(1), entries: makeEntries(1, 3000, 1) });
    const compacted = storage.compact(baseAt(2999, 1));
    await assertFails('INVARIANT', async () => storage.compact(baseAt(3000, 1)));
    await storage.persist({ hardState: state(1, 'a'), entries: makeEntries(3001, 3010, 1) });
    await compacted;
    storage = await reopen(storage, fixture);
    assertLog(storage, makeEntries(3000, 3010, 1), baseAt(2999, 1));
    assert.equal(storage.hardState(), state(1, 'a'));
    await storage.close();
  });
}

/** What a log holds when a batch gives it the base (20, 3), and what behind it. */
const REBASED: readonly (readonly [name: string, before: readonly Entry[], after: readonly Entry[]])[] = [
  ['of an empty log', [], []],
  ['beyond the log', makeEntries(1, 9, 1), []],
  ['at its end, where it differs', makeEntries(1, 20, 2), []],
  ['in the middle of a log that differs', makeEntries(1, 40, 2), []],
  ['with entries behind it', makeEntries(1, 30, 2), makeEntries(21, 23, 3)],
  ['with as many entries as the log had', makeEntries(1, 23, 2), makeEntries(21, 23, 3)],
];
const BASE: LogBase = baseAt(20, 3);

function registerBase(check: Check, withStore: WithStore): void {
  for (const [name, before, after] of REBASED) {
    check(`a batch with a base begins the log anew: ${name}`, async (fixture) => {
      let storage = await fixture.open();
      await storage.persist({ hardState: state(2, 'a'), entries: before });
      await storage.persist({ base: BASE, hardState: state(4), entries: after });
      for (let round = 0; round < 2; round += 1) {
        assertLog(storage, after, BASE);
        assert.equal(storage.hardState(), state(4));
        storage = await reopen(storage, fixture);
      }
      const next = BASE.index + after.length + 1;
      await storage.persist({ hardState: null, entries: makeEntries(next, next + 2, 4) });
      await storage.compact(baseAt(next, 4));
      storage = await reopen(storage, fixture);
      assertLog(storage, makeEntries(next + 1, next + 2, 4), baseAt(next, 4));
      await storage.close();
    });
  }

  withStore('a base that does not fit is refused and leaves everything', async (storage) => {
    const before = makeEntries(6, 9, 3);
    await storage.persist({ hardState: state(3), entries: makeEntries(1, 9, 3) });
    await storage.compact(baseAt(5, 3));
    const refused = async (base: LogBase, hardState: HardState | null, entries: readonly Entry[]) => {
      await assertFails('INVARIANT', async () => storage.persist({ base, hardState, entries }));
      assertLog(storage, before, baseAt(5, 3));
    };
    await refused(baseAt(5, 3), null, []);
    await refused(baseAt(20, 4), null, []);
    await refused(BASE, null, makeEntries(20, 21, 3));
    await refused(BASE, null, makeEntries(22, 22, 3));
    await refused(BASE, state(4), makeEntries(21, 21, 2));
  });

  withStore('a log is not compacted and given another base at a time', async (storage) => {
    await storage.persist({ hardState: state(3), entries: makeEntries(1, 9, 3) });
    const compacted = storage.compact(baseAt(5, 3));
    const batch = { base: BASE, hardState: null, entries: [] };
    await assertFails('INVARIANT', async () => storage.persist(batch));
    await compacted;
    const persisted = storage.persist(batch);
    await assertFails('INVARIANT', async () => storage.compact(baseAt(7, 3)));
    await persisted;
    assertLog(storage, [], BASE);
  });
}

async function reopen(storage: LogStorage, fixture: StorageFixture): Promise<LogStorage> {
  await storage.close();
  return fixture.open();
}
