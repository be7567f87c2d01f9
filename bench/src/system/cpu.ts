/** CPU time of processes, from /proc. */
import { readFileSync } from 'node:fs';

/** Clock ticks per second in /proc (USER_HZ): 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of a process so far, user and kernel mode; null if /proc has no entry for it. */
export function cpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name in parentheses may contain any character; utime and stime are the 12th and 13th field
    // after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null;
  } catch {
    return null;
  }
}

/**
 * Runs `work`, and returns the CPU seconds that each process used meanwhile, by name; processes that exited
 * are left out.
 */
export async function cpuDuring<T>(
  processes: readonly (readonly [name: string, pid: number])[],
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: Readonly<Record<string, number>> }> {
  const before = processes.map(([, pid]) => cpuSeconds(pid));
  const result = await work();
  const cpu = processes.flatMap(([name, pid], i) => {
    const from = before[i] ?? null;
    const to = cpuSeconds(pid);
    return from === null || to === null ? [] : [[name, to - from] as const];
  });
  return { result, cpu: Object.fromEntries(cpu) };
}
