/** Opening a damaged folder must fail with an error that names the damage, or show unchanged contents. */
import { cp, open as openFile, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import { RaftError } from '../core/errors.js';
import type { Entry, HardState } from '../core/types.js';
import { assertFailsWith, assertLog, makeEntries } from './conformance-tools.js';
import { hardStatePath } from './hard-state-file.js';
import { LevelLog } from './level-log.js';
import { entryKey } from './records.js';
import { OWNER, openStore, assertDamaged, storeSuite, withLevel } from './testing/level-store.js';
import type { StoreContext } from './testing/level-store.js';

const test = storeSuite('LevelLog: damage');
const FLIPS = 250;
/**
 * Bytes before the first key of a write: headers of record (7) and batch (12), kind and length of the key.
 */
const WRITE_HEAD_BYTES = 7 + 12 + 2;

/** Entries with irregular data of different lengths. */
const someEntries = (low: number, high: number, term: number): Entry[] =>
  makeEntries(low, high, term).map(({ index }) =>
    makeEntry(index, term, 'command', Buffer.from(`${Math.sin(index * term)}`.repeat((index % 23) + 1))),
  );

interface Content {
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

/**
 * Writes several hundred entries with truncations, so that tables and write-ahead files also hold outdated
 * values.
 */
async function writeHistory(path: string, reopenings: number): Promise<Content> {
  let entries: Entry[] = [];
  let hardState: HardState = { term: 0, vote: null };
  for (let term = 1; term <= reopenings + 1; term++) {
    const storage = await openStore(path);
    for (const vote of [null, `member-${term}`]) {
      hardState = { term, vote };
      await storage.persist({ hardState, entries: [] });
    }
    const low = Math.max(1, entries.length - 20);
    for (let at = 0; at < 10; at++) {
      const batch = someEntries(low + at * 15, low + at * 15 + 14, term);
      await storage.persist({ hardState: null, entries: batch });
      entries = [...entries.slice(0, low + at * 15 - 1), ...batch];
    }
    await storage.close();
  }
  return { entries, hardState };
}

async function compact(path: string): Promise<void> {
  await withLevel(path, async (db) => {
    // The `level` package has no type for this method, which only the implementation for Node has.
    const { compactRange } = db as unknown as {
      compactRange: (this: unknown, from: Uint8Array, to: Uint8Array) => Promise<void>;
    };
    await compactRange.call(db, Buffer.from([0]), Buffer.from([255]));
  });
}

const filesOf = async (path: string, pattern: RegExp): Promise<string[]> =>
  (await readdir(path)).filter((name) => pattern.test(name)).map((name) => join(path, name));

async function onlyFile(path: string, pattern: RegExp): Promise<string> {
  const [file, ...others] = await filesOf(path, pattern);
  assert.equal(others, []);
  if (file === undefined) throw new Error(`no file like ${pattern.source}`);
  return file;
}

async function flip(file: string, offset: number, bit: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset);
  await writeFile(file, bytes);
}

/** A fixed sequence of numbers in [0, 1), so that a failure is reproducible. */
function pseudoRandom(): () => number {
  let state = 20_240_817;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Flips a bit in each of many copies of the store; each copy must be refused or unchanged. Counts refusals by
 * file type.
 */
async function flipEverywhere(
  { folder, path }: StoreContext,
  content: Content,
): Promise<Map<string, number>> {
  const random = pseudoRandom();
  const names = (await readdir(path)).filter((name) => !/^(LOCK|LOG|LOG\.old)$/.test(name));
  const sizes = new Map<string, number>();
  for (const name of names) sizes.set(name, (await readFile(join(path, name))).length);
  const filled = [...sizes].filter(([, size]) => size > 0);
  const refusals = new Map<string, number>();
  for (let round = 0; round < FLIPS; round++) {
    const [name, size] = filled[round % filled.length] ?? ['', 0];
    const copy = join(folder, `copy-${round}`);
    await cp(path, copy, { recursive: true });
    const offset = Math.floor(random() * size);
    await flip(join(copy, name), offset, Math.floor(random() * 8));
    try {
      const storage = await openStore(copy);
      assertLog(storage, content.entries);
      assert.equal(storage.hardState(), content.hardState, `flip in ${name} at ${offset}`);
      await storage.close();
    } catch (error) {
      if (!(error instanceof RaftError)) throw new Error(`flip in ${name} at ${offset}`, { cause: error });
      assert.is(error.code, 'LOG_DAMAGED', error.message);
      const type = name.replace(/[-\d]/g, '');
      refusals.set(type, (refusals.get(type) ?? 0) + 1);
    }
    await rm(copy, { recursive: true });
  }
  return refusals;
}

test('open refuses a store with a flipped bit anywhere, or shows it unchanged', async (context) => {
  const content = await writeHistory(context.path, 2);
  const refusals = await flipEverywhere(context, content);
  for (const type of ['.log', '.ldb', 'MANIFEST', 'CURRENT']) assert.ok((refusals.get(type) ?? 0) > 10, type);
});

test('open refuses a compacted store with a flipped bit anywhere, or shows it unchanged', async (context) => {
  const content = await writeHistory(context.path, 3);
  await compact(context.path);
  const refusals = await flipEverywhere(context, content);
  for (const type of ['.ldb', 'MANIFEST', 'CURRENT']) assert.ok((refusals.get(type) ?? 0) > 10, type);
});

test('open names file and offset of a flipped bit in the write-ahead file', async ({ path }) => {
  await writeHistory(path, 0);
  const log = await onlyFile(path, /\.log$/);
  await flip(log, 5000, 3);
  assert.match(
    await assertDamaged(path),
    /00000\d\.log is damaged at offset \d+: .* but a later write follows/,
  );
});

test('open shows the state after an earlier batch if the write-ahead file is truncated, unless votes are lost', async ({
  folder,
  path,
}) => {
  const { entries } = await writeHistory(path, 0);
  const log = await onlyFile(path, /\.log$/);
  const bytes = await readFile(log);
  const { length } = bytes;
  // The first batch of entries follows the record of the vote.
  const votesEnd = bytes.indexOf(entryKey(1)) - WRITE_HEAD_BYTES;
  const random = pseudoRandom();
  for (let round = 0; round < 40; round++) {
    const copy = join(folder, `copy-${round}`);
    const size = Math.floor(random() * length);
    await cp(path, copy, { recursive: true });
    await cp(hardStatePath(path), hardStatePath(copy));
    await truncate(join(copy, log.slice(path.length + 1)), size);
    if (size < votesEnd) {
      assert.match(await assertDamaged(copy), /the store has lost writes|the log is missing/);
      continue;
    }
    const storage = await openStore(copy);
    assert.is(storage.lastIndex() % 15, 0);
    assertLog(storage, entries.slice(0, storage.lastIndex()));
    await storage.persist({ hardState: { term: 9, vote: 'a' }, entries: someEntries(1, 3, 9) });
    await storage.close();
    const reopened = await openStore(copy);
    assertLog(reopened, someEntries(1, 3, 9));
    await reopened.close();
  }
});

test('open names a missing file of LevelDB', async ({ folder, path }) => {
  await writeHistory(path, 1);
  for (const [pattern, message] of [
    [/^CURRENT$/, /CURRENT is missing/],
    [/^MANIFEST-/, /MANIFEST-\d+ is missing/],
    [/\.ldb$/, /table \d+ is missing/],
    [/\.log$/, /write-ahead file \d+ is missing/],
  ] as const) {
    const copy = join(folder, 'copy');
    await cp(path, copy, { recursive: true });
    for (const file of await filesOf(copy, pattern)) await rm(file);
    assert.match(await assertDamaged(copy), message);
    await rm(copy, { recursive: true });
  }
});

test('open names an empty file of LevelDB', async ({ folder, path }) => {
  await writeHistory(path, 1);
  for (const [pattern, message] of [
    [/^CURRENT$/, /CURRENT does not name a manifest/],
    [/^MANIFEST-/, /MANIFEST-\d+ is empty/],
    [/\.ldb$/, /\.ldb has 0 bytes, but should have/],
  ] as const) {
    const copy = join(folder, 'copy');
    await cp(path, copy, { recursive: true });
    for (const file of await filesOf(copy, pattern)) await truncate(file, 0);
    assert.match(await assertDamaged(copy), message);
    await rm(copy, { recursive: true });
  }
});

test('open refuses a missing CURRENT also if all writes are still in the write-ahead file', async ({
  path,
}) => {
  await writeHistory(path, 0);
  await rm(join(path, 'CURRENT'));
  assert.match(await assertDamaged(path), /CURRENT is missing/);
});

test('open accepts a store whose creation was interrupted by a power loss', async ({ path }) => {
  for (const interrupt of [
    async () => rm(join(path, 'CURRENT')),
    async () => truncate(await onlyFile(path, /^MANIFEST-/), 0),
  ]) {
    await (await openStore(path)).close();
    await interrupt();
    const storage = await openStore(path);
    await storage.persist({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 2, 1) });
    assertLog(storage, makeEntries(1, 2, 1));
    await storage.close();
    await rm(path, { recursive: true });
    await rm(hardStatePath(path));
  }
});

test('open ignores a torn table that no manifest names', async ({ path }) => {
  const { entries } = await writeHistory(path, 1);
  await writeFile(join(path, '999999.ldb'), 'half a table');
  const storage = await openStore(path);
  assertLog(storage, entries);
  await storage.close();
});

test('entries and term refuse a record that was damaged while the store is open', async ({ path }) => {
  const [first, ...others] = someEntries(1, 50, 1);
  if (first === undefined) throw new Error('no entries');
  let storage = await openStore(path);
  await storage.persist({ hardState: { term: 1, vote: null }, entries: [first, ...others] });
  await storage.close();
  storage = await LevelLog.open({ path, ...OWNER, cacheBytesMax: 0 });
  const table = await openFile(await onlyFile(path, /\.ldb$/), 'r+');
  const offset = (await table.readFile()).indexOf(first.data);
  assert.ok(offset > 0);
  await table.write('!', offset);
  await table.close();
  const { message } = await assertFailsWith('LOG_DAMAGED', () => storage.entries(1, 50, 10_000));
  assert.match(message, `${path}: entry 1: log record does not match its checksum`);
  await assertFailsWith('LOG_DAMAGED', () => storage.term(1));
  await storage.close();
});

test('open refuses a path that is not a folder', async ({ path }) => {
  await writeFile(path, 'a file');
  const { message } = await assertFailsWith('STORAGE_FAILED', async () => openStore(path));
  assert.match(message, path);
});

test.run();
