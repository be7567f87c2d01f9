/** Conformance tests of `LogStorage`: membership entries. */
import assert from 'node:assert/strict';
import { makeEntry } from '../core/entry.js';
import { encodeMembership } from '../core/membership-codec.js';
import { initialMembership } from '../core/membership.js';
import type { Entry, LogIndex, Term } from '../core/types.js';
import {
  assertLog,
  makeBase,
  makeEntries,
  hardStateOf,
  type RegisterFixtureTest,
} from './conformance-tools.js';
import type { LogStorage } from './storage.js';

const MEMBERSHIP = initialMembership(['a', 'b', 'c'], new Map([['a', 'http://127.0.0.1:1']]));

function membershipAt(index: LogIndex, term: Term): Entry {
  return makeEntry(index, term, 'membership', encodeMembership(MEMBERSHIP));
}

/**
 * For each index from the base to the end, the index of the last membership entry at or before it; 0 if there
 * is none.
 */
function membershipIndexes(storage: LogStorage): readonly LogIndex[] {
  const first = storage.base().index;
  const indexes = Array.from({ length: storage.lastIndex() - first + 1 }, (_, offset) => first + offset);
  return indexes.map((index) => storage.lastMembership(index)?.index ?? 0);
}

/** Registers the tests. */
export function registerMembership(check: RegisterFixtureTest): void {
  check(
    'lastMembership finds the last entry at or before an index, also after reopening',
    async (fixture) => {
      let storage = await fixture.open();
      assert.deepEqual(membershipIndexes(storage), [0]);
      const entries = [
        ...makeEntries(1, 1, 1),
        membershipAt(2, 1),
        ...makeEntries(3, 4, 1),
        membershipAt(5, 1),
      ];
      await storage.persist({ hardState: hardStateOf(1), entries });
      for (let round = 0; round < 2; round += 1) {
        assert.deepEqual(membershipIndexes(storage), [0, 0, 2, 2, 2, 5]);
        assert.equal(storage.lastMembership(4)?.kind, 'membership');
        await storage.close();
        storage = await fixture.open();
      }
      await storage.close();
    },
  );

  check('lastMembership ignores replaced entries and finds new ones', async (fixture) => {
    let storage = await fixture.open();
    const entries = [membershipAt(1, 1), membershipAt(2, 1), membershipAt(3, 1)];
    await storage.persist({ hardState: hardStateOf(2), entries });
    await storage.persist({ hardState: null, entries: [...makeEntries(2, 2, 2), membershipAt(3, 2)] });
    for (let round = 0; round < 2; round += 1) {
      assert.deepEqual(membershipIndexes(storage), [0, 1, 1, 3]);
      await storage.close();
      storage = await fixture.open();
    }
    await storage.close();
  });

  check(
    'lastMembership ignores entries up to the base, which carries the configuration at its index',
    async (fixture) => {
      let storage = await fixture.open();
      const entries = [
        membershipAt(1, 1),
        ...makeEntries(2, 3, 1),
        membershipAt(4, 1),
        ...makeEntries(5, 6, 1),
      ];
      await storage.persist({ hardState: hardStateOf(1), entries });
      const base = { ...makeBase(2, 1), membership: MEMBERSHIP };
      await storage.compact(base);
      for (let round = 0; round < 2; round += 1) {
        assertLog(storage, entries.slice(2), base);
        assert.deepEqual(membershipIndexes(storage), [0, 0, 4, 4, 4]);
        await storage.close();
        storage = await fixture.open();
      }
      const later = { ...makeBase(9, 1), membership: MEMBERSHIP };
      await storage.persist({ base: later, hardState: null, entries: [membershipAt(10, 1)] });
      for (let round = 0; round < 2; round += 1) {
        assertLog(storage, [membershipAt(10, 1)], later);
        assert.deepEqual(membershipIndexes(storage), [0, 10]);
        await storage.close();
        storage = await fixture.open();
      }
      await storage.close();
    },
  );
}
