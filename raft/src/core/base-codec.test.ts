import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase, encodeBase } from './base-codec.js';
import { RaftError } from './errors.js';
import { initialMembership } from './membership.js';
import { makeBase } from './testing/messages.js';

test('decodeBase restores what encodeBase encoded', () => {
  for (const base of [
    makeBase(0, 0),
    makeBase(7, 3),
    makeBase(2 ** 40 + 1, 2 ** 33),
    { ...makeBase(5, 2), membership: initialMembership(['a', 'b']) },
  ]) {
    assert.equal(decodeBase(encodeBase(base)), base);
  }
});

test('decodeBase rejects truncated and invalid bytes as damage', () => {
  const isDamage = (error: unknown): boolean => error instanceof RaftError && error.code === 'LOG_DAMAGED';
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(15),
    Buffer.alloc(16, 0xff),
    encodeBase(makeBase(0, 1)),
    encodeBase(makeBase(1, 0)),
  ]) {
    assert.throws(() => decodeBase(bytes), isDamage);
  }
});

test.run();
