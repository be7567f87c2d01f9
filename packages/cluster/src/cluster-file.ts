/** `cluster.json` in the data folder: who runs where, for the scripts, the client and whoever looks on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderIdentity, npmScript, writeDurably } from '@trireme/service';
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
 * Reads `cluster.json` for whoever wants to reach its processes; null if there is none.
 * @throws ClusterError `DAMAGED_FILE` if it cannot be read, `COPIED_FOLDER` if it came with a copy of the folder: its processes are those of the original.
 */
export function readClusterFile(dataDir: string): ClusterFile | null {
  const file = readRecordedCluster(dataDir);
  if (file === null || isOfFolder(file, dataDir)) return file;
  throw new ClusterError(
    'COPIED_FOLDER',
    `${join(dataDir, CLUSTER_FILE)} was not written in this folder, which is a copy of another one (or was last used by an ` +
      `earlier version): the processes in it may be another cluster's. Start a cluster on this folder ` +
      `(${npmScript('start', '--data', dataDir, '--port', 'N')}), or give the original's folder`,
  );
}

/**
 * The processes that were started on this very folder last; of a copy there are none.
 * @throws ClusterError `DAMAGED_FILE`.
 */
export function processesOf(dataDir: string): readonly ProcessEntry[] {
  const file = readRecordedCluster(dataDir);
  return file !== null && isOfFolder(file, dataDir) ? file.processes : [];
}

function isOfFolder({ folder }: RecordedCluster, dataDir: string): boolean {
  return folder === folderIdentity(dataDir);
}

/**
 * Reads `cluster.json` for what it says of the cluster's shape, which a copy of the folder shares with the original; null if
 * there is none.
 * @throws ClusterError `DAMAGED_FILE` if it cannot be read: that is not the same as none.
 */
export function readRecordedCluster(dataDir: string): RecordedCluster | null {
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
  const why = cause instanceof Error ? cause.message : 'it does not tell of a cluster';
  return new ClusterError(
    'DAMAGED_FILE',
    `${path} is damaged or cannot be read (${why}). If it cannot be repaired, move it away while no process of the cluster ` +
      'runs: npm start then goes by the replica folders beside it',
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
 * Replaces `cluster.json`, marking it as this folder's: whoever reads it, also after a crash, finds the old one or the new one, whole.
 * @throws the system's error; then the old one is left.
 */
export async function writeClusterFile(dataDir: string, file: ClusterFile): Promise<void> {
  const recorded: RecordedCluster = { ...file, folder: folderIdentity(dataDir) };
  await writeDurably(join(dataDir, CLUSTER_FILE), `${JSON.stringify(recorded, null, 2)}\n`);
}
