/** Examination of damaged order books. */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { examineBook, type BookReport } from './examine.js';
import { BOOK_FORMAT, numberKey, pageRecord, seal, textKey } from './codec.js';
import { withFolder } from '../testing/folders.js';
import { ENTRIES, assertRejects, fillStore, openStore, modifyRecords } from '../testing/stores.js';

async function examined(data: string): Promise<BookReport> {
  const found = await examineBook(data);
  if (found === null) throw new Error('no book is found');
  return found;
}

async function withBook(use: (data: string, path: string) => Promise<void>): Promise<void> {
  await withFolder(async (data) => {
    await fillStore(join(data, 'book'), ENTRIES);
    await use(data, join(data, 'book'));
  });
}

test('examineBook reports an intact book as sound, with its counts', async () => {
  await withBook(async (data) => {
    const { folder, owner, flaws, problems, mends, meta, orders, changes, batches, keys, stocks } =
      await examined(data);
    assert.equal([folder, owner, flaws, problems, mends], ['book', { cluster: 'test', id: '1' }, [], [], []]);
    assert.equal([meta?.applied, meta?.orders, keys, stocks], [5, 4, 7, 2]);
    for (const [table, intact] of [
      [orders, 4],
      [changes, 2],
      [batches, 3],
    ] as const) {
      assert.equal([table.intact, table.missing.count, table.damaged.count], [intact, 0, 0]);
    }
  });
});

test('examineBook returns null without a book, and fails with LOG_DAMAGED if the named book does not exist', async () => {
  await withFolder(async (data) => {
    assert.is(await examineBook(data), null);
    await writeFile(join(data, 'book.current'), 'book-3\n');
    await assertRejects(examineBook(data), 'LOG_DAMAGED', /names book-3, which does not exist/);
  });
});

test('examineBook lists missing and damaged orders by number, and other bad records by name', async () => {
  await withBook(async (data, path) => {
    await modifyRecords(path, async (db) => {
      await db.put(numberKey('page', 1), Buffer.alloc(12));
      await db.del(numberKey('batch', 3));
      await db.put(textKey('stock', 'A'), Buffer.alloc(9));
      await db.del(textKey('key', 'c'));
      await db.put(textKey('key', 'b'), Buffer.alloc(9));
      await db.put(textKey('key', 'd'), Buffer.alloc(9));
      await db.put(Buffer.from('?'), Buffer.from('!'));
      const stray = pageRecord(9, []);
      await db.put(stray.key, stray.value);
    });
    const { problems, orders, batches, keys, stocks } = await examined(data);
    assert.equal([orders.missing.count, orders.damaged.toString(), orders.intact], [0, '1 to 4', 0]);
    assert.equal([batches.missing.toString(), keys, stocks], ['3', 4, 1]);
    assert.match(
      problems.join('; '),
      /unknown NaN is unexpected; checksum mismatch in record key b; checksum mismatch in record key d; order page 9 is unexpected; checksum mismatch in record stock A; found 4 of 7 idempotency keys intact; found 1 of 2 stocks intact/,
    );
  });
});

test('examineBook reports an order page with a truncated key, and counts the orders missing after it', async () => {
  await withBook(async (data, path) => {
    await modifyRecords(path, async (db) => {
      await db.del(numberKey('page', 1));
      await db.put(numberKey('page', 1).subarray(0, 5), Buffer.alloc(9));
    });
    const { problems, orders } = await examined(data);
    assert.match(problems.join(), /order page NaN is unexpected/);
    assert.equal([orders.missing.toString(), orders.intact], ['1 to 4', 0]);
  });
});

test('examineBook reports nothing but the format of a book of another format', async () => {
  await withBook(async (data, path) => {
    const key = textKey('identity');
    await modifyRecords(path, async (db) => db.put(key, seal(key, [BOOK_FORMAT - 1, 'test', '1'])));
    const { problems, isOtherFormat, orders, keys, meta } = await examined(data);
    assert.is(isOtherFormat, true);
    assert.match(
      problems.join(),
      new RegExp(`^the book has format ${BOOK_FORMAT - 1}; .* only format ${BOOK_FORMAT}$`),
    );
    assert.equal([orders.intact, orders.missing.count, keys, meta], [0, 0, 0, null]);
  });
});

test('examineBook reports a missing or damaged meta record and still counts the orders', async () => {
  await withBook(async (data, path) => {
    await modifyRecords(path, async (db) => db.del(textKey('meta')));
    const { problems, meta, orders } = await examined(data);
    assert.match(problems.join(), /the meta record cannot be read/);
    assert.equal([meta, orders.intact, orders.missing.count], [null, 4, 0]);
    await modifyRecords(path, async (db) => db.put(textKey('meta'), Buffer.alloc(8)));
    assert.match((await examined(data)).problems.join(), /checksum mismatch in record meta/);
  });
});

test('examineBook reports a flipped bit in a table as damage, and one in the last writes as repairable', async () => {
  await withBook(async (data, path) => {
    const flip = async (pattern: RegExp, at: number): Promise<void> => {
      const [name = ''] = (await readdir(path)).filter((file) => pattern.test(file));
      const bytes = await readFile(join(path, name));
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await writeFile(join(path, name), bytes);
    };
    await flip(/\.log$/, 700);
    const cut = await examined(data);
    assert.equal([cut.flaws, cut.problems], [[], []]);
    assert.match(
      cut.mends.join(),
      /\.log will be truncated at offset \d+; later writes will be applied again from the log/,
    );
    await (await openStore(path)).store.close();
    await (await openStore(path)).store.close();
    await flip(/\.ldb$/, 20);
    const { flaws } = await examined(data);
    assert.match(flaws[0]?.what ?? '', /\.ldb is damaged: checksum mismatch in the block at offset 0/);
    for (const name of (await readdir(path)).filter((file) => file.startsWith('MANIFEST')))
      await rm(join(path, name));
    assert.match((await examined(data)).problems.join(), /LevelDB cannot open the book/);
  });
});

test.run();
