/**
 * Lets LevelDB read a store that must not change. It writes whenever it opens a folder, so it opens another one: there the
 * small files are copies, which it may rewrite and delete, and the tables, which it never writes to, are links.
 */
import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { newLevel, openError } from '../level-open.js';

const COPIED = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;
const LINKED = /^\d+\.ldb$/;

/** Runs `use` on a stand-in of the store at `path`; its folder is removed afterwards. */
export async function withScratch<T>(path: string, use: (scratch: string) => Promise<T>): Promise<T> {
  return withTemporary(async (scratch) => {
    for (const name of await readdir(path)) {
      if (LINKED.test(name)) await symlink(resolve(path, name), join(scratch, name));
      else if (COPIED.test(name)) await copyFile(join(path, name), join(scratch, name));
    }
    return use(scratch);
  });
}

/**
 * Runs `use` while no process can open the store at `path`: LevelDB locks a file, and takes this one through a link from a
 * folder of ours.
 * @throws RaftError `BAD_CONFIG` if a process has it open.
 */
export async function withLock<T>(path: string, use: () => Promise<T>): Promise<T> {
  const names = await readdir(path).catch((): string[] => []);
  if (!names.includes('LOCK')) return use();
  return withTemporary(async (folder) => {
    await symlink(resolve(path, 'LOCK'), join(folder, 'LOCK'));
    const db = newLevel(folder);
    try {
      await db.open();
    } catch (error) {
      throw openError(path, error);
    }
    try {
      return await use();
    } finally {
      await db.close();
    }
  });
}

async function withTemporary<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-examined-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
