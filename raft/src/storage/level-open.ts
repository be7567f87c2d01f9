/** Opens LevelDB and translates its errors. */
import { Level } from 'level';
import { dirname } from 'node:path';
import { RaftError } from '../core/errors.js';
import { innermostErrorMessage, toStorageError } from './storage-error.js';
import type { ByteLevel } from './store-scan.js';

/** LevelDB's default write buffer: bytes that it collects in memory before it writes a table. */
export const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Creates an unopened LevelDB without compression, so that the index blocks of its tables can be read
 * directly.
 */
export function newLevel(path: string, writeBufferSize = WRITE_BUFFER_BYTES): ByteLevel {
  return new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    writeBufferSize,
  });
}

/**
 * Refuses a store that another process has open. Called before its files are checked, because they could
 * change during the check. LevelDB acquires its lock first, and then rejects this attempt without changing
 * anything.
 */
export async function checkNotLocked(path: string): Promise<void> {
  const db = newLevel(path);
  try {
    await db.open({ createIfMissing: false, errorIfExists: true });
  } catch (error) {
    if (innermostErrorCode(error) === 'LEVEL_LOCKED') throw toOpenError(path, error);
  }
  await db.close();
}

/** Translates an error from opening a store into a `RaftError`. */
export function toOpenError(path: string, error: unknown): RaftError {
  const code = innermostErrorCode(error);
  if (code === 'LEVEL_LOCKED') {
    return new RaftError('BAD_CONFIG', `the log store ${path} is in use by another process`, {
      cause: error,
    });
  }
  const what = `cannot open the log store ${path}`;
  if (code === 'LEVEL_CORRUPTION') {
    return new RaftError('LOG_DAMAGED', `${what}: ${innermostErrorMessage(error)}`, { cause: error });
  }
  return toStorageError(dirname(path), what, error);
}

/** The code of the innermost error: `level` wraps the original errors of LevelDB. */
export function innermostErrorCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error.cause instanceof Error) return innermostErrorCode(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
