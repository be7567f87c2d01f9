import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from './errors.js';
import { parseStrictJson } from './strict-json.js';

const TWICE: readonly (readonly [json: string, key: string])[] = [
  ['{"a":1,"a":2}', 'a'],
  ['{"a":":","a":2}', 'a'],
  ['{"a":1, "b":2 ,\n"a" \t:\r1}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"":1,"":2}', ''],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['{"a\\"":1,"a\\"":2}', 'a"'],
  ['{"\\\\":1,"\\\\":2}', '\\'],
  ['{"x":{"a":1,"b":[{"c":1,"c":1}]}}', 'c'],
  ['[{"a":1},{"b":1,"b":2}]', 'b'],
  ['{"a":{"b":1},"a":2}', 'a'],
];

test('rejects a duplicate key in an object by its name', () => {
  for (const [json, key] of TWICE) {
    assert.throws(
      () => parseStrictJson(json),
      (error: unknown) => error instanceof FormatError && error.message === `${key}: must be given once`,
      json,
    );
  }
  const long = 'k'.repeat(10_000);
  assert.throws(
    () => parseStrictJson(`{"${long}":1,"${long}":2}`),
    (error: unknown) => error instanceof FormatError && error.message.length < 100,
  );
});

test('accepts equal keys in different objects, and equal values', () => {
  for (const json of [
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '[{"a":1},{"a":2}]',
    '{"a":"a","b":"a"}',
    '{"a":":","b":"\\":","c":"a"}',
    '["a","a"]',
    '"a"',
  ]) {
    assert.equal(parseStrictJson(json), JSON.parse(json));
  }
});

test('parses arbitrary JSON like JSON.parse, and rejects it with one key repeated', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
      assert.equal(parseStrictJson(JSON.stringify(value, null, indent)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, pick) => {
      const entries = Object.entries(object).map(
        ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
      );
      const repeated = entries[pick % entries.length] ?? '';
      assert.throws(
        () => parseStrictJson(`{${[...entries, repeated].join(',')}}`),
        (error: unknown) => error instanceof FormatError,
      );
    }),
    { numRuns: 1000 },
  );
});

test('throws SyntaxError for text that is not JSON', () => {
  for (const json of ['', '{', '{"a":1,}', '{"a":1 "a":2}']) {
    assert.throws(
      () => parseStrictJson(json),
      (error: unknown) => error instanceof SyntaxError,
    );
  }
});

test.run();
