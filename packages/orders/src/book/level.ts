/** LevelDB access of the order book: byte keys and byte values. */
import { Level } from 'level';
import { dirname } from 'node:path';
import { FormatError } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { staggeredSize, toStorageError } from '@trireme/raft/level';
import type { BookRecord } from './record-stream.js';

export type BookLevel = Level<Uint8Array, Uint8Array>;
export type LevelSnapshot = ReturnType<Level['snapshot']>;

export interface ScanRange {
  readonly gte?: Uint8Array;
  readonly lte?: Uint8Array;
  /** Read as of this snapshot instead of the latest state. */
  readonly snapshot?: LevelSnapshot;
}

/** A method of `ClassicLevel` that `level` does not declare. */
interface Compactable {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}

/**
 * Size of LevelDB's memtable in bytes; two may exist at a time. Idempotency keys may be spread over their whole
 * table, so each compaction rewrites much of it: fewer, larger compactions cost less CPU. A still larger
 * memtable would make a start after a kill slower, because LevelDB reads its write-ahead files again.
 */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
/** Added for some replicas, so that replicas do not compact at the same time. */
const WRITE_BUFFER_STEP_BYTES = 2 * 1024 * 1024;
/** Records per slice of a scan whose records are not decoded. */
const SLICE_RECORDS = 1000;

/**
 * Opens the LevelDB at `path` of replica `id`, or creates an empty one.
 * @throws RaftError `LOG_DAMAGED`; `BAD_CONFIG` if another process has it open; `STORAGE_FULL` or
 *   `STORAGE_FAILED`.
 */
export async function openLevel(path: string, id: string): Promise<BookLevel> {
  const db = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: staggeredSize(id, WRITE_BUFFER_BYTES, WRITE_BUFFER_STEP_BYTES),
  });
  try {
    await db.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    const what = `cannot open the order book at ${path}`;
    if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_LOCKED')
      throw toStorageError(dirname(path), what, error);
    const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new RaftError(code === 'LEVEL_CORRUPTION' ? 'LOG_DAMAGED' : 'BAD_CONFIG', message, {
      cause: error,
    });
  }
  return db;
}

/** Converts the error of a read: damage that LevelDB itself detected becomes a FormatError. */
export function readError(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const isDamage = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_CORRUPTION';
  return isDamage ? new FormatError(`LevelDB cannot read it: ${cause.message}`, { cause: error }) : error;
}

/**
 * Yields records in key order.
 * @throws FormatError if LevelDB detects damage.
 */
export async function* scanRecords(db: BookLevel, range: ScanRange): AsyncGenerator<BookRecord> {
  for await (const slice of scanSlices(db, range, SLICE_RECORDS)) yield* slice;
}

/**
 * Yields records in key order, in slices of at most `size`. The event loop runs between two slices, not
 * within one.
 * @throws FormatError if LevelDB detects damage.
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
 * Makes all writes durable against power loss. A synced write is not enough: LevelDB starts a new write-ahead
 * file from time to time without syncing the previous one. A compaction makes LevelDB write its memtable to a
 * table, which it syncs. The range is one key that need not exist, because `compactRange` requires a range.
 */
export async function flushLevel(db: BookLevel): Promise<void> {
  const key = new Uint8Array([0]);
  await (db as unknown as Compactable).compactRange(key, key);
}
