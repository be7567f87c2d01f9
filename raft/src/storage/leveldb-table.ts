/**
 * Verifies the checksum of every block of a LevelDB table file (`*.ldb`), which LevelDB skips on reads. A
 * flipped bit in a table may restore an older value of a key, such as a vote, that is valid by itself.
 * Source: LevelDB 1.20, table/format.cc and table/block.cc. Pure.
 *
 *     | data block ... | filter block | metaindex block | index block | footer 48 |
 *     block: | contents | compression 1 | masked crc32c 4 |
 */
import { ByteReader } from './byte-reader.js';
import { crc32c, maskCrc } from './crc32c.js';
import { decompressSnappy } from './snappy.js';

const FOOTER_BYTES = 48;
const MAGIC_BYTES = 8;
const MAGIC = 0xdb4775248b80fb57n;
const TRAILER_BYTES = 5;
const UNCOMPRESSED = 0;
const SNAPPY = 1;

interface BlockHandle {
  readonly offset: number;
  readonly length: number;
}

/** One damaged position in a table file. */
export interface TableFlaw {
  /** Byte offset in the file. */
  readonly offset: number;
  readonly what: string;
}

/**
 * Checks a whole table file.
 * @returns every damaged block, except those that only a damaged index block points to
 */
export function findTableFlaws(file: Buffer): readonly TableFlaw[] {
  const footerAt = file.length - FOOTER_BYTES;
  if (footerAt < 0 || file.readBigUInt64LE(file.length - MAGIC_BYTES) !== MAGIC) {
    return [{ offset: Math.max(footerAt, 0), what: 'it does not end with a table footer' }];
  }
  const flaws: TableFlaw[] = [];
  const attempt = <T>(offset: number, read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      flaws.push({ offset, what: error instanceof Error ? error.message : String(error) });
      return null;
    }
  };
  const footer = new ByteReader(file.subarray(footerAt, file.length - MAGIC_BYTES));
  const parents = attempt(footerAt, () => [readHandle(footer), readHandle(footer)]) ?? [];
  for (const parent of parents) {
    const values = attempt(parent.offset, () => blockValues(readBlock(file, parent), parent)) ?? [];
    for (const value of values) {
      const child = attempt(parent.offset, () => readHandle(new ByteReader(value)));
      if (child !== null) attempt(child.offset, () => verifyBlock(file, child));
    }
  }
  return flaws;
}

function readHandle(reader: ByteReader): BlockHandle {
  return { offset: reader.readVarint(), length: reader.readVarint() };
}

function verifyBlock(file: Buffer, { offset, length }: BlockHandle): void {
  const end = offset + length + TRAILER_BYTES;
  if (end > file.length) throw new RangeError(`the block at offset ${offset} exceeds the file`);
  if (file.readUInt32LE(end - 4) !== maskCrc(crc32c(file, offset, end - 4))) {
    throw new RangeError(`checksum mismatch in the block at offset ${offset}`);
  }
}

/** Verifies a block and returns its uncompressed contents. */
function readBlock(file: Buffer, handle: BlockHandle): Buffer {
  verifyBlock(file, handle);
  const end = handle.offset + handle.length;
  const contents = file.subarray(handle.offset, end);
  switch (file[end]) {
    case UNCOMPRESSED:
      return contents;
    case SNAPPY:
      return decompressSnappy(contents);
    default:
      throw new RangeError(`the block at offset ${handle.offset} has an unknown compression`);
  }
}

/**
 * The values of a block's records: `| shared | unshared | value length | key suffix | value |`, then restart
 * points.
 */
function blockValues(block: Buffer, { offset }: BlockHandle): Buffer[] {
  const restartsEnd = block.length - 4;
  const recordsEnd = restartsEnd < 0 ? -1 : restartsEnd - 4 * block.readUInt32LE(restartsEnd);
  if (recordsEnd < 0) throw new RangeError(`the block at offset ${offset} is too short`);
  const values: Buffer[] = [];
  const reader = new ByteReader(block.subarray(0, recordsEnd));
  while (!reader.isAtEnd) {
    reader.readVarint();
    const keyBytes = reader.readVarint();
    const valueBytes = reader.readVarint();
    reader.take(keyBytes);
    values.push(reader.take(valueBytes));
  }
  return values;
}
