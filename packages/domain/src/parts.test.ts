import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inParts } from './parts.js';

test('items go in parts of the size at most, in their order', () => {
  assert.equal(inParts([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.equal(inParts([1, 2], 2), [[1, 2]]);
  assert.equal(inParts([], 2), [[]]);
});

test.run();
