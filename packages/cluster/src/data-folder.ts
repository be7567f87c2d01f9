/** The data folder of a cluster on one machine: what is in it, its secrets, and how it is emptied. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { operatorCommand } from '@trireme/service';
import { CLUSTER_FILE, readRecordedCluster } from './cluster-file.js';
import { isLockFile } from './data-lock.js';
import { ClusterError } from './errors.js';
import { replicaNumber } from './rules/target.js';

/** The shared secret of the internal ports. Made first and removed last: it marks the folder as a cluster's. */
export const SECRET_FILE = 'secret';

/** What `PUT /stocks/:name` and restocking ask for. */
export const OPERATOR_TOKEN_FILE = 'operator-token';

const LOGS = 'logs';

/** Replicas of a new cluster, unless another number is asked for. */
const REPLICAS_DEFAULT = 3;

const OURS =
  /^(catalog|certificates|replica-\d+(\.old-\d+(T\d+Z)?(-\d+)?)?|logs|operator-token|cluster\.json(\.tmp)?)$/;

/** Laid down for a replica that founds the group; the replica removes it before it votes. */
const BOOTSTRAP_FILE = 'bootstrap';

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
 * The numbers of the replicas that the data is of: those that ran last, or 1 to `asked` (3 unless set) for a new cluster.
 * @throws ClusterError `BAD_OPTION` if another number of them is asked for: the group is changed by its members alone.
 */
export function replicasOf(dataDir: string, asked: number | undefined): readonly number[] {
  const known: number[] = [];
  for (const { id } of readRecordedCluster(dataDir)?.processes ?? []) {
    const number = replicaNumber(id);
    if (number !== null) known.push(number);
  }
  if (known.length === 0) return Array.from({ length: asked ?? REPLICAS_DEFAULT }, (_, i) => i + 1);
  if (asked === undefined || known.length === asked) return known;
  throw new ClusterError(
    'BAD_OPTION',
    `${join(dataDir, CLUSTER_FILE)} tells of ${known.length} replicas, not ${asked}: start it without --replicas and change the group with ${operatorCommand('members', '--help')}, or begin anew with --fresh`,
  );
}

/** Whether a cluster has run on the folder. */
export function isUsed(dataDir: string): boolean {
  if (existsSync(join(dataDir, CLUSTER_FILE))) return true;
  return readdirSync(dataDir).some(
    (name) => replicaNumber(name) !== null && existsSync(join(dataDir, name, 'log')),
  );
}

/**
 * Has the replicas of a new cluster found their group: each finds a file that says so, once. In a folder that was used
 * before nothing is done: a replica without its data is then one that lost it.
 */
export function foundGroup(dataDir: string, replicas: readonly number[]): void {
  if (isUsed(dataDir)) return;
  const folders = replicas.map((id) => join(dataDir, `replica-${id}`));
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, BOOTSTRAP_FILE), '', { mode: 0o600, flush: true });
  }
}

/**
 * Moves a process's folder aside, if it is there, where its operator may look at it or remove it: `replica-2` becomes
 * `replica-2.old-20260131T235959Z`, by the time `at`. Returns where to.
 */
export function setAside(folder: string, at: Date): string | null {
  if (!existsSync(folder)) return null;
  const time = at.toISOString().replace(/\.\d+|[-:]/g, '');
  for (let n = 1; ; n += 1) {
    const aside = `${folder}.old-${time}${n === 1 ? '' : `-${n}`}`;
    if (existsSync(aside)) continue;
    renameSync(folder, aside);
    return aside;
  }
}
