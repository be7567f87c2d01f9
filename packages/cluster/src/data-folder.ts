/** The data folder of a cluster on one machine: what is in it, its secrets, and how it is emptied. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  messageOf,
  operatorCommand,
  parseSecret,
  SIDE_SUFFIX,
  syncFolder,
  writeDurably,
} from '@trireme/service';
import { CLUSTER_FILE, readRecordedCluster } from './cluster-file.js';
import { isLock, storeInUse } from './data-lock.js';
import { ClusterError } from './errors.js';
import { catalogNumber, replicaNumber } from './rules/target.js';

/** The shared secret of the internal ports. Made first and removed last: it marks the folder as a cluster's. */
export const SECRET_FILE = 'secret';

/** What `PUT /stocks/:name` and restocking ask for. */
export const OPERATOR_TOKEN_FILE = 'operator-token';

const LOGS = 'logs';

/** Replicas of a new cluster, unless another number is asked for. */
const REPLICAS_DEFAULT = 3;

/** Catalogs of a new cluster, likewise. */
export const CATALOGS_DEFAULT = 2;

/** The process of earlier versions, of which a cluster had one. */
const ONLY_CATALOG = 'catalog';

/** `catalog`, `cluster.json.tmp` and `supervisor-*.lock` are of earlier versions. */
const OURS =
  /^(catalog|certificates|replica-\d+(\.old-\d+(T\d+Z)?(-\d+)?)?|logs|(secret|operator-token|cluster\.json)(\.new)?|cluster\.json\.tmp|supervisor-.+\.lock)$/;

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

/**
 * Makes what every cluster needs and is not there yet: logs, secret, operator token.
 * @throws ClusterError `DAMAGED_FILE` if one of the secrets is none; the system's error if one cannot be written.
 */
export async function fillDataFolder(dataDir: string): Promise<DataPaths> {
  const paths = {
    secret: join(dataDir, SECRET_FILE),
    operatorToken: join(dataDir, OPERATOR_TOKEN_FILE),
    logs: join(dataDir, LOGS),
  };
  await makeSecret(paths.secret);
  await makeSecret(paths.operatorToken);
  mkdirSync(paths.logs, { recursive: true });
  return paths;
}

/**
 * Reads the cluster's secret.
 * @throws ClusterError `NOT_OURS` if the folder has none, `DAMAGED_FILE` if it cannot be read or is none.
 */
export function readSecret(dataDir: string): string {
  const secret = secretIn(join(dataDir, SECRET_FILE));
  if (secret !== null) return secret;
  throw new ClusterError('NOT_OURS', `${dataDir} is not a cluster's data folder: it has no secret`);
}

async function makeSecret(path: string): Promise<void> {
  if (secretIn(path) === null) await writeDurably(path, `${randomBytes(32).toString('hex')}\n`);
  else chmodSync(path, 0o600);
}

