/** Distinguishes a process from a later one with the same pid. */
import { readFileSync } from 'node:fs';

/** Positions of the fields of `/proc/<pid>/stat` (proc(5)) after the program name; the state is the first. */
const STATE = 0;
const THREADS = 17;
const STARTED = 19;

/**
 * Identity of a running process: its pid, boot id and start time; null if there is no such process.
 * On a system without /proc it is only the pid.
 */
export function processIdentity(pid: number): string | null {
  let stat: string;
  let boot: string;
  try {
    boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  } catch {
    return isAlive(pid) ? `${pid}` : null;
  }
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  const start = startTimeOf(stat);
  return start === null ? null : `${pid}-${boot}-${start}`;
}

/** Whether the process with this identity still runs. */
export function isProcessAlive(identity: string): boolean {
  return processIdentity(Number.parseInt(identity, 10)) === identity;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

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
