/** Repair of folders without synced writes after a power loss. */
import { copyFile, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { assertFailsWith } from './conformance-tools.js';
import { repairUnsyncedFolder } from './leveldb-folder.js';
import { inspectFolder } from './leveldb-inspect.js';
import { readWal } from './leveldb-wal.js';
import { storeSuite, withLevel } from './testing/level-store.js';

const test = storeSuite('LevelDB without syncs');

const key = (number: number): Buffer => Buffer.from(String(number).padStart(5, '0'));

/** Writes `count` keys, each in its own write, and leaves them in one write-ahead file. @returns its path */
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
    for (const bytes of await db.keys().all()) keys.push(Number(Buffer.from(bytes).toString()));
  });
  return keys;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('repairUnsyncedFolder leaves an intact folder, a missing folder and a torn end unchanged', async ({
  path,
}) => {
  assert.is(await repairUnsyncedFolder(path), null);
  const wal = await written(path, 10);
  assert.is(await repairUnsyncedFolder(path), null);
  await truncate(wal, (await readFile(wal)).length - 3);
  assert.is(await repairUnsyncedFolder(path), null);
  assert.equal(await keysOf(path), upTo(9));
});

test('repairUnsyncedFolder removes everything after a hole, so that no write is kept without the earlier ones', async ({
  path,
}) => {
  const wal = await written(path, 40);
  const bytes = await readFile(wal);
  const { ends } = readWal(bytes);
  bytes.fill(0, (ends[19] ?? 0) + 5, (ends[19] ?? 0) + 20);
  await writeFile(wal, bytes);
  assert.match((await repairUnsyncedFolder(path)) ?? '', `was truncated at offset ${ends[19]}: `);
  assert.is(await repairUnsyncedFolder(path), null);
  assert.equal(await keysOf(path), upTo(20));
});

test('repairUnsyncedFolder removes a later write-ahead file if the previous one has lost its end, torn or not', async ({
  path,
}) => {
  const wal = await written(path, 40);
  const bytes = await readFile(wal);
  const { ends } = readWal(bytes);
  const second = wal.replace(
    /(\d+)\.log$/,
    (_, number: string) => `${String(Number(number) + 6).padStart(6, '0')}.log`,
  );
  // The later file has only the last writes, numbered as LevelDB does; the writes in between are lost.
  const start = ends[29] ?? 0;
  await copyFile(wal, second);
  await writeFile(second, bytes.subarray(start));
  for (const size of [ends[19] ?? 0, (ends[19] ?? 0) + 8]) {
    await writeFile(wal, bytes.subarray(0, size));
    await writeFile(second, bytes.subarray(start));
    const { unreliableTail } = await inspectFolder(path);
    assert.equal(unreliableTail?.later.length ?? 0, size === ends[19] ? 0 : 1);
    assert.match(
      (await repairUnsyncedFolder(path)) ?? '',
      /was truncated at offset \d+.*: (writes are missing|it ends in a torn write)/,
    );
    assert.is(await repairUnsyncedFolder(path), null);
  }
  assert.equal(await keysOf(path), upTo(20));
});

test('repairUnsyncedFolder refuses damage outside the write-ahead files', async ({ path }) => {
  await written(path, 40);
  await withLevel(path, async (db) => db.put(key(99), key(99)));
  const [name = ''] = (await readdir(path)).filter((file) => file.endsWith('.ldb'));
  const table = join(path, name);
  const bytes = await readFile(table);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  await writeFile(table, bytes);
  const { message } = await assertFailsWith('LOG_DAMAGED', async () => repairUnsyncedFolder(path));
  assert.match(message, `${name} is damaged: checksum mismatch in the block at offset 0`);
});

test.run();
