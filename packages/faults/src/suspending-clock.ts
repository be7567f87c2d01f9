/**
 * Loaded into a process by `--import`: leaves the time for which the process was paused out of `performance.now`, as the
 * kernel leaves the time for which a machine is suspended out of its monotonic clock. The wall clock counts it.
 */

/** A process that runs reads the clock more often than this, in milliseconds. */
const GAP_MS_MIN = 500;

const now = performance.now.bind(performance);
let lastMs = now();
let suspendedMs = 0;

performance.now = () => {
  const ms = now();
  if (ms - lastMs >= GAP_MS_MIN) suspendedMs += ms - lastMs;
  lastMs = ms;
  return ms - suspendedMs;
};
