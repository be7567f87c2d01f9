/** Creates snapshots of the order book, and installs snapshots that a leader sends. */
import { rm } from 'node:fs/promises';
import type { Stock } from '@trireme/domain';
import type { LogBase, SnapshotSupport, SnapshotView, StagedSnapshot } from '@trireme/raft';
import type { BookFolder } from './folder.js';
import type { BookStateMachine } from './machine.js';
import { packRecords, unpackRecords } from './record-stream.js';
import { receiveBook } from './receive.js';
import { Book } from '../rules/book/book.js';
import type { BookMeta } from '../rules/book/state.js';
import { BookStore } from './store.js';

interface BookSnapshotsOptions {
  readonly machine: BookStateMachine<BookStore>;
  readonly folder: BookFolder;
  readonly cluster: string;
  readonly id: string;
  readonly restored: LogBase | null;
  /** Called with the meta record of the book once it is durable, before the log is compacted. */
  readonly onSynced?: ((meta: BookMeta) => void) | undefined;
}

interface Received {
  readonly store: BookStore;
  readonly meta: BookMeta;
  readonly stocks: readonly Stock[];
}

export class BookSnapshots implements SnapshotSupport {
  readonly #options: BookSnapshotsOptions;
  #restored: LogBase | null;

  constructor(options: BookSnapshotsOptions) {
    this.#options = options;
    this.#restored = options.restored;
  }

  get restoredBase(): LogBase | null {
    return this.#restored;
  }

  async sync(): Promise<number> {
    const { machine, onSynced } = this.#options;
    await machine.flush();
    const { store, stored } = machine;
    await store.sync();
    onSynced?.(stored);
    return stored.applied;
  }

  createView(): SnapshotView {
    const view = this.#options.machine.store.view();
    return {
      index: view.meta.applied,
      chunks: () => packRecords(view.records()),
      close: async () => view.close(),
    };
  }

  /**
   * @throws RaftError `STORAGE_FAILED`; FormatError if a record is damaged or missing, or if the book is not
   *   as of `base`; errors of `chunks`.
   */
  async receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot> {
    const { folder, cluster, id } = this.#options;
    const path = folder.newPath();
    const store = await BookStore.create(path, id);
    try {
      const { meta, stocks } = await receiveBook(store, unpackRecords(chunks), base.index);
      // The meta record goes last: without one, the folder does not count as a book.
      await store.complete({ cluster, id }, meta, base);
      return this.#stagedSnapshot(path, base, { store, meta, stocks });
    } catch (error) {
      await store.close();
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  }

  #stagedSnapshot(path: string, base: LogBase, { store, meta, stocks }: Received): StagedSnapshot {
    const { folder, machine } = this.#options;
    let isInstalled = false;
    return {
      install: async () => {
        await machine.flush();
        await folder.pointTo(path);
        isInstalled = true;
        this.#restored = base;
        const before = machine.store;
        machine.replaceBook(new Book(store, meta, stocks), store);
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
