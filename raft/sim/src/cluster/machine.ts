/**
 * The state machine of one instance of a process: the replicated map on its own disk. Applied entries are
 * written at once but not synced, because the log can be applied again. A crash keeps everything that was
 * written, a power loss only what was synced. In both cases the applied index and the data are consistent.
 */
import type {
  Entry,
  LogBase,
  LogIndex,
  SnapshotSupport,
  SnapshotView,
  StagedSnapshot,
  StateMachine,
} from '@trireme/raft';
import { invariant } from '../internals.js';
import {
  DEFAULT_VALUE,
  applyEntry,
  copyMapState,
  emptyMapState,
  hashOfMapState,
  type MapState,
  type CommandResult,
} from './map-state.js';
import { decodeMapState, encodeMapState } from './snapshot.js';
import { TimedWrites, type DiskSchedule } from './writes.js';

/** Number of entries after which the disk syncs by itself. */
const SYNC_ENTRIES = 40;
/** Size of a snapshot chunk, in bytes. */
const CHUNK_BYTES = 300;

/** Called for every applied entry, with the hash of the state after it. */
export type OnApplied = (entry: Entry, outcome: CommandResult, hash: number) => void;

/** The state that survives a crash: as written, and as last synced. */
export class MachineDisk {
  written: MapState = emptyMapState();
  #synced: MapState = emptyMapState();

  /** The applied index that survives a power loss. */
  get durableIndex(): LogIndex {
    return this.#synced.applied;
  }

  /** Applies entries in one atomic write. */
  write(entries: readonly Entry[], applied: OnApplied): void {
    for (const entry of entries) {
      const outcome = applyEntry(this.written, entry);
      applied(entry, outcome, hashOfMapState(this.written));
    }
    if (this.written.applied - this.#synced.applied >= SYNC_ENTRIES)
      this.#synced = copyMapState(this.written);
  }

  /** `book`, an earlier copy of the written state, is durable. */
  onSynced(book: MapState): void {
    if (book.applied > this.#synced.applied) this.#synced = book;
  }

  /** Replaces the state, atomically and durably. */
  replace(book: MapState): void {
    this.#synced = book;
    this.written = copyMapState(book);
  }

  losePower(): void {
    this.written = copyMapState(this.#synced);
  }
}

interface MachineContext {
  readonly disk: MachineDisk;
  /** Calls `run` after the duration of a write. */
  readonly later: (run: () => void) => void;
  readonly applied: OnApplied;
  /** Duration of syncs and installs; null if the machine does not support snapshots. */
  readonly schedule: DiskSchedule | null;
  /** Called when a snapshot is taken, because the driver then continues without an event. */
  readonly woken: () => void;
  /** A snapshot as of `base` was installed; the hash of the state is now `hash`. */
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
    return this.#context.disk.written.values.get(key) ?? DEFAULT_VALUE;
  }

  /** Whether the driver may continue without an event. */
  get mayContinue(): boolean {
    return this.snapshots?.isStaged === true;
  }

  /** Whether a write has failed, after which the driver has to stop. */
  get hasFailed(): boolean {
    return (this.snapshots?.writes.failure ?? null) !== null;
  }

  /** The writes in progress: at a crash, each may be completed by calling it, or be lost. */
  get pendingWrites(): Iterable<() => void> {
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
  readonly writes: TimedWrites;
  #isReceiving = false;
  #isStaged = false;

  constructor(context: MachineContext, schedule: DiskSchedule) {
    this.#context = context;
    this.writes = new TimedWrites(schedule);
  }

  /** Whether a received snapshot waits for its install, which the driver may start without an event. */
  get isStaged(): boolean {
    return this.#isStaged;
  }

  get restoredBase(): LogBase | null {
    return this.#context.disk.written.restored;
  }

  async sync(): Promise<LogIndex> {
    const { disk } = this.#context;
    const book = copyMapState(disk.written);
    await this.writes.write(
      () => `state up to ${book.applied}`,
      () => disk.onSynced(book),
    );
    return book.applied;
  }

  createView(): SnapshotView {
    const { disk, woken } = this.#context;
    const bytes = encodeMapState(disk.written);
    woken();
    return {
      index: disk.written.applied,
      chunks: () => chunksOf(bytes),
      close: async () => Promise.resolve(),
    };
  }

  async receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot> {
    invariant(!this.#isReceiving, 'another snapshot is being received');
    this.#isReceiving = true;
    try {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      const book = decodeMapState(Buffer.concat(parts), base);
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

  /** Simulates the duration of writing the snapshot. A staged snapshot does not survive a crash. */
  async #stage({ index }: LogBase): Promise<void> {
    const writes = new TimedWrites(this.writes.schedule);
    await writes.write(
      () => `snapshot as of ${index}`,
      () => undefined,
    );
  }

  async #install(base: LogBase, book: MapState): Promise<void> {
    const { disk, installed } = this.#context;
    this.#isStaged = false;
    invariant(
      base.index > disk.written.applied,
      `snapshot as of ${base.index} is not newer than applied index ${disk.written.applied}`,
    );
    await this.writes.write(
      () => `install as of ${base.index}`,
      () => {
        disk.replace(book);
        installed(base, hashOfMapState(book));
      },
    );
  }
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
