/** Opens a log store: every file, record and checksum of it is looked at before anyone may use it. */
import { RaftError } from '../core/errors.js';
import type { HardState, NodeId } from '../core/types.js';
import { EntryCache } from './entry-cache.js';
import {
  HardStateFile,
  hardStatePath,
  judgeCopy,
  judgeUnopened,
  readCopy,
  type CopyVerdict,
  type HardStateCopy,
} from './hard-state-file.js';
import { newLevel, openError, probeLock, WRITE_BUFFER_BYTES } from './level-open.js';
import { syncFolder, verifyFolder } from './leveldb-folder.js';
import { hasStore } from './leveldb-inspect.js';
import { MembershipPlaces } from './membership-places.js';
import { entriesBetween } from './records.js';
import { staggeredBytes } from './staggered.js';
import { scanStore, type ByteLevel, type StoreContents } from './store-scan.js';

const CACHE_BYTES_MAX = 16 * 1024 * 1024;
const WRITE_BUFFER_STEP_BYTES = 1024 * 1024;

/** Where a log store is, whose it is, and what it may keep in memory. */
export interface LevelLogOptions {
  /** Folder of the store; made if it is absent. One process at a time. */
  readonly path: string;
  /** Name of the cluster; a folder of another one is refused. */
  readonly cluster: string;
  /** This member; a folder of another one is refused. */
  readonly id: NodeId;
  /** Bound on the entries kept in memory, in bytes: 16 MiB unless given. Older ones are read from disk. */
  readonly cacheBytesMax?: number;
  /** Told when one of the two copies of the hard state was made anew from the other, and why. */
  readonly onRepair?: (what: string) => void;
}

/** A store that was opened and checked, and what was found in it. */
export interface OpenedStore {
  readonly db: ByteLevel;
  readonly cache: EntryCache;
  readonly memberships: MembershipPlaces;
  /** Null if the store is new. */
  readonly contents: StoreContents | null;
  /** Null if the store is new. */
  readonly copy: HardStateFile | null;
}

/**
 * Opens the store at a path, or makes an empty one.
 * @throws RaftError as `LevelLog.open` does.
 */
export async function openStore(options: LevelLogOptions): Promise<OpenedStore> {
  const { path } = options;
  if (await hasStore(path)) await probeLock(path);
  const { isTorn } = await verifyFolder(path);
  const found = await readCopy(path, options).catch((error: unknown) => {
    throw openError(path, error);
  });
  checkCopy(path, judgeUnopened(found, { isThere: await hasStore(path), isTorn }));
  const db = newLevel(path, staggeredBytes(options.id, WRITE_BUFFER_BYTES, WRITE_BUFFER_STEP_BYTES));
  await db.open().catch((error: unknown) => {
    throw openError(path, error);
  });
  try {
    await syncFolder(path);
    const cache = new EntryCache(options.cacheBytesMax ?? CACHE_BYTES_MAX);
    const memberships = new MembershipPlaces();
    const contents = await scanStore(db, options, (entry) => {
      cache.append(entry);
      memberships.append(entry);
    });
    const flaw = checkCopy(path, judgeCopy(contents?.end.hardState ?? null, found));
    if (contents?.hasLeftovers === true) await db.clear(entriesBetween(1, contents.base.index));
    const copy = contents && (await openCopy(options, contents.end.hardState, found, flaw));
    return { db, cache, memberships, contents, copy };
  } catch (error) {
    await db.close();
    throw error instanceof RaftError ? error : openError(path, error);
  }
}

/** @returns why the copy is to be made anew, null if it is fine. @throws RaftError `LOG_DAMAGED`. */
function checkCopy(path: string, judged: CopyVerdict): string | null {
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
    `the copy of the hard state at ${hardStatePath(path)} is made anew from the store: ${flaw}`,
  );
  return copy;
}
