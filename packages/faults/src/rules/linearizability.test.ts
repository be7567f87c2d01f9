/** The search gives the same results as the definition on small histories, and terminates on long ones. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linearize } from './linearizability.js';
import type { StockOperation } from './stock-operation.js';

const operation: fc.Arbitrary<StockOperation> = fc
  .record({
    action: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('add' as const), delta: fc.constantFrom(-3, -2, -1, 1, 2) }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('exactly' as const), quantity: fc.nat(6) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('below' as const),
          quantity: fc.integer({ min: 1, max: 4 }),
        }),
      },
    ),
    call: fc.nat(12),
    takes: fc.nat(8),
    unknown: fc.boolean(),
  })
  .map(({ action, call, takes, unknown }) => ({
    action,
    call_ns: call,
    return_ns: unknown && action.kind === 'add' ? null : call + takes,
    label: JSON.stringify(action),
  }));

/** Linearizability by its definition: tries every order. For a few operations only. */
function naivelyLinearizable(quantity: number, operations: readonly StockOperation[]): boolean {
  // Operations with unknown outcomes never have to take effect.
  if (operations.every(({ return_ns }) => return_ns === null)) return true;
  return operations.some((first) => {
    const others = operations.filter((operation) => operation !== first);
    // An operation must not come before one that had returned before its call.
    if (others.some(({ return_ns }) => return_ns !== null && return_ns < first.call_ns)) return false;
    const after = apply(quantity, first);
    return after !== null && naivelyLinearizable(after, others);
  });
}

function apply(quantity: number, { action }: StockOperation): number | null {
  switch (action.kind) {
    case 'add':
      return quantity + action.delta >= 0 ? quantity + action.delta : null;
    case 'exactly':
      return quantity === action.quantity ? quantity : null;
    case 'below':
      return quantity < action.quantity ? quantity : null;
  }
}

test('linearize agrees with an exhaustive search', () => {
  const seen = { linearizable: 0, violated: 0 };
  fc.assert(
    fc.property(fc.nat(4), fc.array(operation, { maxLength: 7 }), (initial, operations) => {
      const expected = naivelyLinearizable(initial, operations) ? 'linearizable' : 'violated';
      seen[expected] += 1;
      assert.is(linearize(initial, operations).kind, expected);
    }),
    { numRuns: 6_000, seed: 1 },
  );
  assert.ok(seen.linearizable > 500 && seen.violated > 500, JSON.stringify(seen));
});

test('linearize finds the many orders of unknown outcome that a read needs, without trying all combinations', () => {
  const amounts = [1, 2, 3, 40, -1, -2, -3, -40];
  const unknown = Array.from({ length: 480 }, (_, position): StockOperation => {
    const delta = amounts[position % amounts.length] ?? 0;
    return { action: { kind: 'add', delta }, call_ns: position, return_ns: null, label: `${delta}` };
  });
  const read = (quantity: number): StockOperation => {
    return { action: { kind: 'exactly', quantity }, call_ns: 1_000, return_ns: 1_001, label: `${quantity}` };
  };
  const statesMax = 200_000;
  for (const quantity of [335, 1_201])
    assert.is(linearize(555, [...unknown, read(quantity)], statesMax).kind, 'linearizable', `${quantity}`);
  const sum = 555 + 60 * (1 + 2 + 3 + 40);
  assert.is(
    linearize(555, [...unknown.filter(({ label }) => !label.startsWith('-')), read(554)]).kind,
    'violated',
  );
  assert.is.not(linearize(555, [...unknown, read(sum + 1)], statesMax).kind, 'linearizable');
});

/**
 * Simulates concurrent clients of a counter; each operation takes effect at some time between its call and
 * return.
 */
function simulate(options: {
  clients: number;
  operations: number;
  unknownShare: number;
  seed: number;
}): StockOperation[] {
  let state = options.seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const planned = Array.from({ length: options.operations }, (_, i) => {
    const client = i % options.clients;
    const call = Math.floor(i / options.clients) * 100 + random(40) + (client === 0 ? 0 : random(20));
    const takes = 1 + random(35);
    return { call, at: call + random(takes), end: call + takes, kind: random(3), by: 1 + random(3) };
  });
  let quantity = 30;
  return planned
    .sort((a, b) => a.at - b.at)
    .map(({ call, end, kind, by }): StockOperation => {
      const times = { call_ns: call, return_ns: end, label: 'some' };
      if (kind === 0) return { ...times, action: { kind: 'exactly', quantity } };
      const delta = kind === 1 ? by : -by - random(2);
      if (quantity + delta < 0) return { ...times, action: { kind: 'below', quantity: -delta } };
      const isUnknown = random(1000) < options.unknownShare * 1000;
      if (!isUnknown || random(2) === 0) quantity += delta;
      return { ...times, return_ns: isUnknown ? null : end, action: { kind: 'add', delta } };
    });
}

test('linearize decides 40,000 operations of 20 concurrent clients, hundreds with unknown outcomes', () => {
  const operations = simulate({ clients: 20, operations: 40_000, unknownShare: 0.01, seed: 3 });
  assert.ok(operations.filter(({ return_ns }) => return_ns === null).length > 200);
  assert.equal(linearize(30, operations), { kind: 'linearizable' });
});

test('linearize finds one wrong look-up among 20,000 operations', () => {
  const operations = simulate({ clients: 24, operations: 20_000, unknownShare: 0, seed: 5 });
  const at = operations.findIndex(({ action }, i) => action.kind === 'exactly' && i > 15_000);
  const victim = operations[at];
  assert.ok(victim?.action.kind === 'exactly');
  // A larger deviation than all concurrent operations together can cause.
  operations[at] = { ...victim, action: { kind: 'exactly', quantity: victim.action.quantity + 200 } };
  const result = linearize(30, operations);
  assert.is(result.kind, 'violated');
});

test('linearize returns undecided when it exceeds its bound of states', () => {
  const open = Array.from({ length: 12 }, (_, i): StockOperation => {
    return { action: { kind: 'add', delta: 2 ** i }, call_ns: 0, return_ns: null, label: 'unknown' };
  });
  const lookup: StockOperation = {
    action: { kind: 'exactly', quantity: 4095 },
    call_ns: 1,
    return_ns: 2,
    label: 'a look-up',
  };
  assert.is(linearize(0, [...open, lookup], 1_000).kind, 'undecided');
  assert.is(linearize(0, [...open, lookup]).kind, 'linearizable');
});

test('linearize names the operation that violates the order, and the concurrent ones', () => {
  const times = { call_ns: 1, return_ns: 9 };
  const open = Array.from({ length: 10 }, (_, i): StockOperation => {
    return { ...times, action: { kind: 'add', delta: 1 }, label: `order ${i}`, return_ns: 20 };
  });
  const lookup: StockOperation = {
    ...times,
    action: { kind: 'exactly', quantity: 99 },
    label: 'the look-up',
  };
  const crowded = linearize(0, [...open, lookup]);
  assert.is(crowded.kind, 'violated');
  assert.match(JSON.stringify(crowded), /the look-up has no valid place.*order 0.*and 2 more/);
  const alone = linearize(0, [lookup]);
  assert.match(JSON.stringify(alone), /can have been 0; no concurrent operations/);
});

test.run();
