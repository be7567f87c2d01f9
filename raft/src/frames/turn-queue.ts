/**
 * Batches work at the end of a turn of the event loop: after the callbacks of everything that was read from
 * sockets, before the sockets are polled again. First all queued work runs, then all queued writes. With a
 * `setImmediate` for each step the loop would poll its sockets between the steps, and a proposal would wait
 * for several polls on its way.
 */

type Callback = () => void;

/** Callbacks in order, each called once. */
class CallbackQueue {
  #queued: Callback[] = [];

  get isEmpty(): boolean {
    return this.#queued.length === 0;
  }

  add(callback: Callback): void {
    this.#queued.push(callback);
  }

  /** Calls the queued callbacks. If one throws, the following ones stay queued. */
  run(): void {
    const callbacks = this.#queued;
    this.#queued = [];
    let called = 0;
    try {
      for (const callback of callbacks) {
        called += 1;
        callback();
      }
    } finally {
      if (called < callbacks.length) this.#queued = callbacks.slice(called).concat(this.#queued);
    }
  }
}

/** Handlers of received input; work that they add runs in the same turn. */
const works = new CallbackQueue();
/** Socket writes: they run last, so that each socket gets all bytes of the turn in one write. */
const writes = new CallbackQueue();
let isScheduled = false;

/** Calls `work` once at the end of this turn, before anything is written. Its exceptions are not caught. */
export function deferWork(work: () => void): void {
  works.add(work);
  schedule();
}

/** Calls `write` once at the end of this turn, after all work. Its exceptions are not caught. */
export function deferWrite(write: Callback): void {
  writes.add(write);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runQueues);
}

function runQueues(): void {
  isScheduled = false;
  try {
    while (!works.isEmpty) works.run();
    writes.run();
  } finally {
    // If a callback throws and the process survives it, the remaining callbacks run in the next turn.
    if (!works.isEmpty || !writes.isEmpty) schedule();
  }
}
