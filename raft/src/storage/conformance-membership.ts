/** What every `LogStorage` must do with membership entries, as tests. */
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import { encodeMembership } from '../core/membership-codec.js';
import { initialMembership } from '../core/membership.js';
import { baseAt } from '../core/testing/messages.js';
import type { Entry, LogIndex, Term } from '../core/types.js';
import { assertLog, makeEntries, state, type Check } from './conformance-tools.js';
import type { LogStorage } from './storage.js';

const MEMBERSHIP = initialMembership(['a', 'b', 'c'], new Map([['a', 'http://127.0.0.1:1']]));

function membershipAt(index: LogIndex, term: Term): Entry {
  return makeEntry(index, term, 'membership', encodeMembership(MEMBERSHIP));
}

/** Where the store has the last membership entry at or before each index of its log; 0 where it has none. */
function places(storage: LogStorage): readonly LogIndex[] {
  const first = storage.base().index;
  const indexes = Array.from({ length: storage.lastIndex() - first + 1 }, (_, offset) => first + offset);
  return indexes.map((index) => storage.lastMembership(index)?.index ?? 0);
}

/** Registers the tests. */
export function registerMembership(check: Check): void {
  check('the last membership entry at or before an index is found, after a restart too', async (fixture) => {
    let storage = await fixture.open();
    assert.equal(places(storage), [0]);
    const entries = [
      ...makeEntries(1, 1, 1),
      membershipAt(2, 1),
      ...makeEntries(3, 4, 1),
      membershipAt(5, 1),
    ];
    await storage.persist({ hardState: state(1), entries });
    for (let round = 0; round < 2; round += 1) {
      assert.equal(places(storage), [0, 0, 2, 2, 2, 5]);
      assert.is(storage.lastMembership(4)?.kind, 'membership');
      await storage.close();
      storage = await fixture.open();
    }
    await storage.close();
  });

  check('membership entries that are replaced are gone; new ones are found', async (fixture) => {
    let storage = await fixture.open();
    const entries = [membershipAt(1, 1), membershipAt(2, 1), membershipAt(3, 1)];
    await storage.persist({ hardState: state(2), entries });
    await storage.persist({ hardState: null, entries: [...makeEntries(2, 2, 2), membershipAt(3, 2)] });
    for (let round = 0; round < 2; round += 1) {
      assert.equal(places(storage), [0, 1, 1, 3]);
      await storage.close();
      storage = await fixture.open();
    }
    await storage.close();
  });

  check(
    'a base carries the configuration as of its index; the entries before it are not asked',
    async (fixture) => {
      let storage = await fixture.open();
      const entries = [
        membershipAt(1, 1),
        ...makeEntries(2, 3, 1),
        membershipAt(4, 1),
        ...makeEntries(5, 6, 1),
      ];
      await storage.persist({ hardState: state(1), entries });
      const base = { ...baseAt(2, 1), membership: MEMBERSHIP };
      await storage.compact(base);
      for (let round = 0; round < 2; round += 1) {
        assertLog(storage, entries.slice(2), base);
        assert.equal(places(storage), [0, 0, 4, 4, 4]);
        await storage.close();
        storage = await fixture.open();
      }
      const later = { ...baseAt(9, 1), membership: MEMBERSHIP };
      await storage.persist({ base: later, hardState: null, entries: [membershipAt(10, 1)] });
      for (let round = 0; round < 2; round += 1) {
        assertLog(storage, [membershipAt(10, 1)], later);
        assert.equal(places(storage), [0, 10]);
        await storage.close();
        storage = await fixture.open();
      }
      await storage.close();
    },
  );
}
