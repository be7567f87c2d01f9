/**
 * The first line of a backup, JSON: what the backup contains. A full backup contains the whole book. An
 * incremental one contains the batches that were applied after an earlier backup, which it names.
 */
import { FormatError, expectInteger, expectObject, expectText } from '@trireme/domain';
import type { BookMeta } from '../book/state.js';

/** Format version; raised with every change that older programs would misread. */
const BACKUP_FORMAT = 1;
const MAGIC = 'trireme-backup';

/** Maximum length of the line in bytes. */
export const HEADER_BYTES_MAX = 4096;

/** A point in the history of a cluster. */
export interface BackupPoint {
  /** Last log index applied. */
  readonly index: number;
  /** Number of the last batch with commands. */
  readonly lastSeq: number;
  /** The running hash of the book. */
  readonly hash: string;
}

export interface BackupHeader extends BackupPoint {
  readonly cluster: string;
  /** Life of the cluster. */
  readonly life: string;
  /** Last order number. */
  readonly orders: number;
  /** Time of the last batch, in milliseconds since 1970. */
  readonly time: number;
  /** When the backup was made, by the replica's clock, in milliseconds since 1970. */
  readonly takenAt: number;
  /** Version of the program that made the backup. */
  readonly program: string;
  /** The end of the backup that an incremental one continues; null for a full backup. */
  readonly since: BackupPoint | null;
}

/** The header of a backup of a book with this meta record. */
export function headerOf(
  { applied, lastSeq, hash, life, orders, time }: BookMeta,
  more: Pick<BackupHeader, 'cluster' | 'takenAt' | 'program' | 'since'>,
): BackupHeader {
  const { cluster, takenAt, program, since } = more;
  return { index: applied, lastSeq, hash, life, orders, time, cluster, takenAt, program, since };
}

/** The line, with its line break. */
export function formatHeader({ since, ...header }: BackupHeader): string {
  const kind = since === null ? 'full' : 'incremental';
  const point = since === null ? {} : { since };
  return `${JSON.stringify({ magic: MAGIC, format: BACKUP_FORMAT, kind, ...header, ...point })}\n`;
}

/** Parses a line of `formatHeader`, without its line break. @throws FormatError naming the problem. */
export function parseHeader(line: string): BackupHeader {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new FormatError('it is not a backup: its first line is not JSON', { cause: error });
  }
  const fields = expectObject(value, 'first line');
  if (fields['magic'] !== MAGIC)
    throw new FormatError(`it is not a backup: its first line does not say ${MAGIC}`);
  const format = expectInteger(fields['format'], 'format');
  if (format !== BACKUP_FORMAT)
    throw new FormatError(`it has format ${format}; this program reads only format ${BACKUP_FORMAT}`);
  const kind = expectText(fields['kind'], 'kind');
  if (kind !== 'full' && kind !== 'incremental') throw new FormatError(`its kind is unknown: ${kind}`);
  return {
    ...pointOf(fields),
    cluster: expectText(fields['cluster'], 'cluster', 255),
    life: expectHex(fields['life'], 'life', 16),
    orders: expectInteger(fields['orders'], 'orders'),
    time: expectInteger(fields['time'], 'time'),
    takenAt: expectInteger(fields['takenAt'], 'takenAt'),
    program: expectText(fields['program'], 'program', 64),
    since: kind === 'full' ? null : pointOf(expectObject(fields['since'], 'since')),
  };
}

function pointOf(fields: Readonly<Record<string, unknown>>): BackupPoint {
  return {
    index: expectInteger(fields['index'], 'index', 1),
    lastSeq: expectInteger(fields['lastSeq'], 'lastSeq'),
    hash: expectHex(fields['hash'], 'hash', 64),
  };
}

export function expectHex(value: unknown, what: string, length: number): string {
  const text = expectText(value, what, length);
  if (text.length !== length || !/^[0-9a-f]*$/.test(text))
    throw new FormatError(`${what} is not ${length} hexadecimal digits`);
  return text;
}

/** @throws FormatError if the backup's meta record does not match its first line. */
export function checkMeta(header: BackupHeader, meta: BookMeta): void {
  const own = headerOf(meta, header);
  for (const field of ['index', 'lastSeq', 'hash', 'life', 'orders', 'time'] as const) {
    if (own[field] !== header[field])
      throw new FormatError(`its first line says ${field} ${header[field]}, its meta record ${own[field]}`);
  }
}
