/**
 * Small files that are there whole or not at all: written to the side, synced, renamed into place, and the folder synced.
 * A crash, a power loss or a full disk leaves the file that was there before.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file that is being written has at the end of its name. */
export const SIDE_SUFFIX = '.new';

/**
 * Replaces a file, readable by its owner alone. When the promise resolves, a power loss does not undo it.
 * @throws the system's error, with the path in its message; then the file is as it was before
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const side = path + SIDE_SUFFIX;
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
    // What cannot be removed either is overwritten by the next attempt.
    await rm(side, { force: true }).catch(() => undefined);
    if (error instanceof Error) error.message = `cannot write ${path}: ${error.message}`;
    throw error;
  }
}

/** Makes the names in a folder durable. @throws the system's error. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Puts a file into place that another program has written to the side, durably. @throws the system's error. */
export function moveIntoPlace(path: string): void {
  syncNow(path + SIDE_SUFFIX);
  renameSync(path + SIDE_SUFFIX, path);
  syncNow(dirname(path));
}

/** Makes a file, or the names in a folder, durable. @throws the system's error. */
export function syncNow(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
