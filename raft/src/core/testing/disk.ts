/** A disk in memory: what `write` was given survives a crash of its member, nothing else does. */
import { invariant } from '../errors.js';
import type { Entry, HardState, LogIndex, LogReader, PersistBatch, Term } from '../types.js';

export class MemoryDisk implements LogReader {
  hardState: HardState;
  readonly log: Entry[];

  constructor(hardState: HardState, log: readonly Entry[]) {
    this.hardState = hardState;
    this.log = [...log];
  }

  write(batch: PersistBatch): void {
    if (batch.hardState !== null) this.hardState = batch.hardState;
    const first = batch.entries[0];
    if (first === undefined) return;
    invariant(first.index <= this.log.length + 1, `hole before ${first.index}`);
    this.log.length = first.index - 1;
    this.log.push(...batch.entries);
  }

  lastIndex(): LogIndex {
    return this.log.length;
  }

  term(index: LogIndex): Term {
    return index === 0 ? 0 : this.#at(index).term;
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

  #at(index: LogIndex): Entry {
    const entry = this.log[index - 1];
    invariant(entry !== undefined, `no entry ${index} on disk`);
    return entry;
  }
}
