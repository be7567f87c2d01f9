/**
 * The log store of one instance of a process on its simulated disk. It makes the checks that the storage interface
 * requires, and its writes take virtual time.
 */
import type {
  RaftError,
  Entry,
  HardState,
  LogBase,
  LogIndex,
  PersistBatch,
  Term,
  LogStorage,
} from '@trireme/raft';
import { invariant } from '../internals.js';
import type { SimDisk } from './disk.js';
import { TimedWrites, type DiskSchedule } from './writes.js';

export class SimStorage implements LogStorage {
  readonly #disk: SimDisk;
  readonly #writes: TimedWrites;
  #hardState: HardState;
  #base: LogBase;
  /** The entries after the base. */
  #entries: Entry[];
  #inProgress: PersistBatch | null = null;
  #isCompacting = false;

  /** @throws RaftError `LOG_DAMAGED`. */
  constructor(disk: SimDisk, schedule: DiskSchedule) {
    const { base, hardState, entries } = disk.read();
    this.#disk = disk;
    this.#writes = new TimedWrites(schedule);
    this.#base = base;
    this.#hardState = hardState;
    this.#entries = entries;
  }

  /** Whether a write has failed. After that the process must not send any message. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** The writes in progress. Calling one completes it on disk. */
  get unsettled(): Iterable<() => void> {
    return this.#writes.unsettled;
  }

  get #failure(): RaftError | null {
    return this.#writes.failure;
  }

  base(): LogBase {
    return this.#base;
  }

  hardState(): HardState {
    return this.#hardState;
  }

  lastIndex(): LogIndex {
    return this.#base.index + this.#entries.length;
  }

  term(index: LogIndex): Term {
    return index === this.#base.index ? this.#base.term : this.#at(index).term;
  }

  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    invariant(
      low > this.#base.index && low <= high && high <= this.lastIndex(),
      `entries ${low} to ${high} are not in the store`,
    );
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

  lastMembership(index: LogIndex): Entry | null {
    return this.#entries.findLast((entry) => entry.kind === 'membership' && entry.index <= index) ?? null;
  }

  async persist(batch: PersistBatch): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    invariant(this.#inProgress === null, 'another persist is in progress');
    this.#check(batch);
    this.#inProgress = batch;
    try {
      await this.#writes.write(
        () => describeBatch(batch),
        () => this.#disk.write(batch),
      );
      this.#update(batch);
    } finally {
      this.#inProgress = null;
    }
  }

  async compact(base: LogBase): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    invariant(!this.#isCompacting, 'another compaction is in progress');
    invariant(this.#inProgress?.base === undefined, 'the log is being replaced');
    if (base.index <= this.#base.index) return;
    invariant(this.term(base.index) === base.term, `there is no entry ${base.index} of term ${base.term}`);
    this.#entries.splice(0, base.index - this.#base.index);
    this.#base = base;
    this.#isCompacting = true;
    try {
      await this.#writes.write(
        () => `compaction up to ${base.index}`,
        () => this.#disk.compact(base),
      );
    } finally {
      this.#isCompacting = false;
    }
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  #at(index: LogIndex): Entry {
    const { base, entries = [] } = this.#inProgress ?? {};
    const replaced = base !== undefined ? 0 : (entries[0]?.index ?? Infinity);
    invariant(index < replaced, `entry ${index} is read while a write replaces the log from ${replaced} on`);
    const entry = this.#entries[index - this.#base.index - 1];
    invariant(entry !== undefined, `entry ${index} is not in the store`);
    return entry;
  }

  #check({ base, hardState, entries }: PersistBatch): void {
    const { term, vote } = this.#hardState;
    const after = hardState ?? this.#hardState;
    invariant(after.term >= term, `term goes from ${term} back to ${after.term}`);
    invariant(
      after.term > term || vote === null || after.vote === vote,
      `the vote of term ${term} changes from ${String(vote)} to ${String(after.vote)}`,
    );
    const first = entries[0];
    let last: Pick<LogBase, 'index' | 'term'> = base ?? this.#base;
    if (base !== undefined) {
      invariant(!this.#isCompacting, 'the log is being compacted');
      invariant(base.index > this.#base.index, `base ${base.index} is not after base ${this.#base.index}`);
    } else if (first !== undefined) {
      const isNext = first.index > this.#base.index && first.index <= this.lastIndex() + 1;
      invariant(isNext, `entry ${first.index} leaves a gap`);
      last = { index: first.index - 1, term: this.term(first.index - 1) };
    }
    for (const entry of entries) {
      invariant(
        entry.index === last.index + 1 && entry.term >= last.term,
        `entry ${entry.index} of term ${entry.term} cannot follow ${last.index} of term ${last.term}`,
      );
      last = entry;
    }
    invariant(
      after.term >= last.term,
      `entry of term ${last.term} is newer than the current term ${after.term}`,
    );
  }

  #update({ base, hardState, entries }: PersistBatch): void {
    if (hardState !== null) this.#hardState = hardState;
    if (base !== undefined) {
      this.#base = base;
      this.#entries = [];
    }
    const first = entries[0];
    if (first === undefined) return;
    this.#entries.length = first.index - 1 - this.#base.index;
    for (const entry of entries) this.#entries.push(entry);
  }
}

function describeBatch({ base, hardState, entries }: PersistBatch): string {
  const first = entries[0];
  return [
    base === undefined ? '' : `base ${base.index} of term ${base.term}`,
    hardState === null ? '' : `term ${hardState.term} vote ${String(hardState.vote)}`,
    first === undefined ? '' : `entries ${first.index}..${first.index + entries.length - 1}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
