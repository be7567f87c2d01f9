/** Lock that keeps a second supervisor from using a data folder. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LEVEL_LOCK_FILE, LOCK_FOLDER, isLevelLocked, lockFolder, type FolderLock } from '@trireme/service';
import { Level } from 'level';
import { ClusterError } from '../errors.js';

/** Depth of the stores below the data folder: `replica-1/log`. */
const STORE_DEPTH_MAX = 2;

/** Whether an entry of the data folder is the lock. */
export function isLockEntry(name: string): boolean {
  return name === LOCK_FOLDER;
}

/**
 * Locks a data folder for this process.
 * @throws ClusterError `ALREADY_RUNNING` if another supervisor, or another cluster of this process, holds it;
 *   `STORAGE_FAILED` if the folder cannot be written.
 */
export async function acquireDataLock(dataDir: string): Promise<FolderLock> {
  let lock: FolderLock | null;
  try {
    lock = await lockFolder(dataDir);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ClusterError('STORAGE_FAILED', `cannot lock ${dataDir}: ${why}`, { cause: error });
  }
  if (lock !== null) return lock;
  throw new ClusterError(
    'ALREADY_RUNNING',
    `a cluster already runs on ${dataDir}, here or in another container: stop it, or give another folder with --data`,
  );
}

/**
 * Path of a store below the data folder that a process has open; null if there is none. The lock of a killed
 * supervisor is free, but its processes may still run in another container, where this process cannot see them.
 */
export async function findOpenStore(dataDir: string): Promise<string | null> {
  for (const folder of storesIn(dataDir, STORE_DEPTH_MAX)) {
    const store = new Level(folder);
    try {
      // LevelDB takes its lock first and then rejects these options without changing anything.
      await store.open({ createIfMissing: false, errorIfExists: true });
    } catch (error) {
      if (isLevelLocked(error)) return folder;
    } finally {
      await store.close();
    }
  }
  return null;
}

function storesIn(folder: string, depth: number): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !(depth === STORE_DEPTH_MAX && isLockEntry(entry.name)))
    .flatMap(({ name }) => {
      const path = join(folder, name);
      const isStore = readdirSync(path).includes(LEVEL_LOCK_FILE);
      return [...(isStore ? [path] : []), ...(depth > 1 ? storesIn(path, depth - 1) : [])];
    });
}
