import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LifeFile } from './life-file.js';
import { withFolder } from './testing/folders.js';

const LIFE = '0123456789abcdef';
const NEXT = 'fedcba9876543210';

test('a life counts in the folder that it was noted in, over restarts', async () => {
  await withFolder(async (data) => {
    const file = await LifeFile.open(data);
    assert.is(file.isOfOther(LIFE), false, 'nothing is known');
    await Promise.all([file.note(NEXT), file.note(LIFE)]);
    const again = await LifeFile.open(data);
    assert.equal([again.isOfOther(LIFE), again.isOfOther(NEXT)], [false, false]);
  });
});

test('in a copy it is of another folder until a new life is noted', async () => {
  await withFolder(async (data) => {
    const copy = join(data, 'copy');
    const original = join(data, 'original');
    await (await LifeFile.open(data)).note(LIFE);
    await cp(join(data, 'life'), join(original, 'life'));
    await cp(original, copy, { recursive: true });
    await (await LifeFile.open(copy)).note(LIFE);
    const file = await LifeFile.open(copy);
    assert.is(file.isOfOther(LIFE), true, 'what it finds does not make it its own');
    await file.note(NEXT);
    assert.equal([file.isOfOther(NEXT), (await LifeFile.open(copy)).isOfOther(NEXT)], [false, false]);
  });
});

test.run();
