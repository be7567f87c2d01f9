/**
 * Loaded into a process with `--import`: excludes the time in which the process was paused from
 * `performance.now`, as the kernel excludes the time in which a machine is suspended from its monotonic
 * clock. The wall clock includes it.
 */

/** A running process reads the clock more often than this, so a longer gap in ms is a pause. */
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
