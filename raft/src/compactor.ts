/**
 * Compacts the log in the background when it is due: first it makes the state machine durable, then it cuts
 * the log.
 */
import {
  CompactionPolicy,
  DEFAULT_COMPACTION,
  type CompactionOptions,
  type RetentionNeed,
} from './compaction.js';
import { RaftError } from './core/errors.js';
import type { RaftLog } from './core/log.js';
import type { Entry, LogBase, LogIndex } from './core/types.js';
import type { SnapshotSupport, StateMachine } from './state-machine.js';
import type { SnapshotEvent } from './snapshot-manager.js';
import type { LogStorage } from './storage/storage.js';

interface CompactorOptions {
  readonly options: Partial<CompactionOptions>;
  readonly machine: StateMachine;
  readonly storage: LogStorage;
  readonly log: RaftLog;
  /** Which followers need which part of the log. */
  readonly retentionNeeds: () => readonly RetentionNeed[];
  readonly onFailure: (error: unknown) => void;
  readonly onEvent: (event: SnapshotEvent) => void;
}

/** Entries that are read at a start to estimate the average entry size. */
const SAMPLES_MAX = 64;

/** Average record size in bytes of a sample that is spread over the `count` entries from `first` on. */
function sampleBytes(storage: LogStorage, first: LogIndex, count: number): number {
  const samples = Math.min(count, SAMPLES_MAX);
  let bytes = 0;
  for (let sample = 0; sample < samples; sample += 1) {
    const index = first + Math.floor((sample * count) / samples);
    for (const { record } of storage.entries(index, index, 0)) bytes += record.byteLength;
  }
  return samples === 0 ? 0 : bytes / samples;
}

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #policy: CompactionPolicy;
  #isStopped = false;
  #isHeld = false;
  #isBusy = false;
  #idle: Promise<void> = Promise.resolve();

  /** @throws RaftError `BAD_CONFIG` naming the option that is out of its bounds. */
  constructor(options: CompactorOptions) {
    const { machine, storage } = options;
    this.#options = options;
    const base = storage.base().index;
    const inLog = machine.applied - base;
    const averageBytes = sampleBytes(storage, base + 1, inLog);
    this.#policy = new CompactionPolicy({ ...DEFAULT_COMPACTION, ...options.options }, inLog, averageBytes);
  }

  /** Starts no compaction until `release`, and waits for the running one. Never rejects. */
  async pause(): Promise<void> {
    this.#isHeld = true;
    await this.#idle;
  }

  resume(): void {
    this.#isHeld = false;
  }

  /** Counts entries that were applied, and starts a compaction if it is due. */
  onApplied(entries: readonly Entry[]): void {
    this.#policy.onApplied(entries);
    const { snapshots } = this.#options.machine;
    if (snapshots === undefined || this.#isBusy || !this.#mayStart || !this.#policy.isDue) return;
    void this.#start(snapshots);
  }

  /**
   * Compacts now, even if it is not due: up to what is durable, but not beyond what followers need, within
   * the bounds of what is kept for them.
   * @param entriesKept applied entries to keep; those of the options unless given
   * @returns the base of the log after the compaction
   * @throws RaftError `BAD_CONFIG` without snapshot support or for an invalid `entriesKept`; `NOT_READY`
   *   while a snapshot is being installed.
   */
  async compact(entriesKept?: number): Promise<LogBase> {
    const { machine, log } = this.#options;
    const { snapshots } = machine;
    if (snapshots === undefined)
      throw new RaftError('BAD_CONFIG', 'cannot compact: the state machine does not support snapshots');
    if (entriesKept !== undefined && !(Number.isSafeInteger(entriesKept) && entriesKept >= 0))
      throw new RaftError(
        'BAD_CONFIG',
        `entriesKept is ${entriesKept}, but must be a whole number of at least 0`,
      );
    while (this.#isBusy) await this.#idle;
    if (!this.#mayStart)
      throw new RaftError('NOT_READY', 'cannot compact while a snapshot is being installed; retry later');
    await this.#start(snapshots, entriesKept);
    return log.base;
  }

  get #mayStart(): boolean {
    return !this.#isStopped && !this.#isHeld;
  }

  async #start(snapshots: SnapshotSupport, entriesKept?: number): Promise<void> {
    this.#isBusy = true;
    this.#idle = this.#compact(snapshots, entriesKept)
      .catch((error: unknown) => this.#options.onFailure(error))
      .finally(() => (this.#isBusy = false));
    return this.#idle;
  }

  async #compact(snapshots: SnapshotSupport, entriesKept?: number): Promise<void> {
    const { log, storage, retentionNeeds, onEvent } = this.#options;
    const durable = await snapshots.sync();
    const needs = retentionNeeds();
    const lowest = needs.length === 0 ? null : Math.min(...needs.map((need) => need.index));
    const index = this.#policy.nextIndex(durable, lowest, entriesKept);
    // A snapshot may have been installed meanwhile: the log then starts at its base.
    if (this.#isStopped || index <= log.base.index) return;
    const base = log.baseAt(index);
    await storage.compact(base);
    onEvent({ type: 'compacted', base });
    for (const need of needs)
      if (need.index < index) onEvent({ type: 'followerNeedsSnapshot', ...need, base });
  }

  /** Starts no more compactions, and waits for the running one. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#idle;
  }
}
