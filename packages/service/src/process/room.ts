/** Waits for room on a disk before a store is opened: LevelDB cannot open where it cannot write. */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.js';

/** For what opening writes, a table and a log file for each of two stores at the most, and for a while of work. */
const ROOM_BYTES_MIN = 16 * 1024 * 1024;
const POLL_MS = 500;
/** Between two lines in the log. */
const REPEAT_MS = 10_000;

interface AwaitRoomOptions {
  /** Folder of the store, which need not be there yet. */
  readonly folder: string;
  readonly log: Log;
  /** Ends the wait. */
  readonly stopping: AbortSignal;
  /** Free bytes of the folder's disk; for tests. */
  readonly free?: (folder: string) => Promise<number>;
}

/**
 * Resolves once there are 16 MiB free on the folder's disk, at once as a rule; says in the log that it waits.
 * @throws the signal's reason once it is aborted; the system's error if it does not say what is free.
 */
export async function awaitRoom({
  folder,
  log,
  stopping,
  free = freeBytes,
}: AwaitRoomOptions): Promise<void> {
  let waited = false;
  let toldMs = -REPEAT_MS;
  for (;;) {
    const bytes = await free(folder);
    if (bytes >= ROOM_BYTES_MIN) break;
    waited = true;
    if (performance.now() - toldMs >= REPEAT_MS) {
      toldMs = performance.now();
      log.error(
        { folder, free: bytes, needed: ROOM_BYTES_MIN, status: 'STORAGE_FULL' },
        'disk is full; waits for room',
      );
    }
    await delay(POLL_MS, undefined, { signal: stopping }).catch(() => stopping.throwIfAborted());
  }
  if (waited) log.info({ folder }, 'there is room on the disk again');
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
