/**
 * The clock of a process. It may run fast or slow, or jump ahead, which fires ticks in a burst. Timers that are
 * due while the process is paused fire late, and like real intervals they do not catch up.
 */
import type { Clock } from '@trireme/raft';
import type { Random } from './random.js';
import { MS, type Micros } from './scheduler.js';
import type { ProcessScope } from './scope.js';

/** Current rate of a clock. Shared by all instances of a process and changed by faults. */
export interface ClockRate {
  /** Virtual time per unit of the clock's time: 2 is a clock that runs at half speed. */
  slowdown: number;
}

/** Maximum duration of a turn of the event loop. Input that arrives meanwhile is handled together. */
const TURN_MAX: Micros = 150;
/** Time between two ticks of a burst. */
const BURST_GAP: Micros = 20;

interface Timer {
  readonly period: Micros;
  readonly callback: () => void;
  isStopped: boolean;
}

export class SimClock implements Clock {
  readonly #scope: ProcessScope;
  readonly #rate: ClockRate;
  readonly #random: Random;
  readonly #timers = new Set<Timer>();
  #ms = 0;
  #readAt: Micros = 0;

  constructor(scope: ProcessScope, rate: ClockRate, random: Random) {
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

  /** Milliseconds. A change of the rate applies to the time since the previous call. */
  now(): number {
    const { now } = this.#scope;
    this.#ms += (now - this.#readAt) / MS / this.#rate.slowdown;
    this.#readAt = now;
    return this.#ms;
  }

  /** Same as `now`: simulated machines are never suspended. */
  leaseNow(): number {
    return this.now();
  }

  /** Moves the clock ahead by `ms` milliseconds. Timers that become due fire now. */
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
    this.#scope.after(timer.period * this.#rate.slowdown, () => {
      if (timer.isStopped) return;
      this.#arm(timer);
      timer.callback();
    });
  }
}
