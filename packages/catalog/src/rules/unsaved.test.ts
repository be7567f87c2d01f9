/** What is not on disk yet: many rounds as one write. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Stock } from '@trireme/domain';
import type { CatalogWrite } from './round.js';
import { stock } from './testing/frames.js';
import { Unsaved } from './unsaved.js';

/** A store as its records are: fails where a write takes away what is not there. */
class Disk {
  readonly stocks = new Map<string, Stock>();
  readonly outcomes = new Map<number, unknown>();
  lastIndex = 0;
  settled = 0;

  write(write: CatalogWrite): void {
    assert.is(new Set(write.stocks.map(({ name }) => name)).size, write.stocks.length, 'a stock once');
    for (const changed of write.stocks) this.stocks.set(changed.name, changed);
    for (const [index, outcomes] of write.outcomes) {
      assert.not.ok(this.outcomes.has(index), 'outcomes are written once');
      this.outcomes.set(index, outcomes);
    }
    for (const index of write.forgotten) assert.ok(this.outcomes.delete(index), 'it was on disk');
    this.lastIndex = write.lastIndex;
    this.settled = write.settled;
  }
}

test('nothing is nothing to write', () => {
  const unsaved = new Unsaved();
  assert.ok(unsaved.isEmpty);
  assert.is(unsaved.take(), null);
});

test('what is handed out is not handed out again, and does not change behind that', () => {
  const unsaved = new Unsaved();
  const round = {
    lastIndex: 1,
    settled: 0,
    stocks: [stock('A', 1)],
    outcomes: [[1, [5]]],
    forgotten: [],
  } as const;
  unsaved.add(round);
  assert.not.ok(unsaved.isEmpty);
  const write = unsaved.take();
  assert.equal(write, round);
  assert.is(unsaved.take(), null);
  unsaved.add({ lastIndex: 2, settled: 1, stocks: [stock('A', 2)], outcomes: [], forgotten: [1] });
  assert.equal(write, round);
  assert.equal(unsaved.take()?.forgotten, [1]);
});

test('a round that only forgets is worth a write', () => {
  const unsaved = new Unsaved();
  unsaved.add({ lastIndex: 4, settled: 4, stocks: [], outcomes: [], forgotten: [2, 4] });
  assert.equal(unsaved.take(), { lastIndex: 4, settled: 4, stocks: [], outcomes: [], forgotten: [2, 4] });
});

test('a disk that takes rounds together has what one has that takes each by itself', () => {
  // A round: outcomes that it records, how many of the oldest it forgets, the stocks that it changes; then whether it is saved.
  const round = fc.record({
    records: fc.nat({ max: 3 }),
    forgets: fc.nat({ max: 4 }),
    names: fc.uniqueArray(fc.constantFrom('A', 'B', 'C')),
    isSaved: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(round, { maxLength: 30 }), (rounds) => {
      const [alone, together] = [new Disk(), new Disk()];
      const unsaved = new Unsaved();
      let onRecord: number[] = [];
      let [lastIndex, settled] = [0, 0];
      for (const { records, forgets, names, isSaved } of rounds) {
        const forgotten = onRecord.slice(0, forgets);
        onRecord = onRecord.slice(forgets);
        settled = forgotten.at(-1) ?? settled;
        const indexes = Array.from({ length: records }, (_, i) => lastIndex + 1 + i);
        lastIndex += records;
        onRecord.push(...indexes);
        const stocks = names.map((name) => ({ ...stock(name, lastIndex), version: lastIndex }));
        const write = {
          lastIndex,
          settled,
          stocks,
          outcomes: indexes.map((index) => [index, [index]] as const),
          forgotten,
        };
        alone.write(write);
        unsaved.add(write);
        const taken = isSaved ? unsaved.take() : null;
        if (taken !== null) together.write(taken);
        assert.ok(!isSaved || unsaved.isEmpty);
      }
      const rest = unsaved.take();
      if (rest !== null) together.write(rest);
      assert.equal(together, alone);
    }),
    { numRuns: 500 },
  );
});

test('it holds each stock once, and no outcome that is forgotten, however many rounds there are', () => {
  const unsaved = new Unsaved();
  for (let index = 1; index <= 10_000; index += 1) {
    const forgotten = index === 1 ? [] : [index - 1];
    const stocks = [{ ...stock('A', index), version: index }];
    unsaved.add({ lastIndex: index, settled: index - 1, stocks, outcomes: [[index, [1]]], forgotten });
  }
  const write = unsaved.take();
  assert.equal([write?.stocks.length, write?.outcomes.length, write?.forgotten.length], [1, 1, 0]);
});

test.run();
