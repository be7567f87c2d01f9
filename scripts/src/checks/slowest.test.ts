import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { slowestLines } from './slowest.js';

test('the slowest files are told, the slowest first', () => {
  const times = Array.from({ length: 30 }, (_, i) => ({ file: `file-${i}`, tookMs: 1000 * i }));
  const lines = slowestLines(times);
  assert.is(lines.length, 16);
  assert.equal(lines.slice(0, 3), ['slowest of 30 test files:', '   29.0 s  file-29', '   28.0 s  file-28']);
});

test('of a few files each has its line already', () => {
  assert.equal(slowestLines([{ file: 'a', tookMs: 1 }]), []);
});

test.run();
