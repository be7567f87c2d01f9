/** Translates a failed write into an error of this library, and detects a full disk. */
import { statfsSync } from 'node:fs';
import { RaftError } from '../core/errors.js';

/**
 * A disk with less free space than this counts as full. LevelDB reports no code for a full disk, and after a
 * failure it removes a partly written table, which frees up to 4 MiB again.
 */
const FULL_BYTES = 8 * 1024 * 1024;

/**
 * Translates a failed write into a `RaftError`. Synchronous, so that the free space is measured right after
 * the failure.
 * @param path path of the store, or of a folder above it
 * @param what the attempted operation with the store's path, as the beginning of the message
 * @returns an error with code `STORAGE_FULL` if the disk of `path` is full, otherwise `STORAGE_FAILED`
 */
export function toStorageError(path: string, what: string, cause: unknown): RaftError {
  const free = freeBytes(path);
  const reason = innermostErrorMessage(cause);
  return free !== null && free < FULL_BYTES
    ? new RaftError('STORAGE_FULL', `${what}: the disk is full (${free} bytes free): ${reason}`, { cause })
    : new RaftError('STORAGE_FAILED', `${what}: ${reason}`, { cause });
}

/** Free bytes of the disk of `path`; null if unknown. */
function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** The message of the innermost error: `level` wraps the original errors of LevelDB. */
export function innermostErrorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? innermostErrorMessage(error.cause) : error.message;
}
