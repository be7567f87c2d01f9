/** What is said of a damaged log, and that nothing of it changes by being looked at. */
import { createHash } from 'node:crypto';
import { cp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { RaftError } from '../../core/errors.js';
import { baseAt } from '../../core/testing/messages.js';
import { makeEntries } from '../conformance.js';
import { hardStatePath } from '../hard-state-file.js';
import { HARD_STATE_KEY, IDENTITY_KEY, encodeHardState, entryKey } from '../records.js';
import { OWNER, open, storeSuite, withLevel } from '../testing/level-store.js';
import { examineLog, type LogExamination } from './examine-log.js';
import { Ranges } from './ranges.js';
import { withLock } from './scratch.js';

const test = storeSuite('examineLog');

/** 100 entries in a table and 20 in a write-ahead file, behind a base at 10. */
async function written(path: string): Promise<void> {
  let storage = await open(path);
  await storage.persist({ hardState: { term: 2, vote: 'a' }, entries: makeEntries(1, 100, 2) });
  await storage.compact(baseAt(10, 2));
  await storage.close();
  storage = await open(path);
  for (let index = 101; index <= 120; index++) {
    await storage.persist({ hardState: null, entries: makeEntries(index, index, 2) });
  }
  await storage.close();
}

/** Names, contents and times of all files. */
async function fingerprint(path: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [...(await readdir(path)).map((name) => join(path, name)), hardStatePath(path)].sort()) {
    hash.update(file);
    const bytes = await readFile(file).catch(() => null);
    if (bytes === null) continue;
    hash.update(bytes).update(String((await stat(file)).mtimeMs));
  }
  return hash.digest('hex');
}

async function examined(path: string): Promise<LogExamination> {
  const before = await fingerprint(path).catch(() => 'none');
  const found = await examineLog(path, OWNER);
  assert.is(await fingerprint(path).catch(() => 'none'), before, 'nothing has changed');
  if (found === null) throw new Error('no log is found');
  return found;
}

