/** How LevelDB is opened for a book. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBufferBytes } from './book-level.js';

const MIB = 1024 * 1024;

test('replicas of a group do not compact at the same time: their buffers differ, each within its bounds', () => {
  for (const ids of [
    ['1', '2', '3'],
    ['2', '3', '4'],
    ['7', '8', '9'],
  ]) {
    const sizes = ids.map(writeBufferBytes);
    assert.is(new Set(sizes).size, ids.length);
    assert.ok(sizes.every((size) => size >= 8 * MIB && size <= 14 * MIB));
  }
  assert.is(writeBufferBytes('1.5f0c9a31'), writeBufferBytes('1.5f0c9a31'));
});

test.run();
