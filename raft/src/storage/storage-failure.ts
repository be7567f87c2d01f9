/** Why a write failed, as an error of this library: whether it is the room that is wanting. */
import { statfs } from 'node:fs/promises';
import { RaftError } from '../core/errors.js';

/**
 * A disk with less than this free is full. LevelDB gives no code for it, and what it removes after a step that failed
 * makes room again: a table that was half written, of 4 MiB at the most.
 */
const FULL_BYTES = 8 * 1024 * 1024;

/**
 * Says what a failed write means: whether the process can go on once there is room.
 * @param path of the store, or of a folder above it
 * @param what was attempted, with the store's path, as the beginning of a sentence
 * @returns an error with code `STORAGE_FULL` where the disk of `path` is full, `STORAGE_FAILED` elsewhere
 */
export async function storageFailure(path: string, what: string, cause: unknown): Promise<RaftError> {
  const free = await freeBytes(path);
  const reason = causeOf(cause);
  return free !== null && free < FULL_BYTES
    ? new RaftError('STORAGE_FULL', `${what}: the disk is full, ${free} bytes are free: ${reason}`, { cause })
    : new RaftError('STORAGE_FAILED', `${what}: ${reason}`, { cause });
}

/** Null where the system does not say. */
async function freeBytes(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
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
