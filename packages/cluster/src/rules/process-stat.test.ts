import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startOf } from './process-stat.js';

function stat(state: string, threads: number, name = 'node'): string {
  return `77 (${name}) ${state} 1 77 77 0 -1 4194304 5 0 0 0 1 2 0 0 20 0 ${threads} 0 4711 1000 200 18446744073709551615`;
}

test('a process tells when it started, whatever its name is', () => {
  assert.is(startOf(stat('S', 11)), '4711');
  assert.is(startOf(stat('R', 1, 'a) Z (b')), '4711');
});

test('a zombie has ended once no other thread of it is left, which would still hold its ports', () => {
  assert.is(startOf(stat('Z', 3)), '4711');
  assert.is(startOf(stat('Z', 1)), null);
  assert.is(startOf(stat('X', 0)), null);
});

test.run();
