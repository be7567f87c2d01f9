/**
 * A second copy of the hard state, in a file beside the log store. The first copy is the store's hard-state
 * record, which is written with the entries in one atomic batch. A damaged block, a truncated or lost file,
 * or a restored old folder loses that record together with the log. The copy in another file survives this,
 * and makes the loss detectable.
 *
 * The order of the two writes decides which copy is trusted. First the store's record is written and synced,
 * then this file; only then may the member send its vote or term to others. So:
 *
 *     this copy is ahead      the store has lost writes, among them votes and entries: it is damaged
 *     this copy is outdated   a crash came between the two writes, or this is an old file: the store is right
 *     this copy is damaged    the store is right, unless it ends in a torn write with a vote that was sent
 *     the store is missing    its promises are forgotten: damaged, although the folder looks like a new one
 *
 * This copy never replaces the store's record: a log that lost its hard state also lost the entries written
 * with it. No counter is needed to compare the copies: terms never decrease, and a member votes at most once
 * in a term.
 *
 * The file is written only when term or vote change, so only in elections; appending entries needs no
 * additional sync. Two slots alternate, so that a torn write leaves the previous one. All numbers are
 * big-endian. The checksum starts with the owner's name, so that the file of another member is rejected:
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
import { syncDirectory } from './leveldb-folder.js';

const SLOT_BYTES = 4096;
const SLOTS = 2;
const HEADER_BYTES = 22;

/** The member that the file belongs to. */
interface CopyOwner {
  readonly cluster: string;
  readonly id: string;
}

/** The contents of the file. */
export interface HardStateCopy {
  /** The newest slot with a matching checksum; null if there is none. */
  readonly newest: { readonly hardState: HardState; readonly sequence: number } | null;
  /** What is wrong with the file, or null. */
  readonly flaw: 'missing' | 'damaged' | null;
}

/** The result of comparing the two copies. */
export type CopyCheckResult =
  | { readonly verdict: 'fine' }
  /** The file has to be rebuilt from the store's record. */
  | { readonly verdict: 'repair'; readonly reason: string }
  /** The store must not be used. */
  | { readonly verdict: 'damaged'; readonly reason: string };

/** The path of the file beside the log store at `path`. */
export const hardStatePath = (path: string): string => `${path}.hard-state`;

/**
 * Reads the copy beside the log store at `path` without changing it.
 * @throws the system's error if it cannot be read.
 */
export async function readHardStateCopy(path: string, owner: CopyOwner): Promise<HardStateCopy> {
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
 * Checks the copy before the store is opened: opening repairs a torn end, so it would hide the problem.
 * @param store whether the store exists, and whether it ends in a torn write
 */
export function checkCopyBeforeOpen(
  { newest, flaw }: HardStateCopy,
  store: { readonly isThere: boolean; readonly isTorn: boolean },
): CopyCheckResult {
  if (!store.isThere && flaw !== 'missing') {
    return {
      verdict: 'damaged',
      reason: `the log is missing, but the copy of its hard state exists: ${describe(newest)}`,
    };
  }
  if (store.isTorn && flaw !== null) {
    const reason = `the copy of the hard state is ${flaw}, and the store ends in a torn write: a vote may be lost`;
    return { verdict: 'damaged', reason };
  }
  return { verdict: 'fine' };
}

/**
 * Compares the copy with the store's hard state.
 * @param stored the store's hard state; null if the store was never written
 */
export function compareHardStates(stored: HardState | null, copy: HardStateCopy): CopyCheckResult {
  const { newest, flaw } = copy;
  if (stored === null) return checkCopyBeforeOpen(copy, { isThere: false, isTorn: false });
  if (newest === null) return { verdict: 'repair', reason: `it is ${flaw ?? 'empty'}` };
  const { term, vote } = newest.hardState;
  if (term === stored.term && vote !== null && stored.vote !== null && vote !== stored.vote) {
    const reason = `the two copies of the hard state differ in the vote of term ${term}: ${stored.vote} and ${vote}`;
    return { verdict: 'damaged', reason };
  }
  if (term > stored.term || (term === stored.term && vote !== null && stored.vote === null)) {
    const reason = `the store has lost writes: it is at ${describeState(stored)}, but was at ${describe(newest)}`;
    return { verdict: 'damaged', reason };
  }
  if (flaw !== null) return { verdict: 'repair', reason: `it is ${flaw}` };
  const isOutdated = term < stored.term || vote !== stored.vote;
  return isOutdated
    ? { verdict: 'repair', reason: `it is outdated: ${describe(newest)}` }
    : { verdict: 'fine' };
}

/** The file, open for writing. */
export class HardStateFile {
  readonly #handle: FileHandle;
  readonly #owner: CopyOwner;
  #sequence: number;

  private constructor(handle: FileHandle, owner: CopyOwner, sequence: number) {
    this.#handle = handle;
    this.#owner = owner;
    this.#sequence = sequence;
  }

  /** Opens the file from which `copy` was read. */
  static async open(path: string, owner: CopyOwner, copy: HardStateCopy): Promise<HardStateFile> {
    invariant(
      copy.newest !== null && copy.flaw === null,
      'a missing or damaged copy has to be rebuilt, not opened',
    );
    return new HardStateFile(await open(hardStatePath(path), 'r+'), owner, copy.newest.sequence);
  }

  /** Replaces the file durably and atomically: after a crash there is the old file or the new one. */
  static async create(path: string, owner: CopyOwner, hardState: HardState): Promise<HardStateFile> {
    const file = hardStatePath(path);
    const handle = await open(`${file}.new`, 'w+');
    try {
      await handle.writeFile(Buffer.concat([encodeSlot(0, hardState, owner), Buffer.alloc(SLOT_BYTES)]));
      await handle.sync();
      await rename(`${file}.new`, file);
      await syncDirectory(dirname(file));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new HardStateFile(handle, owner, 0);
  }

  /** Writes a hard state; durable when the promise resolves. */
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
  invariant(HEADER_BYTES + length <= SLOT_BYTES, `a vote of ${length} bytes does not fit into a slot`);
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
  return newest === null ? 'unreadable' : describeState(newest.hardState);
}

function describeState({ term, vote }: HardState): string {
  return vote === null ? `term ${term} without a vote` : `term ${term} with a vote for ${vote}`;
}
