/** Memory of processes, from /proc. */
import { readFileSync } from 'node:fs';

/** Resident memory of a process in MiB; null if unknown. */
export function residentMiB(pid: number): number | null {
  return statusMiB(pid, 'VmRSS');
}

/** Peak resident memory since the start of the process in MiB; null if unknown. */
export function peakMiB(pid: number): number | null {
  return statusMiB(pid, 'VmHWM');
}

/** Anonymous resident memory in MiB, that is, without pages of mapped files; null if unknown. */
export function anonymousMiB(pid: number): number | null {
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
