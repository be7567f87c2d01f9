/** Damaged books: found when they are opened, or when every record is read beside the work. */
import { cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { numberKey, pageRecord, textKey, toRecord } from './records.js';
import type { BookEntry } from './rules/state.js';
import { buy, entry, seeding } from './rules/testing/batches.js';
import { withFolder } from './testing/folders.js';
import { ENTRIES, PAGED_KEY, applyTo, assertRejects, bookOf, fill, open, tamper } from './testing/stores.js';

/** Opens a book and reads every record of it, as a replica does. */
async function lookThrough(path: string): Promise<void> {
  const { store } = await open(path);
  try {
    await store.check();
  } finally {
    await store.close();
  }
}

test('every flipped bit of every record is found when the book is opened and looked through', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const records: [Uint8Array, Uint8Array][] = [];
    await tamper(path, async (db) => {
      records.push(...(await db.iterator().all()));
    });
    assert.equal(
      [...new Set(records.map(([key]) => String.fromCharCode(key[0] ?? 0)))].sort().join(''),
      'ceikmpsy',
    );
    for (const [key, value] of records) {
      // One bit a byte, another one in each: all bits of all bytes take minutes.
      for (const at of [0, Math.floor(value.length / 2), value.length - 1]) {
        const damaged = Buffer.from(value);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        await tamper(path, async (db) => db.put(key, damaged));
        await assertRejects(lookThrough(path), 'LOG_DAMAGED', /is damaged: .*does not hold its checksum/);
      }
      await tamper(path, async (db) => db.put(key, value));
    }
    await lookThrough(path);
  });
});

test('a record too short to have a checksum, and one that moved to another key, and a cut key are found', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    await tamper(path, async (db) => {
      const one = await db.get(numberKey('change', 1));
      assert.ok(one);
      await db.put(numberKey('change', 2), one);
    });
    await assertRejects(lookThrough(path), 'LOG_DAMAGED', /change 2 does not hold/);
    await tamper(path, async (db) => db.put(numberKey('change', 2), Buffer.from([1])));
    await assertRejects(lookThrough(path), 'LOG_DAMAGED', /change 2 does not hold/);
    await tamper(path, async (db) => {
      await db.del(numberKey('change', 2));
      await db.put(numberKey('change', 2).subarray(0, 8), Buffer.alloc(9));
    });
    await assertRejects(lookThrough(path), 'LOG_DAMAGED', /change 1|change 2 is missing/);
  });
});

const KEYS: readonly (readonly [string, Buffer, RegExp])[] = [
  ['the page of its orders', numberKey('page', 1), /order 1 is missing/],
  ['a change', numberKey('change', 1), /change 1 is missing/],
  ['its first batch', numberKey('batch', 1), /batch 1 is missing/],
  ['a batch', numberKey('batch', 2), /batch 2 is missing/],
  ['its last batch', numberKey('batch', 3), /batch 3 is missing/],
  ['a stock', textKey('stock', 'A'), /1 stocks of 2/],
  ['a key', textKey('key', 'c'), /6 keys of 7/],
  ['a page of keys', textKey('keyPage', '01234567-89ab'), /6 keys of 7/],
  ['the meta record', textKey('meta'), /should not be there/],
  ['the identity', textKey('identity'), /identity is missing/],
];

for (const [what, key, message] of KEYS) {
  test(`a book that lost ${what} is found to be damaged when it is opened and looked through`, async () => {
    await withFolder(async (path) => {
      await fill(path, ENTRIES);
      await tamper(path, async (db) => db.del(key));
      await assertRejects(lookThrough(path), 'LOG_DAMAGED', message);
    });
  });
}

