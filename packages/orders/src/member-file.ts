/**
 * Which member of the group a replica is, by what lies in its data folder:
 *
 *     log/         whoever wrote it; the log says so itself and refuses another
 *     member       the id of one that began as another incarnation; absent for a founder
 *     bootstrap    laid down once by whoever founds the group: who finds it, and no log, is a founder
 *
 * Without a log and without being told that the group is new, a replica cannot know what it voted and acknowledged before:
 * it takes an id that no one has had (rules/member-ids.ts) and waits to be let in.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError, type LogStorage } from '@trireme/raft';
import { INCARNATION_BYTES, nameOfMember, newMemberId } from './rules/member-ids.js';

const LOG = 'log';
const MEMBER_FILE = 'member';
const BOOTSTRAP_FILE = 'bootstrap';
const BOOK = /^book/;

export interface MemberClaim {
  readonly id: string;
  /** Whether it began as a voter of a new group; else its log alone says who is in the group. */
  readonly isFounder: boolean;
  /** To be called once the log has recorded, durably, whose it is, and before anything is voted or acknowledged. */
  readonly recorded: () => Promise<void>;
}

/**
 * @param options.bootstrap whether the operator says that the group is new
 * @throws RaftError `LOG_DAMAGED` if the log is gone and the book is there, or the file makes no sense.
 */
export async function claimMember(options: {
  readonly data: string;
  readonly name: string;
  readonly bootstrap: boolean;
}): Promise<MemberClaim> {
  const { data, name, bootstrap } = options;
  await mkdir(data, { recursive: true });
  const names = await readdir(data);
  const id = await readMember(data, name);
  const recorded = async (): Promise<void> => {
    // The log's folder must be found again before what makes a founder is gone.
    await syncFolder(data);
    await rm(join(data, BOOTSTRAP_FILE), { force: true });
    await syncFolder(data);
  };
  if (names.includes(LOG) && (await readdir(join(data, LOG))).length > 0) {
    return { id: id ?? name, isFounder: id === null, recorded };
  }
  const book = names.find((one) => BOOK.test(one));
  if (book !== undefined) {
    throw new RaftError('LOG_DAMAGED', `${join(data, LOG)} is gone, and ${book} beside it is there`);
  }
  // Who came back once is no founder, whatever its flags still say.
  if (id === null && (bootstrap || names.includes(BOOTSTRAP_FILE)))
    return { id: name, isFounder: true, recorded };
  const fresh = newMemberId(name, randomBytes(INCARNATION_BYTES));
  await writeMember(data, fresh);
  return { id: fresh, isFounder: false, recorded };
}

/** Has a new log say whose it is before anything else is written. @throws RaftError `STORAGE_FAILED`. */
export async function recordOwner(storage: LogStorage): Promise<void> {
  const hardState = storage.hardState();
  if (hardState.term === 0 && storage.lastIndex() === 0) await storage.persist({ hardState, entries: [] });
}

async function readMember(data: string, name: string): Promise<string | null> {
  const path = join(data, MEMBER_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const id = text.replace(/\n$/, '');
  if (nameOfMember(id) !== name || id === name) {
    throw new RaftError('LOG_DAMAGED', `${path} names no incarnation of replica ${name}`);
  }
  return id;
}

async function writeMember(data: string, id: string): Promise<void> {
  const path = join(data, MEMBER_FILE);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(`${id}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(data);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
