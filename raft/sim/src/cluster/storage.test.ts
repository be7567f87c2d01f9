/** The simulated disk does what every log store must, and has the faults that it is for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFails, makeEntries, registerConformance } from '#raft/storage/conformance.js';
import { Random } from '../engine/random.js';
import { SimDisk } from './disk.js';
import { SimStorage } from './storage.js';
import type { DiskSchedule } from './writes.js';

/** Durable and told in the next continuation. */
const PROMPT: DiskSchedule = {
  write: (_batch, durable, told) =>
    queueMicrotask(() => {
      durable();
      told(false);
    }),
};

registerConformance(test, async () => {
  const disk = new SimDisk();
  return { open: async () => new SimStorage(disk, PROMPT), dispose: async () => undefined };
});

test('a failed sync rejects, and so does everything after it', async () => {
  const storage = new SimStorage(new SimDisk(), {
    write: (_batch, _durable, told) => queueMicrotask(() => told(true)),
  });
  const batch = { hardState: { term: 1, vote: null }, entries: [] };
  await assertFails('STORAGE_FAILED', async () => storage.persist(batch));
  assert.ok(storage.hasFailed);
  await assertFails('STORAGE_FAILED', async () => storage.persist(batch));
});

test('what is not durable is gone after a crash', async () => {
  const disk = new SimDisk();
  const storage = new SimStorage(disk, { write: () => undefined });
  void storage.persist({ hardState: { term: 1, vote: 'a' }, entries: makeEntries(1, 3, 1) });
  const after = new SimStorage(disk, PROMPT);
  assert.is(after.lastIndex(), 0);
  assert.equal(after.hardState(), { term: 0, vote: null });
});

test('what a write replaces must not be read while it is under way', async () => {
  const disk = new SimDisk();
  disk.write({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 3, 1) });
  const storage = new SimStorage(disk, { write: () => undefined });
  void storage.persist({ hardState: { term: 2, vote: null }, entries: makeEntries(2, 2, 2) });
  assert.is(storage.term(1), 1);
  await assertFails('INVARIANT', () => storage.term(2));
});

test('one flipped bit anywhere is found when the disk is opened', async () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round += 1) {
    const disk = new SimDisk();
    disk.write({ hardState: { term: 3, vote: 'n2' }, entries: makeEntries(1, 4, 2) });
    disk.flipBit(random);
    await assertFails('LOG_DAMAGED', () => new SimStorage(disk, PROMPT));
  }
});

test.run();
