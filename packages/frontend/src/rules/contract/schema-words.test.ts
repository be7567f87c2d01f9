import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeSchema } from './schema-description.js';

test('wordsOf describes type, bounds and default of a schema', () => {
  for (const [schema, words] of [
    [{ type: 'integer', minimum: 1 }, 'integer from 1'],
    [{ type: 'integer', minimum: 1, maximum: 1000, default: 100 }, 'integer from 1 to 1000, default 100'],
    [{ type: 'string' }, 'text'],
    [{ type: 'string', maxLength: 64 }, 'text of at most 64 characters'],
    [{ type: 'string', minLength: 1, maxLength: 255, pattern: '^x+$' }, 'text of 1 to 255 characters'],
  ] as const)
    assert.is(describeSchema(schema), words);
});

test.run();
