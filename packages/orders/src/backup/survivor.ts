/**
 * Reads the data of a stopped replica as a survivor of a lost majority: applies all entries of its log to a
 * copy of its book. Its folder does not change.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError, type LogBase } from '@trireme/raft';
import { withScratchCopy, withStoppedLog, withStoreLock, type StoppedLog } from '@trireme/raft/level';
import { LOCK_FOLDER } from '@trireme/service';
import { currentBookName } from '../book/folder.js';
import { BookStateMachine } from '../book/machine.js';
import { BookStore } from '../book/store.js';
import { readLine } from '../group/line-file.js';
import { FOUNDERS_FILE, INCOMPLETE_FILE, LOG } from '../group/member-file.js';
import { Book } from '../rules/book/book.js';
import { isSeeded, type BookMeta } from '../rules/book/state.js';
import { parseFounders } from '../rules/group/founding.js';
import type { Survivor } from '../rules/backup/survivors.js';
import type { BookSource } from './found-cluster.js';

/** A survivor, and its book with all entries of its log applied. */
export interface OpenedSurvivor {
  readonly survivor: Survivor;
  readonly meta: BookMeta;
  readonly source: BookSource;
}

/**
 * Runs `use` while it holds the locks of the data folder `data` and of its log, so that no replica can start on it.
 * A replica locks its folder before it opens its log, and may wait for the other founders in between.
 * @throws RaftError `BAD_CONFIG` if a process holds one of them; or the error of `use`.
 */
export async function withStoppedReplica<T>(data: string, use: () => Promise<T>): Promise<T> {
  return withStoreLock(join(data, LOCK_FOLDER), async () => withStoreLock(join(data, LOG), use));
}

/**
 * Runs `use` with the survivor in the data folder `data`, in which `examineLog` and `examineBook` must have found
 * no damage.
 * @param scratchParent folder of the copy of the book; the system's temporary folder by default
 * @throws RaftError `BAD_CONFIG` if a process has the data open, or they are incomplete; `LOG_DAMAGED`;
 *   `STORAGE_FAILED`; or the error of `use`.
 */
export async function withSurvivor<T>(
  data: string,
  use: (opened: OpenedSurvivor) => Promise<T>,
  scratchParent?: string,
): Promise<T> {
  return withStoppedReplica(data, async () => {
    const names = await readdir(data);
    if (names.includes(INCOMPLETE_FILE))
      throw new RaftError(
        'BAD_CONFIG',
        `${data} is incomplete: the command that wrote it was interrupted. Leave it out`,
      );
    const book = await currentBookName(data);
    for (const name of [LOG, book])
      if (!names.includes(name))
        throw new RaftError('LOG_DAMAGED', `${join(data, name)} is missing: leave ${data} out`);
    return withStoppedLog(join(data, LOG), async (log) =>
      withScratchCopy(
        join(data, book),
        async (scratch) => useBook({ data, log, scratch }, use),
        scratchParent,
      ),
    );
  });
}

interface Folders {
  readonly data: string;
  readonly log: StoppedLog;
  /** Copy of the book. */
  readonly scratch: string;
}

async function useBook<T>(
  { data, log, scratch }: Folders,
  use: (opened: OpenedSurvivor) => Promise<T>,
): Promise<T> {
  const { store, meta, stocks, restored } = await BookStore.open({ path: scratch, ...log.owner });
  const machine = new BookStateMachine(new Book(store, { ...meta }, stocks), store, {
    onApplied: () => undefined,
    onStored: () => undefined,
    onError: () => undefined,
  });
  try {
    const { applied } = meta;
    const snapshot = restored?.index === applied ? restored : null;
    const { end, positions } = await applyLog({ data, log, snapshot, machine });
    await machine.flush();
    const book = { ...machine.book.meta };
    const view = store.view();
    try {
      return await use({
        survivor: {
          ...log.owner,
          data,
          lastIndex: end.index,
          lastTerm: end.term,
          applied,
          isSeeded: isSeeded(book),
          orders: book.orders,
          hash: book.hash,
          membership: end.membership.voters.length > 0 ? end.membership : await foundersIn(data),
          positions,
        },
        meta: book,
        source: view,
      });
    } finally {
      await view.close();
    }
  } finally {
    await machine.close();
  }
}

/**
 * Applies all entries after the book's index.
 * @param snapshot base of the book if it arrived as a snapshot and has applied nothing since; otherwise null
 * @returns the end of the log, with the configuration in force there
 * @throws RaftError `LOG_DAMAGED` if log and book do not fit; the error of an apply.
 */
async function applyLog(opened: {
  readonly data: string;
  readonly log: StoppedLog;
  readonly snapshot: LogBase | null;
  readonly machine: BookStateMachine<BookStore>;
}): Promise<{ readonly end: LogBase; readonly positions: Survivor['positions'] }> {
  const { data, log, snapshot, machine } = opened;
  const { applied } = machine;
  const positions = new Map<number, { readonly term: number; readonly hash: string }>();
  if (applied < log.base.index)
    throw new RaftError(
      'LOG_DAMAGED',
      `the log at ${data} starts after ${log.base.index}, but the book has applied only ${applied}`,
    );
  let end = log.base;
  const notePosition = (): void =>
    void positions.set(end.index, { term: end.term, hash: machine.book.meta.hash });
  if (end.index === applied) notePosition();
  for await (const { entry, membership } of log.entries()) {
    // The snapshot replaces this log, as at the next start (raft/src/recovery.ts).
    if (entry.index === snapshot?.index && entry.term !== snapshot.term) break;
    end = { index: entry.index, term: entry.term, membership: membership ?? end.membership };
    if (end.index > applied) await machine.apply([entry]);
    if (end.index >= applied) notePosition();
  }
  if (end.index < applied) {
    if (snapshot === null)
      throw new RaftError(
        'LOG_DAMAGED',
        `the book at ${data} has applied ${applied}, but the log ends at ${end.index}`,
      );
    end = snapshot;
    notePosition();
  }
  return { end, positions };
}

/** The configuration of a group whose log contains none yet. */
async function foundersIn(data: string): Promise<Survivor['membership']> {
  const line = await readLine(data, FOUNDERS_FILE);
  return { voters: line === null ? [] : [...parseFounders(line).keys()], outgoing: [] };
}
