/** The clock that the driver uses. */
import { LeaseClock } from './frames/lease-clock.js';
import { deferWork } from './frames/turn-queue.js';

/** A source of time for a node. The simulator has its own implementation. */
export interface Clock {
  /** Calls `callback` every `ms` milliseconds until the returned function is called. */
  every(ms: number, callback: () => void): () => void;
  /** Calls `callback` once, after the inputs of this turn of the event loop. */
  defer(callback: () => void): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds for leases, as `LeaseConfig` requires them. */
  leaseNow(): number;
}

/** How often `waitUntil` checks its condition, in milliseconds. */
const POLL_MS = 10;

/** Waits until `condition` is true, at most `msMax` milliseconds. */
export async function waitUntil(clock: Clock, msMax: number, condition: () => boolean): Promise<void> {
  let waitedMs = 0;
  await new Promise<void>((resolve) => {
    const stop = clock.every(POLL_MS, () => {
      waitedMs += POLL_MS;
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
    deferWork(callback);
  },
  now: () => performance.now(),
  leaseNow: () => leaseClock.now(),
};
