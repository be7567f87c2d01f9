/** Backups of order books, for tests. */
import { packRecords } from '../book/record-stream.js';
import type { BookStore } from '../book/store.js';
import { writeBackup } from '../backup/backup-file.js';
import { headerOf, type BackupHeader } from '../rules/backup/header.js';

export const TAKEN_AT = 100_000;

/** Writes a backup of the book as a replica sends it; an incremental one if `since` is given. @returns its header */
export async function backUp(
  store: BookStore,
  path: string,
  since: BackupHeader | null = null,
): Promise<BackupHeader> {
  const view = store.view();
  const point = since === null ? null : { index: since.index, lastSeq: since.lastSeq, hash: since.hash };
  const more = { cluster: 'test', takenAt: TAKEN_AT, program: '1.2.3', since: point };
  const header = headerOf(view.meta, more);
  try {
    await writeBackup(path, { header, chunks: packRecords(flat(view.slices(since?.lastSeq ?? null))) });
    return header;
  } finally {
    await view.close();
  }
}

async function* flat<T>(slices: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const slice of slices) yield* slice;
}
