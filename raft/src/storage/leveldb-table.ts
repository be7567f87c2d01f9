/**
 * Verifies a LevelDB table file (`*.ldb`): every block of it against its checksum, which LevelDB itself skips on
 * reads. A flipped bit in a table may bring back an older value of a key, a vote for instance, that is valid in itself.
 * Source: LevelDB 1.20, table/format.cc and table/block.cc. Pure: bytes in, findings out.
 *
 *     | data block ... | filter block | metaindex block | index block | footer 48 |
 *     block: | contents | compression 1 | masked crc32c 4 |
 */
import { ByteReader } from './byte-reader.js';
import { crc32c, maskCrc } from './crc32c.js';

const FOOTER_BYTES = 48;
const MAGIC_BYTES = 8;
const MAGIC = 0xdb4775248b80fb57n;
const TRAILER_BYTES = 5;
const UNCOMPRESSED = 0;

interface BlockHandle {
  readonly offset: number;
  readonly length: number;
}

/**
 * Checks a whole table file.
 * @throws RangeError naming the offset and what is wrong there.
 */
export function verifyTable(file: Buffer): void {
  const footerAt = file.length - FOOTER_BYTES;
  if (footerAt < 0 || file.readBigUInt64LE(file.length - MAGIC_BYTES) !== MAGIC) {
    throw new RangeError('it does not end as a table does');
  }
  const footer = new ByteReader(file.subarray(footerAt, file.length - MAGIC_BYTES));
  const metaindex = readHandle(footer);
  const index = readHandle(footer);
  for (const parent of [metaindex, index]) {
    for (const value of blockValues(readBlock(file, parent), parent)) {
      verifyBlock(file, readHandle(new ByteReader(value)));
    }
  }
}

function readHandle(reader: ByteReader): BlockHandle {
  return { offset: reader.varint(), length: reader.varint() };
}

function verifyBlock(file: Buffer, { offset, length }: BlockHandle): void {
  const end = offset + length + TRAILER_BYTES;
  if (end > file.length) throw new RangeError(`the block at offset ${offset} leaves the file`);
  if (file.readUInt32LE(end - 4) !== maskCrc(crc32c(file, offset, end - 4))) {
    throw new RangeError(`the block at offset ${offset} does not hold its checksum`);
  }
}

/** A block whose contents are wanted here: never compressed, because the store is opened without compression. */
function readBlock(file: Buffer, handle: BlockHandle): Buffer {
  verifyBlock(file, handle);
  const end = handle.offset + handle.length;
  if (file[end] !== UNCOMPRESSED) {
    throw new RangeError(`the block at offset ${handle.offset} is compressed, which this program never does`);
  }
  return file.subarray(handle.offset, end);
}

/** The values of a block's records: `| shared | unshared | value length | key rest | value |`, then restart points. */
function blockValues(block: Buffer, { offset }: BlockHandle): Buffer[] {
  const restartsEnd = block.length - 4;
  const recordsEnd = restartsEnd < 0 ? -1 : restartsEnd - 4 * block.readUInt32LE(restartsEnd);
  if (recordsEnd < 0) throw new RangeError(`the block at offset ${offset} is too short`);
  const values: Buffer[] = [];
  const reader = new ByteReader(block.subarray(0, recordsEnd));
  while (!reader.done) {
    reader.varint();
    const keyBytes = reader.varint();
    const valueBytes = reader.varint();
    reader.take(keyBytes);
    values.push(reader.take(valueBytes));
  }
  return values;
}
