/**
 * Founds a new cluster from a complete order book: writes the data folder of each replica. The log of each
 * replica starts after the book's log index, and the founders file names the replicas, so that they elect a
 * leader as in a new cluster. The book's life is noted as that of another folder: the first leader logs a new
 * life, because entity tags of the old and the new cluster must not match.
 *
 * A file `incomplete` in each folder is written first and removed last. A crash in between leaves folders that
 * no replica starts on.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError } from '@trireme/domain';
import { EMPTY_MEMBERSHIP, RaftError, type LogBase } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { syncFolder, writeDurably } from '@trireme/service';
import { FIRST_BOOK } from '../book/folder.js';
import { receiveBook } from '../book/receive.js';
import type { BookRecord } from '../book/record-stream.js';
import { BookStore } from '../book/store.js';
import { recordForeignLife } from '../group/cluster-life-file.js';
import { FOUNDERS_FILE, INCOMPLETE_FILE, LOG } from '../group/member-file.js';
import { formatFounders } from '../rules/group/founding.js';
import { isSeeded, type BookMeta } from '../rules/book/state.js';

/** A complete book as of one log index, such as `BookStore.view()`. */
export interface BookSource {
  readonly meta: BookMeta;
  /** All records, starting with the meta record; called once per replica. */
  records(): AsyncGenerator<BookRecord>;
}

export interface NewCluster {
  /** Name of the new cluster (`--cluster`). */
  readonly cluster: string;
  /** Names of the replicas, such as `1`. */
  readonly replicas: readonly string[];
  /** Absolute path of each replica's data folder, which must not exist or be empty. */
  readonly folderOf: (replica: string) => string;
  /** Called before the book of a replica is written. */
  readonly onReplica?: ((replica: string) => void) | undefined;
}

/** Term of the log's base: a replica that has voted for nobody yet starts after it. */
const BASE_TERM = 1;

/**
 * Writes the data folders.
 * @throws RaftError `BAD_CONFIG` if a folder is not empty, before anything is written; `STORAGE_FAILED`;
 *   FormatError if the book is incomplete or contains no cluster; the system's error.
 */
export async function foundCluster(source: BookSource, target: NewCluster): Promise<void> {
  const { replicas, folderOf, onReplica } = target;
  if (!isSeeded(source.meta))
    throw new FormatError('the book contains no stocks: its cluster was never seeded');
  const folders = replicas.map((replica) => folderOf(replica));
  for (const folder of folders) await requireEmpty(folder);
  for (const folder of folders) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeDurably(join(folder, INCOMPLETE_FILE), '');
    await syncFolder(dirname(folder));
  }
  for (const replica of replicas) {
    onReplica?.(replica);
    await writeReplica(source, target, replica);
  }
  for (const folder of folders) {
    await rm(join(folder, INCOMPLETE_FILE));
    await syncFolder(folder);
  }
}

async function writeReplica(
  source: BookSource,
  { cluster, replicas, folderOf }: NewCluster,
  replica: string,
): Promise<void> {
  const folder = folderOf(replica);
  const { meta } = source;
  // Without a membership in the log, that of the founders is in force, with the addresses of the flags.
  const base: LogBase = { index: meta.applied, term: BASE_TERM, membership: EMPTY_MEMBERSHIP };
  const book = join(folder, FIRST_BOOK);
  const store = await BookStore.create(book, replica);
  try {
    await receiveBook(store, source.records(), base.index);
    await store.complete({ cluster, id: replica }, meta, base);
  } finally {
    await store.close();
  }
  await syncFolder(book);
  const log = await LevelLog.open({ path: join(folder, LOG), cluster, id: replica });
  try {
    await log.persist({ base, hardState: { term: BASE_TERM, vote: null }, entries: [] });
  } finally {
    await log.close();
  }
  const founders = new Map(replicas.map((name) => [name, null]));
  await writeDurably(join(folder, FOUNDERS_FILE), `${formatFounders(founders)}\n`);
  await recordForeignLife(folder, meta.life);
  await syncFolder(folder);
}

async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length > 0)
    throw new RaftError(
      'BAD_CONFIG',
      `${folder} is not empty: it contains ${names.slice(0, 3).join(', ')}. Give another folder`,
    );
}
