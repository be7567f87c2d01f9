/** Two copies of term and vote: which one is believed, and when neither is. */
import { cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { HardState } from '../core/types.js';
import { makeEntries } from './conformance.js';
import { hardStatePath, judgeCopy, readCopy } from './hard-state-file.js';
import { LevelLog } from './level-log.js';
import { OWNER, open, refused, storeSuite } from './testing/level-store.js';

const test = storeSuite('LevelLog: two copies of the hard state');
const SLOT = 4096;

const state = (term: number, vote: string | null = null): HardState => ({ term, vote });

/** Opens the store and says what was repaired. */
async function opened(path: string): Promise<{ readonly storage: LevelLog; readonly repairs: string[] }> {
  const repairs: string[] = [];
  const storage = await LevelLog.open({ path, ...OWNER, onRepair: (what) => repairs.push(what) });
  return { storage, repairs };
}

async function persisted(path: string, states: readonly HardState[]): Promise<void> {
  const storage = await open(path);
  for (const hardState of states) await storage.persist({ hardState, entries: [] });
  await storage.close();
}

/** The slot that holds the state of the `sequence`th change; the one before stands in the other. */
const slotOf = (sequence: number): number => (sequence % 2) * SLOT;

async function overwrite(file: string, offset: number, bytes: Uint8Array): Promise<void> {
  const content = await readFile(file);
  content.set(bytes, offset);
  await writeFile(file, content);
}

test('each change of term or vote is in both copies; entries alone leave the second as it is', async ({
  path,
}) => {
  const storage = await open(path);
  for (const hardState of [state(1), state(1, 'a'), state(2), state(5, 'member-1')]) {
    await storage.persist({ hardState, entries: [] });
    const { newest, flaw } = await readCopy(path, OWNER);
    assert.equal(newest?.hardState, hardState);
    assert.is(flaw, null);
  }
  const before = await readFile(hardStatePath(path));
  await storage.persist({ hardState: null, entries: makeEntries(1, 5, 5) });
  await storage.persist({ hardState: state(5, 'member-1'), entries: makeEntries(6, 6, 5) });
  assert.equal(await readFile(hardStatePath(path)), before);
  await storage.close();
  const again = await opened(path);
  assert.equal(again.storage.hardState(), state(5, 'member-1'));
  assert.equal(again.repairs, []);
  await again.storage.close();
});

test('a store that lost a vote exactly like a torn write is refused by its copy, at every start', async ({
  path,
}) => {
  await persisted(path, [state(1), state(1, 'a')]);
  const [log = ''] = (await readdir(path)).filter((name) => name.endsWith('.log'));
  const { length } = await readFile(join(path, log));
  await truncate(join(path, log), length - 5);
  for (let start = 0; start < 2; start++) {
    assert.match(
      await refused(path),
      /the store went back to term 1; its hard state had been term 1, vote for a/,
    );
  }
});

test('an old copy of the store beside the newer hard state is refused', async ({ folder, path }) => {
  await persisted(path, [state(3)]);
  await cp(path, join(folder, 'old'), { recursive: true });
  await persisted(path, [state(4, 'a'), state(7)]);
  await rm(path, { recursive: true });
  await cp(join(folder, 'old'), path, { recursive: true });
  assert.match(await refused(path), /the store went back to term 3; its hard state had been term 7, no vote/);
});

test('a store that is gone is not taken for a new one', async ({ path }) => {
  await persisted(path, [state(3, 'a')]);
  await rm(path, { recursive: true });
  assert.match(await refused(path), /the log is gone, but its hard state is there: term 3, vote for a/);
  await assertNothingMade(path);
});

async function assertNothingMade(path: string): Promise<void> {
  assert.equal(await readdir(path).catch(() => []), []);
}

test('a store that is gone is refused also beside a copy that cannot be read', async ({ path }) => {
  await persisted(path, [state(3, 'a')]);
  await rm(path, { recursive: true });
  await writeFile(hardStatePath(path), 'rubbish');
  assert.match(await refused(path), /the log is gone, but its hard state is there: unreadable/);
});

const FLAWS: readonly { name: string; spoil: (file: string) => Promise<void>; message: RegExp }[] = [
  { name: 'missing', spoil: async (file) => rm(file), message: /it is missing/ },
  { name: 'cut', spoil: async (file) => truncate(file, 100), message: /it is damaged/ },
  { name: 'empty', spoil: async (file) => truncate(file, 0), message: /it is damaged/ },
  {
    name: 'all zeros',
    spoil: async (file) => writeFile(file, Buffer.alloc(2 * SLOT)),
    message: /it is damaged/,
  },
  {
    name: 'flipped in its newest slot',
    spoil: async (file) => overwrite(file, slotOf(2) + 13, Buffer.of(0x55)),
    message: /it is damaged/,
  },
  {
    name: 'flipped in its older slot',
    spoil: async (file) => overwrite(file, slotOf(1) + 300, Buffer.of(1)),
    message: /it is damaged/,
  },
  {
    name: 'behind, as a crash between the two writes leaves it',
    spoil: async (file) => overwrite(file, slotOf(2), Buffer.alloc(SLOT)),
    message: /it is behind: term 2, vote for a/,
  },
];

for (const { name, spoil, message } of FLAWS) {
  test(`a copy that is ${name} is made anew from the store, with a word`, async ({ path }) => {
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

test('a copy with a flaw beside a store that ends in a torn write is refused: a vote may be lost', async ({
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
    // Twice: opening would mend the torn end, and a second start must not take that for a whole store.
    for (let start = 0; start < 2; start++) assert.match(await refused(path), message);
    await rm(path, { recursive: true });
    await rm(hardStatePath(path), { force: true });
  }
});

test('a first write that was torn is no damage: nothing was told', async ({ path }) => {
  await persisted(path, [state(1)]);
  await rm(hardStatePath(path));
  const [log = ''] = (await readdir(path)).filter((name) => name.endsWith('.log'));
  await truncate(join(path, log), 20);
  const { storage, repairs } = await opened(path);
  assert.equal(storage.hardState(), state(0));
  assert.equal(repairs, []);
  await storage.close();
});

test("another member's copy is not taken for this one's", async ({ path }) => {
  await persisted(path, [state(2, 'a')]);
  assert.equal(await readCopy(path, { ...OWNER, id: 'member-2' }), { newest: null, flaw: 'damaged' });
});

test('two votes in one term are refused, whichever is believed', () => {
  const newest = { hardState: state(4, 'b'), sequence: 3 };
  const judged = judgeCopy(state(4, 'a'), { newest, flaw: null });
  assert.is(judged.verdict, 'damaged');
});

test('a copy that cannot be written fails the batch, and everything after it', async ({ path }) => {
  const storage = await open(path);
  // A folder in the place of the file that the copy is made in.
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
