/** Faults in the store's own records while LevelDB's files are sound. */
import type { Level } from 'level';
import * as assert from 'uvu/assert';
import { makeBase } from '../core/testing/messages.js';
import { makeEntry } from '../core/entry.js';
import { assertFailsWith, assertLog, makeEntries } from './conformance-tools.js';
import {
  BASE_KEY,
  FORMAT_VERSION,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  encodeBaseRecord,
  encodeHardState,
  encodeIdentity,
  entryKey,
  indexOfKey,
} from './records.js';
import { OWNER, openStore, assertDamaged, storeSuite, withLevel } from './testing/level-store.js';

const test = storeSuite('LevelLog: records');

const hardStateOf = (term: number, lastIndex: number, lastTerm: number) =>
  encodeHardState({ hardState: { term, vote: null }, lastIndex, lastTerm });

/** Faults in the records, each with correct checksums in LevelDB's files. */
const RECORD_FAULTS: readonly {
  name: string;
  change: (db: Level<Uint8Array, Uint8Array>) => Promise<void>;
  message: RegExp;
}[] = [
  {
    name: 'an entry is missing in the middle',
    change: async (db) => db.del(entryKey(7)),
    message: /entry 7 is missing: the next entry found is 8/,
  },
  {
    name: 'the first entry is missing',
    change: async (db) => db.del(entryKey(1)),
    message: /entry 1 is missing/,
  },
  {
    name: 'the last entry is missing',
    change: async (db) => db.del(entryKey(10)),
    message: /the log ends at index 9 of term 2, but the hard-state record says index 10 of term 2/,
  },
  {
    name: 'there is an entry after the last one',
    change: async (db) => db.put(entryKey(11), makeEntry(11, 2, 'noop', Buffer.alloc(0)).record),
    message: /the log ends at index 11 of term 2, but the hard-state record says index 10/,
  },
  {
    name: 'a record is stored under another key',
    change: async (db) => db.put(entryKey(4), makeEntry(5, 2, 'noop', Buffer.alloc(0)).record),
    message: /entry 4: the record stored for index 4 belongs to index 5/,
  },
  {
    name: 'a record does not match its checksum',
    change: async (db) => db.put(entryKey(4), Buffer.alloc(30, 1)),
    message: /entry 4: log record does not match its checksum/,
  },
  {
    name: 'a record is truncated',
    change: async (db) => db.put(entryKey(4), Buffer.alloc(3)),
    message: /entry 4: log record of 3 bytes is truncated/,
  },
  {
    name: 'terms decrease',
    change: async (db) => db.put(entryKey(4), makeEntry(4, 1, 'noop', Buffer.alloc(0)).record),
    message: /entry 4 has term 1, below term 2 of the entry before it/,
  },
  {
    name: 'the hard state is missing',
    change: async (db) => db.del(HARD_STATE_KEY),
    message: /the hard-state record is missing, but there are entries/,
  },
  {
    name: 'the hard state is damaged',
    change: async (db) => db.put(HARD_STATE_KEY, Buffer.alloc(30, 1)),
    message: /hard state: checksum mismatch in the hard-state record/,
  },
  {
    name: 'the hard state has a term below that of the last entry',
    change: async (db) => db.put(HARD_STATE_KEY, hardStateOf(1, 10, 2)),
    message: /the hard-state record has term 1, below term 2 of the last entry/,
  },
  {
    name: 'the identity is missing',
    change: async (db) => db.del(IDENTITY_KEY),
    message: /the identity record is missing/,
  },
  {
    name: 'the identity is damaged',
    change: async (db) => db.put(IDENTITY_KEY, Buffer.alloc(4)),
    message: /identity: the identity record of 4 bytes is truncated/,
  },
  {
    name: 'there is an unknown key',
    change: async (db) => db.put(Buffer.from('x'), Buffer.from('y')),
    message: /the key 78 does not belong to a log store/,
  },
  {
    name: 'only the identity is left',
    change: async (db) => {
      for (let index = 1; index <= 10; index++) await db.del(entryKey(index));
      await db.del(HARD_STATE_KEY);
    },
    message: /the hard-state record is missing, but there is an identity record/,
  },
];

for (const { name, change, message } of RECORD_FAULTS) {
  test(`open refuses a log store in which ${name}`, async ({ path }) => {
    const storage = await openStore(path);
    await storage.persist({ hardState: { term: 2, vote: null }, entries: makeEntries(1, 10, 2) });
    await storage.close();
    await withLevel(path, change);
    assert.match(await assertDamaged(path), message);
  });
}

const BASE_FAULTS: typeof RECORD_FAULTS = [
  {
    name: 'the base is missing',
    change: async (db) => db.del(BASE_KEY),
    message: /entry 1 is missing: the next entry found is 7/,
  },
  {
    name: 'the base is damaged',
    change: async (db) => db.put(BASE_KEY, Buffer.alloc(20, 1)),
    message: /base: checksum mismatch in the base record/,
  },
  {
    name: 'the base is an earlier one',
    change: async (db) => db.put(BASE_KEY, encodeBaseRecord(makeBase(3, 2))),
    message: /entry 4 is missing: the next entry found is 7/,
  },
  {
    name: 'the base is beyond the end',
    change: async (db) => db.put(BASE_KEY, encodeBaseRecord(makeBase(12, 2))),
    message: /the log ends at index 12 of term 2, but the hard-state record says index 10/,
  },
  {
    name: 'the base has a later term than the entries',
    change: async (db) => db.put(BASE_KEY, encodeBaseRecord(makeBase(6, 3))),
    message: /entry 7 has term 2, below term 3 of the entry before it/,
  },
];

for (const { name, change, message } of BASE_FAULTS) {
  test(`open refuses a log store in which ${name}`, async ({ path }) => {
    const storage = await openStore(path);
    await storage.persist({ hardState: { term: 3, vote: null }, entries: makeEntries(1, 10, 2) });
    await storage.compact(makeBase(6, 2));
    await storage.close();
    await withLevel(path, change);
    assert.match(await assertDamaged(path), message);
  });
}

test('open removes the entries that an interrupted compaction left below the base', async ({ path }) => {
  const storage = await openStore(path);
  await storage.persist({ hardState: { term: 2, vote: null }, entries: makeEntries(1, 10, 2) });
  await storage.close();
  // The new base was synced, but only some of the deletes reached the disk.
  await withLevel(path, async (db) => {
    await db.put(BASE_KEY, encodeBaseRecord(makeBase(6, 2)));
    await db.del(entryKey(1));
    await db.del(entryKey(4));
    await db.put(entryKey(5), Buffer.from('void, whatever it is'));
  });
  const reopened = await openStore(path);
  assertLog(reopened, makeEntries(7, 10, 2), makeBase(6, 2));
  await reopened.close();
  await withLevel(path, async (db) => {
    const keys = await db.keys().all();
    assert.equal(
      keys.map(indexOfKey).filter((index) => index !== null),
      [7, 8, 9, 10],
    );
  });
});

test('open refuses a folder with another format version', async ({ path }) => {
  await (await openStore(path)).close();
  await withLevel(path, async (db) =>
    db.put(IDENTITY_KEY, encodeIdentity({ format: FORMAT_VERSION + 1, ...OWNER })),
  );
  const error = await assertFailsWith('BAD_CONFIG', async () => openStore(path));
  assert.match(
    error.message,
    `has format ${FORMAT_VERSION + 1}; this program reads format ${FORMAT_VERSION}`,
  );
});

test.run();
