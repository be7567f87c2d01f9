/**
 * The clocks of one machine. They continue across restarts of its process and drift, and the wall clock may be
 * wrong.
 */
import { MS, type ClockRate, type Micros } from '@trireme/raft-sim';

/** Milliseconds since 1970 at the start of a run. */
const EPOCH_MS = 1_700_000_000_000;

export class MachineClock {
  readonly rate: ClockRate = { slowdown: 1 };
  /** Virtual time at which the wall clock was last set back. */
  setBackAt: Micros = -Infinity;
  /** Error of the wall clock, in milliseconds. */
  #wallErrorMs = 0;
  readonly #time: () => Micros;
  #ms: number;
  #readAt: Micros = 0;

  /**
   * @param time returns virtual time
   * @param startMs initial value of the monotonic clock
   */
  constructor(time: () => Micros, startMs: number) {
    this.#time = time;
    this.#ms = startMs;
  }

  monotonicMs(): number {
    const now = this.#time();
    this.#ms += (now - this.#readAt) / MS / this.rate.slowdown;
    this.#readAt = now;
    return this.#ms;
  }

  wallMs(): number {
    return Math.floor(EPOCH_MS + this.#time() / MS + this.#wallErrorMs);
  }

  setRate(slowdown: number): void {
    this.monotonicMs();
    this.rate.slowdown = slowdown;
  }

  /** Sets the wall clock ahead or back. */
  setWall(byMs: number): void {
    this.#wallErrorMs += byMs;
    if (byMs < 0) this.setBackAt = this.#time();
  }

  /** The machine was suspended since the last reading. The monotonic clock does not count that time. */
  skipSuspension(): void {
    this.#readAt = this.#time();
  }
}
