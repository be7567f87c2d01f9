/** What is wrong with a link between two processes. */
import type { SeededRandom } from './random.js';

/** One direction of a link. */
export interface Conditions {
  /** Nothing gets through, nor is it lost: as with TCP when packets are dropped, it comes when the way is free. */
  readonly blocked: boolean;
  /** Milliseconds that everything is late, and at most how many more, drawn anew for each piece. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Bytes a second at most; null for no limit. */
  readonly bytesPerSecond: number | null;
  /** Probability that a piece arrives with one bit flipped. */
  readonly corruption: number;
  /** What arrives is lost and the connection breaks soon after, as if the peer had died after it had done its work. */
  readonly swallowed: boolean;
}

export const CLEAR: Conditions = {
  blocked: false,
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: null,
  corruption: 0,
  swallowed: false,
};

/** Tells when a piece is due, so that pieces neither overtake each other nor exceed the rate. */
export class Schedule {
  #freeAt = 0;
  #dueAt = 0;

  /** @returns the time, on the clock of `now`, at which a piece that comes now is to go on. */
  dueAt(now: number, bytes: number, conditions: Conditions, random: SeededRandom): number {
    const { delayMs, jitterMs, bytesPerSecond } = conditions;
    const sendMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1000;
    this.#freeAt = Math.max(this.#freeAt, now) + sendMs;
    const late = delayMs + (jitterMs === 0 ? 0 : random.next() * jitterMs);
    this.#dueAt = Math.max(this.#dueAt, this.#freeAt + late);
    return this.#dueAt;
  }
}

/** A copy of a piece with one of its bits flipped. @param bytes at least one. */
export function flipBit(bytes: Uint8Array, random: SeededRandom): Buffer {
  const damaged = Buffer.from(bytes);
  const at = random.below(damaged.length);
  damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
  return damaged;
}
