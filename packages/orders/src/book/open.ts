/** Opens a replica's order book as its state machine, and checks it in the background. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@trireme/service';
import { BookFolder } from './folder.js';
import { BookSnapshots } from './snapshots.js';
import { BookStateMachine, type MachineEvents } from './machine.js';
import { Book } from '../rules/book/book.js';
import type { BookMeta } from '../rules/book/state.js';
import { BookStore } from './store.js';

/** Pause between two parts of the background check, in milliseconds; leaves most of the time to orders. */
const CHECK_PAUSE_MS = 4;

interface OpenBookOptions {
  /** The replica's data folder. */
  readonly data: string;
  readonly cluster: string;
  readonly id: string;
  /** Called with what was truncated after a power loss; the log still has those writes. */
  readonly onRepair?: ((what: string) => void) | undefined;
  /** Called with the meta record of the book once it is durable, before the log is compacted. */
  readonly onSynced?: ((meta: BookMeta) => void) | undefined;
}

/**
 * Opens the book.
 * @returns creates its state machine, whose store then closes with it
 * @throws RaftError `LOG_DAMAGED` naming the damage; `BAD_CONFIG` if the book belongs to another replica.
 */
export async function openBook(
  options: OpenBookOptions,
): Promise<(events: MachineEvents) => BookStateMachine<BookStore>> {
  const { data, cluster, id, onSynced } = options;
  const { folder, path } = await BookFolder.open(data);
  const { store, meta, stocks, restored, repaired } = await BookStore.open({ path, cluster, id });
  try {
    if (repaired !== null) options.onRepair?.(repaired);
    const book = new Book(store, meta, stocks);
    const snapshots = (machine: BookStateMachine<BookStore>): BookSnapshots =>
      new BookSnapshots({ machine, folder, cluster, id, restored, onSynced });
    return (events) => new BookStateMachine(book, store, events, snapshots);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Checks every record of an open book in the background, because a start should not wait for it. */
export async function checkBook(store: BookStore, log: Log, fatal: (error: unknown) => void): Promise<void> {
  try {
    await store.check(async () => delay(CHECK_PAUSE_MS));
    log.info('order book check passed');
  } catch (error) {
    fatal(error);
  }
}
