import { Level } from 'level';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { findTableFlaws } from './leveldb-table.js';
import { decompressSnappy } from './snappy.js';
import { storeSuite } from './testing/level-store.js';

const test = storeSuite('snappy');

test('decompressSnappy decodes literals and copies of every kind', () => {
  const decoded = (bytes: readonly number[]) => decompressSnappy(Buffer.from(bytes)).toString('latin1');
  assert.is(decoded([0]), '');
  assert.is(decoded([3, 2 << 2, 0x61, 0x62, 0x63]), 'abc');
  // An overlapping copy of 5 bytes at distance 1; then copies of 2 bytes at distance 3, with each width of
  // offset.
  assert.is(decoded([6, 0, 0x61, (1 << 2) | 1, 1]), 'aaaaaa');
  assert.is(decoded([5, 2 << 2, 0x61, 0x62, 0x63, (1 << 2) | 2, 3, 0]), 'abcab');
  assert.is(decoded([5, 2 << 2, 0x61, 0x62, 0x63, (1 << 2) | 3, 3, 0, 0, 0]), 'abcab');
  const long = Buffer.alloc(300, 'x');
  const literal = Buffer.concat([Buffer.from([0xac, 0x02, 61 << 2, 0x2b, 0x01]), long]);
  assert.equal(decompressSnappy(literal), long);
});

test('decompressSnappy refuses malformed input', () => {
  for (const [bytes, message] of [
    [[0x80], /out of range|outside/],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], /length has too many bytes/],
    [[0xff, 0x7f, 0], /implausible length of 16383 bytes/],
    [[3, 2 << 2, 0x61], /a literal exceeds its block/],
    [[2, 2 << 2, 0x61, 0x62, 0x63], /a literal exceeds its block/],
    [[4, 0, 0x61, 1, 2], /a copy exceeds its block/],
    [[4, 0, 0x61, 1, 0], /a copy exceeds its block/],
    [[2, 0, 0x61], /expected 2 bytes, but found 1/],
  ] as const) {
    assert.throws(() => decompressSnappy(Buffer.from(bytes)), message);
  }
});

test('tableFlaws checks every block of a table that LevelDB has compressed', async ({ path }) => {
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
  const reopened = new Level<string, string>(path);
  await reopened.open();
  await reopened.close();
  const tables = (await readdir(path)).filter((name) => name.endsWith('.ldb'));
  assert.ok(tables.length > 0);
  for (const name of tables) {
    const table = await readFile(join(path, name));
    assert.equal(findTableFlaws(table), []);
    for (const at of [3, Math.floor(table.length / 3), Math.floor(table.length / 2), table.length - 200]) {
      const damaged = Buffer.from(table);
      damaged[at] = (damaged[at] ?? 0) ^ 16;
      assert.is.not(findTableFlaws(damaged).length, 0);
    }
  }
});

test.run();
