/** Opens a replica's book where it lies, as the state machine that it is. */
import { BookFolder } from './book-folder.js';
import { BookSnapshots } from './book-snapshots.js';
import { BookMachine, type MachineEvents } from './machine.js';
import { Book } from './rules/book.js';
import { BookStore } from './store.js';

interface OpenBookOptions {
  /** The replica's data folder. */
  readonly data: string;
  readonly cluster: string;
  readonly id: string;
  readonly events: MachineEvents;
}

/** @throws RaftError `LOG_DAMAGED` naming what is damaged or missing; `BAD_CONFIG` if the book is another replica's. */
export async function openBook({ data, cluster, id, events }: OpenBookOptions): Promise<BookMachine> {
  const { folder, path } = await BookFolder.open(data);
  const { store, meta, pending, restored } = await BookStore.open({ path, cluster, id });
  const snapshots = (machine: BookMachine): BookSnapshots =>
    new BookSnapshots({ machine, folder, cluster, id, restored });
  return new BookMachine(new Book(store, meta, pending), store, events, snapshots);
}
