/** A disk in memory: what `write` was given survives a crash of its member, nothing else does. */
import { invariant } from '../errors.js';
import { NO_BASE } from '../log.js';
import { decodeMembership } from '../membership-codec.js';
import type { Entry, HardState, LogBase, LogIndex, LogReader, PersistBatch, Term } from '../types.js';

export class MemoryDisk implements LogReader {
  hardState: HardState;
  /** The entries behind the base. */
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
    const place = first.index - this.#base.index - 1;
    invariant(place >= 0 && place <= this.log.length, `entry ${first.index} is not next`);
    this.log.length = place;
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
    invariant(entry !== undefined, `no entry ${index} on disk`);
    return entry;
  }
}
