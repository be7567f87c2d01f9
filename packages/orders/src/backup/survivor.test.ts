/** The data of a stopped replica, read as a survivor. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeBatch } from '@trireme/domain';
import { initialMembership, makeEntry, type Entry, type LogBase } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { lockFolder, writeDurably } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { foundCluster } from './found-cluster.js';
import { withSurvivor, type OpenedSurvivor } from './survivor.js';
import { withFolder } from '../testing/folders.js';
import { ENTRIES, assertRejects, fillStore, openStore } from '../testing/stores.js';

const TERM = 3;
const OWNER = { cluster: 'test', id: '1' };
const LOGGED = ENTRIES.map(({ index, batch }) =>
  makeEntry(index, TERM, 'command', batch === null ? new Uint8Array() : encodeBatch(batch)),
);

interface Contents {
  /** Number of `ENTRIES` that the book has applied. */
  readonly applied: number;
  readonly base?: LogBase;
  readonly entries?: readonly Entry[];
  /** Base of the snapshot that the book arrived as. */
  readonly restored?: LogBase;
}

/** Writes the data of a replica; by default with all of `ENTRIES` in its log. */
async function writeData(data: string, contents: Contents): Promise<void> {
  const { applied, base, entries = LOGGED, restored } = contents;
  const book = join(data, 'book');
  const meta = await fillStore(book, ENTRIES.slice(0, applied));
  if (restored !== undefined) {
    const { store } = await openStore(book);
    await store.complete(OWNER, meta, restored);
    await store.close();
  }
  const log = await LevelLog.open({ path: join(data, 'log'), ...OWNER });
  const hardState = { term: TERM + 1, vote: '1' };
  await log.persist({ ...(base === undefined ? {} : { base }), hardState, entries: [...entries] });
  await log.close();
  await writeDurably(join(data, 'founders'), '1,2,3\n');
}

/** Runs `use` with the survivor in data with these contents, and checks that the data do not change. */
async function withData(
  contents: Contents,
  use: (opened: OpenedSurvivor, path: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (path) => {
    const data = join(path, 'replica-1');
    await writeData(data, contents);
    const before = await filesIn(data);
    await withSurvivor(data, async (opened) => use(opened, path));
    assert.equal(await filesIn(data), before);
  });
}

/** Names and contents of all files. */
async function filesIn(path: string): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(path, { recursive: true, withFileTypes: true });
  const read = files
    .filter((file) => file.isFile())
    .map(async ({ parentPath, name }): Promise<[string, string]> => {
      const file = join(parentPath, name);
      return [file, await readFile(file, 'latin1')];
    });
  return new Map((await Promise.all(read)).sort());
}

const baseAt = (index: number, term = TERM): LogBase => ({
  index,
  term,
  membership: initialMembership(['1', '2', '4']),
});

test('all entries of the log are applied to a copy of the book, and the data do not change', async () => {
  await withData({ applied: 2 }, async ({ survivor, source, meta }, path) => {
    const full = await fillStore(join(path, 'full'), ENTRIES);
    assert.equal([survivor.cluster, survivor.id, survivor.applied], ['test', '1', 2]);
    assert.equal([survivor.lastIndex, survivor.lastTerm], [full.applied, TERM]);
    assert.equal([survivor.hash, survivor.orders, survivor.isSeeded], [full.hash, full.orders, true]);
    assert.equal(meta, full);
    assert.equal(source.meta, full, 'the view contains the entries that were applied last');
    assert.equal(survivor.membership, { voters: ['1', '2', '3'], outgoing: [] });
    assert.equal([...survivor.positions.keys()], [2, 3, 4, 5]);
    assert.is(survivor.positions.get(full.applied)?.hash, full.hash);
    const folderOf = (replica: string): string => join(path, 'new', replica);
    await foundCluster(source, { cluster: 'test-0a1b2c3d', replicas: ['1'], folderOf });
  });
});

