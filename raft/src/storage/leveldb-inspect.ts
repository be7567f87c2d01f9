/**
 * Looks at the files of a closed LevelDB folder, and changes nothing. LevelDB itself drops what it cannot read and makes a
 * new store where `CURRENT` is lost, so this has to come before it may open the folder. Reads one file at a time; each is
 * bounded by LevelDB's write buffer (4 MiB) plus one batch, or its table size (2 MiB).
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError } from '../core/errors.js';
import { readManifest, type Manifest } from './leveldb-manifest.js';
import { tableFlaws } from './leveldb-table.js';
import { readWal, type WalContent } from './leveldb-wal.js';

const NUMBERED = /^(\d+)\.(log|ldb)$/;
const MANIFEST = /^MANIFEST-\d+$/;
/** In front of a write's records: its number, 8 bytes, and how many records it has, 4. */
const WRITE_HEADER_BYTES = 12;

/** One thing that is wrong with a folder. */
export interface FolderFlaw {
  /** Name of the file in the folder. */
  readonly file: string;
  /** Byte offset in it, null where the file as a whole is meant. */
  readonly offset: number | null;
  /** A sentence that names the file. */
  readonly what: string;
}

/** The first place in the write-ahead files behind which nothing can be relied on. */
export interface WalBreak {
  readonly file: string;
  /** Byte offset behind the last good write. */
  readonly offset: number;
  readonly reason: string;
  /** Write-ahead files that were begun later. */
  readonly later: readonly string[];
}

/** What LevelDB's files of a store come to, as far as reading them tells. */
export interface FolderReport {
  /**
   * `new`: nothing that was acknowledged can ever have been in it. `unpointed`: as good as new, but for a CURRENT that
   * names an empty manifest.
   */
  readonly state: 'new' | 'unpointed' | 'store';
  /** In the order in which they were found; a broken write-ahead file is among them unless it is only torn at its end. */
  readonly flaws: readonly FolderFlaw[];
  /** Whether a write that is not whole stands behind whole ones: a power cut may have left it. */
  readonly isTorn: boolean;
  /** For a store that is not synced: where its write-ahead files end, if that is before their last byte. */
  readonly walBreak: WalBreak | null;
}

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

/**
 * Checks every file that counts at `path`.
 * @throws RaftError `STORAGE_FAILED` if a file cannot be read.
 */
export async function inspectFolder(path: string): Promise<FolderReport> {
  const listing = await list(path);
  const flawed = (file: string, what: string): FolderReport => ({
    ...{ state: 'store', isTorn: false, walBreak: null },
    flaws: [{ file, offset: null, what }],
  });
  const fine = { flaws: [], isTorn: false, walBreak: null };
  if (!listing.current) {
    if (await isUnwritten(path, listing)) return { ...fine, state: 'new' };
    return flawed('CURRENT', 'CURRENT is missing beside files of a store');
  }
  const current = await readStoreFile(path, 'CURRENT');
  const name = current?.toString('latin1').replace(/\n$/, '') ?? '';
  if (current?.at(-1) !== 0x0a || !MANIFEST.test(name)) return flawed('CURRENT', 'CURRENT names no manifest');
  const file = await readStoreFile(path, name);
  if (file === null) return flawed(name, `${name} is missing`);
  const { writes: edits, damage } = readWal(file);
  if (damage !== null) return { ...flawed(name, ''), flaws: [walFlaw(name, damage)] };
  if (edits.length === 0) {
    // The first manifest of a store is the one file that LevelDB does not sync before it points CURRENT to it.
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
      const what = `${name} has ${file.length} bytes instead of ${bytes}`;
      flaws.push({ file: name, offset: Math.min(file.length, bytes), what });
    } else {
      const found = tableFlaws(file);
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
  return { state: 'store', flaws: [...flaws, ...wals.flaws], isTorn, walBreak: wals.walBreak };
}

async function inspectWals(
  path: string,
  { logNumber, lastSequence }: Manifest,
  { logs }: Listing,
): Promise<Pick<FolderReport, 'flaws' | 'isTorn' | 'walBreak'>> {
  const names = [...logs].filter(([number]) => number >= logNumber).map(([, name]) => name);
  const flaws: FolderFlaw[] = [];
  let isTorn = false;
  let walBreak: WalBreak | null = null;
  let next = { from: 0, to: lastSequence + 1 };
  for (const [at, file] of names.entries()) {
    const content = readWal((await readStoreFile(path, file)) ?? Buffer.alloc(0));
    const { damage } = content;
    if (damage !== null) flaws.push(walFlaw(file, damage));
    isTorn ||= content.isTorn;
    const later = names.slice(at + 1);
    const good = followOn(content.writes, next);
    next = good.next;
    const isWhole = good.count === content.writes.length;
    if (walBreak !== null || (isWhole && damage === null && !(content.isTorn && later.length > 0))) continue;
    const offset = good.count === 0 ? 0 : (content.ends[good.count - 1] ?? 0);
    const reason = isWhole
      ? (damage?.reason ?? 'it is torn, and writes stand in a later file')
      : 'writes are missing';
    walBreak = { file, offset, reason, later };
  }
  return { flaws, isTorn, walBreak };
}

interface Expected {
  readonly from: number;
  readonly to: number;
}

/** How many of the writes follow on one another: LevelDB numbers each record, and a write begins behind the last one. */
function followOn(
  writes: readonly Buffer[],
  first: Expected,
): { readonly count: number; readonly next: Expected } {
  let next = first;
  for (const [count, write] of writes.entries()) {
    if (write.length < WRITE_HEADER_BYTES) return { count, next };
    const number = Number(write.readBigUInt64LE(0));
    if (number < next.from || number > next.to) return { count, next };
    const behind = number + write.readUInt32LE(8);
    next = { from: behind, to: behind };
  }
  return { count: writes.length, next };
}

/** Whether no synced write can ever have reached the folder: no table, and no whole write in any write-ahead file. */
async function isUnwritten(path: string, { tables, logs }: Listing): Promise<boolean> {
  if (tables.size > 0) return false;
  for (const name of logs.values()) {
    const { writes, damage } = readWal((await readStoreFile(path, name)) ?? Buffer.alloc(0));
    if (writes.length > 0 || damage !== null) return false;
  }
  return true;
}

function walFlaw(file: string, { offset, reason }: NonNullable<WalContent['damage']>): FolderFlaw {
  return { file, offset, what: `${file} is damaged at offset ${offset}: the record there: ${reason}` };
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

/** Null if there is no such file. */
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
