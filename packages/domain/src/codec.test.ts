import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pack, unpack } from './codec.js';
import { FormatError } from './errors.js';
import {
  expectBoolean,
  expectBytes,
  expectInteger,
  expectItems,
  expectList,
  expectObject,
  expectText,
} from './guards.js';

test('unpack returns the packed value', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string({ unit: 'grapheme' }),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        tie('value'),
        { noNullPrototype: true },
      ),
    ),
  })).value;
  fc.assert(fc.property(value, (one) => assert.equal(unpack(pack(one)), one)));
});

test('unpack returns bytes as bytes, and integers above 2^53 as bigint', () => {
  const bytes = unpack(pack({ bytes: Buffer.from([1, 2, 3]) }));
  assert.equal([...expectBytes(expectObject(bytes, 'it')['bytes'], 'bytes')], [1, 2, 3]);
  assert.is(unpack(pack(2n ** 60n)), 2n ** 60n);
});

test('pack does not change buffers that it returned before', () => {
  const first = pack('first');
  const before = Buffer.from(first);
  for (let i = 0; i < 10_000; i += 1) pack(['something else', i]);
  assert.equal(first, before);
});

test('unpack rejects bytes that are not exactly one MessagePack value', () => {
  for (const bytes of [[], [0x92, 1], [1, 2], [0xd9, 200, 1]]) {
    assert.throws(
      () => unpack(Uint8Array.from(bytes)),
      (error: unknown) => error instanceof FormatError,
    );
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        unpack(bytes);
      } catch (error) {
        assert.instance(error, FormatError);
      }
    }),
    { numRuns: 5000 },
  );
});

test('unpack rejects excessive nesting', () => {
  assert.throws(
    () => unpack(Buffer.alloc(1_000_000, 0x91)),
    (error: unknown) => error instanceof FormatError,
  );
});

/** The decoded form of the one byte that MessagePack never uses. */
const NEVER_USED = unpack(Uint8Array.of(0xc1));

/** Each guard with the values that it accepts and those that it rejects. */
const GUARDS: readonly [string, (value: unknown) => unknown, readonly unknown[], readonly unknown[]][] = [
  ['list', (value) => expectList(value, 'it'), [[], [1]], [{}, null, 'x', new Set()]],
  [
    'object',
    (value) => expectObject(value, 'it'),
    [{}, { a: 1 }],
    [null, [], new Map(), new Error('x'), /x/, 'x', Object.create(null), NEVER_USED],
  ],
  [
    'integer',
    (value) => expectInteger(value, 'it'),
    [0, 1, Number.MAX_SAFE_INTEGER],
    [-1, 0.5, 2 ** 53, NaN, Infinity, '1', 1n, null],
  ],
  ['integer from 5', (value) => expectInteger(value, 'it', 5), [5], [4]],
  [
    'text',
    (value) => expectText(value, 'it', 3),
    ['', 'abc', '\u{1f600}'],
    ['abcd', 1, null, '\ud83d', 'a\udc00'],
  ],
  ['boolean', (value) => expectBoolean(value, 'it'), [true, false], [0, 'true', null]],
  [
    'bytes',
    (value) => expectBytes(value, 'it'),
    [new Uint8Array(1), Buffer.alloc(1)],
    [[1], 'x', new Uint16Array(1), null],
  ],
];

for (const [name, guard, good, bad] of GUARDS) {
  test(`guard for ${name}: accepts valid values and rejects others`, () => {
    for (const value of good) assert.is(guard(value), value);
    for (const value of bad) {
      assert.throws(
        () => guard(value),
        (error: unknown) => error instanceof FormatError && /^it is not /.test(error.message),
      );
    }
  });
}

test('asItems returns invalid items by id beside the valid ones', () => {
  const check = (id: number, item: readonly unknown[]): unknown => [id, expectText(item[1], 'name', 3)];
  assert.equal(expectItems([[7, 'abc'], [8, 'abcd'], [9]], check), {
    items: [[7, 'abc']],
    invalid: [
      { id: 8, reason: 'name is not well-formed text of at most 3 characters' },
      { id: 9, reason: 'name is not well-formed text of at most 3 characters' },
    ],
  });
  for (const frame of [
    null,
    [1],
    [['7', 'abc']],
    [[-1, 'abc']],
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ],
  ]) {
    assert.throws(
      () => expectItems(frame, check, 2),
      (error: unknown) => error instanceof FormatError,
    );
  }
  const broken = new Error('not of the format');
  assert.throws(
    () =>
      expectItems([[1]], () => {
        throw broken;
      }),
    (error: unknown) => error === broken,
  );
});

test.run();
