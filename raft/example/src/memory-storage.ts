/** A `LogStorage` in memory, as an example of how to write one. It keeps nothing after a restart of the process. */
import {
  NO_BASE,
  RaftError,
  type Entry,
  type HardState,
  type LogBase,
  type LogStorage,
  type PersistBatch,
} from '@trireme/raft';

/** What a real store has on disk: it survives `close`, and the next `MemoryStorage` opens it. */
interface Disk {
  hardState: HardState;
  base: LogBase;
  /** The entries after the base. */
  entries: readonly Entry[];
}

export const newDisk = (): Disk => ({ hardState: { term: 0, vote: null }, base: NO_BASE, entries: [] });

function check(condition: boolean, message: string): void {
  if (!condition) throw new RaftError('INVARIANT', message);
}

export class MemoryStorage implements LogStorage {
  readonly #disk: Disk;
  #writing: PersistBatch | null = null;
  #isCompacting = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  hardState = (): HardState => this.#disk.hardState;
  base = (): LogBase => this.#disk.base;
  lastIndex = (): number => this.#disk.base.index + this.#disk.entries.length;

  term(index: number): number {
    const { base } = this.#disk;
    return index === base.index ? base.term : this.#at(index).term;
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] {
    check(low <= high, `no entries from ${low} to ${high}`);
    this.#at(high);
    const found = [this.#at(low)];
    let bytes = found[0]?.record.byteLength ?? 0;
    for (let index = low + 1; index <= high; index += 1) {
      const entry = this.#at(index);
      bytes += entry.record.byteLength;
      if (bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  lastMembership(index: number): Entry | null {
    return (
      this.#disk.entries.findLast((entry) => entry.kind === 'membership' && entry.index <= index) ?? null
    );
  }

  async persist(batch: PersistBatch): Promise<void> {
    check(this.#writing === null, 'another batch is being written');
    check(batch.base === undefined || !this.#isCompacting, 'the log is being compacted');
    this.#after(batch); // Refuses a batch that breaks a rule of the log.
    this.#writing = batch;
    await Promise.resolve(); // A real store writes and syncs here.
    this.#writing = null;
    Object.assign(this.#disk, this.#after(batch));
  }

  async compact(base: LogBase): Promise<void> {
    check(!this.#isCompacting, 'another compaction is in progress');
    check(this.#writing?.base === undefined, 'the log is being replaced');
    if (base.index <= this.#disk.base.index) return;
    check(this.term(base.index) === base.term, `there is no entry ${base.index} of term ${base.term}`);
    this.#disk.entries = this.#disk.entries.slice(base.index - this.#disk.base.index);
    this.#disk.base = base;
    this.#isCompacting = true;
    await Promise.resolve(); // A real store syncs the base, and then deletes the entries.
    this.#isCompacting = false;
  }

  close = async (): Promise<void> => Promise.resolve();

  #at(index: number): Entry {
    const entry = this.#disk.entries[index - this.#disk.base.index - 1];
    if (entry === undefined) throw new RaftError('INVARIANT', `entry ${index} is not in the log`);
    return entry;
  }

  /** The disk after the batch. @throws RaftError `INVARIANT` if the batch breaks a rule of the log */
  #after({ base, hardState, entries }: PersistBatch): Disk {
    const before = this.#disk;
    const after: Disk = { hardState: hardState ?? before.hardState, base: base ?? before.base, entries };
    check(base === undefined || base.index > before.base.index, 'a new base must be later than the old one');
    if (base === undefined) {
      const first = entries[0]?.index ?? this.lastIndex() + 1;
      check(first > before.base.index && first <= this.lastIndex() + 1, `entry ${first} leaves a gap`);
      after.entries = [...before.entries.slice(0, first - before.base.index - 1), ...entries];
    }
    let { index, term } = after.base;
    for (const entry of after.entries) {
      check(entry.index === index + 1 && entry.term >= term, `entry ${entry.index} does not follow ${index}`);
      ({ index, term } = entry);
    }
    const [old, { hardState: now }] = [before.hardState, after];
    check(now.term >= old.term && now.term >= term, `the term ${now.term} is too low`);
    check(now.term > old.term || old.vote === null || now.vote === old.vote, 'a vote cannot change');
    return after;
  }
}
