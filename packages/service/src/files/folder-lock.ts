/**
 * Keeps a second process off a folder. The lock is LevelDB's own, of an empty store in the folder: the kernel holds it, so
 * that it is seen from other containers with the same volume, and is gone with its process, however that ends.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';

/** Folder of the store, in the one that is locked; it stays, and whoever holds the lock says nothing in it. */
export const LOCK_FOLDER = 'lock';

/** The file in a store's folder that LevelDB locks. */
export const LEVEL_LOCK_FILE = 'LOCK';

/** A folder that is held for as long as this is referred to. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes a folder, made if it is absent, for its caller.
 * @returns null if another process holds it, or another part of this one
 * @throws the system's error if the folder cannot be written.
 */
export async function lockFolder(folder: string): Promise<FolderLock | null> {
  const path = join(folder, LOCK_FOLDER);
  mkdirSync(folder, { recursive: true });
  const store = new Level(path);
  try {
    await store.open().catch(async (error: unknown) => {
      if (isLevelLocked(error)) throw error;
      // A full disk or a crash may have left half a store. The lock's file stays: another process may have it by now.
      for (const name of readdirSync(path)) if (name !== LEVEL_LOCK_FILE) rmSync(join(path, name));
      await store.open();
    });
  } catch (error) {
    if (isLevelLocked(error)) return null;
    throw innermost(error);
  }
  return { release: async () => store.close() };
}

/** Whether a LevelDB store could not be opened because another process has it open. */
export function isLevelLocked(error: unknown): boolean {
  const cause = innermost(error);
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}

/** `level` wraps the error of LevelDB that says what happened. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error;
}
