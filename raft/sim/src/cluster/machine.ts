/**
 * The state machine of one life of a process: the replicated map on its own disk. Applied entries are written at once
 * but not synced, as the log can always be applied again: a dead process leaves all that it wrote, a power loss only
 * what was synced. Either way index and data are of one moment.
 */
import type { Entry } from '#raft/core/types.js';
import type { StateMachine } from '#raft/machine.js';
import { ABSENT, applyEntry, copyOf, emptyBook, type Book, type Outcome } from './book.js';

/** Entries between two syncs. */
const SYNC_ENTRIES = 40;

/** Told of every entry that went into the book, and of the book's hash with it. */
export type Applied = (entry: Entry, outcome: Outcome, hash: number) => void;

/** What survives: the book as it was written, and as it was last synced. */
export class MachineDisk {
  written: Book = emptyBook();
  #synced: Book = emptyBook();

  /** Puts entries in, as one write. */
  write(entries: readonly Entry[], applied: Applied): void {
    for (const entry of entries) {
      const outcome = applyEntry(this.written, entry);
      applied(entry, outcome, this.written.hash);
    }
    if (this.written.applied - this.#synced.applied >= SYNC_ENTRIES) this.#synced = copyOf(this.written);
  }

  losePower(): void {
    this.written = copyOf(this.#synced);
  }
}

export class SimMachine implements StateMachine {
  readonly #disk: MachineDisk;
  /** Has something happen once the write has taken its time. */
  readonly #later: (run: () => void) => void;
  readonly #applied: Applied;

  constructor(disk: MachineDisk, later: (run: () => void) => void, applied: Applied) {
    this.#disk = disk;
    this.#later = later;
    this.#applied = applied;
  }

  get applied(): number {
    return this.#disk.written.applied;
  }

  get(key: string): number {
    return this.#disk.written.values.get(key) ?? ABSENT;
  }

  async apply(entries: readonly Entry[]): Promise<void> {
    return new Promise((resolve) => {
      this.#later(() => {
        this.#disk.write(entries, this.#applied);
        resolve();
      });
    });
  }
}
