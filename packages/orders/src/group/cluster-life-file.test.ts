import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ClusterLifeFile } from './cluster-life-file.js';
import { withFolder } from '../testing/folders.js';

const LIFE = '0123456789abcdef';
const NEXT = 'fedcba9876543210';

async function open(data: string): Promise<ClusterLifeFile> {
  return ClusterLifeFile.open(data, (error) => {
    throw error;
  });
}

async function note(data: string, ...lives: readonly string[]): Promise<ClusterLifeFile> {
  const file = await open(data);
  for (const life of lives) file.record(life);
  await file.idle();
  return file;
}

test('a life noted in this folder belongs to it, also after restarts', async () => {
  await withFolder(async (data) => {
    assert.is((await open(data)).belongsToOtherFolder(LIFE), false, 'no life is noted yet');
    await note(data, NEXT, LIFE);
    const again = await open(data);
    assert.equal([again.belongsToOtherFolder(LIFE), again.belongsToOtherFolder(NEXT)], [false, false]);
  });
});

test('in a copy of the folder the life belongs to another folder until a new one is noted', async () => {
  await withFolder(async (data) => {
    const copy = join(data, 'copy');
    const original = join(data, 'original');
    await note(data, LIFE);
    await cp(join(data, 'life'), join(original, 'life'));
    await cp(original, copy, { recursive: true });
    const file = await note(copy, LIFE);
    assert.is(file.belongsToOtherFolder(LIFE), true, 'noting the same life again does not change its owner');
    assert.is((await open(copy)).belongsToOtherFolder(LIFE), true);
    file.record(NEXT);
    await file.idle();
    assert.equal(
      [file.belongsToOtherFolder(NEXT), (await open(copy)).belongsToOtherFolder(NEXT)],
      [false, false],
    );
  });
});

test.run();