/** The secret in a file, null if there is no such file. @throws ClusterError `DAMAGED_FILE`. */
function secretIn(path: string): string | null {
  try {
    return parseSecret(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    const why = messageOf(error);
    throw new ClusterError(
      'DAMAGED_FILE',
      `${why}. If it cannot be repaired, remove ${path} while no process of the cluster runs: npm start then makes a new one`,
      { cause: error },
    );
  }
}

/**
 * Empties the folder, but for the lock.
 * @throws ClusterError `NOT_OURS`, with nothing removed, if it holds anything that a cluster does not put there;
 *   `ALREADY_RUNNING`, likewise, if a process still has a store in it open.
 */
export async function emptyDataFolder(dataDir: string): Promise<void> {
  const entries = readdirSync(dataDir).filter((name) => !isLock(name));
  const foreign = entries.filter((name) => !OURS.test(name));
  // What was being made when the first start ended is nobody's.
  const isNew = entries.every((name) => name.endsWith(SIDE_SUFFIX));
  if (foreign.length > 0 || (!isNew && !entries.includes(SECRET_FILE))) {
    const why = foreign.length > 0 ? `it holds ${foreign.slice(0, 3).join(', ')}` : 'it has no secret file';
    throw new ClusterError('NOT_OURS', `${dataDir} is not emptied: ${why}, so it is not a cluster's alone`);
  }
  const inUse = await storeInUse(dataDir);
  if (inUse !== null) {
    throw new ClusterError(
      'ALREADY_RUNNING',
      `${dataDir} is not emptied: a process has ${inUse} open; stop it first, here or in another container`,
    );
  }
  for (const name of entries) {
    if (name !== SECRET_FILE) rmSync(join(dataDir, name), { recursive: true });
  }
  rmSync(join(dataDir, SECRET_FILE), { force: true });
}

/**
 * The numbers of the replicas that the data is of: those that ran last, or 1 to `asked` (3 unless set) for a new cluster.
 * Where `cluster.json` is gone, those that have a log are the ones that ran.
 * @throws ClusterError `BAD_OPTION` if another number of them is asked for: the group is changed by its members alone;
 *   `DAMAGED_FILE` if `cluster.json` cannot be read.
 */
export function replicasOf(dataDir: string, asked: number | undefined): readonly number[] {
  const recorded = readRecordedCluster(dataDir);
  const names = recorded?.processes.map(({ id }) => id) ?? foldersWithLog(dataDir);
  const known: number[] = [];
  for (const name of names) {
    const number = replicaNumber(name);
    if (number !== null) known.push(number);
  }
  if (known.length === 0) return Array.from({ length: asked ?? REPLICAS_DEFAULT }, (_, i) => i + 1);
  if (asked === undefined || known.length === asked) return known;
  throw new ClusterError(
    'BAD_OPTION',
    `${recorded === null ? dataDir : join(dataDir, CLUSTER_FILE)} tells of ${known.length} replicas, not ${asked}: start it without --replicas and change the group with ${operatorCommand('members', '--help')}, or begin anew with --fresh`,
  );
}

/**
 * The numbers of the catalogs of the cluster: those that ran last, or 1 to `asked` (2 unless set) where nothing tells of any.
 * The set itself stands in the log; a catalog that is not in it is followed by nobody.
 * @throws ClusterError `BAD_OPTION` if another number of them is asked for: the set is changed while the cluster runs;
 *   `DAMAGED_FILE` if `cluster.json` cannot be read.
 */
export function catalogsOf(dataDir: string, asked: number | undefined): readonly number[] {
  const names = readRecordedCluster(dataDir)?.processes.map(({ id }) => id);
  if (names === undefined || names.includes(ONLY_CATALOG)) {
    return Array.from({ length: asked ?? CATALOGS_DEFAULT }, (_, i) => i + 1);
  }
  const known = names.map(catalogNumber).filter((number) => number !== null);
  if (asked === undefined || known.length === asked) return known;
  throw new ClusterError(
    'BAD_OPTION',
    `${join(dataDir, CLUSTER_FILE)} tells of ${known.length} catalogs, not ${asked}: start it without --catalogs and change their set with ${operatorCommand('catalogs', '--help')}, or begin anew with --fresh`,
  );
}

/** Whether a cluster has run on the folder. */
export function isUsed(dataDir: string): boolean {
  return existsSync(join(dataDir, CLUSTER_FILE)) || foldersWithLog(dataDir).length > 0;
}

/** Names of the replicas that have begun a log, by number. */
function foldersWithLog(dataDir: string): readonly string[] {
  return readdirSync(dataDir)
    .filter((name) => replicaNumber(name) !== null && existsSync(join(dataDir, name, 'log')))
    .sort((a, b) => (replicaNumber(a) ?? 0) - (replicaNumber(b) ?? 0));
}

/**
 * Has the replicas of a new cluster found their group: each finds a file that says so, once. In a folder that was used
 * before nothing is done: a replica without its data is then one that lost it.
 */
export async function foundGroup(dataDir: string, replicas: readonly number[]): Promise<void> {
  if (isUsed(dataDir)) return;
  const folders = replicas.map((id) => join(dataDir, `replica-${id}`));
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await writeDurably(join(folder, BOOTSTRAP_FILE), '');
  }
  await syncFolder(dataDir);
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
