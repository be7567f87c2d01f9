import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startTimeOf } from './process-identity.js';

function stat(state: string, threads: number, name = 'node'): string {
  return `77 (${name}) ${state} 1 77 77 0 -1 4194304 5 0 0 0 1 2 0 0 20 0 ${threads} 0 4711 1000 200 18446744073709551615`;
}

test('startTimeOf reads the start time for any program name', () => {
  assert.is(startTimeOf(stat('S', 11)), '4711');
  assert.is(startTimeOf(stat('R', 1, 'a) Z (b')), '4711');
});

test('startTimeOf is null for a zombie only once its last thread has ended', () => {
  assert.is(startTimeOf(stat('Z', 3)), '4711');
  assert.is(startTimeOf(stat('Z', 1)), null);
  assert.is(startTimeOf(stat('X', 0)), null);
});

test.run();
