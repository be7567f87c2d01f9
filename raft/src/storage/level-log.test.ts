import * as fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_BASE } from '../core/log.js';
import { makeBase } from '../core/testing/messages.js';
import { makeEntry } from '../core/entry.js';
import type { Entry, HardState, LogBase } from '../core/types.js';
import { logStorageConformance } from './conformance.js';
import { assertFailsWith, assertLog, makeEntries } from './conformance-tools.js';
import { LevelLog } from './level-log.js';

const test = suite('LevelLog');
const OWNER = { cluster: 'test', id: 'member-1' };

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'trireme-level-log-'));
}

async function open(path: string, cacheBytesMax?: number): Promise<LevelLog> {
  return LevelLog.open({ path, ...OWNER, cacheBytesMax });
}

async function withFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await body(join(folder, 'store'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const cacheBytesMax of [0, 1000, 16 * 1024 * 1024]) {
  const conformance = suite(`LevelLog: conformance, cache of ${cacheBytesMax} bytes`);
  logStorageConformance({
    test: conformance,
    makeFixture: async () => {
      const folder = await temporaryFolder();
      return {
        open: async () => open(join(folder, 'store'), cacheBytesMax),
        dispose: async () => rm(folder, { recursive: true }),
      };
    },
  });
  conformance.run();
}

test('reads return a log much larger than the cache, which keeps its bound', async () => {
  await withFolder(async (path) => {
    const bytesMax = 20_000;
    let storage = await open(path, bytesMax);
    const expected: Entry[] = [];
    for (let batch = 0; batch < 40; batch++) {
      const entries = makeEntries(batch * 100 + 1, batch * 100 + 100, batch + 1);
      await storage.persist({ hardState: { term: batch + 1, vote: null }, entries });
      expected.push(...entries);
      assert.ok(storage.cacheBytes <= bytesMax && storage.cacheBytes > bytesMax / 2);
    }
    assertLog(storage, expected);
    await storage.close();
    storage = await open(path, bytesMax);
    assert.ok(storage.cacheBytes <= bytesMax && storage.cacheBytes > bytesMax / 2);
    assertLog(storage, expected);
    const middle = makeEntry(2000, 50, 'command', Buffer.alloc(2 * bytesMax));
    await storage.persist({ hardState: { term: 50, vote: null }, entries: [middle] });
    assert.is(storage.cacheBytes, 0);
    assertLog(storage, [...expected.slice(0, 1999), middle]);
    await storage.close();
  });
});

test('open refuses a folder of another member or cluster, and names its owner', async () => {
  await withFolder(async (path) => {
    const storage = await open(path);
    await storage.persist({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 1, 1) });
    await storage.close();
    const member = await assertFailsWith('BAD_CONFIG', async () =>
      LevelLog.open({ path, ...OWNER, id: 'member-2' }),
    );
    assert.match(member.message, 'belongs to member "member-1", not to "member-2"');
    const cluster = await assertFailsWith('BAD_CONFIG', async () =>
      LevelLog.open({ path, ...OWNER, cluster: 'other' }),
    );
    assert.match(cluster.message, 'belongs to cluster "test", not to "other"');
    const reopened = await open(path);
    assertLog(reopened, makeEntries(1, 1, 1));
    await reopened.close();
  });
});

test('open refuses a folder in use, and does not disturb its user', async () => {
  await withFolder(async (path) => {
    const storage = await open(path);
    await storage.persist({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 1, 1) });
    const error = await assertFailsWith('BAD_CONFIG', async () => open(path));
    assert.match(error.message, `the log store ${path} is in use by another process`);
    await storage.persist({ hardState: null, entries: makeEntries(2, 2, 1) });
    assertLog(storage, makeEntries(1, 2, 1));
    await storage.close();
  });
});

test('every call fails after a failed write', async () => {
  await withFolder(async (path) => {
    const storage = await open(path);
    await storage.persist({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 2, 1) });
    await storage.close();
    const batch = { hardState: null, entries: makeEntries(3, 3, 1) };
    const error = await assertFailsWith('STORAGE_FAILED', async () => storage.persist(batch));
    assert.match(error.message, path);
    await assertFailsWith('STORAGE_FAILED', async () => storage.persist(batch));
    await assertFailsWith('STORAGE_FAILED', () => storage.lastIndex());
    await assertFailsWith('STORAGE_FAILED', () => storage.hardState());
    await assertFailsWith('STORAGE_FAILED', () => storage.term(1));
    await assertFailsWith('STORAGE_FAILED', () => storage.entries(1, 1, 100));
    await storage.close();
  });
});

test('every call fails after a failed compaction', async () => {
  await withFolder(async (path) => {
    const storage = await open(path);
    await storage.persist({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 9, 1) });
    await storage.close();
    await assertFailsWith('STORAGE_FAILED', async () => storage.compact(makeBase(5, 1)));
    await assertFailsWith('STORAGE_FAILED', () => storage.base());
    await storage.close();
  });
});

test('close waits for the running write', async () => {
  await withFolder(async (path) => {
    const storage = await open(path);
    const persisted = storage.persist({ hardState: { term: 1, vote: 'a' }, entries: makeEntries(1, 100, 1) });
    await storage.close();
    await persisted;
    const reopened = await open(path);
    assertLog(reopened, makeEntries(1, 100, 1));
    await reopened.close();
  });
});

test('property: the log equals an array through appends, truncations, compactions and reopenings', async () => {
  const step = fc.record({
    back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
    sizes: fc.array(fc.oneof(fc.nat(60), fc.nat(3000)), { maxLength: 12 }),
    newTerm: fc.boolean(),
    vote: fc.option(fc.constantFrom('a', 'b', 'member-3')),
    reopen: fc.boolean(),
    compacted: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.constantFrom(0, 2000, 1e6),
      async (steps, cache) => {
        await withFolder(async (path) => {
          let storage = await open(path, cache);
          let log: Entry[] = [];
          let hardState: HardState = { term: 1, vote: null };
          let base: LogBase = NO_BASE;
          await storage.persist({ hardState, entries: [] });
          for (const { back, sizes, newTerm, vote, reopen, compacted } of steps) {
            const changed = newTerm ? { term: hardState.term + 1, vote } : null;
            hardState = changed ?? hardState;
            const end = base.index + log.length;
            const kept = sizes.length === 0 ? end : Math.max(base.index, end - back);
            const { term } = hardState;
            const entries = sizes.map((size, at) =>
              makeEntry(kept + at + 1, term, size % 2 === 0 ? 'command' : 'noop', Buffer.alloc(size, at + 1)),
            );
            await storage.persist({ hardState: changed, entries });
            log = [...log.slice(0, kept - base.index), ...entries];
            const last = log[Math.floor(log.length * compacted) - 1];
            if (last !== undefined) {
              base = makeBase(last.index, last.term);
              await storage.compact(base);
              log = log.filter(({ index }) => index > base.index);
            }
            if (reopen) {
              await storage.close();
              storage = await open(path, cache);
            }
            assertLog(storage, log, base);
            assert.equal(storage.hardState(), hardState);
            assert.ok(storage.cacheBytes <= cache);
          }
          await storage.close();
        });
      },
    ),
    { numRuns: 25 },
  );
});

test.run();
