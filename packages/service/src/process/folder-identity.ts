/** Distinguishes a folder from a copy of it. */
import { statSync } from 'node:fs';

/**
 * Identifies a folder by its device and inode. The result is independent of the path and of renames, and differs for a
 * copy. It may also change when a disk is attached again, so a different result does not prove a copy.
 * @throws the system's error if the folder does not exist.
 */
export function folderIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
