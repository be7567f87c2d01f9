/**
 * Keeps a second supervisor off a data folder. The lock is LevelDB's own, of an empty store in the folder: the kernel holds
 * it, so that it is seen from other containers with the same volume, and is gone with its process, however that ends.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { ClusterError } from './errors.js';

/** Folder of the store; it stays, and whoever holds the lock says nothing in it. */
const LOCK_FOLDER = 'lock';

/** The file in a store's folder that LevelDB locks. */
const LEVEL_LOCK_FILE = 'LOCK';

/** How far below the data folder a process has a store: `replica-1/log`. */
const STORE_DEPTH_MAX = 2;

/** Whether an entry of a data folder is the lock. */
export function isLock(name: string): boolean {
  return name === LOCK_FOLDER;
}

/** A held data folder. */
export interface DataLock {
  release(): Promise<void>;
}

/**
 * Takes a data folder for this process.
 * @throws ClusterError `ALREADY_RUNNING` if another supervisor, or another cluster of this process, holds it;
 *   `STORAGE_FAILED` if the folder cannot be written.
 */
export async function acquireDataLock(dataDir: string): Promise<DataLock> {
  const folder = join(dataDir, LOCK_FOLDER);
  const store = new Level(folder);
  try {
    await store.open().catch(async (error: unknown) => {
      if (isLocked(error)) throw error;
      // A full disk or a crash may have left half a store. The lock's file stays: another process may have it by now.
      for (const name of readdirSync(folder)) if (name !== LEVEL_LOCK_FILE) rmSync(join(folder, name));
      await store.open();
    });
  } catch (error) {
    if (isLocked(error)) {
      throw new ClusterError(
        'ALREADY_RUNNING',
        `a cluster already runs on ${dataDir}, here or in another container: stop it, or give another folder with --data`,
        { cause: error },
      );
    }
    throw new ClusterError('STORAGE_FAILED', `cannot lock ${dataDir}: ${causeOf(error).message}`, {
      cause: error,
    });
  }
  return { release: async () => store.close() };
}

/**
 * Path of a store in the data folder that a process has open, null if there is none. A supervisor that was killed holds no
 * lock any more, while its processes may still be at work where this one cannot see them.
 */
export async function storeInUse(dataDir: string): Promise<string | null> {
  for (const folder of storesIn(dataDir, STORE_DEPTH_MAX)) {
    const store = new Level(folder);
    try {
      // LevelDB takes its lock first of all, then turns this down without touching anything.
      await store.open({ createIfMissing: false, errorIfExists: true });
    } catch (error) {
      if (isLocked(error)) return folder;
    } finally {
      await store.close();
    }
  }
  return null;
}

function storesIn(folder: string, depth: number): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isLock(entry.name))
    .flatMap(({ name }) => {
      const path = join(folder, name);
      const isStore = readdirSync(path).includes(LEVEL_LOCK_FILE);
      return [...(isStore ? [path] : []), ...(depth > 1 ? storesIn(path, depth - 1) : [])];
    });
}

/** `level` wraps the error of LevelDB that says what happened. */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? causeOf(error.cause) : error;
}

function isLocked(error: unknown): boolean {
  const cause = causeOf(error);
  return 'code' in cause && cause.code === 'LEVEL_LOCKED';
}
