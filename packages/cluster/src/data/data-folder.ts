/** The data folder of a cluster on one machine: its contents, its secrets, and how to empty it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  errorMessage,
  isName,
  triremeCommand,
  parseSecrets,
  type SecretLines,
  type SecretSource,
  TEMPORARY_SUFFIX,
  syncFolder,
  writeDurably,
} from '@trireme/service';
import { CLUSTER_FILE, readClusterShape } from './cluster-file.js';
import { isLockEntry, findOpenStore } from './data-lock.js';
import { ClusterError } from '../errors.js';
import { CLUSTER_NAME_DEFAULT, SUFFIX_BYTES, newClusterName } from '../rules/cluster-name.js';
import { catalogNumber, replicaNumber } from '../rules/target.js';

/** The shared secret of the internal ports. It is made first and removed last, and marks the folder as a cluster's. */
export const SECRET_FILE = 'secret';

/** The token that `PUT /stocks/:name` and restocking require. */
export const OPERATOR_TOKEN_FILE = 'operator-token';

/** The name of the cluster, the value of `--cluster` of its processes. Folders of earlier versions have none. */
const NAME_FILE = 'cluster-name';

/** Present while another program writes a new cluster into the folder; no cluster starts on it then. */
const INCOMPLETE_FILE = 'incomplete';

const LOGS = 'logs';

/** Default number of replicas of a new cluster. */
const REPLICAS_DEFAULT = 3;

/** Default number of catalogs of a new cluster. */
export const CATALOGS_DEFAULT = 2;

/** Name of the single catalog that clusters of earlier versions had. */
const ONLY_CATALOG = 'catalog';

/** Entries of a data folder. Earlier versions left `catalog`, `cluster.json.tmp` and `supervisor-*.lock`. */
const KNOWN_ENTRY =
  /^(catalog|certificates|replica-\d+(\.old-\d+(T\d+Z)?(-\d+)?)?|logs|(secret|operator-token|cluster-name|incomplete|cluster\.json)(\.new)?|restoring|cluster\.json\.tmp|supervisor-.+\.lock)$/;

/** Tells a replica to found the group. The replica removes the file before it votes. */
const BOOTSTRAP_FILE = 'bootstrap';

/** Absolute paths in a data folder. */
export interface DataFolderPaths {
  readonly secret: string;
  readonly operatorToken: string;
  readonly logs: string;
}

/** What a data folder says about its cluster. */
export interface DataFiles extends DataFolderPaths {
  /** Name of the cluster. */
  readonly cluster: string;
}

/** Creates the folder, with access for its owner only. */
export function createDataFolder(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
}

/**
 * Creates what is missing in the folder: logs, secret, operator token, and the name of a new cluster.
 * @throws ClusterError `DAMAGED_FILE` if secret or token are invalid; the system's error if one cannot be written.
 */
export async function createDataFiles(dataDir: string): Promise<DataFiles> {
  const paths = {
    secret: join(dataDir, SECRET_FILE),
    operatorToken: join(dataDir, OPERATOR_TOKEN_FILE),
    logs: join(dataDir, LOGS),
  };
  await makeSecret(paths.secret);
  await makeSecret(paths.operatorToken);
  mkdirSync(paths.logs, { recursive: true });
  if (readName(dataDir) === null && !hasRunCluster(dataDir))
    await writeName(dataDir, newClusterName(CLUSTER_NAME_DEFAULT, randomBytes(SUFFIX_BYTES)));
  return { ...paths, cluster: readClusterName(dataDir) };
}

/**
 * The name of the folder's cluster; that of all earlier clusters if none is recorded.
 * @throws ClusterError `DAMAGED_FILE` if it cannot be read or is invalid.
 */
export function readClusterName(dataDir: string): string {
  return readName(dataDir) ?? CLUSTER_NAME_DEFAULT;
}

function readName(dataDir: string): string | null {
  const path = join(dataDir, NAME_FILE);
  if (!existsSync(path)) return null;
  const name = readFileSync(path, 'utf8').trim();
  if (isName(name)) return name;
  throw new ClusterError(
    'DAMAGED_FILE',
    `${path} does not contain the name of a cluster. Write the name into it that the logs of the replicas report`,
  );
}

