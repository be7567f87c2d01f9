/** The data folder of a cluster on one machine: what is in it, its secrets, and how it is emptied. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER_FILE, readClusterFile } from './cluster-file.js';
import { isLockFile } from './data-lock.js';
import { ClusterError } from './errors.js';

/** The shared secret of the internal ports. Made first and removed last: it marks the folder as a cluster's. */
export const SECRET_FILE = 'secret';

/** What `PUT /stocks/:name` and restocking ask for. */
export const OPERATOR_TOKEN_FILE = 'operator-token';

const LOGS = 'logs';

const OURS = /^(catalog|replica-\d+|logs|operator-token|cluster\.json(\.tmp)?)$/;

/** Absolute paths in a data folder. */
export interface DataPaths {
  readonly secret: string;
  readonly operatorToken: string;
  readonly logs: string;
}

/** Makes the folder, for its owner only if it is new. */
export function makeDataFolder(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
}

/** Makes what every cluster needs and is not there yet: logs, secret, operator token. */
export function fillDataFolder(dataDir: string): DataPaths {
  const paths = {
    secret: join(dataDir, SECRET_FILE),
    operatorToken: join(dataDir, OPERATOR_TOKEN_FILE),
    logs: join(dataDir, LOGS),
  };
  makeSecret(paths.secret);
  makeSecret(paths.operatorToken);
  mkdirSync(paths.logs, { recursive: true });
  return paths;
}

/** Reads the cluster's secret. @throws ClusterError `NOT_OURS` if the folder has none. */
export function readSecret(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, SECRET_FILE), 'utf8').trim();
  } catch (error) {
    throw new ClusterError('NOT_OURS', `${dataDir} is not a cluster's data folder: it has no secret`, {
      cause: error,
    });
  }
}

function makeSecret(path: string): void {
  if (existsSync(path)) {
    chmodSync(path, 0o600);
    return;
  }
  writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
}

/**
 * Empties the folder, but for the locks.
 * @throws ClusterError `NOT_OURS`, with nothing removed, if it holds anything that a cluster does not put there.
 */
export function emptyDataFolder(dataDir: string): void {
  const entries = readdirSync(dataDir).filter((name) => !isLockFile(name));
  if (entries.length === 0) return;
  const foreign = entries.filter((name) => name !== SECRET_FILE && !OURS.test(name));
  if (foreign.length > 0 || !entries.includes(SECRET_FILE)) {
    const why = foreign.length > 0 ? `it holds ${foreign.slice(0, 3).join(', ')}` : 'it has no secret file';
    throw new ClusterError('NOT_OURS', `${dataDir} is not emptied: ${why}, so it is not a cluster's alone`);
  }
  for (const name of entries) {
    if (name !== SECRET_FILE) rmSync(join(dataDir, name), { recursive: true });
  }
  rmSync(join(dataDir, SECRET_FILE));
}

/**
 * Refuses a number of replicas that the data was not made with: a majority of the new group could be without
 * orders that were acknowledged by the old one.
 * @throws ClusterError `BAD_OPTION`.
 */
export function checkReplicaCount(dataDir: string, replicas: number): void {
  const known =
    readClusterFile(dataDir)?.processes.filter(({ role }) => role === 'replica').length ?? replicas;
  if (known !== replicas) {
    throw new ClusterError(
      'BAD_OPTION',
      `${join(dataDir, CLUSTER_FILE)} tells of ${known} replicas, not ${replicas}: start it with --replicas ${known}, or anew with --fresh`,
    );
  }
}
