/** Damaged books: detected when opened, or by the check of every record. */
import { cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { numberKey, pageRecord, textKey, toRecord } from './codec.js';
import type { BookEntry } from '../rules/book/state.js';
import { buy, entry, seedEntry } from '../rules/testing/batches.js';
import { withFolder } from '../testing/folders.js';
import {
  ENTRIES,
  applyTo,
  assertRejects,
  bookOf,
  fillStore,
  openStore,
  modifyRecords,
} from '../testing/stores.js';

/** Opens a book and checks every record of it, as a replica does. */
async function openAndCheck(path: string): Promise<void> {
  const { store } = await openStore(path);
  try {
    await store.check();
  } finally {
    await store.close();
  }
}

test('open and check detect a flipped bit in any record', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    const records: [Uint8Array, Uint8Array][] = [];
    await modifyRecords(path, async (db) => {
      records.push(...(await db.iterator().all()));
    });
    assert.equal(
      [...new Set(records.map(([key]) => String.fromCharCode(key[0] ?? 0)))].sort().join(''),
      'ceikmps',
    );
    for (const [key, value] of records) {
      // One bit of three bytes per record: all bits of all bytes would take minutes.
      for (const at of [0, Math.floor(value.length / 2), value.length - 1]) {
        const damaged = Buffer.from(value);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        await modifyRecords(path, async (db) => db.put(key, damaged));
        await assertRejects(openAndCheck(path), 'LOG_DAMAGED', /is damaged: .*checksum mismatch in record/);
      }
      await modifyRecords(path, async (db) => db.put(key, value));
    }
    await openAndCheck(path);
  });
});

test('open and check detect a record without a checksum, a moved record and a truncated key', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    await modifyRecords(path, async (db) => {
      const one = await db.get(numberKey('change', 1));
      assert.ok(one);
      await db.put(numberKey('change', 2), one);
    });
    await assertRejects(openAndCheck(path), 'LOG_DAMAGED', /checksum mismatch in record change 2/);
    await modifyRecords(path, async (db) => db.put(numberKey('change', 2), Buffer.from([1])));
    await assertRejects(openAndCheck(path), 'LOG_DAMAGED', /checksum mismatch in record change 2/);
    await modifyRecords(path, async (db) => {
      await db.del(numberKey('change', 2));
      await db.put(numberKey('change', 2).subarray(0, 8), Buffer.alloc(9));
    });
    await assertRejects(openAndCheck(path), 'LOG_DAMAGED', /change 1|change 2 is missing/);
  });
});

const KEYS: readonly (readonly [string, Buffer, RegExp])[] = [
  ['its order page', numberKey('page', 1), /order 1 is missing/],
  ['a change', numberKey('change', 1), /change 1 is missing/],
  ['its first batch', numberKey('batch', 1), /batch 1 is missing/],
  ['a batch', numberKey('batch', 2), /batch 2 is missing/],
  ['its last batch', numberKey('batch', 3), /batch 3 is missing/],
  ['a stock', textKey('stock', 'A'), /found 1 of 2 stocks/],
  ['a key', textKey('key', 'c'), /found 6 of 7 idempotency keys/],
  ['the meta record', textKey('meta'), /is unexpected without a meta record/],
  ['the identity', textKey('identity'), /the identity record is missing/],
];

for (const [what, key, message] of KEYS) {
  test(`open and check detect that ${what} is missing`, async () => {
    await withFolder(async (path) => {
      await fillStore(path, ENTRIES);
      await modifyRecords(path, async (db) => db.del(key));
      await assertRejects(openAndCheck(path), 'LOG_DAMAGED', message);
    });
  });
}

test('check detects unexpected records', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    const stray = pageRecord(9, []);
    const key = toRecord({ table: 'key', key: 'stray', value: { seq: 1, position: 0 } });
    const stock = { name: 'STRAY', price: 1, quantity: 1, version: 0 };
    const listed = toRecord({ table: 'stock', name: stock.name, value: stock });
    for (const [record, message] of [
      [listed, /found 3 of 2 stocks/],
      [stray, /order page 9 is unexpected/],
      [key, /found 8 of 7 idempotency keys/],
    ] as const) {
      await modifyRecords(path, async (db) => db.put(record.key, record.value ?? Buffer.alloc(0)));
      await assertRejects(openAndCheck(path), 'LOG_DAMAGED', message);
      await modifyRecords(path, async (db) => db.del(record.key));
    }
  });
});

