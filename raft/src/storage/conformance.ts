/**
 * What every `LogStorage` must do, as tests: run by the LevelDB store and by the simulator's disk. Registers uvu
 * tests on the given suite; the caller runs them.
 */
import * as assert from 'uvu/assert';
import type { Test } from 'uvu';
import { makeEntry } from '../core/entry.js';
import type { Entry, HardState } from '../core/types.js';
import { registerCompaction } from './conformance-compaction.js';
import { registerMembership } from './conformance-membership.js';
import {
  assertFails,
  assertLog,
  makeEntries,
  state,
  type Check,
  type StorageFixture,
  type WithStore,
} from './conformance-tools.js';

export { assertFails, assertLog, makeEntries, type StorageFixture } from './conformance-tools.js';

/** Registers the suite. `makeFixture` is called once for each test. */
export function registerConformance(test: Test, makeFixture: () => Promise<StorageFixture>): void {
  const check: Check = (name, body) => {
    test(name, async () => {
      const fixture = await makeFixture();
      try {
        await body(fixture);
      } finally {
        await fixture.dispose();
      }
    });
  };
  const withStore: WithStore = (name, body) => {
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

function registerReads(withStore: WithStore): void {
  withStore('a new store is empty, in term 0, without a vote', async (storage) => {
    assert.equal(storage.hardState(), state(0));
    assertLog(storage, []);
    await assertFails('INVARIANT', () => storage.term(1));
    await assertFails('INVARIANT', () => storage.entries(1, 1, 1000));
  });

  withStore('entries cuts off by bytes, but gives at least one', async (storage) => {
    const entries = makeEntries(1, 9, 1);
    await storage.persist({ hardState: state(1), entries });
    const bytes = entries[0]?.record.byteLength ?? 0;
    const indexes = (bytesMax: number) => storage.entries(3, 8, bytesMax).map((entry) => entry.index);
    assert.equal(indexes(0), [3]);
    assert.equal(indexes(2 * bytes - 1), [3]);
    assert.equal(indexes(2 * bytes), [3, 4]);
    assert.equal(indexes(100 * bytes), [3, 4, 5, 6, 7, 8]);
  });

  withStore('reads outside the log are refused', async (storage) => {
    await storage.persist({ hardState: state(1), entries: makeEntries(1, 3, 1) });
    await assertFails('INVARIANT', () => storage.term(4));
    await assertFails('INVARIANT', () => storage.term(-1));
    await assertFails('INVARIANT', () => storage.entries(0, 2, 1000));
    await assertFails('INVARIANT', () => storage.entries(2, 4, 1000));
    await assertFails('INVARIANT', () => storage.entries(3, 2, 1000));
  });

  withStore(
    'a batch shows once its persist has resolved; what is before it reads the same all along',
    async (storage) => {
      const first = makeEntries(1, 3, 1);
      await storage.persist({ hardState: state(1), entries: first });
      const second = makeEntries(3, 5, 2);
      const persisted = storage.persist({ hardState: state(2, 'a'), entries: second });
      assert.is(storage.lastIndex(), 3);
      assert.equal(storage.hardState(), state(1));
      assert.equal(storage.entries(1, 2, Number.MAX_SAFE_INTEGER), first.slice(0, 2));
      await persisted;
      assertLog(storage, [...first.slice(0, 2), ...second]);
      assert.equal(storage.hardState(), state(2, 'a'));
    },
  );
}

function registerWrites(withStore: WithStore): void {
  withStore('the hard state stays where a batch brings none', async (storage) => {
    await storage.persist({ hardState: state(3, 'b'), entries: [] });
    await storage.persist({ hardState: null, entries: makeEntries(1, 1, 3) });
    assert.equal(storage.hardState(), state(3, 'b'));
    await storage.persist({ hardState: state(4), entries: [] });
    assert.equal(storage.hardState(), state(4));
    assertLog(storage, makeEntries(1, 1, 3));
  });

  withStore('a batch drops what it has at and behind its first index', async (storage) => {
    await storage.persist({ hardState: state(1), entries: makeEntries(1, 10, 1) });
    await storage.persist({ hardState: state(2), entries: makeEntries(4, 5, 2) });
    assertLog(storage, [...makeEntries(1, 3, 1), ...makeEntries(4, 5, 2)]);
    await storage.persist({ hardState: state(3), entries: makeEntries(1, 1, 3) });
    assertLog(storage, makeEntries(1, 1, 3));
  });

  withStore('a second persist while one is under way is refused, and the first stands', async (storage) => {
    const first = storage.persist({ hardState: state(1), entries: makeEntries(1, 2, 1) });
    await assertFails('INVARIANT', async () =>
      storage.persist({ hardState: null, entries: makeEntries(3, 3, 1) }),
    );
    await first;
    assertLog(storage, makeEntries(1, 2, 1));
    await storage.persist({ hardState: null, entries: makeEntries(3, 3, 1) });
    assertLog(storage, makeEntries(1, 3, 1));
  });

  withStore('a batch that breaks a rule of the log is refused and leaves nothing', async (storage) => {
    const before = makeEntries(1, 3, 2);
    await storage.persist({ hardState: state(2, 'a'), entries: before });
    const refused = async (hardState: HardState | null, entries: readonly Entry[]) => {
      await assertFails('INVARIANT', async () => storage.persist({ hardState, entries }));
      assertLog(storage, before);
      assert.equal(storage.hardState(), state(2, 'a'));
    };
    await refused(null, makeEntries(5, 5, 2));
    await refused(null, [...makeEntries(4, 4, 2), ...makeEntries(6, 6, 2)]);
    await refused(null, makeEntries(4, 4, 1));
    await refused(null, makeEntries(3, 3, 1));
    await refused(null, makeEntries(4, 4, 3));
    await refused(state(3), [...makeEntries(4, 4, 3), ...makeEntries(5, 5, 2)]);
    await refused(state(1), []);
    await refused(state(2, 'b'), []);
    await refused(state(2), []);
  });
}

function registerReopening(check: Check): void {
  check('what was persisted is there after reopening', async (fixture) => {
    const large = makeEntry(4, 5, 'command', Buffer.alloc(100_000, 'large'));
    const noop = makeEntry(5, 5, 'noop', new Uint8Array(0));
    const expected = [...makeEntries(1, 2, 1), ...makeEntries(3, 3, 4), large, noop];
    let storage = await fixture.open();
    await storage.persist({ hardState: state(1, 'a'), entries: makeEntries(1, 7, 1) });
    await storage.persist({ hardState: state(5, 'node-2.x_y'), entries: expected.slice(2) });
    for (let round = 0; round < 3; round++) {
      await storage.close();
      storage = await fixture.open();
      assertLog(storage, expected);
      assert.equal(storage.hardState(), state(5, 'node-2.x_y'));
    }
    await storage.persist({ hardState: state(6), entries: makeEntries(6, 6, 6) });
    await storage.close();
    storage = await fixture.open();
    assertLog(storage, [...expected, ...makeEntries(6, 6, 6)]);
    assert.equal(storage.hardState(), state(6));
    await storage.close();
  });

  check('a hard state alone is there after reopening', async (fixture) => {
    const before = await fixture.open();
    await before.persist({ hardState: state(7, 'c'), entries: [] });
    await before.close();
    const after = await fixture.open();
    assert.equal(after.hardState(), state(7, 'c'));
    assertLog(after, []);
    await after.close();
  });

  check('a store that was opened and never written opens again', async (fixture) => {
    for (let round = 0; round < 3; round++) {
      const storage = await fixture.open();
      assert.equal(storage.hardState(), state(0));
      assertLog(storage, []);
      await storage.close();
    }
  });
}
