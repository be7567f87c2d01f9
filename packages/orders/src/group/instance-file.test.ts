/** The instance id of a data folder. */
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureInstanceId } from './instance-file.js';
import { withFolder } from '../testing/folders.js';

test('ensureInstanceId keeps the id of a renamed folder and gives a copy another one', async () => {
  await withFolder(async (folder) => {
    const [data, copy, renamed] = [join(folder, 'data'), join(folder, 'copy'), join(folder, 'renamed')];
    const token = await ensureInstanceId(data);
    assert.match(token, /^[0-9a-f]{16}$/);
    assert.is(await ensureInstanceId(data), token);
    cpSync(data, copy, { recursive: true });
    const other = await ensureInstanceId(copy);
    assert.is.not(other, token);
    assert.is(await ensureInstanceId(copy), other);
    renameSync(data, renamed);
    assert.is(await ensureInstanceId(renamed), token);
  });
});

test('ensureInstanceId replaces a malformed file', async () => {
  await withFolder(async (data) => {
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'instance'), 'half a li');
    const token = await ensureInstanceId(data);
    assert.match(token, /^[0-9a-f]{16}$/);
    assert.is(await ensureInstanceId(data), token);
  });
});

test.run();
