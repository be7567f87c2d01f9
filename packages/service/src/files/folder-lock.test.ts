/** Tests that at most one process uses a folder. */
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

test('lockFolder creates a missing folder, and returns null while it is locked', async ({ folder }) => {
  const data = join(folder, 'new', 'folder');
  const lock = await lockFolder(data);
  assert.ok(lock !== null);
  assert.is(await lockFolder(data), null);
  await lock.release();
  const second = await lockFolder(data);
  assert.ok(second !== null);
  await second.release();
});

test('lockFolder repairs an incomplete lock store, as a full disk leaves it', async ({ folder }) => {
  await (await lockFolder(folder))?.release();
  writeFileSync(join(folder, 'lock', 'CURRENT'), '');
  const lock = await lockFolder(folder);
  assert.ok(lock !== null);
  assert.is(await lockFolder(folder), null);
  await lock.release();
});

test('lockFolder throws the error of LevelDB if the folder cannot be locked', async ({ folder }) => {
  writeFileSync(join(folder, 'lock'), '');
  const error: unknown = await lockFolder(folder).catch((reason: unknown) => reason);
  assert.ok(error instanceof Error);
  assert.match(error.message, /lock/);
});

test.run();
