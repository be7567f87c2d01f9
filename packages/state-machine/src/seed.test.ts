/** Tests of seed files and of seeds in the log. */
import {
  decodeBatch,
  encodeBatch,
  SEED_PART_STOCKS_MAX,
  SEED_PARTS_MAX,
  STOCKS_MAX,
  type SeedStock,
} from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_SEED, parseSeed, seedHash, splitSeed } from './seed.js';

test('the built-in seed has ten stocks with quantity 100', () => {
  assert.is(DEFAULT_SEED.length, 10);
  assert.ok(DEFAULT_SEED.every(({ quantity }) => quantity === 100));
  assert.is(DEFAULT_SEED.find(({ name }) => name === 'AAPL')?.price, 5500);
});

test('parseSeed converts prices to whole cents', () => {
  assert.equal(parseSeed('[{"name":"AAPL","price":55.1,"quantity":0}]'), [
    { name: 'AAPL', price: 5510, quantity: 0 },
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
  ['[{"name":"A","price":1,"quantity":1},{"name":"A","price":2,"quantity":1}]', /A: listed more than once/],
  [JSON.stringify(Array.from({ length: STOCKS_MAX + 1 }, () => 1)), /the seed has more than 100000 stocks/],
];

for (const [json, what] of BAD) {
  test(`parseSeed rejects ${json.slice(0, 60)}`, () => assert.throws(() => parseSeed(json), what));
}

function seedOf(count: number): readonly SeedStock[] {
  return Array.from({ length: count }, (_, i) => ({ name: `S${i}`, price: i + 1, quantity: i }));
}

test('splitSeed splits a seed in order into parts of limited size', () => {
  const life = '0123456789abcdef';
  for (const [count, parts] of [
    [0, 1],
    [1, 1],
    [SEED_PART_STOCKS_MAX, 1],
    [SEED_PART_STOCKS_MAX + 1, 2],
    [STOCKS_MAX, SEED_PARTS_MAX],
  ] as const) {
    const stocks = seedOf(count);
    const made = splitSeed(stocks, life);
    assert.is(made.length, parts, `${count} stocks`);
    assert.equal(
      made.map(({ part }) => part),
      Array.from({ length: parts }, (_, part) => part),
    );
    assert.ok(made.every((part) => part.life === life && part.parts === parts));
    const read = made.map((seed) => {
      return decodeBatch(encodeBatch({ age: 0, time: 0, visibleOrders: 0, commands: [], seed })).seed;
    });
    assert.equal(
      read.flatMap((seed) => seed?.stocks ?? []),
      stocks,
    );
  }
});

test('seedHash differs for different seeds, and ignores the order of the stocks', () => {
  const stocks = seedOf(20);
  const hash = seedHash(stocks);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.is(seedHash(stocks.toReversed()), hash);
  const [first, ...rest] = stocks;
  assert.ok(first);
  for (const change of [{ name: 'T' }, { price: 9 }, { quantity: 9 }]) {
    assert.is.not(seedHash([{ ...first, ...change }, ...rest]), hash);
  }
  assert.is.not(seedHash(rest), hash);
  assert.is(
    seedHash(stocks.map((stock) => ({ ...stock, version: 3 }))),
    hash,
    'ignores fields that a seed does not have',
  );
});

test.run();
