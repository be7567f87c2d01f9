/** The book as a source of snapshots and as what becomes of one: the state machine's other half. */
import { rm } from 'node:fs/promises';
import { FormatError, type Stock } from '@trireme/domain';
import type { LogBase, SnapshotSupport, SnapshotView, StagedSnapshot } from '@trireme/raft';
import { BookCheck } from './book-check.js';
import type { BookFolder } from './book-folder.js';
import type { BookMachine } from './machine.js';
import { packRecords, unpackRecords } from './record-stream.js';
import { isOwnRecord, readMeta, tableOf, textKey, unseal } from './records.js';
import { Book } from './rules/book.js';
import type { BookMeta } from './rules/state.js';
import { BookStore } from './store.js';

interface BookSnapshotsOptions {
  readonly machine: BookMachine<BookStore>;
  readonly folder: BookFolder;
  readonly cluster: string;
  readonly id: string;
  readonly restored: LogBase | null;
}

/** Records of a snapshot written at once: few enough that the event loop goes on, many enough to be fast. */
const WRITE_RECORDS = 1_000;
const WRITE_BYTES = 1024 * 1024;

interface Received {
  readonly store: BookStore;
  readonly meta: BookMeta;
  readonly stocks: readonly Stock[];
}

export class BookSnapshots implements SnapshotSupport {
  readonly #o: BookSnapshotsOptions;
  #restored: LogBase | null;

  constructor(options: BookSnapshotsOptions) {
    this.#o = options;
    this.#restored = options.restored;
  }

  get restored(): LogBase | null {
    return this.#restored;
  }

  async sync(): Promise<number> {
    const { machine } = this.#o;
    await machine.flush();
    const { store, applied } = machine;
    await store.sync();
    return applied;
  }

  take(): SnapshotView {
    const view = this.#o.machine.store.view();
    return {
      index: view.meta.applied,
      chunks: () => packRecords(view.records()),
      close: async () => view.close(),
    };
  }

  /**
   * @throws RaftError `STORAGE_FAILED`, FormatError if a record is damaged or missing or the book is not as of `base`;
   *   what `chunks` throw.
   */
  async receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot> {
    const { folder, cluster, id } = this.#o;
    const path = folder.next();
    const store = await BookStore.create(path, id);
    try {
      const { meta, stocks } = await this.#write(store, base, chunks);
      // The meta record last: a book without one is none.
      await store.finish({ cluster, id }, meta, base);
      return this.#staged(path, base, { store, meta, stocks });
    } catch (error) {
      await store.close();
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  }

  /** Writes every record but meta as it comes, after checking it. */
  async #write(
    store: BookStore,
    base: LogBase,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<Omit<Received, 'store'>> {
    const records = unpackRecords(chunks);
    const first = await records.next();
    if (first.done === true || tableOf(first.value[0]) !== 'meta') {
      throw new FormatError('a snapshot does not begin with its meta record');
    }
    const meta = readMeta(unseal(textKey('meta'), first.value[1]));
    if (meta.applied !== base.index) {
      throw new FormatError(`a snapshot as of ${base.index} holds a book as of ${meta.applied}`);
    }
    const check = new BookCheck(meta);
    let batch: (readonly [Uint8Array, Uint8Array])[] = [];
    let bytes = 0;
    for await (const record of records) {
      if (isOwnRecord(record[0])) throw new FormatError('a snapshot holds what is of one replica');
      check.visit(...record);
      batch.push(record);
      bytes += record[0].byteLength + record[1].byteLength;
      if (batch.length < WRITE_RECORDS && bytes < WRITE_BYTES) continue;
      await store.put(batch);
      batch = [];
      bytes = 0;
    }
    await store.put(batch);
    return { meta, stocks: check.finish() };
  }

  #staged(path: string, base: LogBase, { store, meta, stocks }: Received): StagedSnapshot {
    const { folder, machine } = this.#o;
    let isInstalled = false;
    return {
      install: async () => {
        await machine.flush();
        await folder.pointTo(path);
        isInstalled = true;
        this.#restored = base;
        const before = machine.store;
        machine.become(new Book(store, meta, stocks), store);
        before.retire();
      },
      discard: async () => {
        if (isInstalled) return;
        await store.close();
        await rm(path, { recursive: true, force: true });
      },
    };
  }
}
