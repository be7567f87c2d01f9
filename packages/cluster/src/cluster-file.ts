/** `cluster.json` in the data folder: who runs where, for the scripts, the client and whoever looks on. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type Role = 'catalog' | 'replica' | 'frontend';

/** One process of the cluster. */
export interface ProcessEntry {
  readonly role: Role;
  /** Its name in the cluster, such as `replica-2`. */
  readonly id: string;
  /** Null while it is down. */
  readonly pid: number | null;
  /** Tells the process from a later one with the same pid; null while it is down. */
  readonly identity: string | null;
  /** Public on a front-end, internal on the others. */
  readonly url: string;
  /** Where a replica's peers reach it. */
  readonly peerUrl?: string;
  /** Its data folder, absolute; null if it keeps nothing. */
  readonly data: string | null;
  /** Program and arguments. */
  readonly command: readonly string[];
}

/** What `cluster.json` holds. */
export interface ClusterFile {
  /** Base port. */
  readonly port: number;
  /** Where the control server listens. */
  readonly control: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly processes: readonly ProcessEntry[];
}

/** Name of the file in the data folder. */
export const CLUSTER_FILE = 'cluster.json';

/** Reads `cluster.json`, null if there is none or it is not readable as such. */
export function readClusterFile(dataDir: string): ClusterFile | null {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(dataDir, CLUSTER_FILE), 'utf8'));
  } catch {
    return null;
  }
  return isClusterFile(value) ? value : null;
}

function isClusterFile(value: unknown): value is ClusterFile {
  if (typeof value !== 'object' || value === null) return false;
  if (!('port' in value) || !('control' in value) || !('processes' in value)) return false;
  const { port, control, processes } = value;
  return typeof port === 'number' && typeof control === 'string' && Array.isArray(processes);
}

/** Replaces `cluster.json`: a reader sees the old one or the new one, whole. */
export function writeClusterFile(dataDir: string, file: ClusterFile): void {
  const path = join(dataDir, CLUSTER_FILE);
  const descriptor = openSync(`${path}.tmp`, 'w', 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify(file, null, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.tmp`, path);
}
