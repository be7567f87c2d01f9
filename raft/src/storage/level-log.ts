/**
 * The log store on LevelDB: one synced, atomic batch per `persist`, the latest entries in memory, and a full
 * check of everything on disk when the store is opened.
 *
 * A compaction first writes the new base and syncs it, and then deletes the entries up to it. A crash before
 * or during the deletes leaves entries below the base: they are void, and the next opening removes them. When
 * the log restarts after an installed snapshot, the entries after the base are deleted in the same atomic
 * batch, because they would not be void.
 */
import { RaftError, invariant } from '../core/errors.js';
import { NO_BASE } from '../core/log.js';
import type { Entry, HardState, LogBase, LogIndex, PersistBatch, Term } from '../core/types.js';
import { checkBatch } from './batch-check.js';
import type { EntryCache } from './entry-cache.js';
import { HardStateFile } from './hard-state-file.js';
import { innermostErrorCode } from './level-open.js';
import type { MembershipIndexes } from './membership-indexes.js';
import { openStore, type LevelLogOptions, type OpenedStore } from './open-store.js';
import {
  BASE_KEY,
  FORMAT_VERSION,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  encodeBaseRecord,
  encodeHardState,
  encodeIdentity,
  entryKeyRange,
  entryKey,
} from './records.js';
import type { HardStateRecord } from './records.js';
import { innermostErrorMessage, toStorageError } from './storage-error.js';
import { readEntryAt } from './store-scan.js';
import type { ByteLevel } from './store-scan.js';
import type { LogStorage } from './storage.js';

/** A log store in its own LevelDB folder. */
export class LevelLog implements LogStorage {
  readonly #db: ByteLevel;
  readonly #options: LevelLogOptions;
  readonly #cache: EntryCache;
  /**
   * The base of the log. During a compaction it may be ahead of the disk, because nothing reads below it any
   * more.
   */
  #base: LogBase;
  readonly #memberships: MembershipIndexes;
  /** The hard state and end of the log on disk after the last completed batch. */
  #end: HardStateRecord;
  /** Whether the next batch is the first one, which also writes the identity. */
  #isNew: boolean;
  /** The second copy of the hard state; null until the first batch is written. */
  #copy: HardStateFile | null;
  #writing: Promise<void> | null = null;
  #isRebasing = false;
  #compacting: Promise<void> | null = null;
  #failure: RaftError | null = null;

  private constructor(options: LevelLogOptions, { db, cache, memberships, contents, copy }: OpenedStore) {
    this.#db = db;
    this.#options = options;
    this.#cache = cache;
    this.#memberships = memberships;
    this.#copy = copy;
    this.#base = contents?.base ?? NO_BASE;
    this.#end = contents?.end ?? { hardState: { term: 0, vote: null }, lastIndex: 0, lastTerm: 0 };
    this.#isNew = contents === null;
  }

  /**
   * Opens the store after checking every file, record and checksum in it, or creates an empty one.
   * @throws RaftError `LOG_DAMAGED` naming the damage; `BAD_CONFIG` if the folder belongs to another member,
   *   has another format, or is in use by another process; `STORAGE_FAILED` if it cannot be read or written.
   */
  static async open(options: LevelLogOptions): Promise<LevelLog> {
    return new LevelLog(options, await openStore(options));
  }

