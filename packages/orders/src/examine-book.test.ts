/** What is said of a damaged book. */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { examineBook, type BookExamination } from './examine-book.js';
import { BOOK_FORMAT, numberKey, pageRecord, seal, textKey } from './records.js';
import { withFolder } from './testing/folders.js';
import { ENTRIES, assertRejects, fill, open, tamper } from './testing/stores.js';

async function examined(data: string): Promise<BookExamination> {
  const found = await examineBook(data);
  if (found === null) throw new Error('no book is found');
  return found;
}

async function withBook(use: (data: string, path: string) => Promise<void>): Promise<void> {
  await withFolder(async (data) => {
    await fill(join(data, 'book'), ENTRIES);
    await use(data, join(data, 'book'));
  });
}

test('a whole book is sound, and what is in it is told', async () => {
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

test('where no book is there is nothing to say; one that is named and gone is damage', async () => {
  await withFolder(async (data) => {
    assert.is(await examineBook(data), null);
    await writeFile(join(data, 'book.current'), 'book-3\n');
    await assertRejects(examineBook(data), 'LOG_DAMAGED', /names book-3, which is not there/);
  });
});

test('orders that are missing or damaged are told by number, and what should not be there by name', async () => {
  await withBook(async (data, path) => {
    await tamper(path, async (db) => {
      await db.put(numberKey('page', 1), Buffer.alloc(12));
      await db.del(numberKey('batch', 3));
      await db.put(textKey('stock', 'A'), Buffer.alloc(9));
      await db.del(textKey('key', 'c'));
      await db.put(textKey('key', 'b'), Buffer.alloc(9));
      await db.put(textKey('keyPage', '01234567-89ab'), Buffer.alloc(9));
      await db.put(Buffer.from('?'), Buffer.from('!'));
      const stray = pageRecord(9, []);
      await db.put(stray.key, stray.value);
    });
    const { problems, orders, batches, keys, stocks } = await examined(data);
    assert.equal([orders.missing.count, orders.damaged.toString(), orders.intact], [0, '1 to 4', 0]);
    assert.equal([batches.missing.toString(), keys, stocks], ['3', 4, 1]);
    assert.match(
      problems.join('; '),
      /unknown NaN should not be there; record key b does not hold its checksum; page 9 of orders should not be there; record stock A does not hold its checksum; record page 01234567-89ab of keys does not hold its checksum; it has 4 whole idempotency keys of 7; it has 1 whole stocks of 2/,
    );
  });
});

test('a page whose key was cut is told, and what is missing behind it counts', async () => {
  await withBook(async (data, path) => {
    await tamper(path, async (db) => {
      await db.del(numberKey('page', 1));
      await db.put(numberKey('page', 1).subarray(0, 5), Buffer.alloc(9));
    });
    const { problems, orders } = await examined(data);
    assert.match(problems.join(), /page NaN of orders should not be there/);
    assert.equal([orders.missing.toString(), orders.intact], ['1 to 4', 0]);
  });
});

test('of a book of another format nothing is said but that', async () => {
  await withBook(async (data, path) => {
    const key = textKey('identity');
    await tamper(path, async (db) => db.put(key, seal(key, [BOOK_FORMAT - 1, 'test', '1'])));
    const { problems, isOtherFormat, orders, keys, meta } = await examined(data);
    assert.is(isOtherFormat, true);
    assert.match(
      problems.join(),
      new RegExp(`^it is of format ${BOOK_FORMAT - 1}, .* format ${BOOK_FORMAT} only$`),
    );
    assert.equal([orders.intact, orders.missing.count, keys, meta], [0, 0, 0, null]);
  });
});

test('a book without its meta record is told, and its orders are counted even so', async () => {
  await withBook(async (data, path) => {
    await tamper(path, async (db) => db.del(textKey('meta')));
    const { problems, meta, orders } = await examined(data);
    assert.match(problems.join(), /its meta record cannot be read/);
    assert.equal([meta, orders.intact, orders.missing.count], [null, 4, 0]);
    await tamper(path, async (db) => db.put(textKey('meta'), Buffer.alloc(8)));
    assert.match((await examined(data)).problems.join(), /record meta does not hold its checksum/);
  });
});

test('a flipped bit in a table is damage with its place; in the last writes it is mended from the log', async () => {
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
      /\.log is cut off at offset \d+, and what is behind is applied again from the log/,
    );
    await (await open(path)).store.close();
    await (await open(path)).store.close();
    await flip(/\.ldb$/, 20);
    const { flaws } = await examined(data);
    assert.match(flaws[0]?.what ?? '', /\.ldb is damaged: the block at offset 0/);
    for (const name of (await readdir(path)).filter((file) => file.startsWith('MANIFEST')))
      await rm(join(path, name));
    assert.match((await examined(data)).problems.join(), /LevelDB cannot open it/);
  });
});

test.run();
