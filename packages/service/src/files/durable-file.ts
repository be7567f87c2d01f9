/**
 * Atomic and durable replacement of small files: write a side file, sync it, rename it into place, and sync the folder.
 * A crash, a power loss or a full disk leaves the previous file.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Suffix of the side file, which is written first. */
export const TEMPORARY_SUFFIX = '.new';

/**
 * Replaces a file. The new file is readable by its owner only, and survives a power loss once the promise resolves.
 * @throws the system's error, with the path in its message; then the file is unchanged
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const side = path + TEMPORARY_SUFFIX;
  try {
    // A side file of an earlier attempt may have other permissions.
    await rm(side, { force: true });
    const file = await open(side, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(side, path);
    await syncFolder(dirname(path));
  } catch (error) {
    // If the side file cannot be removed, the next attempt replaces it.
    await rm(side, { force: true }).catch(() => undefined);
    if (error instanceof Error) error.message = `cannot write ${path}: ${error.message}`;
    throw error;
  }
}

/** Syncs the names in a folder to disk. @throws the system's error. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Durably renames a side file that another program has written into place. @throws the system's error. */
export function renameDurably(path: string): void {
  fsyncPath(path + TEMPORARY_SUFFIX);
  renameSync(path + TEMPORARY_SUFFIX, path);
  fsyncPath(dirname(path));
}

/** Syncs a file, or the names in a folder, to disk. @throws the system's error. */
export function fsyncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
