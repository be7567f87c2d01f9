/**
 * The log store of one life of a process on its simulated disk. It checks what a log store checks, as the interface
 * demands, and takes virtual time for it.
 */
import { RaftError, invariant } from '#raft/core/errors.js';
import type { Entry, HardState, LogIndex, PersistBatch, Term } from '#raft/core/types.js';
import type { LogStorage } from '#raft/storage/storage.js';
import type { SimDisk } from './disk.js';

/** How a write takes its time; `durable` is called when it is on disk or never, `told` when the process hears of it. */
export interface DiskSchedule {
  write(batch: PersistBatch, durable: () => void, told: (failed: boolean) => void): void;
}

export class SimStorage implements LogStorage {
  readonly #disk: SimDisk;
  readonly #schedule: DiskSchedule;
  #hardState: HardState;
  #entries: Entry[];
  #underWay: PersistBatch | null = null;
  #failure: RaftError | null = null;

  /** @throws RaftError `LOG_DAMAGED`. */
  constructor(disk: SimDisk, schedule: DiskSchedule) {
    const { hardState, entries } = disk.read();
    this.#disk = disk;
    this.#schedule = schedule;
    this.#hardState = hardState;
    this.#entries = entries;
  }

  /** Whether a write has failed: nothing may be said by the process any more. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** The batch that is being written, which a crash may leave on disk. */
  get underWay(): PersistBatch | null {
    return this.#underWay;
  }

  hardState(): HardState {
    return this.#hardState;
  }

  lastIndex(): LogIndex {
    return this.#entries.length;
  }

  term(index: LogIndex): Term {
    return index === 0 ? 0 : this.#at(index).term;
  }

  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    invariant(low >= 1 && low <= high && high <= this.lastIndex(), `entries ${low} to ${high}`);
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = low; index <= high; index += 1) {
      const entry = this.#at(index);
      bytes += entry.record.byteLength;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  async persist(batch: PersistBatch): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    invariant(this.#underWay === null, 'a persist is under way');
    this.#check(batch);
    this.#underWay = batch;
    await new Promise<void>((resolve, reject) => {
      const durable = (): void => this.#disk.write(batch);
      this.#schedule.write(batch, durable, (failed) => {
        this.#underWay = null;
        if (failed) {
          this.#failure = new RaftError('STORAGE_FAILED', 'simulated disk: a sync failed');
          reject(this.#failure);
          return;
        }
        this.#show(batch);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  #at(index: LogIndex): Entry {
    const replaced = this.#underWay?.entries[0]?.index ?? Infinity;
    invariant(index < replaced, `entry ${index} is read while the log is written from ${replaced} on`);
    const entry = this.#entries[index - 1];
    invariant(entry !== undefined, `entry ${index} is not in the store`);
    return entry;
  }

  #check({ hardState, entries }: PersistBatch): void {
    const { term, vote } = this.#hardState;
    const after = hardState ?? this.#hardState;
    invariant(after.term >= term, `term falls from ${term} to ${after.term}`);
    invariant(
      after.term > term || vote === null || after.vote === vote,
      `the vote of term ${term} changes from ${String(vote)} to ${String(after.vote)}`,
    );
    const first = entries[0];
    if (first === undefined) return;
    invariant(first.index >= 1 && first.index <= this.lastIndex() + 1, `entry ${first.index} leaves a hole`);
    let last = { index: first.index - 1, term: this.term(first.index - 1) };
    for (const entry of entries) {
      invariant(
        entry.index === last.index + 1 && entry.term >= last.term,
        `entry ${entry.index} of term ${entry.term} cannot follow ${last.index} of term ${last.term}`,
      );
      last = entry;
    }
    invariant(after.term >= last.term, `entry of term ${last.term} in term ${after.term}`);
  }

  #show({ hardState, entries }: PersistBatch): void {
    if (hardState !== null) this.#hardState = hardState;
    const first = entries[0];
    if (first === undefined) return;
    this.#entries.length = first.index - 1;
    for (const entry of entries) this.#entries.push(entry);
  }
}
