/** Tests of each command with each kind of stock, and of the invariant on quantities for arbitrary batches. */
import fc from 'fast-check';
import { STOCK_QUANTITY_MAX, STOCKS_MAX, type Command, type Outcome, type Stock } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decideBatch } from './decide.js';
import { StockDraft, StockTable, type StockStore } from './stock-table.js';
import { buy, list, restock, sell, stock } from './testing/commands.js';

const NOT_FOUND: Outcome = { kind: 'rejected', reason: 'STOCK_NOT_FOUND' };
const TOO_FEW: Outcome = { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };
const LIMIT: Outcome = { kind: 'rejected', reason: 'LIMIT_REACHED' };
const FILLED: Outcome = { kind: 'filled', price: 5500 };
const DONE: Outcome = { kind: 'done' };

const TABLE: readonly (readonly [
  what: string,
  before: number,
  command: Command,
  outcome: Outcome,
  after: number,
])[] = [
  ['fills a buy of one', 100, buy('A', 1), FILLED, 99],
  ['fills a buy of the whole quantity', 100, buy('A', 100), FILLED, 0],
  ['rejects a buy above the quantity', 100, buy('A', 101), TOO_FEW, 100],
  ['rejects a buy of a sold-out stock', 0, buy('A', 1), TOO_FEW, 0],
  ['rejects a buy of an unlisted stock', 5, buy('Z', 1), NOT_FOUND, 5],
  ['fills a sell', 0, sell('A', 7), FILLED, 7],
  ['fills a sell up to the limit', STOCK_QUANTITY_MAX - 1, sell('A', 1), FILLED, STOCK_QUANTITY_MAX],
  ['rejects a sell beyond the limit', STOCK_QUANTITY_MAX - 1, sell('A', 2), LIMIT, STOCK_QUANTITY_MAX - 1],
  ['rejects a sell of an unlisted stock', 5, sell('Z', 1), NOT_FOUND, 5],
  ['applies a restock', 5, restock('A', 7), DONE, 12],
  ['rejects a restock beyond the limit', STOCK_QUANTITY_MAX, restock('A', 1), LIMIT, STOCK_QUANTITY_MAX],
  ['rejects a restock of an unlisted stock', 5, restock('Z', 1), NOT_FOUND, 5],
  ['rejects a listing with an invalid name', 5, list('no name', 1), NOT_FOUND, 5],
];

for (const [what, before, command, outcome, after] of TABLE) {
  test(what, () => {
    const draft = draftOf([stock('A', before)]);
    assert.equal(decideBatch(draft, 9, [command], new Set()), [outcome]);
    const version = before === after ? 0 : 9;
    assert.equal(draft.get('A'), { name: 'A', price: 5500, quantity: after, version });
    assert.is(draft.changes.size, before === after ? 0 : 1);
  });
}

test('list creates a stock with quantity 0, or changes only the price', () => {
  const draft = draftOf([stock('A', 3)]);
  assert.equal(decideBatch(draft, 4, [list('N', 70), list('A', 80), buy('A', 1)], new Set()), [
    DONE,
    DONE,
    { kind: 'filled', price: 80 },
  ]);
  assert.equal(draft.get('N'), { name: 'N', price: 70, quantity: 0, version: 4 });
  assert.equal(draft.get('A'), { name: 'A', price: 80, quantity: 2, version: 4 });
  assert.is(draft.size, 2);
});

test('each command sees the changes of those before it, and a skipped one has no effect', () => {
  const draft = draftOf([stock('A', 1)]);
  const commands = [buy('A'), buy('A'), restock('A', 5), buy('A'), buy('A', 2)];
  assert.equal(decideBatch(draft, 4, commands, new Set([2])), [
    FILLED,
    TOO_FEW,
    { kind: 'none' },
    TOO_FEW,
    TOO_FEW,
  ]);
});

test('list at the limit of stocks rejects new names and still sets prices', () => {
  const full: StockStore = {
    size: STOCKS_MAX,
    get: (name) => (name === 'A' ? stock('A', 1) : undefined),
    set: () => undefined,
  };
  assert.equal(decideBatch(full, 1, [list('N', 1), list('A', 1)], new Set()), [LIMIT, DONE]);
});

const names = fc.constantFrom('A', 'B', 'L', 'Z');
const quantities = fc.integer({ min: 1, max: 60 });
const commands = fc.array(
  fc.oneof(
    fc.tuple(names, quantities).map(([name, quantity]) => buy(name, quantity)),
    fc.tuple(names, quantities).map(([name, quantity]) => sell(name, quantity)),
    fc.tuple(names, quantities).map(([name, quantity]) => restock(name, quantity)),
    fc.tuple(names, quantities).map(([name, price]) => list(name, price)),
  ),
  { maxLength: 30 },
);

test('seed + restocks + sells - buys = quantity, never negative', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(commands, fc.array(fc.nat({ max: 29 }), { maxLength: 3 })), { maxLength: 8 }),
      (batches) => {
        const seed = [stock('A', 100), stock('B', 5), stock('L', STOCK_QUANTITY_MAX - 30)];
        const draft = draftOf(seed);
        const sums = new Map([...seed, stock('Z', 0)].map(({ name, quantity }) => [name, quantity]));
        batches.forEach(([batch, skipped], position) => {
          const index = 3 * position + 1;
          const outcomes = decideBatch(draft, index, batch, new Set(skipped));
          assert.is(outcomes.length, batch.length);
          batch.forEach((command, at) => {
            const kind = outcomes[at]?.kind;
            assert.is(kind === 'none', skipped.includes(at));
            if (kind !== 'filled' && kind !== 'done') return;
            if (command.kind === 'list') return;
            const moved = command.kind === 'buy' ? -command.quantity : command.quantity;
            sums.set(command.name, (sums.get(command.name) ?? 0) + moved);
          });
        });
        for (const [name, sum] of sums) {
          assert.is(draft.get(name)?.quantity ?? 0, sum);
          assert.ok(sum >= 0);
        }
      },
    ),
    { numRuns: 300 },
  );
});

function draftOf(stocks: readonly Stock[]): StockDraft {
  return new StockDraft(new StockTable(stocks));
}

test.run();
