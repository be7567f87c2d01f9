/** The report on a damaged log; examining a log must not change it. */
import { createHash } from 'node:crypto';
import { cp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { RaftError } from '../../core/errors.js';
import { makeBase } from '../../core/testing/messages.js';
import { makeEntries } from '../conformance-tools.js';
import { hardStatePath } from '../hard-state-file.js';
import { HARD_STATE_KEY, IDENTITY_KEY, encodeHardState, entryKey } from '../records.js';
import { OWNER, openStore, storeSuite, withLevel } from '../testing/level-store.js';
import { examineLog, type LogReport } from './examine-log.js';
import { NumberRanges } from './ranges.js';
import { withStoreLock } from './scratch.js';

const test = storeSuite('examineLog');

/** Writes 100 entries into a table and 20 into a write-ahead file, with a base at 10. */
async function written(path: string): Promise<void> {
  let storage = await openStore(path);
  await storage.persist({ hardState: { term: 2, vote: 'a' }, entries: makeEntries(1, 100, 2) });
  await storage.compact(makeBase(10, 2));
  await storage.close();
  storage = await openStore(path);
  for (let index = 101; index <= 120; index++) {
    await storage.persist({ hardState: null, entries: makeEntries(index, index, 2) });
  }
  await storage.close();
}

/** A hash over names, contents and modification times of all files. */
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

async function examined(path: string): Promise<LogReport> {
  const before = await fingerprint(path).catch(() => 'none');
  const found = await examineLog(path, OWNER);
  assert.is(await fingerprint(path).catch(() => 'none'), before, 'nothing has changed');
  if (found === null) throw new Error('no log was found');
  return found;
}

async function findFile(path: string, pattern: RegExp): Promise<string> {
  const [name = ''] = (await readdir(path)).filter((file) => pattern.test(file));
  return join(path, name);
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

test('examineLog reports the contents of a sound log without problems', async ({ path }) => {
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

test('examineLog returns null if there is no log', async ({ path }) => {
  assert.is(await examineLog(path, OWNER), null);
  assert.is(await examineLog(path), null);
});

test('examineLog reports a flipped bit in the write-ahead file with its offset and the lost entries', async ({
  path,
}) => {
  await written(path);
  const wal = await findFile(path, /\.log$/);
  await flip(wal, (await readFile(wal)).indexOf(entryKey(105)) + 12);
  const { flaws, problems, entries, lastIndex } = await examined(path);
  assert.match(flaws[0]?.what ?? '', /\.log is damaged at offset \d+: .*but a later write follows/);
  assert.ok((flaws[0]?.offset ?? 0) > 0);
  assert.equal([lastIndex, entries], [104, 94]);
  assert.match(problems.join(), /entries after 104 are lost with the write-ahead file/);
});

test('examineLog reports a flipped bit in a table with its block and the damaged entries', async ({
  path,
}) => {
  await written(path);
  const table = await findFile(path, /\.ldb$/);
  const entry = makeEntries(50, 50, 2)[0];
  await flip(table, (await readFile(table)).indexOf(entry?.data ?? Buffer.alloc(0)) + 1);
  const { flaws, damaged, entries } = await examined(path);
  assert.match(flaws[0]?.what ?? '', /\.ldb is damaged: checksum mismatch in the block at offset \d+/);
  assert.is(damaged.toString(), '50');
  assert.is(entries, 109);
});

test('examineLog names a damaged MANIFEST, a missing CURRENT, and a missing and a truncated table', async ({
  folder,
  path,
}) => {
  await written(path);
  for (const [damage, message] of [
    [async (copy: string) => flip(await findFile(copy, /^MANIFEST/), 12), /MANIFEST-\d+ is damaged/],
    [async (copy: string) => rm(join(copy, 'CURRENT')), /CURRENT is missing/],
    [async (copy: string) => rm(await findFile(copy, /\.ldb$/)), /table \d+ is missing/],
    [
      async (copy: string) => truncate(await findFile(copy, /\.ldb$/), 100),
      /has 100 bytes, but should have \d+/,
    ],
  ] as const) {
    const copy = join(folder, 'copy');
    await cp(path, copy, { recursive: true });
    await cp(hardStatePath(path), hardStatePath(copy));
    await damage(copy);
    const { flaws } = await examined(copy);
    assert.match(flaws.map(({ what }) => what).join(), message);
    await rm(copy, { recursive: true });
  }
});

test('examineLog tells a torn write from a lost vote', async ({ path }) => {
  await written(path);
  const wal = await findFile(path, /\.log$/);
  const { length } = await readFile(wal);
  await truncate(wal, length - 5);
  const torn = await examined(path);
  assert.equal([torn.flaws, torn.problems, torn.lastIndex], [[], [], 119]);
  assert.match(torn.mends.join(), /ends in a write that was torn by a crash or a power loss/);
  // The same log with a copy of the hard state that is ahead of it.
  const storage = await openStore(path);
  await storage.persist({ hardState: { term: 3, vote: 'b' }, entries: [] });
  await storage.close();
  await withLevel(path, async (db) => {
    await db.put(
      HARD_STATE_KEY,
      encodeHardState({ hardState: { term: 2, vote: 'a' }, lastIndex: 119, lastTerm: 2 }),
    );
  });
  const { problems } = await examined(path);
  assert.match(
    problems.join(),
    /the store has lost writes: it is at term 2 with a vote for a, but was at term 3 with a vote for b/,
  );
});

test('examineLog reports gaps, a missing end, an unknown key, missing records and decreasing terms', async ({
  path,
}) => {
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
  assert.match(
    problems.join('; '),
    /entry 60 has term 1, below term 2.*the key 78 does not belong to a log store/,
  );
  await withLevel(path, async (db) => {
    await db.del(HARD_STATE_KEY);
    await db.del(IDENTITY_KEY);
  });
  assert.match(
    (await examined(path)).problems.join('; '),
    /the hard-state record is missing or damaged, but there are entries/,
  );
  const unknown = await examineLog(path);
  assert.match(unknown?.problems.join('; ') ?? '', /the owner of the log cannot be read/);
});

test('examineLog reports a missing log beside its hard state, and a copy that will be rebuilt', async ({
  path,
}) => {
  await written(path);
  await rm(hardStatePath(path));
  assert.match((await examined(path)).mends.join(), /is rebuilt from the store: it is missing/);
  await (await openStore(path)).close();
  await rm(path, { recursive: true });
  assert.match(
    (await examined(path)).problems.join(),
    /the log is missing, but the copy of its hard state exists: term 2/,
  );
});

test('withLock refuses a log in use, and runs once the log is closed', async ({ path }) => {
  await written(path);
  const code = async (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'none',
      (error: unknown) => (error instanceof RaftError ? error.code : String(error)),
    );
  // Locks belong to a process, so another process holds the lock here.
  const { spawn } = await import('node:child_process');
  const script = `import { LevelLog } from ${JSON.stringify(new URL('../level-log.js', import.meta.url).href)};
    await LevelLog.open(${JSON.stringify({ path, ...OWNER })}); console.log('open'); process.stdin.resume();
    process.stdin.on('end', () => process.exit());`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  assert.is(await code(withStoreLock(path, async () => Promise.resolve())), 'BAD_CONFIG');
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  holder.stdin.end();
  await ended;
  assert.is(await code(withStoreLock(path, async () => examineLog(path))), 'none');
});

test('Ranges joins consecutive numbers, and counts the numbers that it does not list', () => {
  const ranges = new NumberRanges();
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
  assert.is(ranges.ranges.length, 100);
  assert.match(ranges.toString(), / and 147 others$/);
});

test.run();
