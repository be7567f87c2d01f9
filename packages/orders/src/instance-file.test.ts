/** The token of a replica's folder. */
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { claimInstance } from './instance-file.js';
import { withFolder } from './testing/folders.js';

test('a folder keeps its token wherever it is renamed to, and a copy of it has one of its own', async () => {
  await withFolder(async (folder) => {
    const [data, copy, renamed] = [join(folder, 'data'), join(folder, 'copy'), join(folder, 'renamed')];
    const token = await claimInstance(data);
    assert.match(token, /^[0-9a-f]{16}$/);
    assert.is(await claimInstance(data), token);
    cpSync(data, copy, { recursive: true });
    const other = await claimInstance(copy);
    assert.is.not(other, token);
    assert.is(await claimInstance(copy), other);
    renameSync(data, renamed);
    assert.is(await claimInstance(renamed), token);
  });
});

test('a file that makes no sense is replaced', async () => {
  await withFolder(async (data) => {
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'instance'), 'half a li');
    const token = await claimInstance(data);
    assert.match(token, /^[0-9a-f]{16}$/);
    assert.is(await claimInstance(data), token);
  });
});

test.run();
