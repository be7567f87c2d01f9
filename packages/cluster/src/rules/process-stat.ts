/** What `/proc/<pid>/stat` tells of a process (proc(5)). */

/** Places of fields behind the program's name, the state being the first. */
const STATE = 0;
const THREADS = 17;
const STARTED = 19;

/**
 * When the process started, in clock ticks since boot; null if it has ended. The second field is the program's name in
 * parentheses and may hold anything, so fields are counted from its end.
 */
export function startOf(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[STATE];
  // A zombie has other threads for a moment, or as long as a disk hangs: they hold its ports and files until they end.
  const isLastThread = Number(fields[THREADS] ?? 1) <= 1;
  if (state === 'X' || (state === 'Z' && isLastThread)) return null;
  return fields[STARTED] ?? '0';
}
