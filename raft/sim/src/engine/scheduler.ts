/**
 * Virtual time: a queue of events in order of time, then of when they were scheduled. Nothing happens between two
 * events, and a run never waits for real time. All times are whole microseconds from the start of the run.
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
  /** A binary heap: each event comes before the two at twice its place. */
  readonly #heap: Event[] = [];
  #scheduled = 0;
  #now: Micros = 0;
  /** Events that have happened. */
  executed = 0;
  /** Set by whoever settles a promise that simulated code may wait for: its continuations run before the next event. */
  mayHaveWoken = false;

  get now(): Micros {
    return this.#now;
  }

  /** Has `run` happen after `delay` microseconds, at 0 after everything that is due now. */
  after(delay: Micros, run: () => void): void {
    this.#push({ time: this.#now + Math.floor(delay), order: this.#scheduled++, run });
  }

  /** Has the next event happen; false, and time is `until`, if there is none at or before `until`. */
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
 * Resolves once every promise continuation that can run has run, in their own order. It has to be asked for from
 * within a continuation: Node then empties that queue first, and comes to `nextTick` after it.
 */
export async function continuationsDone(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
