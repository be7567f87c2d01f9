/** Opening LevelDB, and what its errors mean. */
import { Level } from 'level';
import { dirname } from 'node:path';
import { RaftError } from '../core/errors.js';
import { causeOf, storageFailure } from './storage-failure.js';
import type { ByteLevel } from './store-scan.js';

/** What LevelDB gathers in memory before it becomes a table, unless told otherwise: its own bound. */
export const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Uncompressed, because the check of table files reads their index. */
export function newLevel(path: string, writeBufferSize = WRITE_BUFFER_BYTES): ByteLevel {
  return new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    writeBufferSize,
  });
}

/**
 * Refuses a store that another process has open, before its files are checked: they change under the check. LevelDB
 * takes its lock first of all, then turns this attempt down without touching anything.
 */
export async function probeLock(path: string): Promise<void> {
  const db = newLevel(path);
  try {
    await db.open({ createIfMissing: false, errorIfExists: true });
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') throw openError(path, error);
  }
  await db.close();
}

/** Why a store cannot be opened, as an error of this library. */
export function openError(path: string, error: unknown): RaftError {
  const code = codeOf(error);
  if (code === 'LEVEL_LOCKED') {
    return new RaftError('BAD_CONFIG', `another process uses the log store ${path}`, { cause: error });
  }
  const what = `log store ${path} cannot be opened`;
  if (code === 'LEVEL_CORRUPTION') {
    return new RaftError('LOG_DAMAGED', `${what}: ${causeOf(error)}`, { cause: error });
  }
  return storageFailure(dirname(path), what, error);
}

/** The code of what happened. `level` wraps the error of LevelDB that says what happened. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error.cause instanceof Error) return codeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
