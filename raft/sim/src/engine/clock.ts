/**
 * A process's own clock: it may run fast or slow, jump ahead (ticks come in a burst) or stand still. While the process
 * is paused its timers come late, and like real intervals they do not catch up.
 */
import type { Clock } from '#raft/clock.js';
import type { Random } from './random.js';
import { MS, type Micros } from './scheduler.js';
import type { Scope } from './scope.js';

/** What a clock does now; shared by all lives of a process, changed by faults. */
export interface ClockRate {
  /** Virtual time per unit of the process's own time: 2 is a clock that runs at half speed. */
  stretch: number;
}

/** A turn of the event loop takes up to this long; what comes in meanwhile is worked off together. */
const TURN_MAX: Micros = 150;
/** Between two ticks of a burst. */
const BURST_GAP: Micros = 20;

interface Timer {
  readonly period: Micros;
  readonly callback: () => void;
  isStopped: boolean;
}

export class SimClock implements Clock {
  readonly #scope: Scope;
  readonly #rate: ClockRate;
  readonly #random: Random;
  readonly #timers = new Set<Timer>();
  #ms = 0;
  #askedAt: Micros = 0;

  constructor(scope: Scope, rate: ClockRate, random: Random) {
    this.#scope = scope;
    this.#rate = rate;
    this.#random = random;
  }

  every(ms: number, callback: () => void): () => void {
    const timer: Timer = { period: ms * MS, callback, isStopped: false };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      timer.isStopped = true;
      this.#timers.delete(timer);
    };
  }

  defer(callback: () => void): void {
    this.#scope.after(this.#random.below(TURN_MAX), callback);
  }

  /** A change of the rate counts from the last call on. */
  now(): number {
    const { now } = this.#scope;
    this.#ms += (now - this.#askedAt) / MS / this.#rate.stretch;
    this.#askedAt = now;
    return this.#ms;
  }

  /** Nothing suspends a simulated machine. */
  leaseNow(): number {
    return this.now();
  }

  /** The clock jumps ahead by `ms` milliseconds: all that was due by then comes now. */
  jump(ms: number): void {
    this.#ms += ms;
    for (const timer of this.#timers) {
      const due = Math.floor((ms * MS) / timer.period);
      for (let count = 0; count < due; count += 1) {
        this.#scope.after(count * BURST_GAP, () => {
          if (!timer.isStopped) timer.callback();
        });
      }
    }
  }

  #arm(timer: Timer): void {
    this.#scope.after(timer.period * this.#rate.stretch, () => {
      if (timer.isStopped) return;
      this.#arm(timer);
      timer.callback();
    });
  }
}
