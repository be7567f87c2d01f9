/** Parses `/proc/<pid>/stat` (proc(5)). */

/** Positions of the fields after the program name; the state is the first. */
const STATE = 0;
const THREADS = 17;
const STARTED = 19;

/**
 * Start time of the process, in clock ticks since boot; null if it has ended. The second field is the program name in
 * parentheses, which may contain anything, so fields are counted from its end.
 */
export function startTimeOf(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[STATE];
  // A zombie may still have other threads, for example while a disk hangs. They keep its ports and files open.
  const isLastThread = Number(fields[THREADS] ?? 1) <= 1;
  if (state === 'X' || (state === 'Z' && isLastThread)) return null;
  return fields[STARTED] ?? '0';
}
