/** Faults of a link between two processes. */
import type { SeededRandom } from '@trireme/client';

/** Conditions of one direction of a link. */
export interface LinkConditions {
  /** Holds all bytes until the link is healed, as TCP does when packets are dropped. */
  readonly blocked: boolean;
  /** Constant delay, and maximum additional random delay of each piece, in milliseconds. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Maximum rate; null for no limit. */
  readonly bytesPerSecond: number | null;
  /** Probability that a piece arrives with one bit flipped. */
  readonly corruption: number;
  /** Drops all bytes and breaks the connection soon after, as if the peer had crashed after its work. */
  readonly dropped: boolean;
}

export const NO_FAULTS: LinkConditions = {
  blocked: false,
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: null,
  corruption: 0,
  dropped: false,
};

/** Computes due times of pieces, so that they stay in order and within the rate. */
export class DeliverySchedule {
  #freeAt = 0;
  #dueAt = 0;

  /** @returns the time, on the clock of `now`, at which a piece that arrives now is delivered. */
  dueAt(now: number, bytes: number, conditions: LinkConditions, random: SeededRandom): number {
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
