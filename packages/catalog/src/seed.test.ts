/** Seed files: what passes, and what is said of one that does not. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STOCKS_MAX } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_SEED, loadSeedFile, parseSeed } from './seed.js';

test('the seed built in has ten stocks at 100', () => {
  assert.is(DEFAULT_SEED.length, 10);
  assert.ok(DEFAULT_SEED.every(({ quantity, version }) => quantity === 100 && version === 0));
  assert.is(DEFAULT_SEED.find(({ name }) => name === 'AAPL')?.price, 5500);
});

test('a seed file gives whole cents', () => {
  assert.equal(parseSeed('[{"name":"AAPL","price":55.1,"quantity":0}]'), [
    { name: 'AAPL', price: 5510, quantity: 0, version: 0 },
  ]);
  assert.equal(parseSeed('[]'), []);
});

const BAD: readonly (readonly [json: string, what: RegExp])[] = [
  ['{', /JSON/],
  ['{}', /not a list/],
  ['[1]', /stock 1 is not an object/],
  ['[{"name":"a b","price":1,"quantity":1}]', /stock 1: name/],
  ['[{"price":1,"quantity":1}]', /stock 1: name/],
  ['[{"name":"A","price":"1","quantity":1}]', /A: price/],
  ['[{"name":"A","price":0,"quantity":1}]', /A: price/],
  ['[{"name":"A","price":1.001,"quantity":1}]', /A: price/],
  ['[{"name":"A","price":1}]', /A: quantity/],
  ['[{"name":"A","price":1,"quantity":-1}]', /A: quantity/],
  ['[{"name":"A","price":1,"quantity":9007199254740992}]', /A: quantity/],
  ['[{"name":"A","price":1,"quantity":1,"type":"x"}]', /A: unknown field type/],
  ['[{"name":"A","price":1,"quantity":1},{"name":"A","price":2,"quantity":1}]', /A stands there twice/],
  [JSON.stringify(Array.from({ length: STOCKS_MAX + 1 }, () => 1)), /more than/],
];

for (const [json, what] of BAD) {
  test(`a seed is refused: ${json.slice(0, 60)}`, () => assert.throws(() => parseSeed(json), what));
}

test('a seed file that is missing or wrong is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-seed-'));
  try {
    const file = join(folder, 'seed.json');
    await failsWith(file, /seed\.json: ENOENT/);
    await writeFile(file, '{}');
    await failsWith(file, /seed\.json: the seed is not a list/);
    await writeFile(file, '[{"name":"A","price":1,"quantity":1}]');
    assert.is((await loadSeedFile(file)).length, 1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function failsWith(file: string, message: RegExp): Promise<void> {
  const error = await loadSeedFile(file).then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.instance(error, Error);
  assert.is(error instanceof Error && 'code' in error && error.code, 'BAD_SEED');
  assert.match(String(error), message);
}

test.run();