async function writeName(dataDir: string, name: string): Promise<void> {
  await writeDurably(join(dataDir, NAME_FILE), `${name}\n`);
}

/**
 * Begins to write a new cluster into a folder that does not exist or is empty: its secret, operator token and name.
 * No cluster starts on the folder before `completeNewCluster`.
 * @throws ClusterError `NOT_OURS` if the folder is not empty.
 */
export async function beginNewCluster(dataDir: string, name: string): Promise<void> {
  createDataFolder(dataDir);
  const names = readdirSync(dataDir);
  if (names.length > 0)
    throw new ClusterError(
      'NOT_OURS',
      `${dataDir} is not empty: it contains ${names.slice(0, 3).join(', ')}. Give a new folder, or empty it yourself`,
    );
  await writeDurably(join(dataDir, INCOMPLETE_FILE), '');
  await writeName(dataDir, name);
  await createDataFiles(dataDir);
}

/** The new cluster is complete and durable: it may be started. */
export async function completeNewCluster(dataDir: string): Promise<void> {
  rmSync(join(dataDir, INCOMPLETE_FILE));
  await syncFolder(dataDir);
}

/** @throws ClusterError `NOT_OURS` if a command that wrote a new cluster into the folder was interrupted. */
export function requireComplete(dataDir: string): void {
  if (!existsSync(join(dataDir, INCOMPLETE_FILE))) return;
  throw new ClusterError(
    'NOT_OURS',
    `${dataDir} is incomplete: the command that wrote a new cluster into it was interrupted. ` +
      'Remove the folder and run that command again',
  );
}

/**
 * Reads the secret that the cluster's processes present.
 * @throws ClusterError `NOT_OURS` if the folder has none, `DAMAGED_FILE` if it cannot be read or is invalid.
 */
export function readSecret(dataDir: string): string {
  return readSecrets(dataDir)[0];
}

/** The secrets in the folder, read at each use; the last ones while the file cannot be used. @throws like `readSecret` */
export function secretSource(dataDir: string): SecretSource {
  let current = readSecrets(dataDir);
  return {
    get current() {
      try {
        current = readSecrets(dataDir);
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
      }
      return current;
    },
  };
}

function readSecrets(dataDir: string): SecretLines {
  const secrets = secretsIn(join(dataDir, SECRET_FILE));
  if (secrets !== null) return secrets;
  throw new ClusterError('NOT_OURS', `${dataDir} is not the data folder of a cluster: it has no secret file`);
}

async function makeSecret(path: string): Promise<void> {
  if (secretsIn(path) === null) await writeDurably(path, `${randomBytes(32).toString('hex')}\n`);
  else chmodSync(path, 0o600);
}

/** The secrets in a file; null if there is no such file. @throws ClusterError `DAMAGED_FILE`. */
function secretsIn(path: string): SecretLines | null {
  try {
    return parseSecrets(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    const why = errorMessage(error);
    throw new ClusterError(
      'DAMAGED_FILE',
      `${why}. If you cannot repair it, remove ${path} while no process of the cluster runs: ` +
        'npm start then makes a new one',
      { cause: error },
    );
  }
}

/**
 * Removes everything in the folder except the lock.
 * @throws ClusterError before anything is removed: `NOT_OURS` if the folder contains files that are not a cluster's,
 *   `ALREADY_RUNNING` if a process has a store in the folder open.
 */
export async function emptyDataFolder(dataDir: string): Promise<void> {
  const entries = readdirSync(dataDir).filter((name) => !isLockEntry(name));
  const foreign = entries.filter((name) => !KNOWN_ENTRY.test(name));
  // A first start that was interrupted leaves only temporary files, without a secret.
  const isNew = entries.every((name) => name.endsWith(TEMPORARY_SUFFIX));
  if (foreign.length > 0 || (!isNew && !entries.includes(SECRET_FILE))) {
    const why =
      foreign.length > 0 ? `it contains ${foreign.slice(0, 3).join(', ')}` : 'it has no secret file';
    throw new ClusterError(
      'NOT_OURS',
      `cannot empty ${dataDir}: ${why}, so it is not only a cluster's data folder. ` +
        'Empty it yourself, or give another folder',
    );
  }
  const inUse = await findOpenStore(dataDir);
  if (inUse !== null) {
    throw new ClusterError(
      'ALREADY_RUNNING',
      `cannot empty ${dataDir}: a process has ${inUse} open; stop it first, here or in another container`,
    );
  }
  for (const name of entries) {
    if (name !== SECRET_FILE) rmSync(join(dataDir, name), { recursive: true });
  }
  rmSync(join(dataDir, SECRET_FILE), { force: true });
}

/**
 * The numbers of the cluster's replicas: those of the last run, or 1 to `asked` (default 3) for a new cluster. If
 * `cluster.json` is missing, the replicas of the last run are those that have a log.
 * @throws ClusterError `BAD_OPTION` if `asked` differs from the last run, as only the group can change its members;
 *   `DAMAGED_FILE` if `cluster.json` cannot be read.
 */
export function replicaNumbers(dataDir: string, asked: number | undefined): readonly number[] {
  const recorded = readClusterShape(dataDir);
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
    `${recorded === null ? dataDir : join(dataDir, CLUSTER_FILE)} has ${known.length} replicas, not ${asked}: ` +
      `start without --replicas and change the group with ${triremeCommand('members', '--help')}, ` +
      'or start a new cluster with --fresh',
  );
}

