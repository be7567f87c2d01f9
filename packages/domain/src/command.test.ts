import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pack } from './codec.js';
import {
  BATCH_COMMANDS_MAX,
  CATALOGS_MAX,
  KEY_LENGTH_MAX,
  SEED_PART_STOCKS_MAX,
  SEED_PARTS_MAX,
  commandFromWire,
  commandToWire,
  decodeBatch,
  encodeBatch,
  outcomeFromWire,
  outcomeToWire,
  type Batch,
  type Command,
  type Outcome,
  type SeedPart,
  type SeedStock,
} from './command.js';
import { FormatError } from './errors.js';
import { PRICE_CENTS_MAX } from './money.js';
import { ORDER_NAME_LENGTH_MAX, ORDER_QUANTITY_MAX, ORDER_TIME_MS_MAX } from './order.js';

const PLAIN = { noNullPrototype: true } as const;
const keyed = {
  key: fc.string({ minLength: 1, maxLength: KEY_LENGTH_MAX }),
  name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }),
};
const quantity = fc.integer({ min: 1, max: ORDER_QUANTITY_MAX });
const price = fc.integer({ min: 1, max: PRICE_CENTS_MAX });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constantFrom('buy', 'sell', 'restock'), ...keyed, quantity }, PLAIN),
  fc.record({ kind: fc.constant('list'), ...keyed, price }, PLAIN),
);
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant('filled'), price }, PLAIN),
  fc.constantFrom<Outcome>(
    { kind: 'done' },
    { kind: 'none' },
    { kind: 'rejected', reason: 'STOCK_NOT_FOUND' },
    { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' },
    { kind: 'rejected', reason: 'LIMIT_REACHED' },
  ),
);
const life = fc.stringMatching(/^[0-9a-f]{16}$/);
const seedStock: fc.Arbitrary<SeedStock> = fc.record(
  { name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), price, quantity: fc.maxSafeNat() },
  PLAIN,
);
const seedPart: fc.Arbitrary<SeedPart> = fc
  .tuple(
    fc.nat({ max: SEED_PARTS_MAX - 1 }),
    fc.nat({ max: SEED_PARTS_MAX - 1 }),
    life,
    fc.array(seedStock, { maxLength: 4 }),
  )
  .map(([one, other, name, stocks]) => {
    return { life: name, part: Math.min(one, other), parts: Math.max(one, other) + 1, stocks };
  });
const batch: fc.Arbitrary<Batch> = fc.record(
  {
    age: fc.maxSafeNat(),
    time: fc.integer({ min: 0, max: ORDER_TIME_MS_MAX }),
    visibleOrders: fc.maxSafeNat(),
    commands: fc.array(command),
    seed: fc.option(seedPart),
    life: fc.stringMatching(/^[0-9a-f]{16}$/),
  },
  { ...PLAIN, requiredKeys: ['age', 'time', 'visibleOrders', 'commands', 'seed'] },
);
const EMPTY: Batch = { age: 0, time: 0, visibleOrders: 0, commands: [], seed: null };

/** Calls a decoder and asserts that it throws nothing but `FormatError`. */
function throwsOnlyFormatError(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.instance(error, FormatError);
  }
}

function assertBad(decode: () => unknown, message: RegExp): void {
  assert.throws(decode, (error: unknown) => error instanceof FormatError && message.test(error.message));
}

test('decodeBatch returns the encoded batch', () => {
  fc.assert(fc.property(batch, (value) => assert.equal(decodeBatch(encodeBatch(value)), value)));
});

test('commands and outcomes survive the wire format', () => {
  fc.assert(fc.property(command, (value) => assert.equal(commandFromWire(commandToWire(value)), value)));
  fc.assert(fc.property(outcome, (value) => assert.equal(outcomeFromWire(outcomeToWire(value)), value)));
});

