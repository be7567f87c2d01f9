/** Why a write failed, as an error of this library: whether it is the room that is wanting. */
import { statfsSync } from 'node:fs';
import { RaftError } from '../core/errors.js';

/**
 * A disk with less than this free is full. LevelDB gives no code for it, and what it removes after a step that failed
 * makes room again: a table that was half written, of 4 MiB at the most.
 */
const FULL_BYTES = 8 * 1024 * 1024;

/**
 * Says what a failed write means: whether the process can go on once there is room. At once, so that nothing happens
 * between the failure and its name.
 * @param path of the store, or of a folder above it
 * @param what was attempted, with the store's path, as the beginning of a sentence
 * @returns an error with code `STORAGE_FULL` where the disk of `path` is full, `STORAGE_FAILED` elsewhere
 */
export function storageFailure(path: string, what: string, cause: unknown): RaftError {
  const free = freeBytes(path);
  const reason = causeOf(cause);
  return free !== null && free < FULL_BYTES
    ? new RaftError('STORAGE_FULL', `${what}: the disk is full, ${free} bytes are free: ${reason}`, { cause })
    : new RaftError('STORAGE_FAILED', `${what}: ${reason}`, { cause });
}

/** Null where the system does not say. */
function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** What happened, in LevelDB's words: `level` wraps the error that says it. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}
