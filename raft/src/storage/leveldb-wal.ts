/**
 * Reads a file in LevelDB's log format (its write-ahead files `*.log` and its `MANIFEST-*`) and tells damage from the
 * tear that a power cut leaves. LevelDB itself drops what it cannot read and opens without a word, so that a flipped
 * bit takes acknowledged writes out of the middle. Pure: bytes in, findings out.
 *
 * Blocks of 32 KiB hold physical records, `| masked crc32c 4 | length 2 | type 1 | payload |`, little-endian; a write
 * that does not fit a block is cut into FIRST, MIDDLE... LAST, any other is one FULL. Fewer than 7 bytes at the end
 * of a block are padding.
 *
 * What a power cut may leave. Writes go to these files one at a time, and each is synced before the next begins.
 * So only the last write may be incomplete: a FULL or FIRST record behind the bad place proves that the bad one
 * had been synced, and is damage. The last write itself can be lost in part, in units of disk sectors: the file ends
 * inside it, or sectors of it read as zeros because the file grew before its data arrived. Those are torn, not
 * damaged: nobody was told that the write was done. A last write that is there in full length with no sector
 * missing, and yet fails its checksum, was changed afterwards.
 *
 * What cannot be seen from the file alone: a tail cut off exactly like a torn write.
 */
import { crc32c, maskCrc } from './crc32c.js';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
/** The least that a disk writes as a whole; larger sectors are runs of these. */
const SECTOR_BYTES = 512;

const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

export interface WalDamage {
  /** Byte offset of the bad physical record in its file. */
  readonly offset: number;
  readonly reason: string;
}

export interface WalContent {
  /** The payloads of all whole writes before the first bad place, in order. */
  readonly writes: readonly Buffer[];
  /** Where each of them ends, as a byte offset. */
  readonly ends: readonly number[];
  /** Null if the file is whole, or torn at its end as a power cut may leave it. */
  readonly damage: WalDamage | null;
  /** Whether it ends in a write that is not whole, which may be what a power cut left. */
  readonly isTorn: boolean;
}

type Physical =
  | { readonly kind: 'good'; readonly type: number; readonly payload: Buffer; readonly next: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'bad'; readonly reason: string };

/** Reads a whole file. Memory: views into `file`, and copies of those writes that span blocks. */
export function readWal(file: Buffer): WalContent {
  const writes: Buffer[] = [];
  const ends: number[] = [];
  let fragments: Buffer[] = [];
  let writeStart = 0;
  let offset = skipPadding(0);
  while (offset < file.length) {
    const physical = readPhysical(file, offset);
    if (physical.kind !== 'good') {
      const start = fragments.length > 0 ? writeStart : offset;
      const damage = judgeTail(file, start, offset, physical);
      return { writes, ends, damage, isTorn: damage === null };
    }
    const begins = physical.type === FULL || physical.type === FIRST;
    const underWay = fragments.length > 0;
    if (begins === underWay) {
      const reason = begins ? 'the write before it has no end' : 'it continues a write that has no beginning';
      return { writes, ends, damage: { offset, reason }, isTorn: false };
    }
    if (begins) writeStart = offset;
    fragments.push(physical.payload);
    if (physical.type === FULL || physical.type === LAST) {
      writes.push(fragments.length === 1 ? physical.payload : Buffer.concat(fragments));
      ends.push(physical.next);
      fragments = [];
    }
    offset = skipPadding(physical.next);
  }
  return { writes, ends, damage: null, isTorn: fragments.length > 0 };
}

function skipPadding(offset: number): number {
  const left = BLOCK_BYTES - (offset % BLOCK_BYTES);
  return left < HEADER_BYTES ? offset + left : offset;
}

function readPhysical(file: Buffer, offset: number): Physical {
  if (offset + HEADER_BYTES > file.length) return { kind: 'cut' };
  const length = file.readUInt16LE(offset + 4);
  const type = file.readUInt8(offset + 6);
  const next = offset + HEADER_BYTES + length;
  const blockEnd = offset - (offset % BLOCK_BYTES) + BLOCK_BYTES;
  if (next > blockEnd) return { kind: 'bad', reason: `its length of ${length} bytes leaves its block` };
  if (next > file.length) return { kind: 'cut' };
  if (file.readUInt32LE(offset) !== maskCrc(crc32c(file, offset + 6, next))) {
    return { kind: 'bad', reason: 'it does not hold its checksum' };
  }
  if (type < FULL || type > LAST) return { kind: 'bad', reason: `its type ${type} is unknown` };
  if ((type === FIRST || type === MIDDLE) && next !== blockEnd) {
    return { kind: 'bad', reason: 'it claims to go on before its block is full' };
  }
  return {
    kind: 'good',
    type,
    payload: file.subarray(offset + HEADER_BYTES, next),
    next,
  };
}

/** Decides whether a bad place at `offset`, in the write that begins at `start`, is what a power cut may leave. */
function judgeTail(
  file: Buffer,
  start: number,
  offset: number,
  physical: Exclude<Physical, { kind: 'good' }>,
): WalDamage | null {
  const later = findBeginning(file, offset + 1);
  if (later !== null) {
    const reason = physical.kind === 'cut' ? 'its length is wrong' : physical.reason;
    return { offset, reason: `${reason}, and a later write stands behind it at offset ${later}` };
  }
  if (physical.kind === 'cut') {
    return holdsChecksumToEnd(file, offset) ? { offset, reason: 'its length is wrong' } : null;
  }
  return hasLostSector(file, start) ? null : { offset, reason: physical.reason };
}

/** Finds a whole record that begins a write, at any offset: a wrong length makes every offset behind it uncertain. */
function findBeginning(file: Buffer, from: number): number | null {
  for (let offset = from; offset + HEADER_BYTES <= file.length; offset++) {
    const type = file[offset + 6];
    if (type !== FULL && type !== FIRST) continue;
    if (readPhysical(file, offset).kind === 'good') return offset;
  }
  return null;
}

/** A record that seems cut but holds its checksum over the bytes that are there is whole, with a damaged length. */
function holdsChecksumToEnd(file: Buffer, offset: number): boolean {
  if (offset + HEADER_BYTES > file.length) return false;
  return file.readUInt32LE(offset) === maskCrc(crc32c(file, offset + 6));
}

/** Whether a disk sector's part of the file behind `start` holds only zeros. */
function hasLostSector(file: Buffer, start: number): boolean {
  for (let from = start; from < file.length;) {
    const to = Math.min(from - (from % SECTOR_BYTES) + SECTOR_BYTES, file.length);
    if (file.subarray(from, to).every((byte) => byte === 0)) return true;
    from = to;
  }
  return false;
}