async function one(path: string, pattern: RegExp): Promise<string> {
  const [name = ''] = (await readdir(path)).filter((file) => pattern.test(file));
  return join(path, name);
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

test('a whole log is sound, and what is in it is told', async ({ path }) => {
  await written(path);
  const { owner, flaws, problems, mends, hardState, copy, baseIndex, lastIndex, entries } =
    await examined(path);
  assert.equal([flaws, problems, mends], [[], [], []]);
  assert.equal([owner?.id, owner?.cluster], [OWNER.id, OWNER.cluster]);
  assert.equal(
    [hardState, copy],
    [
      { term: 2, vote: 'a' },
      { term: 2, vote: 'a' },
    ],
  );
  assert.equal([baseIndex, lastIndex, entries], [10, 120, 110]);
});

test('where nothing is there is nothing to say', async ({ path }) => {
  assert.is(await examineLog(path, OWNER), null);
  assert.is(await examineLog(path), null);
});

test('a flipped bit in the write-ahead file: its place, and the entries that are lost', async ({ path }) => {
  await written(path);
  const wal = await one(path, /\.log$/);
  await flip(wal, (await readFile(wal)).indexOf(entryKey(105)) + 12);
  const { flaws, problems, entries, lastIndex } = await examined(path);
  assert.match(flaws[0]?.what ?? '', /\.log is damaged at offset \d+: .*a later write stands behind it/);
  assert.ok((flaws[0]?.offset ?? 0) > 0);
  assert.equal([lastIndex, entries], [104, 94]);
  assert.match(problems.join(), /entries behind 104 are lost with the write-ahead file/);
});

test('a flipped bit in a table: its block, and the entries that are damaged', async ({ path }) => {
  await written(path);
  const table = await one(path, /\.ldb$/);
  const entry = makeEntries(50, 50, 2)[0];
  await flip(table, (await readFile(table)).indexOf(entry?.data ?? Buffer.alloc(0)) + 1);
  const { flaws, damaged, entries } = await examined(path);
  assert.match(flaws[0]?.what ?? '', /\.ldb is damaged: the block at offset \d+ does not hold its checksum/);
  assert.is(damaged.toString(), '50');
  assert.is(entries, 109);
});

test('a flipped bit in the MANIFEST, a lost CURRENT, a missing and a cut table are named', async ({
  folder,
  path,
}) => {
  await written(path);
  for (const [hurt, message] of [
    [
      async (copy: string) => flip(await one(copy, /^MANIFEST/), 12),
      /MANIFEST-\d+ is damaged|the record there/,
    ],
    [async (copy: string) => rm(join(copy, 'CURRENT')), /CURRENT is missing/],
    [async (copy: string) => rm(await one(copy, /\.ldb$/)), /table \d+ is missing/],
    [async (copy: string) => truncate(await one(copy, /\.ldb$/), 100), /has 100 bytes instead of \d+/],
  ] as const) {
    const copy = join(folder, 'copy');
    await cp(path, copy, { recursive: true });
    await cp(hardStatePath(path), hardStatePath(copy));
    await hurt(copy);
    const { flaws } = await examined(copy);
    assert.match(flaws.map(({ what }) => what).join(), message);
    await rm(copy, { recursive: true });
  }
});

test('a log cut off like a torn write is told apart from one that lost a vote', async ({ path }) => {
  await written(path);
  const wal = await one(path, /\.log$/);
  const { length } = await readFile(wal);
  await truncate(wal, length - 5);
  const torn = await examined(path);
  assert.equal([torn.flaws, torn.problems, torn.lastIndex], [[], [], 119]);
  assert.match(torn.mends.join(), /ends in a write that a power loss or a crash has torn/);
  // The same with a copy of the hard state that had been further.
  const storage = await open(path);
  await storage.persist({ hardState: { term: 3, vote: 'b' }, entries: [] });
  await storage.close();
  await withLevel(path, async (db) => {
    await db.put(
      HARD_STATE_KEY,
      encodeHardState({ hardState: { term: 2, vote: 'a' }, lastIndex: 119, lastTerm: 2 }),
    );
  });
  const { problems } = await examined(path);
  assert.match(problems.join(), /the store went back to term 2; its hard state had been term 3, vote for b/);
});

test('a hole, a lost end, an unknown key, lost records and falling terms are told', async ({ path }) => {
  await written(path);
  await withLevel(path, async (db) => {
    for (const index of [20, 21, 22, 40]) await db.del(entryKey(index));
    await db.del(entryKey(120));
    await db.put(Buffer.from('x'), Buffer.from('y'));
    const [low] = makeEntries(60, 60, 1);
    if (low !== undefined) await db.put(entryKey(60), low.record);
  });
  const { missing, problems } = await examined(path);
  assert.is(missing.toString(), '20 to 22, 40, 120');
  assert.match(problems.join('; '), /entry 60 has term 1, below term 2.*the key 78 is none of a log store's/);
  await withLevel(path, async (db) => {
    await db.del(HARD_STATE_KEY);
    await db.del(IDENTITY_KEY);
  });
  assert.match((await examined(path)).problems.join('; '), /the hard-state record is missing beside entries/);
  const unknown = await examineLog(path);
  assert.match(unknown?.problems.join('; ') ?? '', /whose log it is cannot be read/);
});

test('a log that is gone beside its hard state is told, and a copy that is to be made anew', async ({
  path,
}) => {
  await written(path);
  await rm(hardStatePath(path));
  assert.match((await examined(path)).mends.join(), /is made anew from the store: it is missing/);
  await (await open(path)).close();
  await rm(path, { recursive: true });
  assert.match(
    (await examined(path)).problems.join(),
    /the log is gone, but its hard state is there: term 2/,
  );
});

test('a log in use is refused, and cannot be opened while it is looked at', async ({ path }) => {
  await written(path);
  const code = async (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'none',
      (error: unknown) => (error instanceof RaftError ? error.code : String(error)),
    );
  // Locks are a process's: another one holds it here.
  const { spawn } = await import('node:child_process');
  const script = `import { LevelLog } from ${JSON.stringify(new URL('../level-log.js', import.meta.url).href)};
    await LevelLog.open(${JSON.stringify({ path, ...OWNER })}); console.log('open'); process.stdin.resume();
    process.stdin.on('end', () => process.exit());`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  assert.is(await code(withLock(path, async () => Promise.resolve())), 'BAD_CONFIG');
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  holder.stdin.end();
  await ended;
  assert.is(await code(withLock(path, async () => examineLog(path))), 'none');
});

test('ranges join neighbours, and count what they do not tell', () => {
  const ranges = new Ranges();
  ranges.add(5, 4);
  assert.equal([ranges.count, ranges.toString()], [0, '']);
  for (const [from, to] of [
    [1, 3],
    [4, 4],
    [6, 6],
  ] as const)
    ranges.add(from, to);
  assert.equal([ranges.count, ranges.toString()], [5, '1 to 4, 6']);
  for (let number = 10; number < 500; number += 2) ranges.add(number);
  assert.is(ranges.runs.length, 100);
  assert.match(ranges.toString(), / and 147 others$/);
});

test.run();
