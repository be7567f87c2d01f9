/** Opens a log store after checking every file, record and checksum in it. */
import { RaftError } from '../core/errors.js';
import type { HardState, NodeId } from '../core/types.js';
import { EntryCache } from './entry-cache.js';
import {
  HardStateFile,
  hardStatePath,
  compareHardStates,
  checkCopyBeforeOpen,
  readHardStateCopy,
  type CopyCheckResult,
  type HardStateCopy,
} from './hard-state-file.js';
import { newLevel, toOpenError, checkNotLocked, WRITE_BUFFER_BYTES } from './level-open.js';
import { syncFolderAndParent, verifyFolder } from './leveldb-folder.js';
import { hasStore } from './leveldb-inspect.js';
import { MembershipIndexes } from './membership-indexes.js';
import { entryKeyRange } from './records.js';
import { staggeredSize } from './staggered-size.js';
import { scanStore, type ByteLevel, type StoreContents } from './store-scan.js';

const CACHE_BYTES_MAX = 16 * 1024 * 1024;
const WRITE_BUFFER_STEP_BYTES = 1024 * 1024;

/** Path, owner and memory limit of a log store. */
export interface LevelLogOptions {
  /** Folder of the store; created if it does not exist. Only one process may have it open. */
  readonly path: string;
  /** Name of the cluster; a folder of another cluster is refused. */
  readonly cluster: string;
  /** Id of this member; a folder of another member is refused. */
  readonly id: NodeId;
  /** Bound on the entries kept in memory, in bytes; 16 MiB by default. Older entries are read from disk. */
  readonly cacheBytesMax?: number | undefined;
  /** Called when the second copy of the hard state was rebuilt from the store; the text says why. */
  readonly onRepair?: (what: string) => void;
}

/** A store that was opened and checked, with its contents. */
export interface OpenedStore {
  readonly db: ByteLevel;
  readonly cache: EntryCache;
  readonly memberships: MembershipIndexes;
  /** Null if the store is new. */
  readonly contents: StoreContents | null;
  /** Null if the store is new. */
  readonly copy: HardStateFile | null;
}

/**
 * Opens the store at a path, or creates an empty one.
 * @throws RaftError as `LevelLog.open` does.
 */
export async function openStore(options: LevelLogOptions): Promise<OpenedStore> {
  const { path } = options;
  if (await hasStore(path)) await checkNotLocked(path);
  const { isTorn } = await verifyFolder(path);
  const found = await readHardStateCopy(path, options).catch((error: unknown) => {
    throw toOpenError(path, error);
  });
  checkCopy(path, checkCopyBeforeOpen(found, { isThere: await hasStore(path), isTorn }));
  const db = newLevel(path, staggeredSize(options.id, WRITE_BUFFER_BYTES, WRITE_BUFFER_STEP_BYTES));
  await db.open().catch((error: unknown) => {
    throw toOpenError(path, error);
  });
  try {
    await syncFolderAndParent(path);
    const cache = new EntryCache(options.cacheBytesMax ?? CACHE_BYTES_MAX);
    const memberships = new MembershipIndexes();
    const contents = await scanStore(db, options, (entry) => {
      cache.append(entry);
      memberships.append(entry);
    });
    const flaw = checkCopy(path, compareHardStates(contents?.end.hardState ?? null, found));
    if (contents?.hasLeftovers === true) await db.clear(entryKeyRange(1, contents.base.index));
    const copy = contents && (await openCopy(options, contents.end.hardState, found, flaw));
    return { db, cache, memberships, contents, copy };
  } catch (error) {
    await db.close();
    throw error instanceof RaftError ? error : toOpenError(path, error);
  }
}

/** @returns why the copy has to be rebuilt, null if it is correct. @throws RaftError `LOG_DAMAGED`. */
function checkCopy(path: string, judged: CopyCheckResult): string | null {
  if (judged.verdict === 'damaged') throw new RaftError('LOG_DAMAGED', `log store ${path}: ${judged.reason}`);
  return judged.verdict === 'repair' ? judged.reason : null;
}

async function openCopy(
  options: LevelLogOptions,
  stored: HardState,
  found: HardStateCopy,
  flaw: string | null,
): Promise<HardStateFile> {
  const { path } = options;
  if (flaw === null) return HardStateFile.open(path, options, found);
  const copy = await HardStateFile.create(path, options, stored);
  options.onRepair?.(
    `the copy of the hard state at ${hardStatePath(path)} was rebuilt from the store: ${flaw}`,
  );
  return copy;
}
