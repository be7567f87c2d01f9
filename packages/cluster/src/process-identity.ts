/** Tells a process from a later one that got the same id. */
import { readFileSync } from 'node:fs';
import { startOf } from './rules/process-stat.js';

/**
 * Names a living process: its id, when it started and in which boot; null if there is no such process.
 * Where the system has no /proc, the id alone has to do.
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
  const start = startOf(stat);
  return start === null ? null : `${pid}-${boot}-${start}`;
}

/** Whether the process of this identity still lives. */
export function identityLives(identity: string): boolean {
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
