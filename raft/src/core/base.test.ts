import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase, encodeBase } from './base.js';
import { RaftError } from './errors.js';
import { initialMembership } from './membership.js';
import { baseAt } from './testing/messages.js';

test('a base is read as it was written', () => {
  for (const base of [
    baseAt(0, 0),
    baseAt(7, 3),
    baseAt(2 ** 40 + 1, 2 ** 33),
    { ...baseAt(5, 2), membership: initialMembership(['a', 'b']) },
  ]) {
    assert.equal(decodeBase(encodeBase(base)), base);
  }
});

test('anything else is refused as damage', () => {
  const isDamage = (error: unknown): boolean => error instanceof RaftError && error.code === 'LOG_DAMAGED';
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(15),
    Buffer.alloc(16, 0xff),
    encodeBase(baseAt(0, 1)),
    encodeBase(baseAt(1, 0)),
  ]) {
    assert.throws(() => decodeBase(bytes), isDamage);
  }
});

test.run();
