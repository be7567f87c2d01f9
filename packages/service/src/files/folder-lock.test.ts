/** One process at a time on a folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lockFolder } from './folder-lock.js';

const test = suite<{ folder: string }>('folder lock');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-lock-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

test('a folder is locked once, until it is released, and made if it is absent', async ({ folder }) => {
  const data = join(folder, 'made', 'by-it');
  const lock = await lockFolder(data);
  assert.ok(lock !== null);
  assert.is(await lockFolder(data), null);
  await lock.release();
  const again = await lockFolder(data);
  assert.ok(again !== null);
  await again.release();
});

test('half a lock, as a full disk leaves it, is no obstacle', async ({ folder }) => {
  await (await lockFolder(folder))?.release();
  writeFileSync(join(folder, 'lock', 'CURRENT'), '');
  const lock = await lockFolder(folder);
  assert.ok(lock !== null);
  assert.is(await lockFolder(folder), null);
  await lock.release();
});

test('a folder that cannot be locked is told with what LevelDB says', async ({ folder }) => {
  writeFileSync(join(folder, 'lock'), '');
  const error: unknown = await lockFolder(folder).catch((reason: unknown) => reason);
  assert.ok(error instanceof Error);
  assert.match(error.message, /lock/);
});

test.run();
