/** Tests of the running hash. */
import { createHash } from 'node:crypto';
import { encodeBatch, type Outcome } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_HASH, nextHash } from './log-hash.js';
import { buy, sell } from './testing/commands.js';

const FILLED: Outcome = { kind: 'filled', price: 5500 };
const DONE: Outcome = { kind: 'done' };

function batchOf(...commands: Parameters<typeof encodeBatch>[0]['commands']): Buffer {
  return encodeBatch({ age: 1, time: 2, visibleOrders: 0, commands, seed: null });
}

test('nextHash is SHA-256 of the previous hash, the batch and its outcomes in MessagePack', () => {
  const batch = batchOf(buy('A'), buy('Z'));
  const outcomes: readonly Outcome[] = [FILLED, { kind: 'rejected', reason: 'STOCK_NOT_FOUND' }];
  const expected = createHash('sha256')
    .update(Buffer.alloc(32))
    .update(batch)
    .update(Buffer.from('92cd157cff', 'hex'))
    .digest('hex');
  assert.is(nextHash(EMPTY_HASH, batch, outcomes), expected);
});

test('nextHash depends on the previous hash, the batch and the outcomes', () => {
  const one = nextHash(EMPTY_HASH, batchOf(buy('A')), [FILLED]);
  const hashes = [
    one,
    nextHash(one, batchOf(buy('A')), [FILLED]),
    nextHash(EMPTY_HASH, batchOf(sell('A')), [FILLED]),
    nextHash(EMPTY_HASH, batchOf(buy('A')), [{ kind: 'filled', price: 5501 }]),
    nextHash(EMPTY_HASH, batchOf(buy('A')), [DONE]),
    nextHash(EMPTY_HASH, batchOf(buy('A')), [{ kind: 'none' }]),
    nextHash(EMPTY_HASH, batchOf(buy('A')), []),
  ];
  assert.is(new Set(hashes).size, hashes.length);
  assert.ok(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash)));
  assert.is(nextHash(EMPTY_HASH, batchOf(buy('A')), [FILLED]), one);
});

test.run();
