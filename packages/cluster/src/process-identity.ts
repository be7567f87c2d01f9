/** Tells a process from a later one that got the same id. */
import { readFileSync } from 'node:fs';

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
  // proc(5): the second field is the program's name in parentheses and may hold anything, so count from its end;
  // the state is the first field behind it, the start time in clock ticks since boot the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return `${pid}-${boot}-${fields[19] ?? '0'}`;
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
