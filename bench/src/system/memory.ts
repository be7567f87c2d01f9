/** How much memory processes use. */
import { readFileSync } from 'node:fs';

/** Resident memory of a process in MiB; null where /proc does not tell. */
export function residentMiB(pid: number): number | null {
  return statusMiB(pid, 'VmRSS');
}

/** What it was at the most since the process began; null where /proc does not tell. */
export function peakMiB(pid: number): number | null {
  return statusMiB(pid, 'VmHWM');
}

/** The part of it that is no file's: what the system cannot take back; null where /proc does not tell. */
export function ownMiB(pid: number): number | null {
  return statusMiB(pid, 'RssAnon');
}

function statusMiB(pid: number, field: 'VmRSS' | 'VmHWM' | 'RssAnon'): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}
