/**
 * The second copy of the hard state: a file of its own beside the log store. The first copy is the store's hard-state
 * record, which is written with the entries in one atomic batch; it goes wherever a damaged block, a cut or lost file, or
 * an old copy of the folder takes the log. This one is in another file, and so outlives that and shows it.
 *
 * The order of the two writes says which copy may be trusted. The store's comes first, synced; then this one, synced;
 * only then is a vote or a term told to anyone. So:
 *
 *     this copy is ahead    the store had been further and went back: its votes and entries are lost, it is damaged
 *     this copy is behind   a crash came between the two writes, or this file went back: the store's is the latest
 *     this copy is no good  the store's is the latest, unless it ends in a torn write: what was torn may have been told
 *     the store is gone     whatever it promised is forgotten: damaged, though the folder looks like a new one
 *
 * It never stands in for the store's own: a log that lost its hard state lost what was written with it. Which copy is
 * ahead needs no counter: a term never falls, and within a term a vote is given once.
 *
 * It is written where term or vote change, so at elections alone; entries cost one sync as before. Two slots take turns,
 * so that a write that is torn leaves the one before. All numbers are big-endian; the checksum begins with the owner's
 * name, so that the file of another member is not taken for this one's:
 *
 *     | slot 4096 | slot 4096 |        slot: | crc32 4 | sequence 8 | term 8 | vote length 2 | vote ... | zeros |
 */
