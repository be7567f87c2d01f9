/**
 * The end of a turn: after everything that came in while the event loop read its sockets, before it reads them again.
 * What has gathered by then is worked off in one go, and then leaves. Each step with a `setImmediate` of its own would
 * have the loop poll its sockets between any two of them: a proposal that is taken, logged, handed to the core, sent and
 * written would wait for three polls on its way.
 */

type Callback = () => void;

/** Callbacks in the order in which they came, each called once. */
class Stage {
  #waiting: Callback[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(callback: Callback): void {
    this.#waiting.push(callback);
  }

  /** Calls those that wait now. If one throws the rest goes on waiting. */
  run(): void {
    const callbacks = this.#waiting;
    this.#waiting = [];
    let called = 0;
    try {
      for (const callback of callbacks) {
        called += 1;
        callback();
      }
    } finally {
      if (called < callbacks.length) this.#waiting = callbacks.slice(called).concat(this.#waiting);
    }
  }
}

/** What works on what came in; it may add work, which is done in the same turn. */
const works = new Stage();
/** What hands bytes to the system: last, so that all that the work has queued leaves in one write for each socket. */
const writes = new Stage();
let isDue = false;

/** Calls `work` once at the end of this turn, before anything is written. What it throws is not caught. */
export function workAtTurnEnd(work: Callback): void {
  works.add(work);
  schedule();
}

/** Calls `write` once at the end of this turn, when all work is done. What it throws is not caught. */
export function writeAtTurnEnd(write: Callback): void {
  writes.add(write);
  schedule();
}

function schedule(): void {
  if (isDue) return;
  isDue = true;
  setImmediate(end);
}

function end(): void {
  isDue = false;
  try {
    while (!works.isEmpty) works.run();
    writes.run();
  } finally {
    // A process that outlives what one of them has thrown does the rest in the next turn.
    if (!works.isEmpty || !writes.isEmpty) schedule();
  }
}
