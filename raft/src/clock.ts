/** Time as the driver needs it. */
import { LeaseClock, workAtTurnEnd } from './frames/index.js';

/** The simulator brings its own. */
export interface Clock {
  /** Calls `callback` every `ms` milliseconds until the returned function is called. */
  every(ms: number, callback: () => void): () => void;
  /** Calls `callback` once, after the inputs of this turn. */
  defer(callback: () => void): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds as `LeaseConfig` needs them. */
  leaseNow(): number;
}

/** How often `passed` looks, in milliseconds. */
const LOOK_MS = 10;

/** Waits until `condition` holds, at most `msMax` milliseconds. */
export async function passed(clock: Clock, msMax: number, condition: () => boolean): Promise<void> {
  let waitedMs = 0;
  await new Promise<void>((resolve) => {
    const stop = clock.every(LOOK_MS, () => {
      waitedMs += LOOK_MS;
      if (!condition() && waitedMs < msMax) return;
      stop();
      resolve();
    });
  });
}

const leaseClock = new LeaseClock();

export const SYSTEM_CLOCK: Clock = {
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
  defer(callback) {
    workAtTurnEnd(callback);
  },
  now: () => performance.now(),
  leaseNow: () => leaseClock.now(),
};
