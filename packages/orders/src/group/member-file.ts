/**
 * Determines which member of the group a replica is, from the files in its data folder:
 *
 *     lock/        lock held by the process that reads and writes these files
 *     log/         the Raft log; it records its own member id and refuses to be opened as another member
 *     member       id of a member that was added to an existing group (an incarnation); absent for a founder
 *     bootstrap    present in an unused folder: together with an empty log it makes this replica a founder.
 *                  Either created empty by the tool that starts a new cluster, or written by the replica, with
 *                  the founders, once all of them have confirmed that their folders are empty (founding.ts)
 *     founders     ids of all founders at that time, with their instance ids if known; flags that change
 *                  later do not change the group
 *     incomplete   present while another program writes the folder (backup/found-cluster.ts)
 *
 * Without a log and without the bootstrap file, a replica cannot know what it voted for and acknowledged
 * before. It then takes an id that no member has had (rules/group/member-ids.ts) and waits to be added to a group.
 * While its log is still new, the operator may start it with `--bootstrap`: once all founders confirm that no
 * group exists, it drops that id and founds the group.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError, type LogStorage } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { syncFolder, writeDurably } from '@trireme/service';
import { readLine } from './line-file.js';
import { formatFounders, parseFounders, type Founders } from '../rules/group/founding.js';
import { INCARNATION_BYTES, nameOfMember, newMemberId } from '../rules/group/member-ids.js';

export const LOG = 'log';
const MEMBER_FILE = 'member';
const BOOTSTRAP_FILE = 'bootstrap';
export const FOUNDERS_FILE = 'founders';
export const INCOMPLETE_FILE = 'incomplete';
const REPLICA_NAME = /^[A-Za-z0-9_-]{1,55}$/;
/** Files that exist only beside a log: books, and the second copy of the hard state. */
const BESIDE_A_LOG = /^(book|log\.hard-state)/;

export interface DeterminedMember {
  readonly id: string;
  /**
   * The voters that the group started with, if this member is a founder; otherwise empty: only its log names
   * the members.
   */
  readonly founders: Founders;
  /** Call once the log has durably recorded its owner, and before anything is voted or acknowledged. */
  readonly onOwnerRecorded: () => Promise<void>;
}

/**
 * Determines the member id for the data folder and stores it.
 * @param options.founders names of all replicas of a new group, including this one
 * @param options.found asks the others whether a group may be founded; null without `--bootstrap`. It gets
 *   the id of a member that waits to be added, and returns null for it if a group exists already
 * @throws RaftError `LOG_DAMAGED` if the log is missing beside a book, or a file is malformed; errors of
 *   `found`.
 */
