/** `cluster.json` in the data folder: the processes of the cluster and their URLs, for scripts, clients and people. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderIdentity, npmScript, writeDurably } from '@trireme/service';
import { ClusterError } from '../errors.js';

export type ProcessRole = 'catalog' | 'replica' | 'frontend';

/** One process of the cluster. */
export interface ProcessEntry {
  readonly role: ProcessRole;
  /** Name of the process, for example `replica-2`. */
  readonly id: string;
  /** Null while it is down. */
  readonly pid: number | null;
  /** Distinguishes the process from a later one with the same pid; null while it is down. */
  readonly identity: string | null;
  /** Public URL of a front-end, internal URL of other processes. */
  readonly url: string;
  /** URL for the peers of a replica. */
  readonly peerUrl?: string | undefined;
  /** Absolute path of its data folder; null if it has none. */
  readonly data: string | null;
  /** Program and arguments. */
  readonly command: readonly string[];
}

/** Contents of `cluster.json`. */
export interface ClusterFile {
  /** Base port. */
  readonly port: number;
  /** URL of the control server. */
  readonly control: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly processes: readonly ProcessEntry[];
}

/** A `cluster.json` on disk. Its folder may be a copy of the folder in which the file was written. */
interface RecordedCluster extends ClusterFile {
  /** Identity of the folder in which the file was written, from `folderIdentity`; absent in files of older versions. */
  readonly folder?: string;
}

/** Name of the file in the data folder. */
export const CLUSTER_FILE = 'cluster.json';

/**
 * Reads `cluster.json` to find the cluster's processes; null if there is no such file.
 * @throws ClusterError `DAMAGED_FILE` if it cannot be read; `COPIED_FOLDER` if the folder is a copy, as its processes
 *   belong to the original.
 */
export function readClusterFile(dataDir: string): ClusterFile | null {
  const file = readClusterShape(dataDir);
  if (file === null || isOfFolder(file, dataDir)) return file;
  throw new ClusterError(
    'COPIED_FOLDER',
    `${join(dataDir, CLUSTER_FILE)} was not written in this folder: the folder is a copy (or was last used by an ` +
      `earlier version), and the processes in the file may belong to another cluster. Start a cluster on this folder ` +
      `(${npmScript('start', '--data', dataDir, '--port', 'N')}), or give the original folder`,
  );
}

/**
 * The processes of the last cluster on this folder; none if the folder is a copy.
 * @throws ClusterError `DAMAGED_FILE`.
 */
export function processesOfLastRun(dataDir: string): readonly ProcessEntry[] {
  const file = readClusterShape(dataDir);
  return file !== null && isOfFolder(file, dataDir) ? file.processes : [];
}

function isOfFolder({ folder }: RecordedCluster, dataDir: string): boolean {
  return folder === folderIdentity(dataDir);
}

/**
 * Reads `cluster.json` to find which replicas and catalogs the cluster has. A copy of the folder has the same ones as
 * the original. Null if there is no such file.
 * @throws ClusterError `DAMAGED_FILE` if it cannot be read.
 */
export function readClusterShape(dataDir: string): RecordedCluster | null {
  const path = join(dataDir, CLUSTER_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw damaged(path, error);
  }
  if (isClusterFile(value)) return value;
  throw damaged(path, null);
}

function damaged(path: string, cause: unknown): ClusterError {
  const why = cause instanceof Error ? cause.message : 'it does not describe a cluster';
  return new ClusterError(
    'DAMAGED_FILE',
    `${path} is damaged or cannot be read (${why}). If you cannot repair it, move it away while no process of the ` +
      'cluster runs: npm start then uses the replica folders beside it',
    { cause },
  );
}

function isClusterFile(value: unknown): value is RecordedCluster {
  if (typeof value !== 'object' || value === null) return false;
  if (!('port' in value) || !('control' in value) || !('processes' in value)) return false;
  const { port, control, processes } = value;
  if (typeof port !== 'number' || typeof control !== 'string' || !Array.isArray(processes)) return false;
  return processes.length > 0 && processes.every(isProcessEntry);
}

function isProcessEntry(value: unknown): value is ProcessEntry {
  if (typeof value !== 'object' || value === null) return false;
  if (!('id' in value) || !('url' in value) || !('pid' in value) || !('identity' in value)) return false;
  const { id, url, pid, identity } = value;
  if (typeof id !== 'string' || typeof url !== 'string') return false;
  return (pid === null || typeof pid === 'number') && (identity === null || typeof identity === 'string');
}

/**
 * Replaces `cluster.json` atomically and records the identity of this folder in it.
 * @throws the system's error; then the old file is unchanged.
 */
export async function writeClusterFile(dataDir: string, file: ClusterFile): Promise<void> {
  const recorded: RecordedCluster = { ...file, folder: folderIdentity(dataDir) };
  await writeDurably(join(dataDir, CLUSTER_FILE), `${JSON.stringify(recorded, null, 2)}\n`);
}
