/** Progress of a run in one line: `[########            ]  40%  1 min 20 s left  p 40%, cache on`. */

const BAR_WIDTH = 24;

/** @param left remaining milliseconds; null while unknown. @param step the current step. */
export function progressLine(share: number, left: number | null, step: string): string {
  const filled = Math.round(Math.min(Math.max(share, 0), 1) * BAR_WIDTH);
  const bar = '#'.repeat(filled).padEnd(BAR_WIDTH);
  const percent = `${Math.round(share * 100)}%`.padStart(4);
  return `[${bar}] ${percent}  ${left === null ? '' : `${formatDuration(left)} left  `}${step}`;
}

/** Estimated remaining milliseconds when `share` of the work took `elapsedMs`; null if `share` is 0. */
export function timeLeftMs(share: number, elapsedMs: number): number | null {
  return share > 0 ? (elapsedMs / share) * (1 - share) : null;
}

/** `45 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
