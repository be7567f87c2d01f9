/**
 * Virtual time: a queue of events, ordered by time, then by when they were scheduled. Nothing happens between
 * two events, and a run never waits for real time. All times are integer microseconds since the start of the
 * run.
 */

/** Microseconds of virtual time. */
export type Micros = number;

export const MS: Micros = 1_000;
export const SECOND: Micros = 1_000_000;

interface Event {
  readonly time: Micros;
  readonly order: number;
  readonly run: () => void;
}

export class Scheduler {
  /** A binary heap: an event is due before its two children. */
  readonly #heap: Event[] = [];
  #scheduled = 0;
  #now: Micros = 0;
  /** Number of executed events. */
  executed = 0;
  /**
   * Must be set when a promise is settled that simulated code may wait for. Continuations then run before the
   * next event.
   */
  maySettlePromises = false;

  get now(): Micros {
    return this.#now;
  }

  /** Calls `run` after `delay` microseconds; with 0, after all events that are due now. */
  after(delay: Micros, run: () => void): void {
    this.#push({ time: this.#now + Math.floor(delay), order: this.#scheduled++, run });
  }

  /** Runs the next event. If there is none at or before `until`, sets the time to `until` and returns false. */
  step(until: Micros): boolean {
    const event = this.#heap[0];
    if (event === undefined || event.time > until) {
      this.#now = until;
      return false;
    }
    this.#pop();
    this.#now = event.time;
    this.executed += 1;
    event.run();
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (child === undefined) break;
      const other = heap[below + 1];
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        below += 1;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/**
 * Resolves once all pending promise continuations have run. Must be called from within a continuation, because
 * Node then empties the queue of continuations before it runs `nextTick` callbacks.
 */
export async function drainContinuations(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
