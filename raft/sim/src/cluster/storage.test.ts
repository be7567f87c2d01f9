/** The simulated log store conforms to the storage interface, and injects faults. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFailsWith, makeEntries, logStorageConformance } from '@trireme/raft/testing';
import { Random } from '../engine/random.js';
import { SimDisk } from './disk.js';
import { SimStorage } from './storage.js';
import type { DiskSchedule } from './writes.js';

/** Completes writes in the next continuation. */
const IMMEDIATE: DiskSchedule = {
  write: (_batch, durable, done) =>
    queueMicrotask(() => {
      durable();
      done(false);
    }),
};

logStorageConformance({
  test,
  makeFixture: async () => {
    const disk = new SimDisk();
    return { open: async () => new SimStorage(disk, IMMEDIATE), dispose: async () => undefined };
  },
});

test('persist: rejects on a failed sync and on every later call', async () => {
  const storage = new SimStorage(new SimDisk(), {
    write: (_batch, _durable, done) => queueMicrotask(() => done(true)),
  });
  const batch = { hardState: { term: 1, vote: null }, entries: [] };
  await assertFailsWith('STORAGE_FAILED', async () => storage.persist(batch));
  assert.ok(storage.hasFailed);
  await assertFailsWith('STORAGE_FAILED', async () => storage.persist(batch));
});

test('persist: a write in progress is lost in a crash', async () => {
  const disk = new SimDisk();
  const storage = new SimStorage(disk, { write: () => undefined });
  void storage.persist({ hardState: { term: 1, vote: 'a' }, entries: makeEntries(1, 3, 1) });
  const after = new SimStorage(disk, IMMEDIATE);
  assert.is(after.lastIndex(), 0);
  assert.equal(after.hardState(), { term: 0, vote: null });
});

test('term: entries that a write in progress replaces must not be read', async () => {
  const disk = new SimDisk();
  disk.write({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 3, 1) });
  const storage = new SimStorage(disk, { write: () => undefined });
  void storage.persist({ hardState: { term: 2, vote: null }, entries: makeEntries(2, 2, 2) });
  assert.is(storage.term(1), 1);
  await assertFailsWith('INVARIANT', () => storage.term(2));
});

test('open: detects one flipped bit anywhere', async () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round += 1) {
    const disk = new SimDisk();
    disk.write({ hardState: { term: 3, vote: 'n2' }, entries: makeEntries(1, 4, 2) });
    disk.flipBit(random);
    await assertFailsWith('LOG_DAMAGED', () => new SimStorage(disk, IMMEDIATE));
  }
});

test.run();
