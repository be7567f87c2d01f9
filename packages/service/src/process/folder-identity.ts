/** Tells a folder from a copy of it. */
import { statSync } from 'node:fs';

/**
 * Names the folder at `path` by its device and inode: the same by whatever path it is reached and after a rename, another
 * one for a copy. It may change where a disk is attached anew, and never says more than "this is not surely that folder".
 * @throws the system's error if there is none.
 */
export function folderIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
