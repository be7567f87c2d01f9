/**
 * Verifies the files of a closed LevelDB folder before LevelDB may open it: opening drops what LevelDB cannot
 * read, makes a new store where `CURRENT` is lost, and deletes the evidence. Reads one file at a time; each is bounded
 * by LevelDB's write buffer (4 MiB) plus one batch, or its table size (2 MiB).
 */
import { open, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RaftError } from '../core/errors.js';
import { readManifest } from './leveldb-manifest.js';
import { verifyTable } from './leveldb-table.js';
import { readWal, type WalContent } from './leveldb-wal.js';

const NUMBERED = /^(\d+)\.(log|ldb)$/;
const MANIFEST = /^MANIFEST-\d+$/;

interface Listing {
  readonly current: boolean;
  /** File names of the write-ahead files by number, in the order in which they were begun. */
  readonly logs: ReadonlyMap<number, string>;
  readonly tables: ReadonlyMap<number, string>;
}

/** Whether there is a store at `path` that was at least once opened to its end. */
export async function hasStore(path: string): Promise<boolean> {
  return (await list(path)).current;
}

/** A folder that was found whole. */
export interface VerifiedFolder {
  /** Whether a write that is not whole stands behind whole ones: a power cut may have left it. */
  readonly isTorn: boolean;
}

/**
 * Checks every file that counts at `path`; a folder that is absent, empty or left by a creation that a power cut
 * interrupted is fine.
 * @throws RaftError `LOG_DAMAGED` naming the file, the offset and what is wrong.
 */
export async function verifyFolder(path: string): Promise<VerifiedFolder> {
  const listing = await list(path);
  if (!listing.current) {
    if (!(await isUnwritten(path, listing)))
      throw damaged(path, 'CURRENT is missing beside files of a store');
    return { isTorn: false };
  }
  const current = await readStoreFile(path, 'CURRENT');
  const name = current.toString('latin1').replace(/\n$/, '');
  if (current.at(-1) !== 0x0a || !MANIFEST.test(name)) throw damaged(path, 'CURRENT names no manifest');
  const { writes: edits } = await readLogFile(path, name);
  if (edits.length === 0) {
    // The first manifest of a store is the one file that LevelDB does not sync before it points CURRENT to it.
    if (!(await isUnwritten(path, listing))) throw damaged(path, `${name} is empty`);
    await rm(join(path, 'CURRENT'));
    return { isTorn: false };
  }
  const { isTorn } = await verifyLiveFiles(path, name, edits, listing);
  return { isTorn: isTorn && !(await isUnwritten(path, listing)) };
}

/** Makes the folder's names durable: LevelDB points CURRENT to a new manifest without a sync of the folder. */
export async function syncFolder(path: string): Promise<void> {
  for (const folder of [path, dirname(resolve(path))]) await syncNames(folder);
}

/** Makes the names in a folder durable. */
export async function syncNames(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function verifyLiveFiles(
  path: string,
  manifestName: string,
  edits: readonly Buffer[],
  listing: Listing,
): Promise<VerifiedFolder> {
  const manifest = attempt(path, manifestName, () => readManifest(edits));
  for (const [number, bytes] of manifest.tables) {
    const name = listing.tables.get(number);
    if (name === undefined) throw damaged(path, `table ${number} is missing`);
    const file = await readStoreFile(path, name);
    if (file.length !== bytes) throw damaged(path, `${name} has ${file.length} bytes instead of ${bytes}`);
    attempt(path, name, () => verifyTable(file));
  }
  if (manifest.logNumber > 0 && !listing.logs.has(manifest.logNumber)) {
    throw damaged(path, `write-ahead file ${manifest.logNumber} is missing`);
  }
  let isTorn = false;
  for (const [number, name] of listing.logs) {
    if (number >= manifest.logNumber) isTorn = (await readLogFile(path, name)).isTorn || isTorn;
  }
  return { isTorn };
}

/** Whether no synced write can ever have reached the folder: no table, and no whole write in any write-ahead file. */
async function isUnwritten(path: string, listing: Listing): Promise<boolean> {
  if (listing.tables.size > 0) return false;
  for (const name of listing.logs.values()) {
    if ((await readLogFile(path, name)).writes.length > 0) return false;
  }
  return true;
}

async function list(path: string): Promise<Listing> {
  const logs: [number, string][] = [];
  const tables = new Map<number, string>();
  const names: string[] = await readdir(path).catch((error: unknown): string[] => {
    if (isMissing(error)) return [];
    throw unreadable(path, error);
  });
  for (const name of names) {
    const match = NUMBERED.exec(name);
    if (match === null) continue;
    if (match[2] === 'log') logs.push([Number(match[1]), name]);
    else tables.set(Number(match[1]), name);
  }
  logs.sort(([a], [b]) => a - b);
  return {
    current: names.includes('CURRENT'),
    logs: new Map(logs),
    tables,
  };
}

async function readLogFile(path: string, name: string): Promise<WalContent> {
  const content = readWal(await readStoreFile(path, name));
  const { damage } = content;
  if (damage !== null) {
    throw damaged(path, `${name} is damaged at offset ${damage.offset}: the record there: ${damage.reason}`);
  }
  return content;
}

async function readStoreFile(path: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(path, name));
  } catch (error) {
    throw isMissing(error) ? damaged(path, `${name} is missing`) : unreadable(join(path, name), error);
  }
}

function attempt<T>(path: string, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw damaged(
      path,
      `${name} is damaged: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}

function damaged(path: string, what: string, cause?: unknown): RaftError {
  return new RaftError('LOG_DAMAGED', `log store ${path}: ${what}`, { cause });
}

function unreadable(path: string, cause: unknown): RaftError {
  return new RaftError('STORAGE_FAILED', `cannot read ${path}: ${String(cause)}`, { cause });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
