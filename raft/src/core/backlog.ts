/** Entries proposed in this term that are not yet both committed and durable at the leader, so as to bound their bytes. */
import { RECORD_HEADER_BYTES } from './entry.js';
import { RaftError } from './errors.js';
import type { LogIndex } from './types.js';

export class Backlog {
  readonly #bytesMax: number;
  /** Oldest first. */
  readonly #entries: { readonly index: LogIndex; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Asks for room for an entry with `data`; an empty backlog takes any size, so that one large proposal is never refused
   * for good.
   * @throws RaftError `OVERLOADED`
   */
  checkRoom(data: Uint8Array): void {
    if (this.#bytes === 0 || this.#bytes + sizeOf(data) <= this.#bytesMax) return;
    throw new RaftError('OVERLOADED', `${this.#bytes} bytes wait to be committed`);
  }

  add(index: LogIndex, data: Uint8Array): void {
    const bytes = sizeOf(data);
    this.#entries.push({ index, bytes });
    this.#bytes += bytes;
  }

  /** Entries up to `index` are held in memory no longer. */
  release(index: LogIndex): void {
    const kept = this.#entries.findIndex((entry) => entry.index > index);
    const released = this.#entries.splice(0, kept === -1 ? this.#entries.length : kept);
    for (const { bytes } of released) this.#bytes -= bytes;
  }
}

function sizeOf(data: Uint8Array): number {
  return RECORD_HEADER_BYTES + data.byteLength;
}
