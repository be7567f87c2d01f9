/** Shared by the tests of damaged log stores: a folder for each test, and direct access to LevelDB. */
import { Level } from 'level';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFailsWith } from '../conformance-tools.js';
import { LevelLog } from '../level-log.js';

/** The owner of the stores that the tests open. */
export const OWNER = { cluster: 'test', id: 'member-1' };

export interface StoreContext {
  /** The folder of one test; removed afterwards. */
  folder: string;
  /** The store under test. */
  path: string;
}

/** A suite in which each test has its own folder. */
export function storeSuite(name: string): Test<StoreContext> {
  const test = suite<StoreContext>(name, { folder: '', path: '' });
  test.before.each(async (context) => {
    context.folder = await mkdtemp(join(tmpdir(), 'trireme-damage-'));
    context.path = join(context.folder, 'store');
  });
  test.after.each(async ({ folder }) => rm(folder, { recursive: true }));
  return test;
}

/** Opens the store at `path` as its owner. */
export const openStore = async (path: string): Promise<LevelLog> => LevelLog.open({ path, ...OWNER });

/** Asserts that the store is refused as damaged and that the error names its path; returns the message. */
export const assertDamaged = async (path: string): Promise<string> => {
  const { message } = await assertFailsWith('LOG_DAMAGED', async () => openStore(path));
  assert.match(message, path);
  return message;
};

/** Opens the LevelDB of a folder directly. */
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
