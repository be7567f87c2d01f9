/** Compacts the log when that is due, beside everything else: first the machine is made durable, then the log cut. */
import { CompactionPolicy, DEFAULT_COMPACTION, type CompactionOptions, type Need } from './compaction.js';
import { RaftError } from './core/errors.js';
import type { RaftLog } from './core/log.js';
import type { Entry, LogBase, LogIndex } from './core/types.js';
import type { SnapshotSupport, StateMachine } from './machine.js';
import type { SnapshotEvent } from './snapshots.js';
import type { LogStorage } from './storage/storage.js';

interface CompactorOptions {
  readonly options: Partial<CompactionOptions>;
  readonly machine: StateMachine;
  readonly storage: LogStorage;
  readonly log: RaftLog;
  /** Which followers need which part of the log. */
  readonly needed: () => readonly Need[];
  readonly fail: (error: unknown) => void;
  readonly onEvent: (event: SnapshotEvent) => void;
}

/** Entries of a log that are looked at, at a start, to learn what one takes. */
const SAMPLES_MAX = 64;

/** Record bytes of an entry, on average, of some that are spread over the `count` from `first` on. */
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
  readonly #o: CompactorOptions;
  readonly #policy: CompactionPolicy;
  #isStopped = false;
  #isHeld = false;
  #isBusy = false;
  #idle: Promise<void> = Promise.resolve();

  /** @throws RaftError `BAD_CONFIG` naming the option that is out of its bounds. */
  constructor(options: CompactorOptions) {
    const { machine, storage } = options;
    this.#o = options;
    const base = storage.base().index;
    const inLog = machine.applied - base;
    const averageBytes = sampleBytes(storage, base + 1, inLog);
    this.#policy = new CompactionPolicy({ ...DEFAULT_COMPACTION, ...options.options }, inLog, averageBytes);
  }

  /** Begins no compaction until `release`, and waits for the one under way; never rejects. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#idle;
  }

  release(): void {
    this.#isHeld = false;
  }

  /** These entries are applied: there may be enough of them now. */
  applied(entries: readonly Entry[]): void {
    this.#policy.applied(entries);
    const { snapshots } = this.#o.machine;
    if (snapshots === undefined || this.#isBusy || !this.#mayBegin || !this.#policy.isDue) return;
    void this.#begin(snapshots);
  }

  /**
   * Compacts though it is not due, behind what is durable and what followers need, as far as that is kept for them.
   * @param entriesKept applied entries that stay; as many as ever unless given
   * @returns where the log begins then
   * @throws RaftError `BAD_CONFIG` without snapshots, or for an `entriesKept` that is no count; `NOT_READY` while a snapshot
   *   takes the machine's place.
   */
  async now(entriesKept?: number): Promise<LogBase> {
    const { machine, log } = this.#o;
    const { snapshots } = machine;
    if (snapshots === undefined) throw new RaftError('BAD_CONFIG', 'the machine has no snapshots');
    if (entriesKept !== undefined && !(Number.isSafeInteger(entriesKept) && entriesKept >= 0))
      throw new RaftError('BAD_CONFIG', `${entriesKept} is no number of entries to keep`);
    while (this.#isBusy) await this.#idle;
    if (!this.#mayBegin) throw new RaftError('NOT_READY', 'a snapshot is being installed');
    await this.#begin(snapshots, entriesKept);
    return log.base;
  }

  get #mayBegin(): boolean {
    return !this.#isStopped && !this.#isHeld;
  }

  async #begin(snapshots: SnapshotSupport, entriesKept?: number): Promise<void> {
    this.#isBusy = true;
    this.#idle = this.#compact(snapshots, entriesKept)
      .catch((error: unknown) => this.#o.fail(error))
      .finally(() => (this.#isBusy = false));
    return this.#idle;
  }

  async #compact(snapshots: SnapshotSupport, entriesKept?: number): Promise<void> {
    const { log, storage, needed, onEvent } = this.#o;
    const durable = await snapshots.sync();
    const needs = needed();
    const lowest = needs.length === 0 ? null : Math.min(...needs.map((need) => need.index));
    const index = this.#policy.next(durable, lowest, entriesKept);
    // A snapshot may have been taken meanwhile: its base takes the place of this one.
    if (this.#isStopped || index <= log.base.index) return;
    const base = log.baseAt(index);
    await storage.compact(base);
    onEvent({ type: 'compacted', base });
    for (const need of needs) if (need.index < index) onEvent({ type: 'followerOutrun', ...need, base });
  }

  /** Begins no compaction any more, and waits for the one under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#idle;
  }
}
