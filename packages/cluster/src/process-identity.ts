/** Distinguishes a process from a later one with the same pid. */
import { readFileSync } from 'node:fs';
import { startTimeOf } from './rules/process-stat.js';

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
