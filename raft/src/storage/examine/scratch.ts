/**
 * Lets LevelDB read a store that must not change. LevelDB writes whenever it opens a folder, so it opens a
 * scratch folder instead: small files are copied there, and tables, which LevelDB never rewrites, are
 * symbolic links.
 */
import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { newLevel, toOpenError } from '../level-open.js';

const COPIED = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;
const LINKED = /^\d+\.ldb$/;

/**
 * Runs `use` on a scratch copy of the store at `path`, and removes the copy afterwards.
 * @param parent folder of the copy, which may grow to the size of the store while it is written
 */
export async function withScratchCopy<T>(
  path: string,
  use: (scratch: string) => Promise<T>,
  parent = tmpdir(),
): Promise<T> {
  return withTemporary(parent, async (scratch) => {
    for (const name of await readdir(path)) {
      if (LINKED.test(name)) await symlink(resolve(path, name), join(scratch, name));
      else if (COPIED.test(name)) await copyFile(join(path, name), join(scratch, name));
    }
    return use(scratch);
  });
}

/**
 * Runs `use` while it holds the lock of the store at `path`, so that no other process can open it. LevelDB
 * locks a file; here it opens a scratch folder in which that file is a symbolic link.
 * @throws RaftError `BAD_CONFIG` if a process has it open.
 */
export async function withStoreLock<T>(path: string, use: () => Promise<T>): Promise<T> {
  const names = await readdir(path).catch((): string[] => []);
  if (!names.includes('LOCK')) return use();
  return withTemporary(tmpdir(), async (folder) => {
    await symlink(resolve(path, 'LOCK'), join(folder, 'LOCK'));
    const db = newLevel(folder);
    try {
      await db.open();
    } catch (error) {
      throw toOpenError(path, error);
    }
    try {
      return await use();
    } finally {
      await db.close();
    }
  });
}

async function withTemporary<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(parent, 'trireme-examined-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
