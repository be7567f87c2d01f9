/** `trireme backup verify`: reads backups, and recomputes the book of incremental ones, without a cluster. */
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkBackup, openChain, restoreBook, type BackupFile, type BackupHeader } from '@trireme/orders';

export interface VerifiedBackups {
  /** Each file that was used, in order. */
  readonly files: readonly BackupFile[];
  /** The end of the last one. */
  readonly end: BackupHeader;
}

/**
 * Checks every byte and record of the files. Incremental ones are applied to the full one in a temporary folder.
 * @param tmp folder for the temporary folder; null for that of the first file
 * @throws FormatError naming the file that is damaged or does not fit; the system's error.
 */
export async function verifyBackups(paths: readonly string[], tmp: string | null): Promise<VerifiedBackups> {
  const chain = await openChain(paths);
  const files = [chain.full, ...chain.incrementals];
  const end = (files.at(-1) ?? chain.full).header;
  if (chain.incrementals.length === 0) {
    await checkBackup(chain.full);
    return { files, end };
  }
  const folder = await mkdtemp(join(tmp ?? dirname(chain.full.path), 'trireme-verify-'));
  try {
    const { store } = await restoreBook(chain, { kind: 'end' }, join(folder, 'book'));
    await store.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { files, end };
}
