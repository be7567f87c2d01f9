import { setFlagsFromString, getHeapSpaceStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TransientMap } from './transient-map.js';

interface Value {
  readonly of: number;
}

type Operation =
  | { readonly do: 'set'; readonly key: number; readonly of: number }
  | { readonly do: 'delete'; readonly key: number }
  | { readonly do: 'clear' };

const key = fc.integer({ min: 0, max: 12 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key, of: fc.integer() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);

test('behaves like a Map', () => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 200 }),
      fc.integer({ min: 1, max: 5 }),
      (operations, renewAfter) => {
        const map = new TransientMap<number, Value>(renewAfter);
        const model = new Map<number, Value>();
        for (const step of operations) {
          if (step.do === 'set') {
            const value = { of: step.of };
            map.set(step.key, value);
            model.set(step.key, value);
          } else if (step.do === 'delete') assert.is(map.delete(step.key), model.delete(step.key));
          else {
            map.clear();
            model.clear();
          }
          assert.is(map.size, model.size);
          assert.equal([...map], [...model], 'in insertion order');
          for (let at = 0; at <= 12; at += 1) assert.is(map.get(at), model.get(at));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('iteration allows deletions and insertions', () => {
  const map = new TransientMap<number, Value>(2);
  for (const of of [1, 2, 3]) map.set(of, { of });
  const seen: number[] = [];
  for (const [at] of map) {
    seen.push(at);
    map.delete(at);
    if (at === 1) map.delete(2);
    for (const of of [10 * at, 10 * at + 1, 10 * at + 2]) map.set(of, { of });
    if (seen.length > 20) break;
  }
  assert.equal(seen.slice(0, 2), [1, 3], 'visits all remaining entries and no deleted one');
});

test('iteration skips entries that are deleted after the underlying map was replaced', () => {
  for (const removal of ['delete', 'clear'] as const) {
    const map = new TransientMap<number, Value>(2);
    for (const of of [1, 2, 3]) map.set(of, { of });
    const seen: number[] = [];
    for (const [at] of map) {
      seen.push(at);
      if (at !== 1) continue;
      map.delete(1);
      map.set(4, { of: 4 });
      map.delete(2);
      map.set(5, { of: 5 });
      if (removal === 'clear') map.clear();
      else map.delete(3);
    }
    assert.ok(!seen.includes(2) && !seen.includes(3), seen.join(', '));
  }
});

test('deleted entries do not survive minor collections, even if one entry stays forever', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  const oldSpace = (): number =>
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? 0;
  const map = new TransientMap<number, Value>();
  const OPEN = 100;
  const churn = (from: number, to: number): void => {
    for (let of = from; of < to; of += 1) {
      map.set(of, { of });
      map.delete(of - OPEN);
      if (of % 500 === 0) gc({ type: 'minor' });
    }
  };
  map.set(-OPEN - 1, { of: 0 });
  churn(0, 20_000);
  gc();
  const before = oldSpace();
  churn(20_000, 220_000);
  // If dead tables kept them alive, the values alone would take 5 MB (24 bytes each), and the tables more.
  const grown = oldSpace() - before;
  assert.ok(grown < 1_000_000, `the old space grew by ${grown} bytes`);
});

test.run();