test('positionOf reports a damaged key', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    await modifyRecords(path, async (db) => db.put(textKey('key', 'c'), Buffer.alloc(9)));
    const { store } = await openStore(path);
    assert.throws(() => store.positionOf('c'), /checksum mismatch in record key c/);
    await store.close();
  });
});

/** Many applies, so that they fill a longer write-ahead file. */
const applies = (count: number): readonly BookEntry[] =>
  Array.from({ length: count }, (_, i) => (i === 0 ? seedEntry(1) : entry(i + 1, [buy(`key-${i}`)])));
const MANY = applies(60);

async function onlyWal(path: string): Promise<string> {
  const [name = ''] = (await readdir(path)).filter((file) => file.endsWith('.log'));
  return join(path, name);
}

/** Writes the applies into one write-ahead file, and none of them into tables. */
async function fillAtOnce(path: string, entries = MANY): Promise<void> {
  const opened = await openStore(path);
  const book = bookOf(opened);
  for (const one of entries) await applyTo(opened.store, book, [one]);
  await opened.store.close();
}

test('open truncates the last writes where a power loss left a gap, and the log restores the rest', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'book');
    await fillAtOnce(path);
    const { length } = await readFile(await onlyWal(path));
    for (const at of [600, Math.floor(length / 2), length - 40]) {
      const copy = join(folder, `copy-${at}`);
      await cp(path, copy, { recursive: true });
      const wal = await onlyWal(copy);
      const bytes = await readFile(wal);
      bytes.fill(0, at, Math.min(at + 30, length));
      await writeFile(wal, bytes);
      const opened = await openStore(copy);
      const { store, meta, repaired } = opened;
      assert.match(repaired ?? '', /000003\.log was truncated at offset \d+: /);
      assert.ok(meta.applied < 60);
      await store.check();
      // The truncated writes are in the log and are applied again.
      const book = bookOf(opened);
      for (const one of MANY.slice(meta.applied)) await applyTo(store, book, [one]);
      assert.is(book.meta.orders, 59);
      await store.check();
      await store.close();
      await openAndCheck(copy);
    }
  });
});

test('open accepts a torn end of the last writes silently', async () => {
  await withFolder(async (path) => {
    await fillAtOnce(path);
    const wal = await onlyWal(path);
    await truncate(wal, (await readFile(wal)).length - 9);
    const { store, meta, repaired } = await openStore(path);
    assert.equal([meta.applied, repaired], [59, null]);
    await store.check();
    await store.close();
  });
});

test('open reports a flipped bit in a table, a missing table and a missing CURRENT', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'book');
    await fillStore(path, ENTRIES);
    await (await openStore(path)).store.close();
    const [table = ''] = (await readdir(path)).filter((file) => file.endsWith('.ldb'));
    for (const [corrupt, message] of [
      [
        async (copy: string) => {
          const bytes = await readFile(join(copy, table));
          bytes[10] = (bytes[10] ?? 0) ^ 1;
          await writeFile(join(copy, table), bytes);
        },
        /\.ldb is damaged: checksum mismatch in the block at offset 0/,
      ],
      [async (copy: string) => rm(join(copy, table)), /table \d+ is missing/],
      [async (copy: string) => rm(join(copy, 'CURRENT')), /CURRENT is missing/],
    ] as const) {
      const copy = join(folder, 'copy');
      await cp(path, copy, { recursive: true });
      await corrupt(copy);
      await assertRejects(openStore(copy), 'LOG_DAMAGED', message);
      await rm(copy, { recursive: true });
    }
  });
});

test('check pauses regularly and sees the book as of one moment', async () => {
  await withFolder(async (path) => {
    await fillAtOnce(path, applies(3000));
    const opened = await openStore(path);
    const { store } = opened;
    const book = bookOf(opened);
    let pauses = 0;
    await store.check(async () => {
      pauses += 1;
      if (pauses === 1) await applyTo(store, book, [entry(3001, [buy('late')])]);
    });
    assert.ok(pauses >= 8 && pauses <= 20, `${pauses} pauses in some 200 KiB`);
    await store.check();
    await store.close();
  });
});

test.run();
