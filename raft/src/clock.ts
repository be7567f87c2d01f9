/** Time as the driver needs it. */

/** The simulator brings its own. */
export interface Clock {
  /** Calls `callback` every `ms` milliseconds until the returned function is called. */
  every(ms: number, callback: () => void): () => void;
  /** Calls `callback` once, after the inputs of this turn. */
  defer(callback: () => void): void;
}

export const SYSTEM_CLOCK: Clock = {
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
  defer(callback) {
    setImmediate(callback);
  },
};
