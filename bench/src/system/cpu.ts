/** How much CPU processes have used. */
import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: 100 on every Linux that Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process has used, in user and kernel mode; null where /proc does not tell. */
export function cpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name in parentheses may hold anything; utime and stime are the 12th and 13th field behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null;
  } catch {
    return null;
  }
}

/** Seconds of CPU that each process used while `work` ran, by name; what ended meanwhile is left out. */
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
