import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LifeFile } from './life-file.js';
import { withFolder } from './testing/folders.js';

const LIFE = '0123456789abcdef';
const NEXT = 'fedcba9876543210';

async function open(data: string): Promise<LifeFile> {
  return LifeFile.open(data, (error) => {
    throw error;
  });
}

async function note(data: string, ...lives: readonly string[]): Promise<LifeFile> {
  const file = await open(data);
  for (const life of lives) file.note(life);
  await file.idle();
  return file;
}

test('a life counts in the folder that it was noted in, over restarts', async () => {
  await withFolder(async (data) => {
    assert.is((await open(data)).isOfOther(LIFE), false, 'nothing is known');
    await note(data, NEXT, LIFE);
    const again = await open(data);
    assert.equal([again.isOfOther(LIFE), again.isOfOther(NEXT)], [false, false]);
  });
});

test('in a copy it is of another folder until a new life is noted', async () => {
  await withFolder(async (data) => {
    const copy = join(data, 'copy');
    const original = join(data, 'original');
    await note(data, LIFE);
    await cp(join(data, 'life'), join(original, 'life'));
    await cp(original, copy, { recursive: true });
    const file = await note(copy, LIFE);
    assert.is(file.isOfOther(LIFE), true, 'what it finds does not make it its own');
    assert.is((await open(copy)).isOfOther(LIFE), true);
    file.note(NEXT);
    await file.idle();
    assert.equal([file.isOfOther(NEXT), (await open(copy)).isOfOther(NEXT)], [false, false]);
  });
});

test.run();
