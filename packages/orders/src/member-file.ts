/**
 * Which member of the group a replica is, by what lies in its data folder:
 *
 *     lock/        the lock that whoever reads and writes these files holds
 *     log/         whoever wrote it; the log says so itself and refuses another
 *     member       the id of one that began as another incarnation; absent for a founder
 *     bootstrap    laid down once in a folder that was never used: who finds it, and no log, is a founder. By whoever starts a
 *                  new cluster, empty; or by the replica once all that are to found the group have told it that their
 *                  folders are empty too (founding.ts), with what is then written into
 *     founders     the ids of all founders, as this one was told them then, and their instances where it knows them; flags
 *                  that change later change no group
 *
 * Without a log and without that file, a replica cannot know what it voted and acknowledged before: it takes an id that no
 * one has had (rules/member-ids.ts) and waits to be let in. As long as no group has, its log being new, its operator may
 * say after all that the group is new: once all have told it that there is none, it gives that id up and founds the group.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LevelLog, RaftError, type LogStorage } from '@trireme/raft';
import { syncFolder, writeDurably } from '@trireme/service';
import { readLine } from './line-file.js';
import { formatFounders, parseFounders, type Founders } from './rules/founding.js';
import { INCARNATION_BYTES, nameOfMember, newMemberId } from './rules/member-ids.js';

const LOG = 'log';
const MEMBER_FILE = 'member';
const BOOTSTRAP_FILE = 'bootstrap';
const FOUNDERS_FILE = 'founders';
const REPLICA_NAME = /^[A-Za-z0-9_-]{1,55}$/;
/** What is nowhere without a log: books, and the second copy of the hard state. */
const BESIDE_A_LOG = /^(book|log\.hard-state)/;

export interface MemberClaim {
  readonly id: string;
  /** The voters that the group began with, if it is one of them; else empty: its log alone says who is in the group. */
  readonly founders: Founders;
  /** To be called once the log has recorded, durably, whose it is, and before anything is voted or acknowledged. */
  readonly recorded: () => Promise<void>;
}

/**
 * @param options.founders every replica that a new group is to begin with, this one included
 * @param options.found asks the others whether a group may be founded; null unless the operator says that it is new. It is
 *   told the id of a member that waits to be let in, and gives null for it if there is a group already
 * @throws RaftError `LOG_DAMAGED` if the log is gone and the book is there, or a file makes no sense; what `found` throws.
 */
export async function claimMember(options: {
  readonly data: string;
  readonly cluster: string;
  readonly name: string;
  readonly founders: readonly string[];
  readonly found: ((incarnation: string | null) => Promise<Founders | null>) | null;
}): Promise<MemberClaim> {
  const { data, cluster, name, found } = options;
  const told: Founders = new Map(options.founders.map((founder) => [founder, null]));
  await mkdir(data, { recursive: true });
  const names = await readdir(data);
  if (names.includes('CURRENT'))
    throw new RaftError('BAD_CONFIG', `${data} is no replica's folder: it is a store itself`);
  const id = await readMember(data, name);
  const recorded = async (): Promise<void> => {
    // The log's folder must be found again before what makes a founder is gone.
    await syncFolder(data);
    await rm(join(data, BOOTSTRAP_FILE), { force: true });
    await syncFolder(data);
  };
  const hasLog = names.includes(LOG) && (await readdir(join(data, LOG))).length > 0;
  // Who founded a group once and lost its log founds no other one, whatever its flags still say.
  const mayFound = found !== null && !names.includes(BOOTSTRAP_FILE) && !names.includes(FOUNDERS_FILE);
  if (id !== null && hasLog && mayFound && (await isLogNew(data, cluster, id))) {
    const founders = await found(id);
    if (founders !== null) await writeDurably(join(data, BOOTSTRAP_FILE), `${formatFounders(founders)}\n`);
  }
  if (id !== null && ((await readLine(data, BOOTSTRAP_FILE)) ?? '') !== '') {
    await giveUpIncarnation(data);
    return claimMember(options);
  }
  if (hasLog) {
    if (id !== null) return { id, founders: new Map(), recorded };
    return { id: name, founders: (await readFounders(data, name)) ?? told, recorded };
  }
  const beside = names.find((one) => BESIDE_A_LOG.test(one));
  if (beside !== undefined) {
    throw new RaftError('LOG_DAMAGED', `${join(data, LOG)} is gone, and ${beside} beside it is there`);
  }
  if (id === null && mayFound) {
    const founders = await found(null);
    if (founders !== null) await writeDurably(join(data, BOOTSTRAP_FILE), `${formatFounders(founders)}\n`);
  }
  const bootstrap = id === null ? await readLine(data, BOOTSTRAP_FILE) : null;
  if (bootstrap !== null) {
    const founders = bootstrap === '' ? told : foundersIn(bootstrap, data, BOOTSTRAP_FILE, name);
    await writeDurably(join(data, FOUNDERS_FILE), `${formatFounders(founders)}\n`);
    return { id: name, founders, recorded };
  }
  const fresh = newMemberId(name, randomBytes(INCARNATION_BYTES));
  await writeDurably(join(data, MEMBER_FILE), `${fresh}\n`);
  return { id: fresh, founders: new Map(), recorded };
}

/** Has a new log say whose it is before anything else is written. @throws RaftError `STORAGE_FAILED`. */
export async function recordOwner(storage: LogStorage): Promise<void> {
  const hardState = storage.hardState();
  if (hardState.term === 0 && storage.lastIndex() === 0) await storage.persist({ hardState, entries: [] });
}

/** Whether the log of a member that waits to be let in shows that no group has done so: it has no term and no entry. */
async function isLogNew(data: string, cluster: string, id: string): Promise<boolean> {
  const log = await LevelLog.open({ path: join(data, LOG), cluster, id });
  try {
    return log.hardState().term === 0 && log.lastIndex() === 0;
  } finally {
    await log.close();
  }
}

/** Makes the folder of a member that no group has let in an empty one. The file that makes a founder of it is there. */
async function giveUpIncarnation(data: string): Promise<void> {
  for (const name of await readdir(data))
    if (name === LOG || BESIDE_A_LOG.test(name)) await rm(join(data, name), { recursive: true });
  // With the id a crash leaves this to be done again; without it nothing may be left.
  await syncFolder(data);
  await rm(join(data, MEMBER_FILE));
  await syncFolder(data);
}

async function readMember(data: string, name: string): Promise<string | null> {
  const id = await readLine(data, MEMBER_FILE);
  if (id === null || (nameOfMember(id) === name && id !== name)) return id;
  throw new RaftError('LOG_DAMAGED', `${join(data, MEMBER_FILE)} names no incarnation of replica ${name}`);
}

/** Null in a folder of before this was recorded. */
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
      `${data} is of one of the replicas ${names.join(', ')}, not of ${name}`,
    );
  throw new RaftError('LOG_DAMAGED', `${join(data, file)} does not name replica ${name}`);
}
