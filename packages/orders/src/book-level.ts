/** LevelDB as the book uses it: bytes in, bytes out. */
import { Level } from 'level';
import { dirname } from 'node:path';
import { FormatError } from '@trireme/domain';
import { RaftError, staggeredBytes, storageFailure } from '@trireme/raft';
import type { BookRecord } from './record-stream.js';

export type BookLevel = Level<Uint8Array, Uint8Array>;
export type LevelSnapshot = ReturnType<Level['snapshot']>;

export interface ScanRange {
  readonly gte?: Uint8Array;
  readonly lte?: Uint8Array;
  /** As of then instead of now. */
  readonly snapshot?: LevelSnapshot;
}

/** What `level` declares only for the implementation that it wraps. */
interface Compactable {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}

/**
 * What LevelDB gathers in memory before it becomes a table, in bytes; twice as much at most. The keys of orders may be spread
 * over their whole table, so that each round of compaction writes it anew: with rounds half as many as LevelDB would make
 * by itself, its thread takes a fifth less time. More still would make starts after a kill longer, since all of it has
 * to be read again then.
 */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
/** Added for some replicas, so that one compacts while the others go on: a round of it takes some tenths of a second. */
const WRITE_BUFFER_STEP_BYTES = 2 * 1024 * 1024;
/** Records read at a time by scans whose records are not looked into. */
const SLICE_RECORDS = 1000;

/**
 * Opens the LevelDB at `path` of the replica `id`, or makes an empty one.
 * @throws RaftError `LOG_DAMAGED`; `BAD_CONFIG` if another process has it open; `STORAGE_FULL` or `STORAGE_FAILED`.
 */
export async function openLevel(path: string, id: string): Promise<BookLevel> {
  const db = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: staggeredBytes(id, WRITE_BUFFER_BYTES, WRITE_BUFFER_STEP_BYTES),
  });
  try {
    await db.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    const what = `cannot open the order book at ${path}`;
    if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_LOCKED')
      throw storageFailure(dirname(path), what, error);
    const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new RaftError(code === 'LEVEL_CORRUPTION' ? 'LOG_DAMAGED' : 'BAD_CONFIG', message, {
      cause: error,
    });
  }
  return db;
}

/** What a read has met: LevelDB finds some damage by itself. */
export function readError(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const isDamage = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_CORRUPTION';
  return isDamage ? new FormatError(`LevelDB cannot read it: ${cause.message}`, { cause: error }) : error;
}

/**
 * Records in the order of their keys, many at a time.
 * @throws FormatError where LevelDB finds that they are damaged.
 */
export async function* scanRecords(db: BookLevel, range: ScanRange): AsyncGenerator<BookRecord> {
  for await (const slice of scanSlices(db, range, SLICE_RECORDS)) yield* slice;
}

/**
 * The same in slices of at most `size` records. The event loop takes its turn between two slices, and not within one.
 * @throws FormatError where LevelDB finds that they are damaged.
 */
export async function* scanSlices(
  db: BookLevel,
  range: ScanRange,
  size: number,
): AsyncGenerator<readonly BookRecord[]> {
  const iterator = db.iterator<Uint8Array, Uint8Array>({ ...range, fillCache: false });
  try {
    for (;;) {
      const slice = await iterator.nextv(size).catch((error: unknown) => {
        throw readError(error);
      });
      if (slice.length === 0) return;
      yield slice;
    }
  } finally {
    await iterator.close();
  }
}

/**
 * Makes all that was written survive a power loss. A synced write would not do: LevelDB begins a new file now and then,
 * without a sync of the one before. So what it holds in memory becomes a table, which it syncs; the range, of one key
 * that need not exist, is there because the call wants one.
 */
export async function flushLevel(db: BookLevel): Promise<void> {
  const key = new Uint8Array([0]);
  await (db as unknown as Compactable).compactRange(key, key);
}
