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
import type { Entry, HardState, LogBase, LogIndex, NodeId, PersistBatch, Term } from '../core/types.js';
import { EntryCache } from './entry-cache.js';
import { MembershipPlaces } from './membership-places.js';
import { causeOf, codeOf, newLevel, openError, probeLock } from './level-open.js';
import { hasStore, syncFolder, verifyFolder } from './leveldb-folder.js';
import {
  BASE_KEY,
  FORMAT_VERSION,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  encodeBaseRecord,
  encodeHardState,
  encodeIdentity,
  entryKey,
} from './records.js';
import type { HardStateRecord } from './records.js';
import { readEntryAt, scanStore } from './store-scan.js';
import type { ByteLevel, StoreContents } from './store-scan.js';
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
  /** Where the log begins; may be ahead of the disk while it is compacted, as no one reads below it any more. */
  #base: LogBase;
  readonly #memberships: MembershipPlaces;
  /** What the last finished batch left on disk. */
  #end: HardStateRecord;
  /** The first batch carries the identity. */
  #isNew: boolean;
  #writing: Promise<void> | null = null;
  #isRebasing = false;
  #compacting: Promise<void> | null = null;
  #failure: RaftError | null = null;

  private constructor(
    db: ByteLevel,
    options: LevelLogOptions,
    found: { readonly cache: EntryCache; readonly memberships: MembershipPlaces },
    contents: StoreContents | null,
  ) {
    this.#db = db;
    this.#options = options;
    this.#cache = found.cache;
    this.#memberships = found.memberships;
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
      const memberships = new MembershipPlaces();
      const contents = await scanStore(db, options, (entry) => {
        cache.append(entry);
        memberships.append(entry);
      });
      if (contents?.hasLeftovers === true) await db.clear(entriesUpTo(1, contents.base.index));
      return new LevelLog(db, options, { cache, memberships }, contents);
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
    for (let index = low; index <= high; index++) {
      const entry = this.#at(index);
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
    const next = this.#endAfter(batch);
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
      await this.#db.clear(entriesUpTo(first, base.index));
    });
    try {
      await this.#compacting;
    } finally {
      this.#compacting = null;
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#compacting]);
    await this.#db.close();
  }

  /** After a write that failed nothing works any more. */
  async #guard(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#failure = new RaftError(
        'STORAGE_FAILED',
        `log store ${this.#options.path}: a write failed and may or may not be on disk: ${causeOf(error)}`,
        { cause: error },
      );
      throw this.#failure;
    }
  }

  /** Checks the batch against what is on disk, and says what will be there after it. */
  #endAfter({ base, hardState, entries }: PersistBatch): HardStateRecord {
    const { hardState: before } = this.#end;
    const after = hardState ?? before;
    invariant(after.term >= before.term, `term falls from ${before.term} to ${after.term}`);
    invariant(
      after.term > before.term || before.vote === null || after.vote === before.vote,
      `the vote of term ${before.term} changes from ${before.vote} to ${after.vote}`,
    );
    if (base !== undefined) {
      invariant(base.index > this.#base.index, `base ${base.index} after ${this.#base.index}`);
      invariant(base.term <= after.term, `base of term ${base.term}, above the member's term ${after.term}`);
    }
    const end =
      base === undefined
        ? { ...this.#end, hardState: after }
        : { hardState: after, lastIndex: base.index, lastTerm: base.term };
    const first = entries[0];
    if (first === undefined) return end;
    const { index: floor } = base ?? this.#base;
    const isNext = first.index > floor && first.index <= end.lastIndex + 1;
    invariant(isNext, `entry ${first.index} of a log from ${floor} to ${end.lastIndex}`);
    let index = first.index - 1;
    let term = base?.term ?? this.term(index);
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
    if (base !== undefined) await this.#db.clear(entriesUpTo(this.#base.index + 1, base.index));
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

/** The keys of entries from `low` to `high`, for a range delete, which LevelDB's binding does a few at a time. */
function entriesUpTo(low: LogIndex, high: LogIndex): { readonly gte: Buffer; readonly lte: Buffer } {
  return { gte: entryKey(low), lte: entryKey(high) };
}

/** Typed by what it is: `level` declares `sync` only for the implementation it wraps. */
const SYNCED = { sync: true };
