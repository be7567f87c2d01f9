/** The two copies of term and vote: which one is trusted, and when the store is refused. */
import { cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { HardState } from '../core/types.js';
import { makeEntries } from './conformance-tools.js';
import { hardStatePath, compareHardStates, readHardStateCopy } from './hard-state-file.js';
import { LevelLog } from './level-log.js';
import { OWNER, openStore, assertDamaged, storeSuite } from './testing/level-store.js';

const test = storeSuite('LevelLog: two copies of the hard state');
const SLOT = 4096;

const state = (term: number, vote: string | null = null): HardState => ({ term, vote });

/** Opens the store, and collects the reported repairs. */
async function opened(path: string): Promise<{ readonly storage: LevelLog; readonly repairs: string[] }> {
  const repairs: string[] = [];
  const storage = await LevelLog.open({ path, ...OWNER, onRepair: (what) => repairs.push(what) });
  return { storage, repairs };
}

async function persisted(path: string, states: readonly HardState[]): Promise<void> {
  const storage = await openStore(path);
  for (const hardState of states) await storage.persist({ hardState, entries: [] });
  await storage.close();
}

/** Offset of the slot that holds the `sequence`th change; the other slot holds the previous one. */
const slotOf = (sequence: number): number => (sequence % 2) * SLOT;

async function overwrite(file: string, offset: number, bytes: Uint8Array): Promise<void> {
  const content = await readFile(file);
  content.set(bytes, offset);
  await writeFile(file, content);
}

test('persist writes each change of term or vote to both copies, and leaves the file unchanged for entries', async ({
  path,
}) => {
  const storage = await openStore(path);
  for (const hardState of [state(1), state(1, 'a'), state(2), state(5, 'member-1')]) {
    await storage.persist({ hardState, entries: [] });
    const { newest, flaw } = await readHardStateCopy(path, OWNER);
    assert.equal(newest?.hardState, hardState);
    assert.is(flaw, null);
  }
  const before = await readFile(hardStatePath(path));
  await storage.persist({ hardState: null, entries: makeEntries(1, 5, 5) });
  await storage.persist({ hardState: state(5, 'member-1'), entries: makeEntries(6, 6, 5) });
  assert.equal(await readFile(hardStatePath(path)), before);
  await storage.close();
  const reopened = await opened(path);
  assert.equal(reopened.storage.hardState(), state(5, 'member-1'));
  assert.equal(reopened.repairs, []);
  await reopened.storage.close();
});

test('open refuses a store that lost a vote in a seemingly torn write, at every start', async ({ path }) => {
  await persisted(path, [state(1), state(1, 'a')]);
  const [log = ''] = (await readdir(path)).filter((name) => name.endsWith('.log'));
  const { length } = await readFile(join(path, log));
  await truncate(join(path, log), length - 5);
  for (let start = 0; start < 2; start++) {
    assert.match(
      await assertDamaged(path),
      /the store has lost writes: it is at term 1 without a vote, but was at term 1 with a vote for a/,
    );
  }
});

test('open refuses an old copy of the store beside a newer hard state', async ({ folder, path }) => {
  await persisted(path, [state(3)]);
  await cp(path, join(folder, 'old'), { recursive: true });
  await persisted(path, [state(4, 'a'), state(7)]);
  await rm(path, { recursive: true });
  await cp(join(folder, 'old'), path, { recursive: true });
  assert.match(
    await assertDamaged(path),
    /the store has lost writes: it is at term 3 without a vote, but was at term 7 without a vote/,
  );
});

test('open refuses a missing store whose hard state exists, and creates nothing', async ({ path }) => {
  await persisted(path, [state(3, 'a')]);
  await rm(path, { recursive: true });
  assert.match(
    await assertDamaged(path),
    /the log is missing, but the copy of its hard state exists: term 3 with a vote for a/,
  );
  await assertNothingCreated(path);
});

async function assertNothingCreated(path: string): Promise<void> {
  assert.equal(await readdir(path).catch(() => []), []);
}

test('open refuses a missing store beside an unreadable copy of its hard state', async ({ path }) => {
  await persisted(path, [state(3, 'a')]);
  await rm(path, { recursive: true });
  await writeFile(hardStatePath(path), 'rubbish');
  assert.match(
    await assertDamaged(path),
    /the log is missing, but the copy of its hard state exists: unreadable/,
  );
});

const FLAWS: readonly { name: string; spoil: (file: string) => Promise<void>; message: RegExp }[] = [
  { name: 'missing', spoil: async (file) => rm(file), message: /it is missing/ },
  { name: 'truncated', spoil: async (file) => truncate(file, 100), message: /it is damaged/ },
  { name: 'empty', spoil: async (file) => truncate(file, 0), message: /it is damaged/ },
  {
    name: 'all zeros',
    spoil: async (file) => writeFile(file, Buffer.alloc(2 * SLOT)),
    message: /it is damaged/,
  },
  {
    name: 'damaged in its newest slot',
    spoil: async (file) => overwrite(file, slotOf(2) + 13, Buffer.of(0x55)),
    message: /it is damaged/,
  },
  {
    name: 'damaged in its older slot',
    spoil: async (file) => overwrite(file, slotOf(1) + 300, Buffer.of(1)),
    message: /it is damaged/,
  },
  {
    name: 'outdated after a crash between the two writes',
    spoil: async (file) => overwrite(file, slotOf(2), Buffer.alloc(SLOT)),
    message: /it is outdated: term 2 with a vote for a/,
  },
];

for (const { name, spoil, message } of FLAWS) {
  test(`open rebuilds a copy that is ${name} from the store, and reports it`, async ({ path }) => {
    await persisted(path, [state(2), state(2, 'a'), state(9, 'b')]);
    await spoil(hardStatePath(path));
    const first = await opened(path);
    assert.equal(first.storage.hardState(), state(9, 'b'));
    assert.is(first.repairs.length, 1);
    assert.match(first.repairs.join(), message);
    await first.storage.persist({ hardState: state(10), entries: [] });
    await first.storage.close();
    const second = await opened(path);
    assert.equal(second.repairs, []);
    assert.equal(second.storage.hardState(), state(10));
    await second.storage.close();
  });
}

test('open refuses a missing or damaged copy beside a store with a torn write: a vote may be lost', async ({
  path,
}) => {
  for (const [spoil, message] of [
    [
      async (file: string) => rm(file),
      /copy of the hard state is missing, and the store ends in a torn write/,
    ],
    [
      async (file: string) => truncate(file, 9),
      /copy of the hard state is damaged, and the store ends in a torn/,
    ],
  ] as const) {
    await persisted(path, [state(1), state(1, 'a')]);
    const [log = ''] = (await readdir(path)).filter((name) => name.endsWith('.log'));
    const { length } = await readFile(join(path, log));
    await truncate(join(path, log), length - 5);
    await spoil(hardStatePath(path));
    // Twice: if opening repaired the torn end, a second start would accept the store.
    for (let start = 0; start < 2; start++) assert.match(await assertDamaged(path), message);
    await rm(path, { recursive: true });
    await rm(hardStatePath(path), { force: true });
  }
});

test('open accepts a torn first write: nothing was acknowledged', async ({ path }) => {
  await persisted(path, [state(1)]);
  await rm(hardStatePath(path));
  const [log = ''] = (await readdir(path)).filter((name) => name.endsWith('.log'));
  await truncate(join(path, log), 20);
  const { storage, repairs } = await opened(path);
  assert.equal(storage.hardState(), state(0));
  assert.equal(repairs, []);
  await storage.close();
});

test('readHardStateCopy refuses the copy of another member', async ({ path }) => {
  await persisted(path, [state(2, 'a')]);
  assert.equal(await readHardStateCopy(path, { ...OWNER, id: 'member-2' }), {
    newest: null,
    flaw: 'damaged',
  });
});

test('compareHardStates refuses two different votes in one term', () => {
  const newest = { hardState: state(4, 'b'), sequence: 3 };
  const judged = compareHardStates(state(4, 'a'), { newest, flaw: null });
  assert.is(judged.verdict, 'damaged');
});

test('persist and all later calls fail when the copy cannot be written', async ({ path }) => {
  const storage = await openStore(path);
  // A folder in place of the temporary file.
  await cp(path, `${hardStatePath(path)}.new`, { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await storage.persist({ hardState: state(1), entries: [] });
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code?: string }).code, 'STORAGE_FAILED');
    }
  }
  await storage.close();
});

test.run();