/**
 * The numbers of the cluster's catalogs: those of the last run, or 1 to `asked` (default 2) if there was none.
 * The log defines the catalog set; the leader refuses a catalog that is not in it.
 * @throws ClusterError `BAD_OPTION` if `asked` differs from the last run, as the set changes only while the cluster
 *   runs; `DAMAGED_FILE` if `cluster.json` cannot be read.
 */
export function catalogNumbers(dataDir: string, asked: number | undefined): readonly number[] {
  const names = readClusterShape(dataDir)?.processes.map(({ id }) => id);
  if (names === undefined || names.includes(ONLY_CATALOG)) {
    return Array.from({ length: asked ?? CATALOGS_DEFAULT }, (_, i) => i + 1);
  }
  const known = names.map(catalogNumber).filter((number) => number !== null);
  if (asked === undefined || known.length === asked) return known;
  throw new ClusterError(
    'BAD_OPTION',
    `${join(dataDir, CLUSTER_FILE)} has ${known.length} catalogs, not ${asked}: ` +
      `start without --catalogs and change the set with ${triremeCommand('catalogs', '--help')}, ` +
      'or start a new cluster with --fresh',
  );
}

/** Whether a cluster has run on the folder. */
export function hasRunCluster(dataDir: string): boolean {
  return existsSync(join(dataDir, CLUSTER_FILE)) || foldersWithLog(dataDir).length > 0;
}

/** Names of the replica folders that have a log, ordered by number. */
function foldersWithLog(dataDir: string): readonly string[] {
  return readdirSync(dataDir)
    .filter((name) => replicaNumber(name) !== null && existsSync(join(dataDir, name, 'log')))
    .sort((a, b) => (replicaNumber(a) ?? 0) - (replicaNumber(b) ?? 0));
}

/**
 * Makes the replicas of a new cluster found their group, by a file in the folder of each. Does nothing if the data folder
 * was used before: a replica without data has then lost them and must not found a group.
 */
export async function writeBootstrapFiles(dataDir: string, replicas: readonly number[]): Promise<void> {
  if (hasRunCluster(dataDir)) return;
  const folders = replicas.map((id) => join(dataDir, `replica-${id}`));
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await writeDurably(join(folder, BOOTSTRAP_FILE), '');
  }
  await syncFolder(dataDir);
}

/**
 * Renames a process's folder, so that the operator can examine or remove it: `replica-2` becomes
 * `replica-2.old-20260131T235959Z`, after the time `at`. Returns the new path; null if the folder does not exist.
 */
export function moveAside(folder: string, at: Date): string | null {
  if (!existsSync(folder)) return null;
  const time = at.toISOString().replace(/\.\d+|[-:]/g, '');
  for (let n = 1; ; n += 1) {
    const aside = `${folder}.old-${time}${n === 1 ? '' : `-${n}`}`;
    if (existsSync(aside)) continue;
    renameSync(folder, aside);
    return aside;
  }
}
