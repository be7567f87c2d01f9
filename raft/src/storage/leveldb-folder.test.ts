/** Folders whose writes are not synced: what a power loss leaves of their write-ahead files. */
import { copyFile, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { assertFails } from './conformance.js';
import { mendUnsynced } from './leveldb-folder.js';
import { inspectFolder } from './leveldb-inspect.js';
import { readWal } from './leveldb-wal.js';
import { storeSuite, withLevel } from './testing/level-store.js';

const test = storeSuite('LevelDB without syncs');

const key = (number: number): Buffer => Buffer.from(String(number).padStart(5, '0'));

/** Writes so many keys, each by itself, and leaves them in one write-ahead file. */
async function written(path: string, count: number): Promise<string> {
  await withLevel(path, async (db) => {
    for (let i = 0; i < count; i++) await db.put(key(i), Buffer.alloc(50, 'value'));
  });
  const [name = ''] = (await readdir(path)).filter((file) => file.endsWith('.log'));
  return join(path, name);
}

async function keysOf(path: string): Promise<number[]> {
  const keys: number[] = [];
  await withLevel(path, async (db) => {
    for (const one of await db.keys().all()) keys.push(Number(Buffer.from(one).toString()));
  });
  return keys;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('a whole folder, an absent one and a torn end are left as they are', async ({ path }) => {
  assert.is(await mendUnsynced(path), null);
  const wal = await written(path, 10);
  assert.is(await mendUnsynced(path), null);
  await truncate(wal, (await readFile(wal)).length - 3);
  assert.is(await mendUnsynced(path), null);
  assert.equal(await keysOf(path), upTo(9));
});

test('from a hole on everything goes, so that no later write stands without an earlier one', async ({
  path,
}) => {
  const wal = await written(path, 40);
  const bytes = await readFile(wal);
  const { ends } = readWal(bytes);
  bytes.fill(0, (ends[19] ?? 0) + 5, (ends[19] ?? 0) + 20);
  await writeFile(wal, bytes);
  assert.match((await mendUnsynced(path)) ?? '', `is cut off at offset ${ends[19]}: `);
  assert.is(await mendUnsynced(path), null);
  assert.equal(await keysOf(path), upTo(20));
});

test('a later write-ahead file goes where the one before it has lost its end, however cleanly', async ({
  path,
}) => {
  const wal = await written(path, 40);
  const bytes = await readFile(wal);
  const { ends } = readWal(bytes);
  const second = wal.replace(
    /(\d+)\.log$/,
    (_, number: string) => `${String(Number(number) + 6).padStart(6, '0')}.log`,
  );
  // The later file has the last writes alone, as LevelDB numbers them: those between are lost.
  const start = ends[29] ?? 0;
  await copyFile(wal, second);
  await writeFile(second, bytes.subarray(start));
  for (const size of [ends[19] ?? 0, (ends[19] ?? 0) + 8]) {
    await writeFile(wal, bytes.subarray(0, size));
    await writeFile(second, bytes.subarray(start));
    const { walBreak } = await inspectFolder(path);
    assert.equal(walBreak?.later.length ?? 0, size === ends[19] ? 0 : 1);
    assert.match(
      (await mendUnsynced(path)) ?? '',
      /is cut off at offset \d+.*: (writes are missing|it is torn)/,
    );
    assert.is(await mendUnsynced(path), null);
  }
  assert.equal(await keysOf(path), upTo(20));
});

test('damage elsewhere is refused, whatever stands in the write-ahead files', async ({ path }) => {
  await written(path, 40);
  await withLevel(path, async (db) => db.put(key(99), key(99)));
  const [name = ''] = (await readdir(path)).filter((file) => file.endsWith('.ldb'));
  const table = join(path, name);
  const bytes = await readFile(table);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  await writeFile(table, bytes);
  const { message } = await assertFails('LOG_DAMAGED', async () => mendUnsynced(path));
  assert.match(message, `${name} is damaged: the block at offset 0`);
});

test.run();