test('wire formats are those of existing logs', () => {
  const keyedAs = { key: 'k', name: 'A' };
  assert.equal(commandToWire({ kind: 'buy', ...keyedAs, quantity: 3 }), [0, 'k', 'A', 3]);
  assert.equal(commandToWire({ kind: 'sell', ...keyedAs, quantity: 3 }), [1, 'k', 'A', 3]);
  assert.equal(commandToWire({ kind: 'list', ...keyedAs, price: 3 }), [2, 'k', 'A', 3]);
  assert.equal(commandToWire({ kind: 'restock', ...keyedAs, quantity: 3 }), [3, 'k', 'A', 3]);
  const outcomes: readonly Outcome[] = [
    { kind: 'filled', price: 5 },
    { kind: 'done' },
    { kind: 'rejected', reason: 'STOCK_NOT_FOUND' },
    { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' },
    { kind: 'rejected', reason: 'LIMIT_REACHED' },
    { kind: 'none' },
  ];
  assert.equal(outcomes.map(outcomeToWire), [5, 0, -1, -2, -3, null]);
  const place: Command = { kind: 'buy', ...keyedAs, quantity: 3 };
  const commands = encodeBatch({ age: 3, time: 1, visibleOrders: 7, commands: [place], seed: null });
  assert.is(commands.toString('hex'), '98040301079194' + '00a16ba14103' + 'c0c0c0');
  const stocks = [{ name: 'A', price: 5, quantity: 6 }];
  const seed = encodeBatch({ ...EMPTY, seed: { life: '0123456789abcdef', part: 1, parts: 2, stocks } });
  const lifeHex = Buffer.from('0123456789abcdef').toString('hex');
  assert.is(seed.toString('hex'), `980400000090` + `94b0${lifeHex}0102` + '9193a1410506c0c0');
  const life = encodeBatch({ ...EMPTY, life: '0123456789abcdef' });
  assert.is(life.toString('hex'), `980400000090c0b0${lifeHex}c0`);
  const catalogs = encodeBatch({ ...EMPTY, catalogs: ['catalog'] });
  assert.is(catalogs.toString('hex'), `980400000090c0c091a7${Buffer.from('catalog').toString('hex')}`);
});

test('encodeBatch and decodeBatch reject an invalid set of catalogs', () => {
  const many = Array.from({ length: CATALOGS_MAX + 1 }, (_, n) => `catalog-${n}`);
  for (const [catalogs, message] of [
    [['catalog-1', 'catalog-1'], /has a duplicate id/],
    [['replica-1'], /invalid catalog id/],
    [[''], /invalid catalog id/],
    [[`catalog-${'x'.repeat(57)}`], /invalid catalog id/],
    [many, /more than 16/],
  ] as const) {
    assertBad(() => encodeBatch({ ...EMPTY, catalogs }), message);
    assertBad(() => decodeBatch(pack([4, 0, 0, 0, [], null, null, catalogs])), message);
  }
  const most = many.slice(1);
  assert.equal(decodeBatch(encodeBatch({ ...EMPTY, catalogs: most })).catalogs, most);
  assert.equal(decodeBatch(encodeBatch({ ...EMPTY, catalogs: [] })).catalogs, []);
});

test('commandFromWire accepts values at their bounds and rejects those beyond', () => {
  const wire = (kind: unknown, key: unknown, name: unknown, amount: unknown): (() => unknown) => {
    return () => commandFromWire([kind, key, name, amount]);
  };
  const longest = 'k'.repeat(KEY_LENGTH_MAX);
  const name = 'n'.repeat(ORDER_NAME_LENGTH_MAX);
  for (const kind of [0, 1, 3]) {
    wire(kind, longest, name, ORDER_QUANTITY_MAX)();
    wire(kind, 'k', 'ä', 1)();
    assertBad(wire(kind, 'k', 'A', ORDER_QUANTITY_MAX + 1), /quantity out of bounds/);
    assertBad(wire(kind, 'k', 'A', 0), /amount/);
    assertBad(wire(kind, 'k', 'A', 1.5), /amount/);
  }
  wire(2, 'k', 'A', PRICE_CENTS_MAX)();
  assertBad(wire(2, 'k', 'A', PRICE_CENTS_MAX + 1), /price out of bounds/);
  assertBad(wire(4, 'k', 'A', 1), /unknown command kind 4/);
  assertBad(wire(-1, 'k', 'A', 1), /command kind/);
  for (const key of ['', `${longest}k`, 'ä', 'k\n', 1]) assertBad(wire(0, key, 'A', 1), /^key is not /);
  for (const bad of ['', `${name}n`, '\ud83d', 1]) assertBad(wire(0, 'k', bad, 1), /^stock name is not /);
  assertBad(() => commandFromWire({}), /command is not a list/);
});

test('outcomeFromWire rejects values beyond the bounds', () => {
  assert.equal(outcomeFromWire(PRICE_CENTS_MAX), { kind: 'filled', price: PRICE_CENTS_MAX });
  assertBad(() => outcomeFromWire(PRICE_CENTS_MAX + 1), /price out of bounds/);
  assertBad(() => outcomeFromWire(-4), /unknown rejection -4/);
  for (const value of [undefined, '1', 1.5, Number.NaN, Infinity, 1n, []]) {
    assertBad(() => outcomeFromWire(value), /outcome is not a number/);
  }
});

test('decodeBatch rejects another format and malformed fields', () => {
  assertBad(() => decodeBatch(pack([2, 0, 0, [], []])), /batch has format 2; this program reads format 4/);
  assertBad(() => decodeBatch(pack([4, -1, 0, 0, [], null])), /batch age/);
  assertBad(() => decodeBatch(pack([4, 0, -1, 0, [], null])), /batch time/);
  assertBad(() => decodeBatch(pack([4, 0, ORDER_TIME_MS_MAX + 1, 0, [], null])), /batch time is after/);
  assertBad(() => decodeBatch(pack([4, 0, 0, -1, [], null])), /visible orders/);
  assertBad(() => decodeBatch(pack([4, 0, 0, 0, null, null])), /commands is not a list/);
  assertBad(() => decodeBatch(pack([4, 0, 0, 0, []])), /seed is not a list/);
  assertBad(() => decodeBatch(pack({ 0: 1 })), /batch is not a list/);
  assertBad(() => decodeBatch(new Uint8Array()), /not MessagePack/);
});

const STOCK: SeedStock = { name: 'A', price: 1, quantity: 0 };
const PART: SeedPart = { life: '0123456789abcdef', part: 0, parts: 1, stocks: [STOCK] };

const BAD_PARTS: readonly (readonly [what: string, change: object, message: RegExp])[] = [
  ['a short life', { life: '0123456789abcde' }, /life is not 16 hex digits/],
  ['a life in capitals', { life: '0123456789ABCDEF' }, /life is not 16 hex digits/],
  ['a part beyond the last', { part: 1 }, /invalid seed part 1 of 1/],
  ['a part below 0', { part: -1 }, /part/],
  ['no parts', { parts: 0 }, /invalid seed part 0 of 0/],
  ['too many parts', { parts: SEED_PARTS_MAX + 1 }, /invalid seed part 0 of 101/],
  [
    'too many stocks',
    { stocks: Array.from({ length: SEED_PART_STOCKS_MAX + 1 }, () => STOCK) },
    /more than 1000 stocks/,
  ],
  ['a name that cannot be listed', { stocks: [{ ...STOCK, name: 'a b' }] }, /invalid stock name in the seed/],
  ['no price', { stocks: [{ ...STOCK, price: 0 }] }, /price/],
  ['a price out of bounds', { stocks: [{ ...STOCK, price: PRICE_CENTS_MAX + 1 }] }, /price out of bounds/],
  ['a quantity below 0', { stocks: [{ ...STOCK, quantity: -1 }] }, /quantity/],
  ['a quantity out of bounds', { stocks: [{ ...STOCK, quantity: Number.MAX_SAFE_INTEGER + 1 }] }, /quantity/],
];

for (const [what, change, message] of BAD_PARTS) {
  test(`encodeBatch and decodeBatch reject a seed part with ${what}`, () => {
    const seed: SeedPart = { ...PART, ...change };
    assertBad(() => encodeBatch({ ...EMPTY, seed }), message);
    const stocks = seed.stocks.map(({ name, price: cents, quantity: count }) => [name, cents, count]);
    const wire = [seed.life, seed.part, seed.parts, stocks];
    assertBad(() => decodeBatch(pack([4, 0, 0, 0, [], wire])), message);
  });
}

test('decodeBatch accepts a seed part at its bounds', () => {
  const stocks = Array.from({ length: SEED_PART_STOCKS_MAX }, () => ({
    name: 'n'.repeat(64),
    price: PRICE_CENTS_MAX,
    quantity: Number.MAX_SAFE_INTEGER,
  }));
  const value = { ...EMPTY, seed: { ...PART, part: SEED_PARTS_MAX - 1, parts: SEED_PARTS_MAX, stocks } };
  assert.equal(decodeBatch(encodeBatch(value)), value);
});

/** Arbitrary batches, valid and invalid, with values at and around every bound. */
const anyText = fc.oneof(
  fc.string({ maxLength: KEY_LENGTH_MAX + 2 }),
  fc
    .array(fc.oneof(fc.nat(0xffff), fc.constantFrom(0xd83d, 0xdc00)), { maxLength: 70 })
    .map((units) => String.fromCharCode(...units)),
);
const anyNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    0,
    -0,
    -1,
    1.5,
    ORDER_QUANTITY_MAX,
    ORDER_QUANTITY_MAX + 1,
    PRICE_CENTS_MAX,
    PRICE_CENTS_MAX + 1,
  ),
  fc.constantFrom(
    ORDER_TIME_MS_MAX,
    ORDER_TIME_MS_MAX + 1,
    Number.MAX_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER + 1,
  ),
);
const anyKeyed = { key: anyText, name: anyText };
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  command,
  fc.record({ kind: fc.constantFrom('buy', 'sell', 'restock'), ...anyKeyed, quantity: anyNumber }, PLAIN),
  fc.record({ kind: fc.constant('list'), ...anyKeyed, price: anyNumber }, PLAIN),
);
const anySeed = fc.record(
  {
    life: fc.oneof(life, anyText),
    part: fc.oneof(fc.constant(0), anyNumber),
    parts: fc.oneof(fc.constant(1), anyNumber),
    stocks: fc.array(
      fc.oneof(seedStock, fc.record({ name: anyText, price: anyNumber, quantity: anyNumber }, PLAIN)),
      { maxLength: 2 },
    ),
  },
  PLAIN,
);
const anyBatch: fc.Arbitrary<Batch> = fc.record(
  {
    age: fc.oneof(fc.constant(1), anyNumber),
    time: fc.oneof(fc.constant(1), anyNumber),
    visibleOrders: fc.oneof(fc.constant(1), anyNumber),
    commands: fc.array(anyCommand, { maxLength: 3 }),
    seed: fc.oneof(fc.constant(null), seedPart, anySeed),
  },
  PLAIN,
);

