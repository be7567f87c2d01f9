/**
 * The log store on LevelDB: one synced, atomic batch per `persist`, the latest entries in memory, and a full check
 * of everything on disk when it is opened.
 */
import { Level } from 'level';
import { RaftError, invariant } from '../core/errors.js';
import type { Entry, HardState, LogIndex, NodeId, PersistBatch, Term } from '../core/types.js';
import { EntryCache } from './entry-cache.js';
import { hasStore, syncFolder, verifyFolder } from './leveldb-folder.js';
import {
  FORMAT_VERSION,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  encodeHardState,
  encodeIdentity,
  entryKey,
} from './records.js';
import type { HardStateRecord } from './records.js';
import { readEntryAt, scanStore } from './store-scan.js';
import type { ByteLevel } from './store-scan.js';
import type { LogStorage } from './storage.js';

const CACHE_BYTES_MAX = 16 * 1024 * 1024;

export interface LevelLogOptions {
  /** Folder of the store; made if it is absent. One process at a time. */
  readonly path: string;
  /** Name of the cluster; a folder of another one is refused. */
  readonly cluster: string;
  /** This member; a folder of another one is refused. */
  readonly id: NodeId;
  /** Bound on the entries kept in memory, in bytes: 16 MiB unless given. Older ones are read from disk. */
  readonly cacheBytesMax?: number;
}

export class LevelLog implements LogStorage {
  readonly #db: ByteLevel;
  readonly #options: LevelLogOptions;
  readonly #cache: EntryCache;
  /** What the last finished batch left on disk. */
  #end: HardStateRecord;
  /** The first batch carries the identity. */
  #isNew: boolean;
  #writing: Promise<void> | null = null;
  #failure: RaftError | null = null;

  private constructor(
    db: ByteLevel,
    options: LevelLogOptions,
    cache: EntryCache,
    end: HardStateRecord | null,
  ) {
    this.#db = db;
    this.#options = options;
    this.#cache = cache;
    this.#end = end ?? { hardState: { term: 0, vote: null }, lastIndex: 0, lastTerm: 0 };
    this.#isNew = end === null;
  }

  /**
   * Opens the store, or makes an empty one, after checking every file, record and checksum in it.
   * @throws RaftError `LOG_DAMAGED` naming what is wrong; `BAD_CONFIG` if the folder is another member's, of another
   * format, or in use by another process; `STORAGE_FAILED` if it cannot be read or written.
   */
  static async open(options: LevelLogOptions): Promise<LevelLog> {
    const { path } = options;
    if (await hasStore(path)) await probeLock(path);
    await verifyFolder(path);
    const db = newLevel(path);
    await db.open().catch((error: unknown) => {
      throw openError(path, error);
    });
    try {
      await syncFolder(path);
      const cache = new EntryCache(options.cacheBytesMax ?? CACHE_BYTES_MAX);
      const end = await scanStore(db, options, (entry) => cache.append(entry));
      return new LevelLog(db, options, cache, end);
    } catch (error) {
      await db.close();
      throw error instanceof RaftError ? error : openError(path, error);
    }
  }

