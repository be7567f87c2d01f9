/**
 * Locks a folder for one process. The lock is that of an empty LevelDB store in the folder. The kernel holds it, so
 * other containers with the same volume see it, and it is released whenever its process ends.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';

/** Subfolder of the store. It stays after the release, and contains no data. */
export const LOCK_FOLDER = 'lock';

/** The file in the store's folder that LevelDB locks. */
export const LEVEL_LOCK_FILE = 'LOCK';

/** A lock on a folder, held until it is released or garbage-collected. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Locks a folder, and creates it if it does not exist.
 * @returns null if the folder is locked already, by another process or by this one
 * @throws the system's error if the folder cannot be written.
 */
export async function lockFolder(folder: string): Promise<FolderLock | null> {
  const path = join(folder, LOCK_FOLDER);
  mkdirSync(folder, { recursive: true });
  const store = new Level(path);
  try {
    await store.open().catch(async (error: unknown) => {
      if (isLevelLocked(error)) throw error;
      // A full disk or a crash may have left an incomplete store. Keep the lock file: another process may hold it now.
      for (const name of readdirSync(path)) if (name !== LEVEL_LOCK_FILE) rmSync(join(path, name));
      await store.open();
    });
  } catch (error) {
    if (isLevelLocked(error)) return null;
    throw innermost(error);
  }
  return { release: async () => store.close() };
}

/** Whether a LevelDB store could not be opened because it is open elsewhere. */
export function isLevelLocked(error: unknown): boolean {
  const cause = innermost(error);
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}

/** The error of LevelDB, which `level` wraps. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error;
}
