import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CompactionPolicy, DEFAULT_COMPACTION, type CompactionOptions } from './compaction.js';
import { makeEntry } from './core/entry.js';
import { RaftError } from './core/errors.js';

const LAGGING = { laggingEntriesMax: 60, laggingBytesMax: 1_000_000 };
const OPTIONS = { entriesMax: 10, bytesMax: 1_000_000, entriesKept: 4, ...LAGGING };

function policyAfter(count: number, bytes: number, options: CompactionOptions = OPTIONS): CompactionPolicy {
  const policy = new CompactionPolicy(options, 0, 0);
  for (let index = 1; index <= count; index += 1) {
    policy.onApplied([makeEntry(index, 1, 'command', Buffer.alloc(bytes))]);
  }
  return policy;
}

test('CompactionPolicy is due by entries, and keeps entries counted from the durable index', () => {
  assert.not.ok(policyAfter(9, 0).isDue);
  const policy = policyAfter(10, 0);
  assert.ok(policy.isDue);
  assert.is(policy.nextIndex(8, null), 4);
  assert.not.ok(policy.isDue, 'the counters are reset');
});

test('nextIndex keeps what a follower needs, up to a bound of entries and of bytes', () => {
  assert.is(policyAfter(10, 0).nextIndex(100, 50), 50);
  assert.is(policyAfter(10, 0).nextIndex(100, 99), 96);
  assert.is(policyAfter(10, 0).nextIndex(100, 40), 40);
  assert.is(policyAfter(10, 0).nextIndex(100, 39), 40);
  const policy = policyAfter(10, 1_000, { ...OPTIONS, laggingBytesMax: 11_000 });
  assert.is(policy.nextIndex(100, 50), 90);
  assert.is(policy.nextIndex(100, 50), 90, 'the average entry size is remembered');
  assert.is(policyAfter(10, 0, { ...OPTIONS, laggingEntriesMax: 0 }).nextIndex(100, 50), 96);
});

test('CompactionPolicy is due by bytes, and keeps large entries by their bytes', () => {
  const options = { ...OPTIONS, entriesMax: 1_000, bytesMax: 10_000, entriesKept: 500 };
  assert.not.ok(policyAfter(4, 2_000, options).isDue);
  const policy = policyAfter(5, 2_000, options);
  assert.ok(policy.isDue);
  assert.is(policy.nextIndex(100, null), 96);
  assert.is(policyAfter(1, 50_000, options).nextIndex(100, null), 100);
});

test('CompactionPolicy counts the entries in the log at the start, except those to keep', () => {
  assert.not.ok(new CompactionPolicy(OPTIONS, 13, 0).isDue);
  const policy = new CompactionPolicy(OPTIONS, 14, 0);
  assert.ok(policy.isDue);
  assert.is(policy.nextIndex(14, null), 10);
});

test('the average entry size at the start bounds the kept entries', () => {
  const options = { ...OPTIONS, laggingBytesMax: 11_000 };
  assert.is(
    new CompactionPolicy(options, 3, 1_000).nextIndex(100, 50),
    89,
    'although nothing was applied since',
  );
  const policy = new CompactionPolicy(options, 54, 1_000);
  policy.onApplied([makeEntry(101, 1, 'command', Buffer.alloc(0))]);
  assert.is(policy.nextIndex(101, 50), 90, 'few small entries hardly change the average');
  assert.ok(new CompactionPolicy({ ...OPTIONS, bytesMax: 5_000 }, 9, 1_000).isDue);
});

test('CompactionPolicy names an option that is out of bounds', () => {
  for (const [name, value] of [
    ['entriesMax', 0],
    ['bytesMax', 0.5],
    ['entriesKept', -1],
    ['laggingEntriesMax', -1],
    ['laggingBytesMax', Number.NaN],
  ] as const) {
    assert.throws(
      () => new CompactionPolicy({ ...DEFAULT_COMPACTION, [name]: value }, 0, 0),
      (error: unknown) =>
        error instanceof RaftError && error.code === 'BAD_CONFIG' && error.message.includes(name),
    );
  }
});

test.run();
