/**
 * Inspects the files of a closed LevelDB folder without changing them. LevelDB itself drops unreadable data,
 * and creates a new store if `CURRENT` is missing, so the folder has to be inspected before LevelDB opens it.
 * Reads one file at a time; the size of each is bounded by LevelDB's write buffer (4 MiB) plus one batch, or
 * by its table size (2 MiB).
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError } from '../core/errors.js';
import { readManifest, type Manifest } from './leveldb-manifest.js';
import { findTableFlaws } from './leveldb-table.js';
import { readWal, type WalContent } from './leveldb-wal.js';

const NUMBERED = /^(\d+)\.(log|ldb)$/;
const MANIFEST = /^MANIFEST-\d+$/;
/** The header of a write: sequence number (8 bytes) and number of records (4 bytes). */
const WRITE_HEADER_BYTES = 12;

/** One problem of a folder. */
export interface FolderFlaw {
  /** Name of the file in the folder. */
  readonly file: string;
  /** Byte offset in it; null if the problem concerns the whole file. */
  readonly offset: number | null;
  /** A sentence that names the file. */
  readonly what: string;
}

/** The first position in the write-ahead files after which the contents are not reliable. */
export interface UnreliableTail {
  /** Name of the write-ahead file. */
  readonly file: string;
  /** Byte offset after the last good write. */
  readonly offset: number;
  /** Why the contents after it are not reliable. */
  readonly reason: string;
  /** Later write-ahead files. */
  readonly later: readonly string[];
}

/** The result of inspecting a folder. */
export interface FolderReport {
  /**
   * `new`: the folder never contained acknowledged data. `unpointed`: like `new`, but CURRENT names an empty
   * manifest. `store`: anything else.
   */
  readonly state: 'new' | 'unpointed' | 'store';
  /** In the order of the inspection. Includes damaged write-ahead files, but not one with only a torn end. */
  readonly flaws: readonly FolderFlaw[];
  /** Whether the last write is torn, as a power loss may leave it. */
  readonly isTorn: boolean;
  /**
   * For a store without synced writes: the end of the reliable contents, if it is not the end of the files.
   */
  readonly unreliableTail: UnreliableTail | null;
}

interface Listing {
  readonly current: boolean;
  /** Names of the write-ahead files by number, oldest first. */
  readonly logs: ReadonlyMap<number, string>;
  readonly tables: ReadonlyMap<number, string>;
}

/** Whether there is a store at `path` whose creation was completed. */
export async function hasStore(path: string): Promise<boolean> {
  return (await list(path)).current;
}

/**
 * Checks every live file at `path`.
 * @throws RaftError `STORAGE_FAILED` if a file cannot be read.
 */
export async function inspectFolder(path: string): Promise<FolderReport> {
  const listing = await list(path);
  const flawed = (file: string, what: string): FolderReport => ({
    state: 'store',
    isTorn: false,
    unreliableTail: null,
    flaws: [{ file, offset: null, what }],
  });
  const fine = { flaws: [], isTorn: false, unreliableTail: null };
  if (!listing.current) {
    if (await isUnwritten(path, listing)) return { ...fine, state: 'new' };
    return flawed('CURRENT', 'CURRENT is missing, but there are other files of a store');
  }
  const current = await readStoreFile(path, 'CURRENT');
  const name = current?.toString('latin1').replace(/\n$/, '') ?? '';
  if (current?.at(-1) !== 0x0a || !MANIFEST.test(name))
    return flawed('CURRENT', 'CURRENT does not name a manifest');
  const file = await readStoreFile(path, name);
  if (file === null) return flawed(name, `${name} is missing`);
  const { writes: edits, damage } = readWal(file);
  if (damage !== null) return { ...flawed(name, ''), flaws: [walFlaw(name, damage)] };
  if (edits.length === 0) {
    // LevelDB does not sync the first manifest of a store before it points CURRENT to it.
    if (await isUnwritten(path, listing)) return { ...fine, state: 'unpointed' };
    return flawed(name, `${name} is empty`);
  }
  let manifest: Manifest;
  try {
    manifest = readManifest(edits);
  } catch (error) {
    return flawed(name, `${name} is damaged: ${error instanceof Error ? error.message : String(error)}`);
  }
  return inspectLiveFiles(path, manifest, listing);
}

