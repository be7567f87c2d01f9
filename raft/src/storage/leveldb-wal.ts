/**
 * Reads a file in LevelDB's log format (write-ahead files `*.log` and `MANIFEST-*`), and tells damage from a
 * write that was torn by a power loss. LevelDB itself skips unreadable data silently, so that a flipped bit
 * would remove acknowledged writes from the middle of a file. Pure.
 *
 * Blocks of 32 KiB contain physical records, `| masked crc32c 4 | length 2 | type 1 | payload |`,
 * little-endian. A write that does not fit into a block is split into FIRST, MIDDLE... LAST; any other write
 * is one FULL record. Fewer than 7 bytes at the end of a block are padding.
 *
 * Writes are appended one at a time, and each is synced before the next one begins, so a power loss can only
 * affect the last write. A FULL or FIRST record after a bad record proves that the bad one was synced: it is
 * damage. The last write may be lost in part, in units of disk sectors: the file ends inside it, or some of
 * its sectors are zero because the file grew before its data was written. Such a write is torn, not damaged:
 * it was never acknowledged. A last write of full length without a lost sector whose checksum does not match
 * was changed later: it is damage.
 *
 * Limitation: a truncated tail that looks like a torn write cannot be detected from the file alone.
 */
import { crc32c, maskCrc } from './crc32c.js';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
/** The smallest unit that a disk writes atomically; larger sectors are multiples of it. */
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
  /** The payloads of all complete writes before the first bad record, in order. */
  readonly writes: readonly Buffer[];
  /** The byte offset of the end of each of them. */
  readonly ends: readonly number[];
  /** Null if the file is intact, or only torn at its end. */
  readonly damage: WalDamage | null;
  /** Whether the file ends in an incomplete write, as a power loss may leave it. */
  readonly isTorn: boolean;
}

type Physical =
  | { readonly kind: 'good'; readonly type: number; readonly payload: Buffer; readonly next: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'bad'; readonly reason: string };

/** Reads a whole file. The writes are views into `file`; those that span blocks are copies. */
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
      const reason = begins ? 'the write before it has no end' : 'it continues a write with no beginning';
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
  if (next > blockEnd) return { kind: 'bad', reason: `its length of ${length} bytes exceeds its block` };
  if (next > file.length) return { kind: 'cut' };
  if (file.readUInt32LE(offset) !== maskCrc(crc32c(file, offset + 6, next))) {
    return { kind: 'bad', reason: 'checksum mismatch' };
  }
  if (type < FULL || type > LAST) return { kind: 'bad', reason: `unknown record type ${type}` };
  if ((type === FIRST || type === MIDDLE) && next !== blockEnd) {
    return { kind: 'bad', reason: 'it claims to continue in the next block, but its block is not full' };
  }
  return {
    kind: 'good',
    type,
    payload: file.subarray(offset + HEADER_BYTES, next),
    next,
  };
}

/**
 * Decides whether the bad record at `offset`, in the write that begins at `start`, is damaged; null if it is
 * torn.
 */
function judgeTail(
  file: Buffer,
  start: number,
  offset: number,
  physical: Exclude<Physical, { kind: 'good' }>,
): WalDamage | null {
  const later = findWriteStart(file, offset + 1);
  if (later !== null) {
    const reason = physical.kind === 'cut' ? 'its length is wrong' : physical.reason;
    return { offset, reason: `${reason}, but a later write follows at offset ${later}` };
  }
  if (physical.kind === 'cut') {
    return matchesChecksumToEnd(file, offset) ? { offset, reason: 'its length is wrong' } : null;
  }
  return hasLostSector(file, start) ? null : { offset, reason: physical.reason };
}

/**
 * Finds an intact record that begins a write, at any offset: after a wrong length all record offsets are
 * unknown.
 */
function findWriteStart(file: Buffer, from: number): number | null {
  for (let offset = from; offset + HEADER_BYTES <= file.length; offset++) {
    const type = file[offset + 6];
    if (type !== FULL && type !== FIRST) continue;
    if (readPhysical(file, offset).kind === 'good') return offset;
  }
  return null;
}

/**
 * Whether a seemingly cut record matches its checksum over the existing bytes: then only its length is
 * damaged.
 */
function matchesChecksumToEnd(file: Buffer, offset: number): boolean {
  if (offset + HEADER_BYTES > file.length) return false;
  return file.readUInt32LE(offset) === maskCrc(crc32c(file, offset + 6));
}

/** Whether any disk sector of the file from `start` on contains only zeros. */
function hasLostSector(file: Buffer, start: number): boolean {
  for (let from = start; from < file.length;) {
    const to = Math.min(from - (from % SECTOR_BYTES) + SECTOR_BYTES, file.length);
    if (file.subarray(from, to).every((byte) => byte === 0)) return true;
    from = to;
  }
  return false;
}
