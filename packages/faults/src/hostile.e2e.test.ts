/** A part of the assault that `npm run hostile` carries out whole. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assault } from './hostile/assault.js';
import { assertHolds } from './play-suite.js';
import type { AttackResult } from './rules/assault.js';

const test = suite('hostile input');

test('each is refused or cut off, no order fails, and nothing else is in the books', async () => {
  const attacks: AttackResult[] = [];
  await assertHolds(assault({ every: 11, slow: false, onResult: (result) => attacks.push(result) }));
  assert.equal([...new Set(attacks.map(({ port }) => port))].sort(), [
    'catalog',
    'control',
    'peer',
    'public',
    'replica',
  ]);
});

test.run();