test('an empty book gets the whole log, and entries without a command only move its index', async () => {
  const noop = makeEntry(6, TERM + 1, 'noop', new Uint8Array());
  await withData({ applied: 0, entries: [...LOGGED, noop] }, async ({ survivor, meta }, path) => {
    const full = await fillStore(join(path, 'full'), ENTRIES);
    assert.equal([survivor.lastIndex, survivor.lastTerm], [6, TERM + 1]);
    assert.equal(meta, { ...full, applied: 6 });
  });
});

test('a compacted log is applied from its base on, with the configuration of the base', async () => {
  const contents = { applied: 4, base: baseAt(3), entries: LOGGED.slice(3) };
  await withData(contents, async ({ survivor, meta }, path) => {
    assert.equal(meta, await fillStore(join(path, 'full'), ENTRIES));
    assert.equal(survivor.membership.voters, ['1', '2', '4']);
    assert.equal([...survivor.positions.keys()], [4, 5]);
  });
});

test('a book that arrived as a snapshot replaces a log that is behind or has another entry there', async () => {
  const conflicting = LOGGED.slice(0, 4).map(({ index, kind, data }) => makeEntry(index, 1, kind, data));
  const uncommitted = makeEntry(5, 1, 'noop', new Uint8Array());
  for (const entries of [LOGGED.slice(0, 2), [...conflicting, uncommitted]]) {
    const contents = { applied: 4, entries, restored: baseAt(4) };
    await withData(contents, async ({ survivor, meta }, path) => {
      assert.equal(meta, await fillStore(join(path, 'full'), ENTRIES.slice(0, 4)));
      assert.equal([survivor.lastIndex, survivor.lastTerm], [4, TERM]);
      assert.equal(survivor.membership.voters, ['1', '2', '4']);
    });
  }
  await withData({ applied: 4, restored: baseAt(4) }, async ({ survivor }) => {
    assert.is(survivor.lastIndex, 5, 'the log that contains the snapshot goes on after it');
    return Promise.resolve();
  });
});

const unused = async (): Promise<never> => Promise.reject(new Error('not refused'));

test('a log that does not fit the book, and incomplete data, are refused', async () => {
  const refused = async (contents: Contents, message: RegExp): Promise<void> =>
    withFolder(async (path) => {
      await writeData(path, contents);
      await assertRejects(withSurvivor(path, unused), 'LOG_DAMAGED', message);
    });
  await refused({ applied: 4, entries: LOGGED.slice(0, 3) }, /has applied 4, but the log ends at 3/);
  await refused(
    { applied: 2, base: baseAt(3), entries: LOGGED.slice(3) },
    /starts after 3, but the book has applied only 2/,
  );
  await withFolder(async (path) => {
    await writeData(path, { applied: 5 });
    await writeDurably(join(path, 'incomplete'), '');
    await assertRejects(
      withSurvivor(path, unused),
      'BAD_CONFIG',
      /the command that wrote it was interrupted/,
    );
  });
});

test('data are refused while another process holds the lock of their folder', async () => {
  await withFolder(async (path) => {
    await writeData(path, { applied: 5 });
    await (await lockFolder(path))?.release();
    // Locks belong to a process, so another process holds the lock here.
    const script = `import { lockFolder } from ${JSON.stringify(import.meta.resolve('@trireme/service'))};
      const lock = await lockFolder(${JSON.stringify(path)}); console.log(lock === null ? 'none' : 'locked');
      process.stdin.resume(); process.stdin.on('end', () => process.exit());`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(holder, 'exit');
    const [line] = (await once(holder.stdout, 'data')) as [Buffer];
    assert.is(line.toString(), 'locked\n');
    await assertRejects(withSurvivor(path, unused), 'BAD_CONFIG', /lock is in use by another process/);
    holder.stdin.end();
    await ended;
    assert.is(await withSurvivor(path, async ({ survivor }) => Promise.resolve(survivor.lastIndex)), 5);
  });
});

test.run();
