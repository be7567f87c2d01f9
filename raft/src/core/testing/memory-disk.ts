/** A disk in memory: the batches passed to `write` survive a crash of the member. */
import { invariant } from '../errors.js';
import { NO_BASE } from '../log.js';
import { decodeMembership } from '../membership-codec.js';
import type { Entry, HardState, LogBase, LogIndex, LogReader, PersistBatch, Term } from '../types.js';

export class MemoryDisk implements LogReader {
  hardState: HardState;
  /** The entries after the base. */
  readonly log: Entry[];
  #base: LogBase;

  constructor(hardState: HardState, log: readonly Entry[], base: LogBase = NO_BASE) {
    this.hardState = hardState;
    this.log = [...log];
    this.#base = base;
  }

  write(batch: PersistBatch): void {
    if (batch.hardState !== null) this.hardState = batch.hardState;
    if (batch.base !== undefined) {
      this.#base = batch.base;
      this.log.length = 0;
    }
    const first = batch.entries[0];
    if (first === undefined) return;
    const position = first.index - this.#base.index - 1;
    invariant(
      position >= 0 && position <= this.log.length,
      `entry ${first.index} does not continue the log, which ends at ${this.lastIndex()}`,
    );
    this.log.length = position;
    this.log.push(...batch.entries);
  }

  /** Drops the entries up to `index`. */
  compact(index: LogIndex): void {
    const last = this.lastMembership(index);
    const membership = last === null ? this.#base.membership : decodeMembership(last.data);
    const base = { index, term: this.term(index), membership };
    this.log.splice(0, index - this.#base.index);
    this.#base = base;
  }

  base(): LogBase {
    return this.#base;
  }

  lastIndex(): LogIndex {
    return this.#base.index + this.log.length;
  }

  term(index: LogIndex): Term {
    return index === this.#base.index ? this.#base.term : this.#at(index).term;
  }

  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
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
    return this.log.findLast((entry) => entry.kind === 'membership' && entry.index <= index) ?? null;
  }

  #at(index: LogIndex): Entry {
    const entry = this.log[index - this.#base.index - 1];
    invariant(entry !== undefined, `entry ${index} is not on disk`);
    return entry;
  }
}
