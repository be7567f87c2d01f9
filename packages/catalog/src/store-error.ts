import { statfsSync } from 'node:fs';

/** Why a store cannot be opened or written. */
export type StoreErrorCode =
  /** A record is damaged or missing; the catalog must not serve from this folder. */
  | 'DAMAGED'
  /** The folder belongs to another cluster. */
  | 'OTHER_CLUSTER'
  /** The folder was written in a format that this program does not read. */
  | 'OTHER_FORMAT'
  /** The folder is that of another process, such as a replica. */
  | 'NOT_A_CATALOG'
  /** Another process has the folder open. */
  | 'LOCKED'
  /** The folder cannot be opened, for a reason of the system's. */
  | 'OPEN_FAILED'
  /** A write or a sync failed; what is on disk is unknown and the process has to stop. */
  | 'WRITE_FAILED'
  /** The same, or it cannot be opened, because the disk is full: with room on it the process can start again. */
  | 'FULL';

/** Thrown when the catalog's store refuses or fails; `code` says which. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A disk with less than this free is full. LevelDB gives no code for it, and what it removes after a step that failed
 * makes room again: a table that was half written, of 4 MiB at the most.
 */
const FULL_BYTES = 8 * 1024 * 1024;

/** Why something failed on the disk of `path`: `FULL` where it is full, `code` elsewhere; at once, as `fatal` needs it. */
export function failure(path: string, code: StoreErrorCode, what: string, cause: unknown): StoreError {
  const free = freeBytes(path);
  const isFull = free < FULL_BYTES;
  const message = isFull ? `${what}: the disk is full, ${free} bytes are free` : what;
  return new StoreError(isFull ? 'FULL' : code, `${message}: ${reason(cause)}`, { cause });
}

/** As if there were no end of it where the system does not say. */
function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** What happened, in LevelDB's words: `level` wraps the error that says it. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}
