/** What has to be done with a LevelDB folder before LevelDB may open it: refuse what is damaged, mend what may be mended. */
import { open, rm, truncate } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RaftError } from '../core/errors.js';
import { inspectFolder, type FolderFlaw } from './leveldb-inspect.js';

/** A folder that was found whole. */
export interface VerifiedFolder {
  /** Whether a write that is not whole stands behind whole ones: a power cut may have left it. */
  readonly isTorn: boolean;
}

/**
 * Checks every file that counts at `path`, of a store in which every write is synced; a folder that is absent, empty or
 * left by a creation that a power cut interrupted is fine.
 * @throws RaftError `LOG_DAMAGED` naming the file, the offset and what is wrong; `STORAGE_FAILED` if it cannot be read.
 */
export async function verifyFolder(path: string): Promise<VerifiedFolder> {
  const { state, flaws, isTorn } = await inspectFolder(path);
  refuseFirst(path, flaws);
  if (state === 'unpointed') await rm(join(path, 'CURRENT'));
  return { isTorn };
}

/**
 * Checks a folder whose writes are not synced, because what a power loss takes can be written again from elsewhere. The
 * loss may leave holes in the write-ahead files, over which LevelDB would go with no word: they are cut off at the first
 * bad place, so that the store is as it was at one moment. Bytes that changed there later are cut off alike.
 * @returns what was cut off, in words; null for nothing.
 * @throws RaftError `LOG_DAMAGED`, `STORAGE_FAILED`.
 */
export async function mendUnsynced(path: string): Promise<string | null> {
  const { state, flaws, walBreak } = await inspectFolder(path);
  refuseFirst(
    path,
    flaws.filter(({ file }) => walBreak === null || !file.endsWith('.log') || file < walBreak.file),
  );
  if (state === 'unpointed') await rm(join(path, 'CURRENT'));
  if (walBreak === null) return null;
  const { file, offset, reason, later } = walBreak;
  // From behind: a crash on the way leaves the break where it is.
  for (const name of later.toReversed()) await rm(join(path, name));
  await truncate(join(path, file), offset);
  const handle = await open(join(path, file), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncNames(path);
  const behind = later.length === 0 ? '' : `, and ${later.join(', ')} behind it`;
  return `${join(path, file)} is cut off at offset ${offset}${behind}: ${reason}`;
}

function refuseFirst(path: string, [first]: readonly FolderFlaw[]): void {
  if (first !== undefined) throw new RaftError('LOG_DAMAGED', `store ${path}: ${first.what}`);
}

/** Makes the folder's names durable: LevelDB points CURRENT to a new manifest without a sync of the folder. */
export async function syncFolder(path: string): Promise<void> {
  for (const folder of [path, dirname(resolve(path))]) await syncNames(folder);
}

/** Makes the names in a folder durable. */
export async function syncNames(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
