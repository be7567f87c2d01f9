import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import { LevelLog } from './level-log.js';
import { staggeredSize } from './staggered-size.js';

test('staggeredSize gives each member of a group a different, constant size within the bounds', () => {
  for (const ids of [
    ['1', '2', '3'],
    ['2', '3', '4'],
    ['7', '8', '9', '10'],
    ['replica-98', 'replica-99', 'replica-100', 'replica-101'],
  ]) {
    const sizes = ids.map((id) => staggeredSize(id, 8000, 2000));
    assert.is(new Set(sizes).size, ids.length);
    assert.ok(sizes.every((size) => size >= 8000 && size <= 14_000));
  }
  assert.is(staggeredSize('1.5f0c9a31', 8, 2), staggeredSize('1.5f0c9a31', 8, 2));
});

/** Counts the entries of 128 KiB that a log writes before LevelDB starts a new write-ahead file. */
async function entriesOfFirstFile(path: string, id: string): Promise<number> {
  const log = await LevelLog.open({ path, cluster: 'test', id, cacheBytesMax: 0 });
  const data = Buffer.alloc(128 * 1024);
  const fileOf = async (): Promise<string> =>
    (await readdir(path)).filter((name) => /^\d+\.log$/.test(name)).join();
  const first = await fileOf();
  let index = 0;
  for (; (await fileOf()) === first && index < 100;) {
    index += 1;
    await log.persist({
      hardState: { term: 1, vote: null },
      entries: [makeEntry(index, 1, 'command', data)],
    });
  }
  await log.close();
  return index;
}

test('logs of members that write the same entries start new files at different times', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-staggered-'));
  try {
    const counts: number[] = [];
    for (const id of ['1', '2', '3']) counts.push(await entriesOfFirstFile(join(folder, id), id));
    const [a = 0, b = 0, c = 0] = counts;
    const gaps = [Math.abs(a - b), Math.abs(b - c), Math.abs(a - c)];
    assert.ok(Math.min(...gaps) >= 6 && Math.max(...counts) < 70, counts.join());
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
