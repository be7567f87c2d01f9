/**
 * The state machine of one life of a process: the replicated map on its own disk. Applied entries are written at once
 * but not synced, as the log can always be applied again: a dead process leaves all that it wrote, a power loss only
 * what was synced. Either way index and data are of one moment.
 */
import { invariant } from '#raft/core/errors.js';
import type { Entry, LogBase, LogIndex } from '#raft/core/types.js';
import type { SnapshotSupport, SnapshotView, StagedSnapshot, StateMachine } from '#raft/machine.js';
import { ABSENT, applyEntry, copyOf, emptyBook, hashOf, type Book, type Outcome } from './book.js';
import { decodeBook, encodeBook } from './snapshot.js';
import { SlowWrites, type DiskSchedule } from './writes.js';

/** Entries between two syncs that no one asked for. */
const SYNC_ENTRIES = 40;
/** Bytes of a snapshot that travel together. */
const CHUNK_BYTES = 300;

/** Told of every entry that went into the book, and of the book's hash with it. */
export type Applied = (entry: Entry, outcome: Outcome, hash: number) => void;

/** What survives: the book as it was written, and as it was last synced. */
export class MachineDisk {
  written: Book = emptyBook();
  #synced: Book = emptyBook();

  /** The index up to which a power loss takes nothing. */
  get syncedTo(): LogIndex {
    return this.#synced.applied;
  }

  /** Puts entries in, as one write. */
  write(entries: readonly Entry[], applied: Applied): void {
    for (const entry of entries) {
      const outcome = applyEntry(this.written, entry);
      applied(entry, outcome, hashOf(this.written));
    }
    if (this.written.applied - this.#synced.applied >= SYNC_ENTRIES) this.#synced = copyOf(this.written);
  }

  /** What was written when `book` was copied survives a power loss. */
  synced(book: Book): void {
    if (book.applied > this.#synced.applied) this.#synced = book;
  }

  /** Another book takes the place of this one, at once and for good. */
  replace(book: Book): void {
    this.#synced = book;
    this.written = copyOf(book);
  }

  losePower(): void {
    this.written = copyOf(this.#synced);
  }
}

interface MachineContext {
  readonly disk: MachineDisk;
  /** Has something happen once the write has taken its time. */
  readonly later: (run: () => void) => void;
  readonly applied: Applied;
  /** How syncs and installs take their time; null where the machine gives and takes no snapshots. */
  readonly schedule: DiskSchedule | null;
  /** A snapshot was asked for: the driver goes on by itself. */
  readonly woken: () => void;
  /** A snapshot as of `base` has become the book, whose hash is now `hash`. */
  readonly installed: (base: LogBase, hash: number) => void;
}

export class SimMachine implements StateMachine {
  readonly snapshots?: SimSnapshots;
  readonly #context: MachineContext;

  constructor(context: MachineContext) {
    this.#context = context;
    if (context.schedule !== null) this.snapshots = new SimSnapshots(context, context.schedule);
  }

  get applied(): number {
    return this.#context.disk.written.applied;
  }

  get(key: string): number {
    return this.#context.disk.written.values.get(key) ?? ABSENT;
  }

  /** Whether the driver may go on of its own accord. */
  get mayWake(): boolean {
    return this.snapshots?.isStaged === true;
  }

  /** Whether a write has failed of which the driver has to know. */
  get hasFailed(): boolean {
    return (this.snapshots?.writes.failure ?? null) !== null;
  }

  /** What is being written: a crash may leave it on disk, or not. */
  get unsettled(): Iterable<() => void> {
    return this.snapshots?.writes.unsettled ?? [];
  }

  async apply(entries: readonly Entry[]): Promise<void> {
    const { later, disk, applied } = this.#context;
    return new Promise((resolve) => {
      later(() => {
        disk.write(entries, applied);
        resolve();
      });
    });
  }
}

class SimSnapshots implements SnapshotSupport {
  readonly #context: MachineContext;
  readonly writes: SlowWrites;
  #isReceiving = false;
  #isStaged = false;

  constructor(context: MachineContext, schedule: DiskSchedule) {
    this.#context = context;
    this.writes = new SlowWrites(schedule);
  }

  /** Whether a snapshot waits: the driver installs it when it likes, after steps that take no time. */
  get isStaged(): boolean {
    return this.#isStaged;
  }

  get restored(): LogBase | null {
    return this.#context.disk.written.restored;
  }

  async sync(): Promise<LogIndex> {
    const { disk } = this.#context;
    const book = copyOf(disk.written);
    await this.writes.write(
      () => `the book up to ${book.applied}`,
      () => disk.synced(book),
    );
    return book.applied;
  }

  take(): SnapshotView {
    const { disk, woken } = this.#context;
    const bytes = encodeBook(disk.written);
    woken();
    return {
      index: disk.written.applied,
      chunks: () => chunksOf(bytes),
      close: async () => Promise.resolve(),
    };
  }

  async receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot> {
    invariant(!this.#isReceiving, 'a snapshot is being received already');
    this.#isReceiving = true;
    try {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      const book = decodeBook(Buffer.concat(parts), base);
      await this.#stage(base);
      this.#isStaged = true;
      return {
        install: async () => this.#install(base, book),
        discard: async () => {
          this.#isStaged = false;
          return Promise.resolve();
        },
      };
    } finally {
      this.#isReceiving = false;
    }
  }

  /** Takes the time that it takes to write it down; what is staged when the process dies is of no use to anyone. */
  async #stage({ index }: LogBase): Promise<void> {
    const stage = new SlowWrites(this.writes.schedule);
    await stage.write(
      () => `a snapshot as of ${index}`,
      () => undefined,
    );
  }

  async #install(base: LogBase, book: Book): Promise<void> {
    const { disk, installed } = this.#context;
    this.#isStaged = false;
    invariant(base.index > disk.written.applied, `install of ${base.index}, applied ${disk.written.applied}`);
    await this.writes.write(
      () => `install as of ${base.index}`,
      () => {
        disk.replace(book);
        installed(base, hashOf(book));
      },
    );
  }
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
