/** Resource usage of processes, from /proc and from their metrics. */
import { readFileSync } from 'node:fs';

/** Clock ticks per second in /proc (USER_HZ): 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of a process so far, user and kernel mode; null if /proc has no entry for it. */
function cpuSeconds(pid: number): number | null {
  const stat = read(pid, 'stat');
  // proc(5): the name in parentheses may contain any character; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null;
}

/** Runs `work`, and returns the CPU seconds that each process used meanwhile, by name, without those that exited. */
export async function cpuDuring<T>(
  processes: readonly (readonly [name: string, pid: number])[],
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: Readonly<Record<string, number>> }> {
  const before = new Map(processes.map(([name, pid]) => [name, cpuSeconds(pid)]));
  const result = await work();
  const cpu = processes.flatMap(([name, pid]) => {
    const from = before.get(name) ?? null;
    const to = cpuSeconds(pid);
    return from === null || to === null ? [] : [[name, to - from] as const];
  });
  return { result, cpu: Object.fromEntries(cpu) };
}

/**
 * Memory of a process in MiB: resident now, at its peak, or anonymous, that is, without pages of mapped files;
 * null if unknown.
 */
export function memoryMiB(pid: number, what: 'resident' | 'peak' | 'anonymous'): number | null {
  const field = { resident: 'VmRSS', peak: 'VmHWM', anonymous: 'RssAnon' }[what];
  const kib = numberIn(read(pid, 'status'), new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm'));
  return kib === null ? null : kib / 1024;
}

export interface Usage {
  readonly cpuSeconds: number;
  /** Bytes that the process caused to be written to storage; null if unknown. */
  readonly diskBytes: number | null;
  /** Syncs of the store; null for a process without a store. */
  readonly syncs: number | null;
}

/** @param url internal URL of a process with a store; null for a process without one */
export async function usageOf(pid: number, url: string | null): Promise<Usage> {
  const syncs = url === null ? null : await syncsSoFar(url);
  return {
    cpuSeconds: cpuSeconds(pid) ?? 0,
    diskBytes: numberIn(read(pid, 'io'), /^write_bytes: (\d+)$/m),
    syncs,
  };
}

async function syncsSoFar(url: string): Promise<number | null> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
  return numberIn(await response.text(), /^trireme_\w+_sync_duration_seconds_count (\d+)$/m);
}

/** Empty if the process has exited, or on a system without /proc. */
function read(pid: number, file: 'stat' | 'status' | 'io'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function numberIn(text: string, pattern: RegExp): number | null {
  const number = pattern.exec(text)?.[1];
  return number === undefined ? null : Number(number);
}
