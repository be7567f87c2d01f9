import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { wordsOf } from './schema-words.js';

test('what a parameter admits is told in words', () => {
  for (const [schema, words] of [
    [{ type: 'integer', minimum: 1 }, 'whole number from 1'],
    [
      { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
      'whole number from 1 to 1000, 100 unless given',
    ],
    [{ type: 'string' }, 'text'],
    [{ type: 'string', maxLength: 64 }, 'text of at most 64 characters'],
    [{ type: 'string', minLength: 1, maxLength: 255, pattern: '^x+$' }, 'text of 1 to 255 characters'],
  ] as const)
    assert.is(wordsOf(schema), words);
});

test.run();
