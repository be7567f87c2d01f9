/** What applies have made of keys and batches and the store does not show yet: the rules read it before the store. */
import type { KeptBatch, Place } from './state.js';

interface Unwritten {
  /** By key; null for one that goes. */
  readonly keys: ReadonlyMap<string, Place | null>;
  readonly batches: ReadonlyMap<number, KeptBatch>;
}

/** Two generations: what is on its way to the store, and what has gathered behind it. */
export class WriteBuffer {
  #keys = new Map<string, Place | null>();
  #batches = new Map<number, KeptBatch>();
  #leaving: Unwritten | null = null;

  get isLeaving(): boolean {
    return this.#leaving !== null;
  }

  addKey(key: string, place: Place | null): void {
    this.#keys.set(key, place);
  }

  addBatch(batch: KeptBatch): void {
    this.#batches.set(batch.seq, batch);
  }

  /** Undefined where only the store can tell. */
  place(key: string): Place | null | undefined {
    const place = this.#keys.get(key);
    return place === undefined ? this.#leaving?.keys.get(key) : place;
  }

  batch(seq: number): KeptBatch | undefined {
    return this.#batches.get(seq) ?? this.#leaving?.batches.get(seq);
  }

  /** All that has gathered is on its way to the store; nothing else may be. */
  leave(): void {
    this.#leaving = { keys: this.#keys, batches: this.#batches };
    this.#keys = new Map();
    this.#batches = new Map();
  }

  /** What was on its way is in the store. */
  arrived(): void {
    this.#leaving = null;
  }
}