export async function determineMember(options: {
  readonly data: string;
  readonly cluster: string;
  readonly name: string;
  readonly founders: readonly string[];
  readonly found: ((incarnation: string | null) => Promise<Founders | null>) | null;
}): Promise<DeterminedMember> {
  const { data, cluster, name, found } = options;
  const flagFounders: Founders = new Map(options.founders.map((founder) => [founder, null]));
  await mkdir(data, { recursive: true });
  const names = await readdir(data);
  if (names.includes('CURRENT'))
    throw new RaftError('BAD_CONFIG', `${data} is not a replica's data folder: it is itself a LevelDB store`);
  if (names.includes(INCOMPLETE_FILE))
    throw new RaftError(
      'BAD_CONFIG',
      `${data} is incomplete: the command that wrote it was interrupted. Remove it and run the command again`,
    );
  const id = await readMember(data, name);
  const recorded = async (): Promise<void> => {
    // The log's folder must be durable before the file that makes this replica a founder is removed.
    await syncFolder(data);
    await rm(join(data, BOOTSTRAP_FILE), { force: true });
    await syncFolder(data);
  };
  const hasLog = names.includes(LOG) && (await readdir(join(data, LOG))).length > 0;
  // A replica that founded a group and lost its log must not found another one, whatever its flags say.
  const mayFound = found !== null && !names.includes(BOOTSTRAP_FILE) && !names.includes(FOUNDERS_FILE);
  if (id !== null && hasLog && mayFound && (await isLogNew(data, cluster, id))) {
    const founders = await found(id);
    if (founders !== null) await writeDurably(join(data, BOOTSTRAP_FILE), `${formatFounders(founders)}\n`);
  }
  if (id !== null && ((await readLine(data, BOOTSTRAP_FILE)) ?? '') !== '') {
    await dropIncarnation(data);
    return determineMember(options);
  }
  if (hasLog) {
    if (id !== null) return { id, founders: new Map(), onOwnerRecorded: recorded };
    return {
      id: name,
      founders: (await readFounders(data, name)) ?? flagFounders,
      onOwnerRecorded: recorded,
    };
  }
  const leftover = names.find((one) => BESIDE_A_LOG.test(one));
  if (leftover !== undefined) {
    throw new RaftError('LOG_DAMAGED', `${join(data, LOG)} is missing, but ${leftover} exists beside it`);
  }
  if (id === null && mayFound) {
    const founders = await found(null);
    if (founders !== null) await writeDurably(join(data, BOOTSTRAP_FILE), `${formatFounders(founders)}\n`);
  }
  const bootstrap = id === null ? await readLine(data, BOOTSTRAP_FILE) : null;
  if (bootstrap !== null) {
    const founders = bootstrap === '' ? flagFounders : foundersIn(bootstrap, data, BOOTSTRAP_FILE, name);
    await writeDurably(join(data, FOUNDERS_FILE), `${formatFounders(founders)}\n`);
    return { id: name, founders, onOwnerRecorded: recorded };
  }
  const newId = newMemberId(name, randomBytes(INCARNATION_BYTES));
  await writeDurably(join(data, MEMBER_FILE), `${newId}\n`);
  return { id: newId, founders: new Map(), onOwnerRecorded: recorded };
}

/** Records the owner of a new log before anything else is written to it. @throws RaftError `STORAGE_FAILED`. */
export async function recordOwner(storage: LogStorage): Promise<void> {
  const hardState = storage.hardState();
  if (hardState.term === 0 && storage.lastIndex() === 0) await storage.persist({ hardState, entries: [] });
}

/** Whether the log has neither term nor entry, so that no group has added this member yet. */
async function isLogNew(data: string, cluster: string, id: string): Promise<boolean> {
  const log = await LevelLog.open({ path: join(data, LOG), cluster, id });
  try {
    return log.hardState().term === 0 && log.lastIndex() === 0;
  } finally {
    await log.close();
  }
}

/**
 * Empties the data folder of a member that no group has added. The bootstrap file, which makes it a founder,
 * exists.
 */
async function dropIncarnation(data: string): Promise<void> {
  for (const name of await readdir(data))
    if (name === LOG || BESIDE_A_LOG.test(name)) await rm(join(data, name), { recursive: true });
  // The member file goes last: after a crash before that, the next start repeats this; without it nothing may
  // be left.
  await syncFolder(data);
  await rm(join(data, MEMBER_FILE));
  await syncFolder(data);
}

async function readMember(data: string, name: string): Promise<string | null> {
  const id = await readLine(data, MEMBER_FILE);
  if (id === null || (nameOfMember(id) === name && id !== name)) return id;
  throw new RaftError('LOG_DAMAGED', `${join(data, MEMBER_FILE)} does not contain an id of replica ${name}`);
}

/** Returns null in a folder from before founders were recorded. */
async function readFounders(data: string, name: string): Promise<Founders | null> {
  const line = await readLine(data, FOUNDERS_FILE);
  return line === null ? null : foundersIn(line, data, FOUNDERS_FILE, name);
}

function foundersIn(line: string, data: string, file: string, name: string): Founders {
  const founders = parseFounders(line);
  if (founders.has(name)) return founders;
  const names = [...founders.keys()];
  if (names.every((founder) => REPLICA_NAME.test(founder)))
    throw new RaftError(
      'BAD_CONFIG',
      `${data} belongs to one of the replicas ${names.join(', ')}, not to ${name}`,
    );
  throw new RaftError('LOG_DAMAGED', `${join(data, file)} does not name replica ${name}`);
}
