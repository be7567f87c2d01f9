/** What a damaged folder must lead to: a refusal that names the damage, or the very same content. */
import { cp, open as openFile, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import { RaftError } from '../core/errors.js';
import type { Entry, HardState } from '../core/types.js';
import { assertFails, assertLog, makeEntries } from './conformance.js';
import { hardStatePath } from './hard-state-file.js';
import { LevelLog } from './level-log.js';
import { entryKey } from './records.js';
import { OWNER, open, refused, storeSuite, withLevel } from './testing/level-store.js';
import type { Context } from './testing/level-store.js';

const test = storeSuite('LevelLog: damage');
const FLIPS = 250;
/** In front of the first key of a write: header of the record (7), of the batch (12), kind and length of the key. */
const WRITE_HEAD_BYTES = 7 + 12 + 2;

/** Entries with uneven, patternless data, as a log has them. */
const someEntries = (low: number, high: number, term: number): Entry[] =>
  makeEntries(low, high, term).map(({ index }) =>
    makeEntry(index, term, 'command', Buffer.from(`${Math.sin(index * term)}`.repeat((index % 23) + 1))),
  );

interface Content {
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

/** Several hundred entries with truncations, so that tables and write-ahead files hold outdated values too. */
async function writeHistory(path: string, reopenings: number): Promise<Content> {
  let entries: Entry[] = [];
  let hardState: HardState = { term: 0, vote: null };
  for (let term = 1; term <= reopenings + 1; term++) {
    const storage = await open(path);
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
    // The `level` package does not type what only its implementation for Node has.
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

/** A fixed sequence of numbers in [0, 1), so that a failing run can be repeated. */
function pseudoRandom(): () => number {
  let state = 20_240_817;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Flips bits all over copies of the store; each must be refused or change nothing. Counts the refusals by file type. */
async function flipEverywhere({ folder, path }: Context, content: Content): Promise<Map<string, number>> {
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
      const storage = await open(copy);
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

test('a bit flipped anywhere in a store is refused, or changes nothing', async (context) => {
  const content = await writeHistory(context.path, 2);
  const refusals = await flipEverywhere(context, content);
  for (const type of ['.log', '.ldb', 'MANIFEST', 'CURRENT']) assert.ok((refusals.get(type) ?? 0) > 10, type);
});

test('a bit flipped anywhere in a compacted store is refused, or changes nothing', async (context) => {
  const content = await writeHistory(context.path, 3);
  await compact(context.path);
  const refusals = await flipEverywhere(context, content);
  for (const type of ['.ldb', 'MANIFEST', 'CURRENT']) assert.ok((refusals.get(type) ?? 0) > 10, type);
});

test('a flipped bit in the write-ahead file is named with its file and offset', async ({ path }) => {
  await writeHistory(path, 0);
  const log = await onlyFile(path, /\.log$/);
  await flip(log, 5000, 3);
  assert.match(
    await refused(path),
    /00000\d\.log is damaged at offset \d+: .* a later write stands behind it/,
  );
});

test('a write-ahead file cut off anywhere opens as an earlier batch left it, unless votes are lost', async ({
  folder,
  path,
}) => {
  const { entries } = await writeHistory(path, 0);
  const log = await onlyFile(path, /\.log$/);
  const bytes = await readFile(log);
  const { length } = bytes;
  // The first batch of entries stands behind the record of the vote.
  const votesEnd = bytes.indexOf(entryKey(1)) - WRITE_HEAD_BYTES;
  const random = pseudoRandom();
  for (let round = 0; round < 40; round++) {
    const copy = join(folder, `copy-${round}`);
    const size = Math.floor(random() * length);
    await cp(path, copy, { recursive: true });
    await cp(hardStatePath(path), hardStatePath(copy));
    await truncate(join(copy, log.slice(path.length + 1)), size);
    if (size < votesEnd) {
      assert.match(await refused(copy), /went back|the log is gone/);
      continue;
    }
    const storage = await open(copy);
    assert.is(storage.lastIndex() % 15, 0);
    assertLog(storage, entries.slice(0, storage.lastIndex()));
    await storage.persist({ hardState: { term: 9, vote: 'a' }, entries: someEntries(1, 3, 9) });
    await storage.close();
    const again = await open(copy);
    assertLog(again, someEntries(1, 3, 9));
    await again.close();
  }
});

test('a lost file of LevelDB is refused by name', async ({ folder, path }) => {
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
    assert.match(await refused(copy), message);
    await rm(copy, { recursive: true });
  }
});

test('an emptied file of LevelDB is refused by name', async ({ folder, path }) => {
  await writeHistory(path, 1);
  for (const [pattern, message] of [
    [/^CURRENT$/, /CURRENT names no manifest/],
    [/^MANIFEST-/, /MANIFEST-\d+ is empty/],
    [/\.ldb$/, /\.ldb has 0 bytes instead of/],
  ] as const) {
    const copy = join(folder, 'copy');
    await cp(path, copy, { recursive: true });
    for (const file of await filesOf(copy, pattern)) await truncate(file, 0);
    assert.match(await refused(copy), message);
    await rm(copy, { recursive: true });
  }
});

test('a lost CURRENT is refused also where all writes are still in the write-ahead file', async ({
  path,
}) => {
  await writeHistory(path, 0);
  await rm(join(path, 'CURRENT'));
  assert.match(await refused(path), /CURRENT is missing/);
});

test('a creation that a power cut interrupted is no damage', async ({ path }) => {
  for (const leave of [
    async () => rm(join(path, 'CURRENT')),
    async () => truncate(await onlyFile(path, /^MANIFEST-/), 0),
  ]) {
    await (await open(path)).close();
    await leave();
    const storage = await open(path);
    await storage.persist({ hardState: { term: 1, vote: null }, entries: makeEntries(1, 2, 1) });
    assertLog(storage, makeEntries(1, 2, 1));
    await storage.close();
    await rm(path, { recursive: true });
    await rm(hardStatePath(path));
  }
});

test('a torn table that no manifest names is a leftover, not damage', async ({ path }) => {
  const { entries } = await writeHistory(path, 1);
  await writeFile(join(path, '999999.ldb'), 'half a table');
  const storage = await open(path);
  assertLog(storage, entries);
  await storage.close();
});

test('a record that is damaged while the store is open is refused when it is read', async ({ path }) => {
  const [first, ...others] = someEntries(1, 50, 1);
  if (first === undefined) throw new Error('no entries');
  let storage = await open(path);
  await storage.persist({ hardState: { term: 1, vote: null }, entries: [first, ...others] });
  await storage.close();
  storage = await LevelLog.open({ path, ...OWNER, cacheBytesMax: 0 });
  const table = await openFile(await onlyFile(path, /\.ldb$/), 'r+');
  const offset = (await table.readFile()).indexOf(first.data);
  assert.ok(offset > 0);
  await table.write('!', offset);
  await table.close();
  const { message } = await assertFails('LOG_DAMAGED', () => storage.entries(1, 50, 10_000));
  assert.match(message, `${path}: entry 1: log record does not hold its checksum`);
  await assertFails('LOG_DAMAGED', () => storage.term(1));
  await storage.close();
});

test('a path that is no folder is refused', async ({ path }) => {
  await writeFile(path, 'a file');
  const { message } = await assertFails('STORAGE_FAILED', async () => open(path));
  assert.match(message, path);
});

test.run();
