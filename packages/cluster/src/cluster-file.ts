/** `cluster.json` in the data folder: who runs where, for the scripts, the client and whoever looks on. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { folderIdentity } from '@trireme/service';
import { ClusterError } from './errors.js';

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

/** A `cluster.json` as it lies in a folder, which may be a copy of the one that it was written in. */
interface RecordedCluster extends ClusterFile {
  /** The folder that it was written in, as `folderIdentity` names it; absent in files of before this was recorded. */
  readonly folder?: string;
}

/** Name of the file in the data folder. */
export const CLUSTER_FILE = 'cluster.json';

/**
 * Reads `cluster.json` for whoever wants to reach its processes; null if there is none or it is not readable as such.
 * @throws ClusterError `COPIED_FOLDER` if it came with a copy of the folder: its processes are those of the original.
 */
export function readClusterFile(dataDir: string): ClusterFile | null {
  const file = readRecordedCluster(dataDir);
  if (file === null || isOfFolder(file, dataDir)) return file;
  throw new ClusterError(
    'COPIED_FOLDER',
    `${join(dataDir, CLUSTER_FILE)} was not written in this folder, which is a copy of another one (or was last used by an ` +
      `earlier version): the processes in it may be another cluster's. Start a cluster on this folder ` +
      `(npm start -- --data ${dataDir} --port N), or give the original's folder`,
  );
}

/** The processes that were started on this very folder last; of a copy there are none. */
export function processesOf(dataDir: string): readonly ProcessEntry[] {
  const file = readRecordedCluster(dataDir);
  return file !== null && isOfFolder(file, dataDir) ? file.processes : [];
}

function isOfFolder({ folder }: RecordedCluster, dataDir: string): boolean {
  return folder === folderIdentity(dataDir);
}

/** Reads `cluster.json` for what it says of the cluster's shape, which a copy of the folder shares with the original. */
export function readRecordedCluster(dataDir: string): RecordedCluster | null {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(dataDir, CLUSTER_FILE), 'utf8'));
  } catch {
    return null;
  }
  return isClusterFile(value) ? value : null;
}

function isClusterFile(value: unknown): value is RecordedCluster {
  if (typeof value !== 'object' || value === null) return false;
  if (!('port' in value) || !('control' in value) || !('processes' in value)) return false;
  const { port, control, processes } = value;
  return typeof port === 'number' && typeof control === 'string' && Array.isArray(processes);
}

/** Replaces `cluster.json`, marking it as this folder's: a reader sees the old one or the new one, whole. */
export function writeClusterFile(dataDir: string, file: ClusterFile): void {
  const recorded: RecordedCluster = { ...file, folder: folderIdentity(dataDir) };
  const path = join(dataDir, CLUSTER_FILE);
  const descriptor = openSync(`${path}.tmp`, 'w', 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify(recorded, null, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.tmp`, path);
}
