/** The retained batches, and the stocks as they were before invisible batches. */
import type { Stock } from '@trireme/domain';
import { StockTable } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RecentBatches, VisibleStocks } from './recent-batches.js';
import { buy, decidedBatch } from '../testing/batches.js';

const START = { seq: 0, index: 0, hash: 'start' };
const hashOf = (seq: number): string => decidedBatch(seq, []).hash;
const indexes = (recent: RecentBatches, index: number): readonly number[] =>
  recent.after(index).map((batch) => batch.index);

function recentOf(count: number, visible = Infinity): RecentBatches {
  const recent = new RecentBatches(START, { batchesMax: 3, bytesMax: 10_000 });
  for (let seq = 1; seq <= count; seq += 1) recent.add(decidedBatch(seq, [buy(`k${seq}`)]), visible);
  return recent;
}

test('RecentBatches retains the last batches, and whereIs locates a catalog among them by hash', () => {
  const recent = recentOf(5);
  assert.equal(indexes(recent, 0), [30, 40, 50]);
  assert.equal(indexes(recent, 30), [40, 50]);
  assert.equal(indexes(recent, 45), [50]);
  assert.is(recent.last.index, 50);
  assert.is(recent.locate({ index: 20, hash: hashOf(2) }), 'here', 'the last dropped batch');
  assert.is(recent.locate({ index: 40, hash: hashOf(4) }), 'here');
  assert.is(recent.locate({ index: 50, hash: hashOf(4) }), 'elsewhere', 'another hash');
  assert.is(recent.locate({ index: 45, hash: hashOf(4) }), 'elsewhere', 'no batch has this index');
  assert.is(recent.locate({ index: 60, hash: hashOf(6) }), 'elsewhere', 'ahead of the log');
  assert.is(recent.locate({ index: 10, hash: 'whatever' }), 'before');
  assert.equal(
    [recent.lastUpTo(45).index, recent.lastUpTo(29).index, recent.lastUpTo(99).index],
    [40, 20, 50],
  );
});

test('add retains invisible batches beyond the limit, and also limits bytes', () => {
  assert.equal(indexes(recentOf(8, 25), 0), [30, 40, 50, 60, 70, 80]);
  const small = new RecentBatches(START, { batchesMax: 100, bytesMax: 1 });
  small.add(decidedBatch(1, [buy('a')]), Infinity);
  assert.equal([indexes(small, 0), small.last.index], [[], 10]);
});

test('add of a batch that does not follow the last one starts again', () => {
  const recent = recentOf(2);
  recent.add(decidedBatch(7, [buy('x')]), Infinity);
  assert.equal([indexes(recent, 0), recent.last.index], [[], 70]);
  recent.add(decidedBatch(8, [buy('y')]), Infinity);
  assert.equal(indexes(recent, 0), [80]);
  recent.restart({ seq: 20, index: 200, hash: 'h' });
  assert.equal([indexes(recent, 0), recent.locate({ index: 200, hash: 'h' })], [[], 'here']);
});

test('VisibleStocks shows stocks as they were before the first invisible batch', () => {
  const stock = (name: string, quantity: number, version: number): Stock => ({
    name,
    price: 7,
    quantity,
    version,
  });
  const table = new StockTable([stock('A', 1, 30), stock('B', 5, 0), stock('N', 0, 40)]);
  const changed = (...befores: readonly [string, Stock | null][]): ReadonlyMap<string, Stock | null> =>
    new Map(befores);
  const visible = new VisibleStocks(table, [
    decidedBatch(2, [], { before: changed(['A', stock('A', 9, 0)]) }),
    decidedBatch(3, [], { before: changed(['A', stock('A', 4, 20)]) }),
    decidedBatch(4, [], { before: changed(['N', null]) }),
  ]);
  assert.is(visible.get('A')?.quantity, 9);
  assert.is(visible.get('B')?.quantity, 5);
  assert.equal([visible.get('N'), visible.get('X')], [null, null]);
  assert.equal(
    [...visible.all()].map(({ name, quantity }) => [name, quantity]),
    [
      ['A', 9],
      ['B', 5],
    ],
  );
  assert.equal(visible.page('A', 1), { stocks: [stock('B', 5, 0)], next: 'B' });
  assert.equal(visible.page('B', 5), { stocks: [], next: null });
  assert.equal(visible.page('', 2), { stocks: [stock('A', 9, 0), stock('B', 5, 0)], next: 'B' });
  const hidden = new VisibleStocks(new StockTable([stock('A', 1, 10), stock('B', 1, 0)]), [
    decidedBatch(1, [], { before: changed(['A', null]) }),
  ]);
  assert.equal(
    hidden.page('', 1),
    { stocks: [stock('B', 1, 0)], next: null },
    'an invisible stock is not a page position',
  );
});

test.run();
