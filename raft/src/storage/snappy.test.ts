import { Level } from 'level';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { tableFlaws } from './leveldb-table.js';
import { unsnappy } from './snappy.js';
import { storeSuite } from './testing/level-store.js';

const test = storeSuite('snappy');

test('literals and copies of every kind', () => {
  const says = (bytes: readonly number[]) => unsnappy(Buffer.from(bytes)).toString('latin1');
  assert.is(says([0]), '');
  assert.is(says([3, 2 << 2, 0x61, 0x62, 0x63]), 'abc');
  // A copy of 5 from 1 back, which reaches into what it writes; then of 2 from 3 back, by each width of offset.
  assert.is(says([6, 0, 0x61, (1 << 2) | 1, 1]), 'aaaaaa');
  assert.is(says([5, 2 << 2, 0x61, 0x62, 0x63, (1 << 2) | 2, 3, 0]), 'abcab');
  assert.is(says([5, 2 << 2, 0x61, 0x62, 0x63, (1 << 2) | 3, 3, 0, 0, 0]), 'abcab');
  const long = Buffer.alloc(300, 'x');
  const literal = Buffer.concat([Buffer.from([0xac, 0x02, 61 << 2, 0x2b, 0x01]), long]);
  assert.equal(unsnappy(literal), long);
});

test('what is not in its form is refused', () => {
  for (const [bytes, message] of [
    [[0x80], /out of range|outside/],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], /length is too long/],
    [[0xff, 0x7f, 0], /a length of 16383/],
    [[3, 2 << 2, 0x61], /a literal leaves its block/],
    [[2, 2 << 2, 0x61, 0x62, 0x63], /a literal leaves its block/],
    [[4, 0, 0x61, 1, 2], /a copy leaves its block/],
    [[4, 0, 0x61, 1, 0], /a copy leaves its block/],
    [[2, 0, 0x61], /1 bytes of 2/],
  ] as const) {
    assert.throws(() => unsnappy(Buffer.from(bytes)), message);
  }
});

test('a table that LevelDB has compressed is checked to its last block', async ({ path }) => {
  const db = new Level<string, string>(path);
  for (let i = 0; i < 20; i++) {
    await db.batch(
      Array.from({ length: 500 }, (_, j) => ({
        type: 'put' as const,
        key: `key that shares much with the others ${String(i * 500 + j).padStart(9, '0')}`,
        value: 'the same again and again, '.repeat(4),
      })),
    );
  }
  await db.close();
  const again = new Level<string, string>(path);
  await again.open();
  await again.close();
  const tables = (await readdir(path)).filter((name) => name.endsWith('.ldb'));
  assert.ok(tables.length > 0);
  for (const name of tables) {
    const table = await readFile(join(path, name));
    assert.equal(tableFlaws(table), []);
    for (const at of [3, Math.floor(table.length / 3), Math.floor(table.length / 2), table.length - 200]) {
      const damaged = Buffer.from(table);
      damaged[at] = (damaged[at] ?? 0) ^ 16;
      assert.is.not(tableFlaws(damaged).length, 0);
    }
  }
});

test.run();
