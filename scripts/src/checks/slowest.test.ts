import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { slowestLines } from './slowest.js';

test('slowestLines lists the slowest files, slowest first', () => {
  const times = Array.from({ length: 30 }, (_, i) => ({ file: `file-${i}`, tookMs: 1000 * i }));
  const lines = slowestLines(times);
  assert.is(lines.length, 16);
  assert.equal(lines.slice(0, 3), ['slowest of 30 test files:', '   29.0 s  file-29', '   28.0 s  file-28']);
});

test('slowestLines is empty for a run of few files', () => {
  assert.equal(slowestLines([{ file: 'a', tookMs: 1 }]), []);
});

test.run();
