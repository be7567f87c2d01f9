/** Checks a LevelDB folder before LevelDB opens it: refuses damage, and repairs what may be repaired. */
import { open, rm, truncate } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RaftError } from '../core/errors.js';
import { inspectFolder, type FolderFlaw } from './leveldb-inspect.js';

/** A folder that was found undamaged. */
export interface VerifiedFolder {
  /** Whether the last write is torn, as a power loss may leave it. */
  readonly isTorn: boolean;
}

/**
 * Checks every live file at `path`, a store in which every write is synced. A missing folder, an empty one,
 * and one whose creation was interrupted by a power loss are valid.
 * @throws RaftError `LOG_DAMAGED` naming file, offset and damage; `STORAGE_FAILED` if a file cannot be read.
 */
export async function verifyFolder(path: string): Promise<VerifiedFolder> {
  const { state, flaws, isTorn } = await inspectFolder(path);
  refuseFirst(path, flaws);
  if (state === 'unpointed') await rm(join(path, 'CURRENT'));
  return { isTorn };
}

/**
 * Checks and repairs a folder whose writes are not synced, because lost writes can be restored from another
 * source. A power loss may leave holes in the write-ahead files, which LevelDB would skip silently. They are
 * truncated at the first hole, so that the store is in a state that it had at one moment. Damage from another
 * cause is truncated in the same way.
 * @returns a sentence that says what was removed; null if nothing was
 * @throws RaftError `LOG_DAMAGED`, `STORAGE_FAILED`.
 */
export async function repairUnsyncedFolder(path: string): Promise<string | null> {
  const { state, flaws, unreliableTail } = await inspectFolder(path);
  refuseFirst(
    path,
    flaws.filter(
      ({ file }) => unreliableTail === null || !file.endsWith('.log') || file < unreliableTail.file,
    ),
  );
  if (state === 'unpointed') await rm(join(path, 'CURRENT'));
  if (unreliableTail === null) return null;
  const { file, offset, reason, later } = unreliableTail;
  // The last file first, so that a repair interrupted by a crash is found and continued at the next start.
  for (const name of later.toReversed()) await rm(join(path, name));
  await truncate(join(path, file), offset);
  const handle = await open(join(path, file), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(path);
  const removed = later.length === 0 ? '' : ` (later files removed: ${later.join(', ')})`;
  return `${join(path, file)} was truncated at offset ${offset}${removed}: ${reason}`;
}

function refuseFirst(path: string, [first]: readonly FolderFlaw[]): void {
  if (first !== undefined) throw new RaftError('LOG_DAMAGED', `store ${path}: ${first.what}`);
}

/** Syncs the folder and its parent: LevelDB points CURRENT to a new manifest without syncing the folder. */
export async function syncFolderAndParent(path: string): Promise<void> {
  for (const folder of [path, dirname(resolve(path))]) await syncDirectory(folder);
}

/** Syncs a folder, which makes the names of its files durable. */
export async function syncDirectory(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
