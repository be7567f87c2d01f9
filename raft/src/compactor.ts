/** Compacts the log when that is due, beside everything else: first the machine is made durable, then the log cut. */
import { CompactionPolicy, DEFAULT_COMPACTION, type CompactionOptions } from './compaction.js';
import type { RaftLog } from './core/log.js';
import type { Entry, LogIndex } from './core/types.js';
import type { SnapshotSupport, StateMachine } from './machine.js';
import type { SnapshotEvent } from './snapshots.js';
import type { LogStorage } from './storage/storage.js';

interface CompactorOptions {
  readonly options: Partial<CompactionOptions>;
  readonly machine: StateMachine;
  readonly storage: LogStorage;
  readonly log: RaftLog;
  /** The lowest index that a snapshot under way was taken at, null if none is. */
  readonly needed: () => LogIndex | null;
  readonly fail: (error: unknown) => void;
  readonly onEvent: (event: SnapshotEvent) => void;
}

export class Compactor {
  readonly #o: CompactorOptions;
  readonly #policy: CompactionPolicy;
  #isStopped = false;
  #isBusy = false;
  #idle: Promise<void> = Promise.resolve();

  /** @throws RaftError `BAD_CONFIG` naming the option that is out of its bounds. */
  constructor(options: CompactorOptions) {
    const { machine, storage } = options;
    this.#o = options;
    const inLog = machine.applied - storage.base().index;
    this.#policy = new CompactionPolicy({ ...DEFAULT_COMPACTION, ...options.options }, inLog);
  }

  /** Resolves when no compaction is under way; never rejects. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  /** These entries are applied: there may be enough of them now. */
  applied(entries: readonly Entry[]): void {
    this.#policy.applied(entries);
    const { snapshots } = this.#o.machine;
    if (snapshots === undefined || this.#isBusy || this.#isStopped || !this.#policy.isDue) return;
    this.#isBusy = true;
    this.#idle = this.#compact(snapshots)
      .catch((error: unknown) => this.#o.fail(error))
      .finally(() => (this.#isBusy = false));
  }

  async #compact(snapshots: SnapshotSupport): Promise<void> {
    const { log, storage, needed, onEvent } = this.#o;
    const durable = await snapshots.sync();
    const index = this.#policy.next(durable, needed());
    // A snapshot may have been taken meanwhile: its base takes the place of this one.
    if (this.#isStopped || index <= log.base.index) return;
    const base = log.baseAt(index);
    await storage.compact(base);
    onEvent({ type: 'compacted', base });
  }

  /** Begins no compaction any more, and waits for the one under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#idle;
  }
}
