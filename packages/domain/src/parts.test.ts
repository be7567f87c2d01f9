import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { splitIntoParts } from './parts.js';

test('splitIntoParts splits items in order into parts of at most the given size', () => {
  assert.equal(splitIntoParts([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.equal(splitIntoParts([1, 2], 2), [[1, 2]]);
  assert.equal(splitIntoParts([], 2), [[]]);
});

test.run();