async function inspectLiveFiles(path: string, manifest: Manifest, listing: Listing): Promise<FolderReport> {
  const flaws: FolderFlaw[] = [];
  for (const [number, bytes] of manifest.tables) {
    const name = listing.tables.get(number);
    const file = name === undefined ? null : await readStoreFile(path, name);
    if (name === undefined || file === null) {
      const missing = name ?? `${String(number).padStart(6, '0')}.ldb`;
      flaws.push({ file: missing, offset: null, what: `table ${number} is missing` });
    } else if (file.length !== bytes) {
      const what = `${name} has ${file.length} bytes, but should have ${bytes}`;
      flaws.push({ file: name, offset: Math.min(file.length, bytes), what });
    } else {
      const found = findTableFlaws(file);
      flaws.push(
        ...found.map(({ offset, what }) => ({ file: name, offset, what: `${name} is damaged: ${what}` })),
      );
    }
  }
  if (manifest.logNumber > 0 && !listing.logs.has(manifest.logNumber)) {
    const file = `${String(manifest.logNumber).padStart(6, '0')}.log`;
    flaws.push({ file, offset: null, what: `write-ahead file ${manifest.logNumber} is missing` });
  }
  const wals = await inspectWals(path, manifest, listing);
  const isTorn = wals.isTorn && !(await isUnwritten(path, listing));
  return { state: 'store', flaws: [...flaws, ...wals.flaws], isTorn, unreliableTail: wals.unreliableTail };
}

async function inspectWals(
  path: string,
  { logNumber, lastSequence }: Manifest,
  { logs }: Listing,
): Promise<Pick<FolderReport, 'flaws' | 'isTorn' | 'unreliableTail'>> {
  const names = [...logs].filter(([number]) => number >= logNumber).map(([, name]) => name);
  const flaws: FolderFlaw[] = [];
  let isTorn = false;
  let unreliableTail: UnreliableTail | null = null;
  let next = { from: 0, to: lastSequence + 1 };
  for (const [at, file] of names.entries()) {
    const content = readWal((await readStoreFile(path, file)) ?? Buffer.alloc(0));
    const { damage } = content;
    if (damage !== null) flaws.push(walFlaw(file, damage));
    isTorn ||= content.isTorn;
    const later = names.slice(at + 1);
    const good = countConsecutive(content.writes, next);
    next = good.next;
    const isWhole = good.count === content.writes.length;
    if (unreliableTail !== null || (isWhole && damage === null && !(content.isTorn && later.length > 0)))
      continue;
    const offset = good.count === 0 ? 0 : (content.ends[good.count - 1] ?? 0);
    const reason = isWhole
      ? (damage?.reason ?? 'it ends in a torn write, but a later file has writes')
      : 'writes are missing';
    unreliableTail = { file, offset, reason, later };
  }
  return { flaws, isTorn, unreliableTail: unreliableTail };
}

interface Expected {
  readonly from: number;
  readonly to: number;
}

/** Counts the writes with consecutive sequence numbers: LevelDB numbers every record of every write. */
function countConsecutive(
  writes: readonly Buffer[],
  first: Expected,
): { readonly count: number; readonly next: Expected } {
  let next = first;
  for (const [count, write] of writes.entries()) {
    if (write.length < WRITE_HEADER_BYTES) return { count, next };
    const number = Number(write.readBigUInt64LE(0));
    if (number < next.from || number > next.to) return { count, next };
    const following = number + write.readUInt32LE(8);
    next = { from: following, to: following };
  }
  return { count: writes.length, next };
}

/**
 * Whether the folder never received a synced write: it has no table and no complete write in a write-ahead
 * file.
 */
async function isUnwritten(path: string, { tables, logs }: Listing): Promise<boolean> {
  if (tables.size > 0) return false;
  for (const name of logs.values()) {
    const { writes, damage } = readWal((await readStoreFile(path, name)) ?? Buffer.alloc(0));
    if (writes.length > 0 || damage !== null) return false;
  }
  return true;
}

function walFlaw(file: string, { offset, reason }: NonNullable<WalContent['damage']>): FolderFlaw {
  return { file, offset, what: `${file} is damaged at offset ${offset}: ${reason}` };
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
  return { current: names.includes('CURRENT'), logs: new Map(logs), tables };
}

/** Reads a file of the store; null if it does not exist. */
async function readStoreFile(path: string, name: string): Promise<Buffer | null> {
  try {
    return await readFile(join(path, name));
  } catch (error) {
    if (isMissing(error)) return null;
    throw unreadable(join(path, name), error);
  }
}

function unreadable(path: string, cause: unknown): RaftError {
  return new RaftError('STORAGE_FAILED', `cannot read ${path}: ${String(cause)}`, { cause });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
