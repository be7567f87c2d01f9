/** Counts the bytes of proposals that are not yet both committed and durable at the leader, to limit them. */
import { RECORD_HEADER_BYTES } from './entry.js';
import { RaftError } from './errors.js';
import type { LogIndex } from './types.js';

export class UncommittedBytes {
  readonly #bytesMax: number;
  /** Oldest first. */
  readonly #entries: { readonly index: LogIndex; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Checks that an entry with `data` fits. An empty backlog accepts any size, so that a proposal above the
   * limit is not refused for ever.
   * @throws RaftError `OVERLOADED`
   */
  checkLimit(data: Uint8Array): void {
    if (this.#bytes === 0 || this.#bytes + sizeOf(data) <= this.#bytesMax) return;
    throw new RaftError(
      'OVERLOADED',
      `${this.#bytes} bytes are already waiting to be committed; retry later`,
    );
  }

  add(index: LogIndex, data: Uint8Array): void {
    const bytes = sizeOf(data);
    this.#entries.push({ index, bytes });
    this.#bytes += bytes;
  }

  /** Entries up to `index` are committed and durable. */
  release(index: LogIndex): void {
    const kept = this.#entries.findIndex((entry) => entry.index > index);
    const released = this.#entries.splice(0, kept === -1 ? this.#entries.length : kept);
    for (const { bytes } of released) this.#bytes -= bytes;
  }
}

function sizeOf(data: Uint8Array): number {
  return RECORD_HEADER_BYTES + data.byteLength;
}
