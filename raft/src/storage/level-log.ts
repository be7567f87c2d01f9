/**
 * The log store on LevelDB: one synced, atomic batch per `persist`, the latest entries in memory, and a full check
 * of everything on disk when it is opened.
 *
 * Compaction writes the base first, synced, and only then deletes what is below it. A crash between the two, or among
 * the deletes, leaves entries below the base: they are void, and the next opening removes them. What is behind the base
 * goes with it in one atomic batch when the log begins anew for an installed snapshot, as it would count otherwise.
 */
import { RaftError, invariant } from '../core/errors.js';
import { NO_BASE } from '../core/log.js';
import type { Entry, HardState, LogBase, LogIndex, PersistBatch, Term } from '../core/types.js';
import { endAfter } from './batch-check.js';
import type { EntryCache } from './entry-cache.js';
import { HardStateFile } from './hard-state-file.js';
import { codeOf } from './level-open.js';
import type { MembershipPlaces } from './membership-places.js';
import { openStore, type LevelLogOptions, type OpenedStore } from './open-store.js';
import {
  BASE_KEY,
  FORMAT_VERSION,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  encodeBaseRecord,
  encodeHardState,
  encodeIdentity,
  entriesBetween,
  entryKey,
} from './records.js';
import type { HardStateRecord } from './records.js';
import { causeOf, storageFailure } from './storage-failure.js';
import { readEntryAt } from './store-scan.js';
import type { ByteLevel } from './store-scan.js';
import type { LogStorage } from './storage.js';

/** A log store in a LevelDB folder of its own. */
export class LevelLog implements LogStorage {
  readonly #db: ByteLevel;
  readonly #options: LevelLogOptions;
  readonly #cache: EntryCache;
  /** Where the log begins; may be ahead of the disk while it is compacted, as no one reads below it any more. */
  #base: LogBase;
  readonly #memberships: MembershipPlaces;
  /** What the last finished batch left on disk. */
  #end: HardStateRecord;
  /** The first batch carries the identity. */
  #isNew: boolean;
  /** The second copy of the hard state; null until there is a first. */
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
   * Opens the store, or makes an empty one, after checking every file, record and checksum in it.
   * @throws RaftError `LOG_DAMAGED` naming what is wrong; `BAD_CONFIG` if the folder is another member's, of another
   * format, or in use by another process; `STORAGE_FAILED` if it cannot be read or written.
   */
  static async open(options: LevelLogOptions): Promise<LevelLog> {
    return new LevelLog(options, await openStore(options));
  }

  /** Memory of the cached entries in bytes, at most `cacheBytesMax`. */
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
        const what = `it has term ${entry.term}, behind term ${term} and in term ${this.#end.hardState.term}`;
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
    const found = this.#memberships.last(index);
    return found === 0 ? null : this.#at(found);
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#assertSound();
    invariant(this.#writing === null, 'a persist is under way');
    invariant(batch.base === undefined || this.#compacting === null, 'the log is being compacted');
    const before = { base: this.#base, end: this.#end, term: (index: LogIndex) => this.term(index) };
    const next = endAfter(before, batch);
    this.#isRebasing = batch.base !== undefined;
    this.#writing = this.#guard(async () => this.#write(batch, next));
    try {
      await this.#writing;
    } finally {
      this.#writing = null;
      this.#isRebasing = false;
    }
    this.#show(batch, next);
  }

  async compact(base: LogBase): Promise<void> {
    this.#assertSound();
    if (base.index <= this.#base.index) return;
    invariant(this.#compacting === null && !this.#isRebasing, 'the log is being given another base');
    invariant(this.term(base.index) === base.term, `no entry (${base.index}, ${base.term}) to compact up to`);
    const first = this.#base.index + 1;
    this.#base = base;
    this.#memberships.keep(base.index + 1, this.#end.lastIndex);
    this.#compacting = this.#guard(async () => {
      await this.#db.batch().put(BASE_KEY, encodeBaseRecord(base)).write(SYNCED);
      await this.#db.clear(entriesBetween(first, base.index));
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

  /** After a write that failed nothing works any more. */
  async #guard(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const { path } = this.#options;
      const what = `log store ${path}: a write failed and may or may not be on disk`;
      this.#failure = storageFailure(path, what, error);
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
    if (base !== undefined) await this.#db.clear(entriesBetween(this.#base.index + 1, base.index));
  }

  /** Behind the store's own, so that it is never ahead of it; before anyone is told. */
  async #writeCopy(hardState: HardState): Promise<void> {
    const { term, vote } = this.#end.hardState;
    if (this.#copy === null) {
      this.#copy = await HardStateFile.create(this.#options.path, this.#options, hardState);
    } else if (hardState.term !== term || hardState.vote !== vote) {
      await this.#copy.write(hardState);
    }
  }

  #show({ base, entries }: PersistBatch, next: HardStateRecord): void {
    if (base !== undefined) {
      this.#base = base;
      this.#cache.clear();
      this.#memberships.keep(base.index + 1, base.index);
    }
    const first = entries[0];
    if (first !== undefined) {
      this.#cache.truncate(first.index);
      this.#memberships.keep(this.#base.index + 1, first.index - 1);
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
    const isDamage = cause instanceof RaftError || codeOf(cause) === 'LEVEL_CORRUPTION';
    const what = `log store ${this.#options.path}: entry ${index}: ${causeOf(cause)}`;
    return new RaftError(isDamage ? 'LOG_DAMAGED' : 'STORAGE_FAILED', what, { cause });
  }

  #assertSound(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/** Typed by what it is: `level` declares `sync` only for the implementation it wraps. */
const SYNCED = { sync: true };
