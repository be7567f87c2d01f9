/** Tests of the stock table and of drafts. */
import { PRICE_CENTS_MAX, STOCK_QUANTITY_MAX, STOCKS_MAX, type Stock } from '@trireme/domain';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StockDraft, StockTable } from './stock-table.js';
import { stock } from './testing/commands.js';

function at(name: string, version: number): Stock {
  return { ...stock(name, 1), version };
}

test('apply rejects a version that does not increase', () => {
  const table = new StockTable([at('A', 3)]);
  for (const version of [0, 2, 3]) {
    assert.throws(() => table.apply([at('A', version)]), /version of stock A did not increase/);
  }
  table.apply([at('A', 4)]);
  assert.is(table.get('A')?.version, 4);
  assert.throws(() => new StockTable([at('A', 0), at('A', 0)]), /version of stock A did not increase/);
});

test('apply rejects a stock above the limit', () => {
  const table = new StockTable(Array.from({ length: STOCKS_MAX }, (_, i) => at(`S${i}`, 0)));
  table.apply([at('S7', 1)]);
  assert.is(table.size, STOCKS_MAX);
  assert.throws(() => table.apply([at('T', 1)]), /more than 100000 stocks/);
});

test('pages contain every stock once, in ascending order of name', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,3}$/), { maxLength: 30 });
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 8 }), fc.nat({ max: 30 }), (all, limit, split) => {
      const table = new StockTable(all.slice(0, split).map((name) => at(name, 0)));
      table.apply(all.slice(split).map((name) => at(name, 1)));
      assert.is(table.size, all.length);
      assert.equal(new Set([...table.all()].map(({ name }) => name)), new Set(all));
      const paged: string[] = [];
      for (let after: string | null = ''; after !== null;) {
        const page = table.page(after, limit);
        assert.ok(page.stocks.length <= limit);
        paged.push(...page.stocks.map(({ name }) => name));
        after = page.next;
      }
      assert.equal(paged, all.toSorted());
    }),
  );
});

test('page starts after any name, and is empty beyond the last', () => {
  const table = new StockTable([at('A', 0), at('C', 0)]);
  assert.equal(table.page('B', 5), { stocks: [at('C', 0)], next: null });
  assert.equal(table.page('', 1), { stocks: [at('A', 0)], next: 'A' });
  assert.equal(table.page('C', 1), { stocks: [], next: null });
});

test('a draft does not change its table before it is published', () => {
  const table = new StockTable([stock('A', 1), stock('B', 2)]);
  const draft = new StockDraft(table);
  draft.set({ ...stock('A', 9), version: 1 });
  draft.set({ ...stock('N', 3), version: 1 });
  draft.set({ ...stock('N', 4), version: 2 });
  assert.equal([draft.size, table.size], [3, 2]);
  assert.equal([draft.get('A')?.quantity, draft.get('B')?.quantity, draft.get('N')?.quantity], [9, 2, 4]);
  assert.equal([table.get('A')?.quantity, table.get('N')], [1, undefined]);
  assert.equal([...draft.changes.keys()], ['A', 'N']);
  table.apply(draft.changes.values());
  assert.equal([table.get('A')?.quantity, table.get('N')?.quantity], [9, 4]);
});

test('a draft rejects a stock that is out of its bounds', () => {
  const draft = new StockDraft(new StockTable());
  assert.throws(() => draft.set(stock('A', -1)), /quantity/);
  assert.throws(() => draft.set(stock('A', 1.5)), /quantity/);
  assert.throws(() => draft.set(stock('A', STOCK_QUANTITY_MAX + 1)), /quantity/);
  assert.throws(() => draft.set(stock('A', 1, 0)), /price/);
  assert.throws(() => draft.set(stock('A', 1, PRICE_CENTS_MAX + 1)), /price/);
  assert.throws(() => draft.set(stock('', 1)), /name/);
});

test.run();
