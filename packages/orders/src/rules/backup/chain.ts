/** Orders the files of a restore, and checks that they belong together and reach the point that is asked for. */
import { FormatError } from '@trireme/domain';
import type { BackupHeader } from './header.js';

/** A point to restore to; `end` is the end of the last backup. */
export type RestorePoint =
  | { readonly kind: 'end' }
  | { readonly kind: 'index'; readonly index: number }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly time: number }
  | { readonly kind: 'order'; readonly order: number };

export interface ChainFile {
  /** Name of the file, for messages. */
  readonly path: string;
  readonly header: BackupHeader;
}

/** A full backup, and the incremental ones to apply after it, in order. */
export interface Chain<File extends ChainFile> {
  readonly full: File;
  readonly incrementals: readonly File[];
}

/**
 * Orders the files. The same backup may be given twice, and incremental backups may overlap or lie before the end
 * of the full backup; those are not applied.
 * @throws FormatError naming the files that do not fit, and what is missing.
 */
export function orderChain<File extends ChainFile>(files: readonly File[]): Chain<File> {
  const full = onlyFull(files);
  for (const file of files) requireSameCluster(full, file);
  const sorted = files
    .filter(({ header }) => header.since !== null)
    .toSorted((a, b) => a.header.index - b.header.index || sinceOf(a) - sinceOf(b));
  const incrementals: File[] = [];
  let end = full;
  for (const file of sorted) {
    requireSameHash(files, file);
    if (file.header.index <= end.header.index) continue;
    if (sinceOf(file) > end.header.lastSeq)
      throw new FormatError(
        `a backup is missing: ${end.path} ends at batch ${end.header.lastSeq} (log index ${end.header.index}), ` +
          `and ${file.path} starts after batch ${sinceOf(file)} (log index ${file.header.since?.index})`,
      );
    incrementals.push(file);
    end = file;
  }
  return { full, incrementals };
}

function sinceOf({ header }: ChainFile): number {
  return header.since?.lastSeq ?? 0;
}

function onlyFull<File extends ChainFile>(files: readonly File[]): File {
  const [first, ...more] = files.filter(({ header }) => header.since === null);
  if (first === undefined)
    throw new FormatError(
      'no file is a full backup; incremental backups need the full one that they continue',
    );
  const other = more.find(
    ({ header }) => header.index !== first.header.index || header.hash !== first.header.hash,
  );
  if (other === undefined) return first;
  throw new FormatError(`${first.path} and ${other.path} are both full backups; give one of them`);
}

function requireSameCluster(full: ChainFile, file: ChainFile): void {
  for (const field of ['cluster', 'life'] as const) {
    const [a, b] = [full.header[field], file.header[field]];
    if (a !== b)
      throw new FormatError(
        `${full.path} and ${file.path} do not belong together: they are of ${field} ${a} and ${field} ${b}`,
      );
  }
}

/** A file that starts or ends where another one ends must have the same book there. */
function requireSameHash(files: readonly ChainFile[], file: ChainFile): void {
  for (const other of files) {
    for (const point of [file.header.since, file.header]) {
      if (point?.lastSeq === other.header.lastSeq && point.hash !== other.header.hash)
        throw new FormatError(
          `${other.path} and ${file.path} do not belong together: ` +
            `their books at batch ${point.lastSeq} (log index ${point.index}) differ`,
        );
    }
  }
}

/**
 * Checks that the chain contains the point.
 * @throws FormatError with the range that it contains.
 */
export function requireInRange({ full, incrementals }: Chain<ChainFile>, point: RestorePoint): void {
  const [from, to] = [full.header, (incrementals.at(-1) ?? full).header];
  const refuse = (what: string, first: string | number, last: string | number): never => {
    throw new FormatError(`the backups contain ${what} ${first} to ${last} only; give a point in that range`);
  };
  switch (point.kind) {
    case 'end':
      return;
    case 'index':
      if (point.index < from.index || point.index > to.index) refuse('log indexes', from.index, to.index);
      return;
    case 'order':
      if (point.order < from.orders || point.order > to.orders)
        refuse('order numbers', from.orders, to.orders);
      return;
    case 'time':
      // Nothing happened between the last batch and the moment of the backup.
      if (point.time < from.time || point.time > to.takenAt)
        refuse('times', new Date(from.time).toISOString(), new Date(to.takenAt).toISOString());
  }
}
