/** What the tests of damaged log stores share: a folder for each test, and ways around the store's own code. */
import { Level } from 'level';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFails } from '../conformance.js';
import { LevelLog } from '../level-log.js';

/** Whose stores the tests open. */
export const OWNER = { cluster: 'test', id: 'member-1' };

export interface Context {
  /** Holds everything of one test; removed after it. */
  folder: string;
  /** The store under test. */
  path: string;
}

/** A suite whose tests each get a folder of their own. */
export function storeSuite(name: string): Test<Context> {
  const test = suite<Context>(name, { folder: '', path: '' });
  test.before.each(async (context) => {
    context.folder = await mkdtemp(join(tmpdir(), 'trireme-damage-'));
    context.path = join(context.folder, 'store');
  });
  test.after.each(async ({ folder }) => rm(folder, { recursive: true }));
  return test;
}

/** Opens the store at `path` as its owner. */
export const open = async (path: string): Promise<LevelLog> => LevelLog.open({ path, ...OWNER });

/** Asserts that the store is refused as damaged, by its path, and gives the message. */
export const refused = async (path: string): Promise<string> => {
  const { message } = await assertFails('LOG_DAMAGED', async () => open(path));
  assert.match(message, path);
  return message;
};

/** Opens the folder's LevelDB beside the store's own code. */
export async function withLevel(
  path: string,
  use: (db: Level<Uint8Array, Uint8Array>) => Promise<void>,
): Promise<void> {
  const db = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
  });
  await db.open();
  await use(db);
  await db.close();
}