test('records that should be gone, or come from a write that was lost, are found', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const stray = pageRecord(9, []);
    const key = toRecord({ table: 'key', key: 'stray', value: { seq: 1, position: 0 } });
    const stock = { name: 'STRAY', price: 1, quantity: 1, version: 0 };
    const listed = toRecord({ table: 'stock', name: stock.name, value: stock });
    for (const [record, message] of [
      [listed, /3 stocks of 2/],
      [stray, /page 9 of orders should not be there/],
      [key, /8 keys of 7/],
    ] as const) {
      await tamper(path, async (db) => db.put(record.key, record.value ?? Buffer.alloc(0)));
      await assertRejects(lookThrough(path), 'LOG_DAMAGED', message);
      await tamper(path, async (db) => db.del(record.key));
    }
  });
});

test('a page of keys that is damaged is told as damage where it is read and where it is written', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    await tamper(path, async (db) => db.put(textKey('keyPage', '01234567-89ab'), Buffer.alloc(9)));
    const { store } = await open(path);
    const message = /page 01234567-89ab of keys does not hold its checksum/;
    assert.throws(() => store.place(PAGED_KEY), message);
    for (const value of [null, { seq: 4, position: 0 }])
      await assertRejects(store.write([{ table: 'key', key: PAGED_KEY, value }]), 'LOG_DAMAGED', message);
    await store.close();
  });
});

/** Many applies, so that a write-ahead file of some length holds them. */
const applies = (count: number): readonly BookEntry[] =>
  Array.from({ length: count }, (_, i) => (i === 0 ? seeding(1) : entry(i + 1, [buy(`key-${i}`)])));
const MANY = applies(60);

async function onlyWal(path: string): Promise<string> {
  const [name = ''] = (await readdir(path)).filter((file) => file.endsWith('.log'));
  return join(path, name);
}

/** Writes the book's applies into one write-ahead file, with nothing of them in tables. */
async function fillAtOnce(path: string, entries = MANY): Promise<void> {
  const opened = await open(path);
  const book = bookOf(opened);
  for (const one of entries) await applyTo(opened.store, book, [one]);
  await opened.store.close();
}

test('bytes that a power loss took from the middle of the last writes cut the book off there, and it goes on', async () => {
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
      const opened = await open(copy);
      const { store, meta, mended } = opened;
      assert.match(mended ?? '', /000003\.log is cut off at offset \d+: /);
      assert.ok(meta.applied < 60);
      await store.check();
      // What was cut off is in the log, and is applied again.
      const book = bookOf(opened);
      for (const one of MANY.slice(meta.applied)) await applyTo(store, book, [one]);
      assert.is(book.meta.orders, 59);
      await store.check();
      await store.close();
      await lookThrough(copy);
    }
  });
});

test('a torn end of the last writes is no damage, and is told no one', async () => {
  await withFolder(async (path) => {
    await fillAtOnce(path);
    const wal = await onlyWal(path);
    await truncate(wal, (await readFile(wal)).length - 9);
    const { store, meta, mended } = await open(path);
    assert.equal([meta.applied, mended], [59, null]);
    await store.check();
    await store.close();
  });
});

test('a flipped bit in a table, a missing table and a lost CURRENT are refused by name', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'book');
    await fill(path, ENTRIES);
    await (await open(path)).store.close();
    const [table = ''] = (await readdir(path)).filter((file) => file.endsWith('.ldb'));
    for (const [hurt, message] of [
      [
        async (copy: string) => {
          const bytes = await readFile(join(copy, table));
          bytes[10] = (bytes[10] ?? 0) ^ 1;
          await writeFile(join(copy, table), bytes);
        },
        /\.ldb is damaged: the block at offset 0 does not hold its checksum/,
      ],
      [async (copy: string) => rm(join(copy, table)), /table \d+ is missing/],
      [async (copy: string) => rm(join(copy, 'CURRENT')), /CURRENT is missing/],
    ] as const) {
      const copy = join(folder, 'copy');
      await cp(path, copy, { recursive: true });
      await hurt(copy);
      await assertRejects(open(copy), 'LOG_DAMAGED', message);
      await rm(copy, { recursive: true });
    }
  });
});

test('looking through a book leaves room for other work, and sees it as of one moment', async () => {
  await withFolder(async (path) => {
    await fillAtOnce(path, applies(3000));
    const opened = await open(path);
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
