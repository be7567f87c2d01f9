/** Books restored from backups: equal to what the replica had at that point. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, type Command } from '@trireme/domain';
import { openChain, restoreBook } from './restore.js';
import type { RestorePoint } from '../rules/backup/chain.js';
import type { BackupHeader } from '../rules/backup/header.js';
import type { BookEntry, BookMeta } from '../rules/book/state.js';
import { KEY_LIFETIME_MS } from '../rules/book/book.js';
import { TOO_MANY, buy, entry, seedEntry, toEntry } from '../rules/testing/batches.js';
import { backUp } from '../testing/backups.js';
import { withFolder } from '../testing/folders.js';
import { applyTo, bookOf, openStore } from '../testing/stores.js';

const LIST: Command = { kind: 'list', key: 'list', name: 'N', price: 5 };
const RESTOCK: Command = { kind: 'restock', key: 'restock', name: 'N', quantity: 50 };

/** Entry n at index n, at time and age 1000n: orders, refusals, repeated keys, a listing, no-ops, and catalog sets. */
const HISTORY: readonly BookEntry[] = [
  seedEntry(1, undefined, {}, { catalogs: ['catalog-1'] }),
  at(2, [buy('a'), buy('b')]),
  at(3, [buy('a'), LIST]),
  at(4, []),
  toEntry(5, null),
  at(6, [buy('c', TOO_MANY), buy('d')]),
  at(7, [buy('a')]),
  {
    ...at(8, []),
    batch: { age: 8000, time: 8000, visibleOrders: 3, commands: [], seed: null, catalogs: ['catalog-2'] },
  },
  at(9, [RESTOCK, buy('e'), buy('f'), buy('g')]),
  at(10, []),
  at(11, [buy('h')]),
  at(12, []),
];
/** The files, each with the index at which it was made; the first one is full. */
const FILES: Readonly<Record<'full' | 'first' | 'second' | 'third', number>> = {
  full: 4,
  first: 6,
  second: 10,
  third: 12,
};

function at(index: number, commands: readonly Command[]): BookEntry {
  return entry(index, commands, { age: index * 1000, time: index * 1000 });
}

type Paths = Readonly<Record<keyof typeof FILES, string>>;

/** Runs with backups of a history, and the meta record after each entry. */
async function withBackups(
  run: (paths: Paths, metas: ReadonlyMap<number, BookMeta>, folder: string) => Promise<void>,
  history = HISTORY,
): Promise<void> {
  await withFolder(async (folder) => {
    const opened = await openStore(join(folder, 'book'));
    const book = bookOf(opened);
    const paths = { full: '', first: '', second: '', third: '' };
    const metas = new Map<number, BookMeta>();
    let since: BackupHeader | null = null;
    try {
      for (const one of history) {
        await applyTo(opened.store, book, [one]);
        metas.set(one.index, { ...book.meta });
        for (const name of Object.keys(FILES) as (keyof typeof FILES)[]) {
          if (FILES[name] !== one.index) continue;
          paths[name] = join(folder, name);
          since = await backUp(opened.store, paths[name], since);
        }
      }
    } finally {
      await opened.store.close();
    }
    await run(paths, metas, folder);
  });
}

let restores = 0;

/** Restores, checks every record of the book, and returns its meta record. */
async function restore(folder: string, paths: readonly string[], point: RestorePoint): Promise<BookMeta> {
  const chain = await openChain(paths);
  const { store, meta } = await restoreBook(chain, point, join(folder, `restored-${(restores += 1)}`));
  try {
    await store.check();
    const view = store.view();
    assert.equal(view.meta, meta);
    await view.close();
    return meta;
  } finally {
    await store.close();
  }
}

/** What a restore to the index must give: catalogs and times of entries without commands may be older. */
function essentials(meta: BookMeta | undefined): object {
  assert.ok(meta !== undefined);
  const { applied, orders, firstSeq, lastSeq, lastIndex, keys, changes, stocks, life, seedHash, hash } = meta;
  return { applied, orders, firstSeq, lastSeq, lastIndex, keys, changes, stocks, life, seedHash, hash };
}

test('a restore to the end gives the meta record of the last backup', async () => {
  await withBackups(async ({ full, first, second, third }, metas, folder) => {
    assert.equal(await restore(folder, [full], { kind: 'end' }), metas.get(4));
    assert.equal(await restore(folder, [full, first], { kind: 'end' }), metas.get(6));
    assert.equal(await restore(folder, [third, full, second, first, second], { kind: 'end' }), metas.get(12));
  });
});

test('a restore to each index gives the book that the replica had there', async () => {
  await withBackups(async ({ full, first, second, third }, metas, folder) => {
    for (let index = FILES.full; index <= FILES.third; index += 1) {
      const meta = await restore(folder, [full, first, second, third], { kind: 'index', index });
      assert.equal(essentials(meta), essentials(metas.get(index)), `index ${index}`);
      const isChanged = index >= 8;
      assert.equal([meta.catalogs, meta.catalogsIndex], isChanged ? [['catalog-2'], 8] : [['catalog-1'], 1]);
    }
  });
});

test('a restore to an order stops after the entry that contains it, one to a time before the first later entry', async () => {
  await withBackups(async ({ full, first, second, third }, metas, folder) => {
    const all = [full, first, second, third];
    const orderIndexes = { 2: 4, 3: 6, 4: 9, 5: 9, 6: 9, 7: 11 };
    for (const [order, index] of Object.entries(orderIndexes)) {
      const meta = await restore(folder, all, { kind: 'order', order: Number(order) });
      assert.equal(essentials(meta), essentials(metas.get(index)), `order ${order}`);
    }
    for (const [time, index] of [
      [4_000, 4],
      [5_999, 4],
      [6_000, 6],
      [8_999, 6],
      [9_000, 9],
    ] as const) {
      const meta = await restore(folder, all, { kind: 'time', time });
      assert.is(meta.hash, metas.get(index)?.hash, `time ${time}`);
      assert.is(meta.orders, metas.get(index)?.orders);
    }
  });
});

test('keys that have expired meanwhile are dropped as on the replica', async () => {
  const late = (index: number, key: string): BookEntry =>
    entry(index, [buy(key)], { age: KEY_LIFETIME_MS + 3_000 + index, time: 50_000 + index });
  const history = [...HISTORY.slice(0, 9), late(10, 'i'), late(11, 'j'), late(12, 'a')];
  await withBackups(async ({ full, first, second, third }, metas, folder) => {
    const meta = await restore(folder, [full, first, second, third], { kind: 'end' });
    assert.equal(essentials(meta), essentials(metas.get(12)));
    assert.ok(meta.firstSeq > 1);
    assert.is(meta.orders, (metas.get(9)?.orders ?? 0) + 3, 'an expired key makes a new order');
  }, history);
});

test('backups of different histories are refused', async () => {
  const other = HISTORY.map((one) => (one.index === 6 ? at(6, [buy('other')]) : one));
  await withBackups(async ({ full, first }, _, folder) => {
    await withBackups(async (fork) => {
      const problem = async (...paths: readonly string[]): Promise<string> =>
        restore(folder, paths, { kind: 'end' }).then(
          () => 'no problem',
          (error: unknown) => (error instanceof FormatError ? error.message : String(error)),
        );
      const named = await problem(full, first, fork.second);
      assert.match(named, /do not belong together: their books at batch/);
      assert.match(named, first);
      assert.match(named, fork.second);
      assert.match(await problem(full, fork.third), /a backup is missing/);
      assert.is(
        await problem(full, fork.first, fork.second),
        'no problem',
        'the fork starts after the full backup',
      );
    }, other);
  });
});

test.run();
