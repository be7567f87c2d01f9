/** Resource usage of a process of a cluster: CPU, bytes written, syncs. */
import { readFileSync } from 'node:fs';
import { cpuSeconds } from './cpu.js';

export interface Usage {
  readonly cpuSeconds: number;
  readonly diskBytes: number | null;
  readonly syncs: number | null;
}

/** @param url internal URL of a process with a store; null for a process without one */
export async function usageOf(pid: number, url: string | null): Promise<Usage> {
  const syncs = url === null ? null : await syncsSoFar(url);
  return { cpuSeconds: cpuSeconds(pid) ?? 0, diskBytes: diskBytes(pid), syncs };
}

/** Bytes that the process caused to be written to storage (proc(5), `io`); null if unknown. */
function diskBytes(pid: number): number | null {
  try {
    const bytes = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1];
    return bytes === undefined ? null : Number(bytes);
  } catch {
    return null;
  }
}

/** Number of syncs, from the metrics of the process. */
async function syncsSoFar(url: string): Promise<number | null> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
  const count = /^trireme_\w+_sync_duration_seconds_count (\d+)$/m.exec(await response.text())?.[1];
  return count === undefined ? null : Number(count);
}