  /** Memory of the cached entries, in bytes; at most `cacheBytesMax`. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  hardState(): HardState {
    this.#assertSound();
    return this.#end.hardState;
  }

  base(): LogBase {
    this.#assertSound();
    return this.#base;
  }

  lastIndex(): LogIndex {
    this.#assertSound();
    return this.#end.lastIndex;
  }

  term(index: LogIndex): Term {
    this.#assertSound();
    const { index: first, term } = this.#base;
    invariant(index >= first && index <= this.#end.lastIndex, `term of index ${index} outside the log`);
    if (index === first) return term;
    return index === this.#end.lastIndex ? this.#end.lastTerm : this.#at(index).term;
  }

  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    this.#assertSound();
    const isWithin = low > this.#base.index && low <= high && high <= this.#end.lastIndex;
    invariant(isWithin, `entries ${low} to ${high} outside the log`);
    const found: Entry[] = [];
    let bytes = 0;
    let { term } = this.#base;
    for (let index = low; index <= high; index++) {
      const entry = this.#at(index);
      if (entry.term < term || entry.term > this.#end.hardState.term) {
        const what = `it has term ${entry.term}, outside of ${term} to ${this.#end.hardState.term}`;
        throw this.#unreadable(index, new RaftError('LOG_DAMAGED', what));
      }
      term = entry.term;
      bytes += entry.record.byteLength;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  lastMembership(index: LogIndex): Entry | null {
    this.#assertSound();
    const found = this.#memberships.lastAtOrBefore(index);
    return found === 0 ? null : this.#at(found);
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#assertSound();
    invariant(this.#writing === null, 'another persist is running');
    invariant(batch.base === undefined || this.#compacting === null, 'the log is being compacted');
    const before = { base: this.#base, end: this.#end, term: (index: LogIndex) => this.term(index) };
    const next = checkBatch(before, batch);
    this.#isRebasing = batch.base !== undefined;
    this.#writing = this.#guard(async () => this.#write(batch, next));
    try {
      await this.#writing;
    } finally {
      this.#writing = null;
      this.#isRebasing = false;
    }
    this.#publish(batch, next);
  }

  async compact(base: LogBase): Promise<void> {
    this.#assertSound();
    if (base.index <= this.#base.index) return;
    invariant(this.#compacting === null && !this.#isRebasing, 'the base of the log is already being changed');
    invariant(
      this.term(base.index) === base.term,
      `cannot compact up to entry (${base.index}, ${base.term}): it is not in the log`,
    );
    const first = this.#base.index + 1;
    this.#base = base;
    this.#memberships.retain(base.index + 1, this.#end.lastIndex);
    this.#compacting = this.#guard(async () => {
      await this.#db.batch().put(BASE_KEY, encodeBaseRecord(base)).write(SYNCED);
      await this.#db.clear(entryKeyRange(first, base.index));
    });
    try {
      await this.#compacting;
    } finally {
      this.#compacting = null;
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#compacting]);
    await this.#copy?.close();
    await this.#db.close();
  }

  /** Runs a write. After a failure all calls fail, because the state on disk is unknown. */
  async #guard(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const { path } = this.#options;
      const what = `log store ${path}: a write failed; it may or may not be on disk`;
      this.#failure = toStorageError(path, what, error);
      throw this.#failure;
    }
  }

  async #write({ base, entries }: PersistBatch, next: HardStateRecord): Promise<void> {
    const write = this.#db.batch();
    if (base !== undefined) write.put(BASE_KEY, encodeBaseRecord(base));
    for (const entry of entries) write.put(entryKey(entry.index), entry.record);
    for (let index = next.lastIndex + 1; index <= this.#end.lastIndex; index++) write.del(entryKey(index));
    write.put(HARD_STATE_KEY, encodeHardState(next));
    if (this.#isNew) {
      const { cluster, id } = this.#options;
      write.put(IDENTITY_KEY, encodeIdentity({ format: FORMAT_VERSION, cluster, id }));
    }
    await write.write(SYNCED);
    await this.#writeCopy(next.hardState);
    if (base !== undefined) await this.#db.clear(entryKeyRange(this.#base.index + 1, base.index));
  }

  /**
   * Runs after the write to the store, so that the copy is never ahead of it, and before anything is
   * acknowledged.
   */
  async #writeCopy(hardState: HardState): Promise<void> {
    const { term, vote } = this.#end.hardState;
    if (this.#copy === null) {
      this.#copy = await HardStateFile.create(this.#options.path, this.#options, hardState);
    } else if (hardState.term !== term || hardState.vote !== vote) {
      await this.#copy.write(hardState);
    }
  }

  /** Makes a completed batch visible to reads. */
  #publish({ base, entries }: PersistBatch, next: HardStateRecord): void {
    if (base !== undefined) {
      this.#base = base;
      this.#cache.clear();
      this.#memberships.retain(base.index + 1, base.index);
    }
    const first = entries[0];
    if (first !== undefined) {
      this.#cache.truncate(first.index);
      this.#memberships.retain(this.#base.index + 1, first.index - 1);
    }
    for (const entry of entries) {
      this.#cache.append(entry);
      this.#memberships.append(entry);
    }
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
      throw this.#unreadable(index, error);
    }
  }

  #unreadable(index: LogIndex, cause: unknown): RaftError {
    const isDamage = cause instanceof RaftError || innermostErrorCode(cause) === 'LEVEL_CORRUPTION';
    const what = `log store ${this.#options.path}: entry ${index}: ${innermostErrorMessage(cause)}`;
    return new RaftError(isDamage ? 'LOG_DAMAGED' : 'STORAGE_FAILED', what, { cause });
  }

  #assertSound(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/** A constant, because `level` declares the `sync` option only for the implementation that it wraps. */
const SYNCED = { sync: true };
