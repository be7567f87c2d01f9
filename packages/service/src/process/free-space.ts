/** Waits for free disk space before a store is opened: LevelDB cannot open a store on a full disk. */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.js';

/** Opening two stores writes a table and a log file for each. The rest lets the process work for a while. */
const FREE_BYTES_MIN = 16 * 1024 * 1024;
const POLL_MS = 500;
/** Milliseconds between two log lines. */
const LOG_INTERVAL_MS = 10_000;

interface FreeSpaceOptions {
  /** Folder of the store, which need not exist yet. */
  readonly folder: string;
  readonly log: Log;
  /** Ends the wait. */
  readonly stopping: AbortSignal;
  /** For tests: returns the free bytes of the folder's disk. */
  readonly free?: (folder: string) => Promise<number>;
}

/**
 * Resolves when the folder's disk has 16 MiB of free space, which is normally at once. Logs while it waits.
 * @throws the signal's reason when it is aborted; the system's error if the free space cannot be read.
 */
export async function waitForFreeSpace({
  folder,
  log,
  stopping,
  free = freeBytes,
}: FreeSpaceOptions): Promise<void> {
  let hasWaited = false;
  let loggedAt = -LOG_INTERVAL_MS;
  for (;;) {
    const bytes = await free(folder);
    if (bytes >= FREE_BYTES_MIN) break;
    hasWaited = true;
    if (performance.now() - loggedAt >= LOG_INTERVAL_MS) {
      loggedAt = performance.now();
      log.error(
        { folder, free: bytes, needed: FREE_BYTES_MIN, status: 'STORAGE_FULL' },
        'disk is full, waiting for free space',
      );
    }
    await delay(POLL_MS, undefined, { signal: stopping }).catch(() => stopping.throwIfAborted());
  }
  if (hasWaited) log.info({ folder }, 'disk has free space again');
}

async function freeBytes(folder: string): Promise<number> {
  let path = resolve(folder);
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing || path === dirname(path)) throw error;
      path = dirname(path);
    }
  }
}
