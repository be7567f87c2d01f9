/** Keys and batches that were applied and are not stored yet; the rules read them before the store. */
import type { RetainedBatch, CommandPosition } from './state.js';

interface BufferedWrites {
  /** By key; null for a deleted key. */
  readonly keys: ReadonlyMap<string, CommandPosition | null>;
  readonly batches: ReadonlyMap<number, RetainedBatch>;
}

/** Two generations: the write in flight, and what was applied since it was taken. */
export class WriteBuffer {
  #keys = new Map<string, CommandPosition | null>();
  #batches = new Map<number, RetainedBatch>();
  #inFlight: BufferedWrites | null = null;

  get isWriting(): boolean {
    return this.#inFlight !== null;
  }

  addKey(key: string, place: CommandPosition | null): void {
    this.#keys.set(key, place);
  }

  addBatch(batch: RetainedBatch): void {
    this.#batches.set(batch.seq, batch);
  }

  /** Undefined if only the store knows. */
  place(key: string): CommandPosition | null | undefined {
    const place = this.#keys.get(key);
    return place === undefined ? this.#inFlight?.keys.get(key) : place;
  }

  batch(seq: number): RetainedBatch | undefined {
    return this.#batches.get(seq) ?? this.#inFlight?.batches.get(seq);
  }

  /** Everything buffered so far is being written; no other write may be in flight. */
  beginWrite(): void {
    this.#inFlight = { keys: this.#keys, batches: this.#batches };
    this.#keys = new Map();
    this.#batches = new Map();
  }

  /** The write in flight is stored. */
  endWrite(): void {
    this.#inFlight = null;
  }
}
