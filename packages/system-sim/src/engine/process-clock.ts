/** The clocks of one machine: they go on through all lives of its process, drift, and the wall clock may be wrong. */
import { MS, type ClockRate, type Micros } from '@trireme/raft/sim';

/** Milliseconds since 1970 at the beginning of a run. */
const EPOCH_MS = 1_700_000_000_000;

export class MachineClock {
  readonly rate: ClockRate = { stretch: 1 };
  /** When the wall clock was set back last. */
  setBackAt: Micros = -Infinity;
  /** How far the wall clock is ahead, in milliseconds. */
  #wallLeadMs = 0;
  readonly #time: () => Micros;
  #ms: number;
  #askedAt: Micros = 0;

  /** @param time virtual time @param startMs what the monotonic clock shows at first */
  constructor(time: () => Micros, startMs: number) {
    this.#time = time;
    this.#ms = startMs;
  }

  monotonicMs(): number {
    const now = this.#time();
    this.#ms += (now - this.#askedAt) / MS / this.rate.stretch;
    this.#askedAt = now;
    return this.#ms;
  }

  wallMs(): number {
    return Math.floor(EPOCH_MS + this.#time() / MS + this.#wallLeadMs);
  }

  setRate(stretch: number): void {
    this.monotonicMs();
    this.rate.stretch = stretch;
  }

  /** Somebody sets the wall clock, ahead or back. */
  setWall(byMs: number): void {
    this.#wallLeadMs += byMs;
    if (byMs < 0) this.setBackAt = this.#time();
  }

  /** The machine was suspended since the clock was read last: the monotonic clock does not count that time. */
  skip(): void {
    this.#askedAt = this.#time();
  }
}