import { open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { readUint64, writeUint64 } from '../core/entry.js';
import { invariant } from '../core/errors.js';
import type { HardState } from '../core/types.js';
import { syncNames } from './leveldb-folder.js';

const SLOT_BYTES = 4096;
const SLOTS = 2;
const HEADER_BYTES = 22;

/** Whose file it is. */
interface CopyOwner {
  readonly cluster: string;
  readonly id: string;
}

/** What was found in the file. */
export interface HardStateCopy {
  /** The newest one that holds its checksum; null if none does. */
  readonly newest: { readonly hardState: HardState; readonly sequence: number } | null;
  /** What is wrong with the file, null for nothing. */
  readonly flaw: 'missing' | 'damaged' | null;
}

/** What to do about two copies. */
export type CopyVerdict =
  | { readonly verdict: 'fine' }
  /** The file is to be made anew from the store's record; `reason` says why. */
  | { readonly verdict: 'repair'; readonly reason: string }
  /** The store must not be used; `reason` says why. */
  | { readonly verdict: 'damaged'; readonly reason: string };

/** The path of the file beside the log store at `path`. */
export const hardStatePath = (path: string): string => `${path}.hard-state`;

/** Reads the copy beside the log store at `path`, and changes nothing. @throws the system's error if it cannot be read. */
export async function readCopy(path: string, owner: CopyOwner): Promise<HardStateCopy> {
  let file: Buffer;
  try {
    file = await readFile(hardStatePath(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { newest: null, flaw: 'missing' };
    }
    throw error;
  }
  let newest: HardStateCopy['newest'] = null;
  let isDamaged = file.length !== SLOTS * SLOT_BYTES;
  for (let at = 0; at + SLOT_BYTES <= file.length && at < SLOTS * SLOT_BYTES; at += SLOT_BYTES) {
    const slot = file.subarray(at, at + SLOT_BYTES);
    if (slot.every((byte) => byte === 0)) continue;
    const found = decodeSlot(slot, owner);
    if (found === null) isDamaged = true;
    else if (newest === null || found.sequence > newest.sequence) newest = found;
  }
  return { newest, flaw: isDamaged || newest === null ? 'damaged' : null };
}

/**
 * What can be said before the store is opened, which must be said then: opening mends a torn end.
 * @param store whether there is a store, and whether it ends in a write that is not whole
 */
export function judgeUnopened(
  { newest, flaw }: HardStateCopy,
  store: { readonly isThere: boolean; readonly isTorn: boolean },
): CopyVerdict {
  if (!store.isThere && flaw !== 'missing') {
    return {
      verdict: 'damaged',
      reason: `the log is gone, but its hard state is there: ${describe(newest)}`,
    };
  }
  if (store.isTorn && flaw !== null) {
    const reason = `the copy of the hard state is ${flaw}, and the store ends in a torn write: a vote may be lost`;
    return { verdict: 'damaged', reason };
  }
  return { verdict: 'fine' };
}

/**
 * Compares the copy with what the store holds.
 * @param stored the store's hard state; null if nothing was ever written to it
 */
export function judgeCopy(stored: HardState | null, copy: HardStateCopy): CopyVerdict {
  const { newest, flaw } = copy;
  if (stored === null) return judgeUnopened(copy, { isThere: false, isTorn: false });
  if (newest === null) return { verdict: 'repair', reason: `it is ${flaw ?? 'empty'}` };
  const { term, vote } = newest.hardState;
  if (term === stored.term && vote !== null && stored.vote !== null && vote !== stored.vote) {
    const reason = `its copies name two votes in one term: ${stored.vote}, and ${describe(newest)}`;
    return { verdict: 'damaged', reason };
  }
  if (term > stored.term || (term === stored.term && vote !== null && stored.vote === null)) {
    const reason = `the store went back to term ${stored.term}; its hard state had been ${describe(newest)}`;
    return { verdict: 'damaged', reason };
  }
  if (flaw !== null) return { verdict: 'repair', reason: `it is ${flaw}` };
  const isBehind = term < stored.term || vote !== stored.vote;
  return isBehind ? { verdict: 'repair', reason: `it is behind: ${describe(newest)}` } : { verdict: 'fine' };
}

/** The open file, to be written. */
export class HardStateFile {
  readonly #handle: FileHandle;
  readonly #owner: CopyOwner;
  #sequence: number;

  private constructor(handle: FileHandle, owner: CopyOwner, sequence: number) {
    this.#handle = handle;
    this.#owner = owner;
    this.#sequence = sequence;
  }

  /** Opens the file that `copy` was read from. */
  static async open(path: string, owner: CopyOwner, copy: HardStateCopy): Promise<HardStateFile> {
    invariant(copy.newest !== null && copy.flaw === null, 'a flawed copy is made anew');
    return new HardStateFile(await open(hardStatePath(path), 'r+'), owner, copy.newest.sequence);
  }

  /** Makes the file anew, durably and in one step: after a crash there is the one before, or this one. */
  static async create(path: string, owner: CopyOwner, hardState: HardState): Promise<HardStateFile> {
    const file = hardStatePath(path);
    const handle = await open(`${file}.new`, 'w+');
    try {
      await handle.writeFile(Buffer.concat([encodeSlot(0, hardState, owner), Buffer.alloc(SLOT_BYTES)]));
      await handle.sync();
      await rename(`${file}.new`, file);
      await syncNames(dirname(file));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new HardStateFile(handle, owner, 0);
  }

  /** Writes the next one; when the promise resolves, a power loss does not undo it. */
  async write(hardState: HardState): Promise<void> {
    this.#sequence += 1;
    const slot = encodeSlot(this.#sequence, hardState, this.#owner);
    await this.#handle.write(slot, 0, SLOT_BYTES, (this.#sequence % SLOTS) * SLOT_BYTES);
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function encodeSlot(sequence: number, { term, vote }: HardState, owner: CopyOwner): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  const length = Buffer.byteLength(vote ?? '');
  invariant(HEADER_BYTES + length <= SLOT_BYTES, `a vote of ${length} bytes`);
  writeUint64(slot, 4, sequence);
  writeUint64(slot, 12, term);
  slot.writeUInt16BE(length, 20);
  slot.write(vote ?? '', HEADER_BYTES);
  slot.writeUInt32BE(checksum(slot, owner), 0);
  return slot;
}

function decodeSlot(slot: Buffer, owner: CopyOwner): HardStateCopy['newest'] {
  const end = HEADER_BYTES + slot.readUInt16BE(20);
  if (slot.readUInt32BE(0) !== checksum(slot, owner) || end > slot.length) return null;
  const vote = slot.toString('utf8', HEADER_BYTES, end);
  return {
    hardState: { term: readUint64(slot, 12), vote: vote === '' ? null : vote },
    sequence: readUint64(slot, 4),
  };
}

function checksum(slot: Buffer, { cluster, id }: CopyOwner): number {
  return crc32(slot.subarray(4), crc32(Buffer.from(`${cluster}\0${id}`)));
}

function describe(newest: HardStateCopy['newest']): string {
  if (newest === null) return 'unreadable';
  const { term, vote } = newest.hardState;
  return vote === null ? `term ${term}, no vote` : `term ${term}, vote for ${vote}`;
}
