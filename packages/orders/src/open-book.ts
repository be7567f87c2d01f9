/** Opens a replica's book where it lies, as the state machine that it is, and looks through it afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@trireme/service';
import { BookFolder } from './book-folder.js';
import { BookSnapshots } from './book-snapshots.js';
import { BookMachine, type MachineEvents } from './machine.js';
import { Book } from './rules/book.js';
import { BookStore } from './store.js';

/** Between two times that records are checked: most of the time is left to orders, in milliseconds. */
const CHECK_PAUSE_MS = 4;

interface OpenBookOptions {
  /** The replica's data folder. */
  readonly data: string;
  readonly cluster: string;
  readonly id: string;
  readonly events: MachineEvents;
  /** Told what a power loss left of the last writes and was cut off: the log has them. */
  readonly onRepair?: (what: string) => void;
}

/** @throws RaftError `LOG_DAMAGED` naming what is damaged or missing; `BAD_CONFIG` if the book is another replica's. */
export async function openBook(options: OpenBookOptions): Promise<BookMachine<BookStore>> {
  const { data, cluster, id, events } = options;
  const { folder, path } = await BookFolder.open(data);
  const { store, meta, stocks, restored, mended } = await BookStore.open({ path, cluster, id });
  if (mended !== null) options.onRepair?.(mended);
  const snapshots = (machine: BookMachine<BookStore>): BookSnapshots =>
    new BookSnapshots({ machine, folder, cluster, id, restored });
  return new BookMachine(new Book(store, meta, stocks), store, events, snapshots);
}

/** Reads every record of an open book beside the work: it takes longer than anybody should wait for a start. */
export async function checkBook(store: BookStore, log: Log, fatal: (error: unknown) => void): Promise<void> {
  try {
    await store.check(async () => delay(CHECK_PAUSE_MS));
    log.info('every record of the book was read and is sound');
  } catch (error) {
    fatal(error);
  }
}
