/**
 * Restores a book from backups: stores the records of the full backup, and applies the batches of the incremental
 * ones with the rules that every replica uses. At the end of each file the running hash must be the one in its
 * first line.
 */
import { FormatError, decodeBatch, type Batch } from '@trireme/domain';
import { EMPTY_MEMBERSHIP } from '@trireme/raft';
import { receiveBook } from '../book/receive.js';
import { toRecord } from '../book/codec.js';
import type { BookRecord } from '../book/record-stream.js';
import { BookStore } from '../book/store.js';
import { openBackup, type BackupFile } from './backup-file.js';
import { readBatches } from './contents.js';
import { Book } from '../rules/book/book.js';
import { orderChain, requireInRange, type Chain, type RestorePoint } from '../rules/backup/chain.js';
import type { BackupHeader } from '../rules/backup/header.js';
import type { BookMeta, RetainedBatch } from '../rules/book/state.js';

/** Name of the replica in whose name the book is stored until it is copied. */
const RESTORER = 'restore';
/** Records after which the applied batches are written. */
const WRITE_RECORDS = 20_000;

export interface RestoredBook {
  readonly meta: BookMeta;
  /** Holds the book; close it when done. */
  readonly store: BookStore;
}

/**
 * Opens the files and puts them in order.
 * @throws FormatError naming the file that is damaged or does not fit; the system's error.
 */
export async function openChain(paths: readonly string[]): Promise<Chain<BackupFile>> {
  const files: BackupFile[] = [];
  for (const path of paths) files.push(await openBackup(path));
  return orderChain(files);
}

/**
 * Restores the book into a new folder.
 * @param path a folder that does not exist
 * @param onFile called before each file is applied
 * @throws FormatError if a file is damaged, or the point is not in the backups; RaftError `STORAGE_FAILED`.
 */
export async function restoreBook(
  chain: Chain<BackupFile>,
  point: RestorePoint,
  path: string,
  onFile: (file: BackupFile) => void = () => undefined,
): Promise<RestoredBook> {
  requireInRange(chain, point);
  const store = await BookStore.create(path, RESTORER);
  try {
    onFile(chain.full);
    const restorer = new Restorer(store, await storeFull(store, chain.full), point);
    for (const file of chain.incrementals) {
      if (restorer.isDone) break;
      onFile(file);
      await restorer.apply(file);
    }
    await restorer.finish();
    return { meta: { ...restorer.meta }, store };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function storeFull(store: BookStore, { header, contents, path }: BackupFile): Promise<Book> {
  const { meta, records } = await contents();
  try {
    const { stocks } = await receiveBook(store, withMeta(meta, records), header.index);
    const base = { index: meta.applied, term: 1, membership: EMPTY_MEMBERSHIP };
    await store.complete({ cluster: header.cluster, id: RESTORER }, meta, base);
    return new Book(store, meta, stocks);
  } catch (error) {
    throw error instanceof FormatError
      ? new FormatError(`${path}: ${error.message}`, { cause: error })
      : error;
  }
}

async function* withMeta(meta: BookMeta, records: AsyncIterable<BookRecord>): AsyncGenerator<BookRecord> {
  const { key, value } = toRecord({ table: 'meta', value: meta });
  if (value !== null) yield [key, value];
  yield* records;
}

/** Applies batches up to a point. */
class Restorer {
  readonly #store: BookStore;
  readonly #book: Book;
  readonly #point: RestorePoint;
  #isDone: boolean;

  constructor(store: BookStore, book: Book, point: RestorePoint) {
    this.#store = store;
    this.#book = book;
    this.#point = point;
    this.#isDone = this.#isReached;
  }

  get meta(): BookMeta {
    return this.#book.meta;
  }

  /** Whether no more entries may be applied. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether the book is at the point, as far as that can be told without the next batch. */
  get #isReached(): boolean {
    const { applied, orders } = this.meta;
    if (this.#point.kind === 'index') return applied >= this.#point.index;
    return this.#point.kind === 'order' && orders >= this.#point.order;
  }

  /** @throws FormatError naming the file. */
  async apply({ path, header, contents }: BackupFile): Promise<void> {
    const opened = await contents();
    try {
      for await (const { batch } of readBatches(header.since?.lastSeq ?? 0, opened)) {
        if (batch.seq <= this.meta.lastSeq) continue;
        await this.#applyBatch(batch, opened.meta);
        if (this.#isDone) return;
      }
      this.#applyEnd(opened.meta);
      this.#checkEnd(header);
    } catch (error) {
      if (!(error instanceof FormatError) || error.message.startsWith(path)) throw error;
      throw new FormatError(`${path}: ${error.message}`, { cause: error });
    }
  }

  /** Makes everything durable. */
  async finish(): Promise<void> {
    await this.#write();
    await this.#store.sync();
  }

  /** Applies a batch and the entries before it; or only those up to the point, if the batch lies beyond it. */
  async #applyBatch(batch: RetainedBatch, end: BookMeta): Promise<void> {
    const point = this.#point;
    if (point.kind === 'index' && batch.index > point.index) {
      this.#applyUpTo(point.index, end);
      this.#isDone = true;
      return;
    }
    if (point.kind === 'time' && batch.time > point.time) {
      this.#isDone = true;
      return;
    }
    if (batch.index <= this.meta.applied)
      throw new FormatError(
        `batch ${batch.seq} has log index ${batch.index}, but the book is at ${this.meta.applied} already`,
      );
    this.#applyUpTo(batch.index - 1, end);
    // Entries without commands before the batch may have set later times than its own.
    const entry = { ...decodeBatch(batch.bytes), age: batch.age, time: batch.time };
    this.#book.apply([{ index: batch.index, batch: entry, bytes: batch.bytes }]);
    if (this.#book.pendingWriteCount >= WRITE_RECORDS) await this.#write();
    this.#isDone = this.#isReached;
  }

  /**
   * Applies entries without commands up to `index`. A backup contains only the last change of the catalog set.
   * @param end the meta record of the backup
   */
  #applyUpTo(index: number, { catalogs, catalogsIndex }: BookMeta): void {
    const { age, time } = this.meta;
    for (let next = this.meta.applied + 1; next <= index; next += 1) {
      const batch =
        next === catalogsIndex ? { age, time, visibleOrders: 0, seed: null, commands: [], catalogs } : null;
      this.#book.apply([{ index: next, batch, bytes: new Uint8Array() }]);
    }
  }

  /** Applies the entries after the last batch of a backup. */
  #applyEnd(end: BookMeta): void {
    const { applied, age, time, visibleOrders } = end;
    if (this.#point.kind === 'index' && this.#point.index < applied) {
      this.#applyUpTo(this.#point.index, end);
    } else if (this.meta.applied < applied) {
      this.#applyUpTo(applied - 1, end);
      const catalogs = end.catalogsIndex === applied ? end.catalogs : undefined;
      const batch: Batch = { age, time, visibleOrders, seed: null, commands: [], catalogs };
      this.#book.apply([{ index: applied, batch, bytes: new Uint8Array() }]);
    }
    this.#isDone = this.#isReached;
  }

  /** @throws FormatError if the book is another one than the replica had. */
  #checkEnd({ index, hash, orders }: BackupHeader): void {
    if (this.meta.hash === hash && this.meta.orders === orders) return;
    throw new FormatError(
      `at log index ${index} the book has ${this.meta.orders} orders and hash ${this.meta.hash}, but the replica had ` +
        `${orders} orders and hash ${hash}: the file does not continue the backups before it`,
    );
  }

  async #write(): Promise<void> {
    await this.#store.write(this.#book.takeWrites());
    this.#book.onWritten();
  }
}