test('encodeBatch encodes exactly the batches that decodeBatch accepts', () => {
  let encoded = 0;
  fc.assert(
    fc.property(anyBatch, (value) => {
      let bytes: Buffer;
      try {
        bytes = encodeBatch(value);
      } catch (error) {
        assert.instance(error, FormatError);
        return;
      }
      encoded += 1;
      const decoded = decodeBatch(bytes);
      assert.equal(decoded, value);
      // Clients see the time as ISO 8601.
      assert.match(new Date(decoded.time).toISOString(), /^\d{4}-/);
      assert.equal(encodeBatch(decodeBatch(bytes)), bytes);
    }),
    { numRuns: 5000 },
  );
  assert.ok(encoded > 100, `${encoded} batches were encoded`);
});

test('encodeBatch and decodeBatch reject too many commands, and text that is not well-formed', () => {
  const one: Command = { kind: 'buy', key: 'k', name: 'A', quantity: 1 };
  const full = { ...EMPTY, commands: Array.from({ length: BATCH_COMMANDS_MAX }, () => one) };
  assert.is(decodeBatch(encodeBatch(full)).commands.length, BATCH_COMMANDS_MAX);
  assertBad(() => encodeBatch({ ...full, commands: [...full.commands, one] }), /batch has 4097 commands/);
  const wires = full.commands.map(commandToWire);
  assertBad(
    () => decodeBatch(pack([4, 0, 0, 0, [...wires, commandToWire(one)], null])),
    /batch has 4097 commands/,
  );
  const half = { ...one, name: `${'n'.repeat(62)}\ud83d` };
  assertBad(() => commandFromWire(commandToWire(half)), /stock name is not well-formed/);
  assertBad(() => encodeBatch({ ...full, commands: [half] }), /stock name is not well-formed/);
});

test('decoders throw only FormatError for arbitrary input', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      throwsOnlyFormatError(() => decodeBatch(bytes));
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.anything(), (value) => {
      throwsOnlyFormatError(() => commandFromWire(value));
      throwsOnlyFormatError(() => outcomeFromWire(value));
    }),
    { numRuns: 2000 },
  );
});

test('decodeBatch throws only FormatError for a changed byte, and rejects every truncated batch', () => {
  const sample = [...fc.sample(batch, { numRuns: 20, seed: 7 }), { ...EMPTY, seed: PART }];
  for (const value of sample) {
    const bytes = encodeBatch(value);
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x81;
      throwsOnlyFormatError(() => decodeBatch(changed));
      assert.throws(
        () => decodeBatch(bytes.subarray(0, at)),
        (error: unknown) => error instanceof FormatError,
      );
    }
  }
});

test.run();