  /** Memory of the cached entries in bytes, at most `cacheBytesMax`. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  hardState(): HardState {
    this.#assertSound();
    return this.#end.hardState;
  }

  lastIndex(): LogIndex {
    this.#assertSound();
    return this.#end.lastIndex;
  }

  term(index: LogIndex): Term {
    this.#assertSound();
    invariant(index >= 0 && index <= this.#end.lastIndex, `term of index ${index} behind the log's end`);
    if (index === 0) return 0;
    return index === this.#end.lastIndex ? this.#end.lastTerm : this.#at(index).term;
  }

  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    this.#assertSound();
    invariant(low >= 1 && low <= high && high <= this.#end.lastIndex, `entries ${low} to ${high}`);
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = low; index <= high; index++) {
      const entry = this.#at(index);
      bytes += entry.record.byteLength;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#assertSound();
    invariant(this.#writing === null, 'a persist is under way');
    const next = this.#endAfter(batch);
    this.#writing = this.#write(batch, next);
    try {
      await this.#writing;
    } catch (error) {
      this.#failure = new RaftError(
        'STORAGE_FAILED',
        `log store ${this.#options.path}: a write failed and may or may not be on disk: ${causeOf(error)}`,
        { cause: error },
      );
      throw this.#failure;
    } finally {
      this.#writing = null;
    }
    this.#show(batch.entries, next);
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#db.close();
  }

  /** Checks the batch against what is on disk, and says what will be there after it. */
  #endAfter({ hardState, entries }: PersistBatch): HardStateRecord {
    const { hardState: before, lastIndex } = this.#end;
    const after = hardState ?? before;
    invariant(after.term >= before.term, `term falls from ${before.term} to ${after.term}`);
    invariant(
      after.term > before.term || before.vote === null || after.vote === before.vote,
      `the vote of term ${before.term} changes from ${before.vote} to ${after.vote}`,
    );
    const first = entries[0];
    if (first === undefined) return { ...this.#end, hardState: after };
    invariant(first.index >= 1 && first.index <= lastIndex + 1, `entry ${first.index} leaves a hole`);
    let index = first.index - 1;
    let term = this.term(index);
    for (const entry of entries) {
      // Asked in front of `invariant`, because its message costs more than the check: this runs for every entry.
      if (entry.index !== index + 1 || entry.term < term) {
        invariant(false, `entry ${entry.index} of term ${entry.term} cannot follow ${index} of term ${term}`);
      }
      index += 1;
      term = entry.term;
    }
    invariant(after.term >= term, `entry ${index} has term ${term}, above the member's term ${after.term}`);
    return { hardState: after, lastIndex: index, lastTerm: term };
  }

  async #write({ entries }: PersistBatch, next: HardStateRecord): Promise<void> {
    const write = this.#db.batch();
    for (const entry of entries) write.put(entryKey(entry.index), entry.record);
    for (let index = next.lastIndex + 1; index <= this.#end.lastIndex; index++) write.del(entryKey(index));
    write.put(HARD_STATE_KEY, encodeHardState(next));
    if (this.#isNew) {
      const { cluster, id } = this.#options;
      write.put(IDENTITY_KEY, encodeIdentity({ format: FORMAT_VERSION, cluster, id }));
    }
    await write.write(SYNCED);
  }

  #show(entries: readonly Entry[], next: HardStateRecord): void {
    const first = entries[0];
    if (first !== undefined) this.#cache.truncate(first.index);
    for (const entry of entries) this.#cache.append(entry);
    this.#end = next;
    this.#isNew = false;
  }

  /** The entry at an index within the log, from memory or from disk. */
  #at(index: LogIndex): Entry {
    const cached = this.#cache.get(index);
    if (cached !== undefined) return cached;
    try {
      const value = this.#db.getSync(entryKey(index));
      if (value === undefined) throw new RaftError('LOG_DAMAGED', 'it is missing');
      return readEntryAt(index, value);
    } catch (error) {
      const code =
        error instanceof RaftError || codeOf(error) === 'LEVEL_CORRUPTION' ? 'LOG_DAMAGED' : 'STORAGE_FAILED';
      throw new RaftError(code, `log store ${this.#options.path}: entry ${index}: ${causeOf(error)}`, {
        cause: error,
      });
    }
  }

  #assertSound(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/** Typed by what it is: `level` declares `sync` only for the implementation it wraps. */
const SYNCED = { sync: true };

/** Uncompressed, because the check of table files reads their index. */
function newLevel(path: string): ByteLevel {
  return new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
  });
}

/**
 * Refuses a store that another process has open, before its files are checked: they change under the check. LevelDB
 * takes its lock first of all, then turns this attempt down without touching anything.
 */
async function probeLock(path: string): Promise<void> {
  const db = newLevel(path);
  try {
    await db.open({ createIfMissing: false, errorIfExists: true });
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') throw openError(path, error);
  }
  await db.close();
}

function openError(path: string, error: unknown): RaftError {
  const code = codeOf(error);
  if (code === 'LEVEL_LOCKED') {
    return new RaftError('BAD_CONFIG', `another process uses the log store ${path}`, { cause: error });
  }
  return new RaftError(
    code === 'LEVEL_CORRUPTION' ? 'LOG_DAMAGED' : 'STORAGE_FAILED',
    `log store ${path} cannot be opened: ${causeOf(error)}`,
    { cause: error },
  );
}

/** `level` wraps the error of LevelDB that says what happened. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error.cause instanceof Error) return codeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}
