import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader } from './byte-reader.js';
import { crc32c, maskCrc } from './crc32c.js';
import { readManifest } from './leveldb-manifest.js';
import { findTableFlaws } from './leveldb-table.js';

const MAGIC = Buffer.from('57fb808b247547db', 'hex');

interface TableOptions {
  readonly indexCompression?: number;
  readonly indexContents?: Buffer;
  readonly dataLength?: number;
}

/**
 * A block with its trailer. All offsets and lengths in these tables are below 128, so that each varint is one
 * byte.
 */
function block(contents: Buffer, compression = 0): Buffer {
  const bytes = Buffer.concat([contents, Buffer.from([compression, 0, 0, 0, 0])]);
  bytes.writeUInt32LE(maskCrc(crc32c(bytes, 0, bytes.length - 4)), bytes.length - 4);
  return bytes;
}

/** A table with one data block of 20 bytes, built as LevelDB's doc/table_format.txt describes it. */
function makeTable({ indexCompression = 0, indexContents, dataLength = 20 }: TableOptions = {}): Buffer {
  const data = block(Buffer.alloc(20, 'data'));
  const restarts = Buffer.from([0, 0, 0, 0, 1, 0, 0, 0]);
  const metaindex = block(restarts);
  const record = Buffer.from([0, 1, 2, 0x6b, 0, dataLength]);
  const index = block(indexContents ?? Buffer.concat([record, restarts]), indexCompression);
  const footer = Buffer.alloc(40);
  footer.set([data.length, metaindex.length - 5, data.length + metaindex.length, index.length - 5]);
  return Buffer.concat([data, metaindex, index, footer, MAGIC]);
}

test('findTableFlaws finds nothing in an intact table', () => {
  assert.equal(findTableFlaws(makeTable()), []);
});

test('findTableFlaws finds every flipped bit outside of the padding of the footer', () => {
  const whole = makeTable();
  // With its top bit set, the footer's last number continues into the zeros of the padding, which gives the
  // same number.
  const harmless = { from: (whole.length - 44) * 8 - 1, to: (whole.length - 8) * 8 };
  for (let bit = 0; bit < whole.length * 8; bit++) {
    if (bit >= harmless.from && bit < harmless.to) continue;
    const offset = bit >> 3;
    const table = Buffer.from(whole);
    table.writeUInt8(table.readUInt8(offset) ^ (1 << (bit & 7)), offset);
    assert.ok(findTableFlaws(table).length > 0, `bit ${bit}`);
  }
});

test('findTableFlaws describes the damage', () => {
  const says = (table: Buffer, message: RegExp) =>
    assert.match(
      findTableFlaws(table)
        .map(({ what }) => what)
        .join('; '),
      message,
    );
  says(Buffer.alloc(10), /it does not end with a table footer/);
  says(makeTable().subarray(0, -1), /it does not end with a table footer/);
  says(makeTable({ dataLength: 127 }), /the block at offset 0 exceeds the file/);
  says(makeTable({ dataLength: 19 }), /checksum mismatch in the block at offset 0/);
  says(makeTable({ indexCompression: 1 }), /a copy exceeds its block|implausible length|expected \d+ bytes/);
  says(makeTable({ indexCompression: 7 }), /the block at offset 38 has an unknown compression/);
  says(makeTable({ indexContents: Buffer.alloc(3) }), /the block at offset 38 is too short/);
  says(makeTable({ indexContents: Buffer.from([9, 0, 0, 0]) }), /the block at offset 38 is too short/);
});

test('ByteReader.varint reads whole numbers up to 2^53 - 1, and refuses larger or truncated ones', () => {
  const read = (...bytes: number[]) => new ByteReader(Buffer.from(bytes)).readVarint();
  assert.is(read(0), 0);
  assert.is(read(0xac, 0x02), 300);
  assert.is(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f), Number.MAX_SAFE_INTEGER);
  assert.throws(() => read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10), /longer than 53 bits/);
  assert.throws(() => read(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01), /longer than 53 bits/);
  assert.throws(() => read(0x80), /only 0 are left/);
});

test('readManifest applies all edits to log number, sequence number and tables', () => {
  const edits = [
    Buffer.from([1, 2, 0x61, 0x62, 2, 3, 9, 0, 3, 9, 4, 100]),
    Buffer.from([7, 0, 5, 50, 1, 0x61, 1, 0x7a, 7, 1, 6, 60, 0, 0]),
    Buffer.from([5, 1, 1, 0x71, 6, 0, 5, 2, 7]),
  ];
  const { logNumber, lastSequence, tables } = readManifest(edits);
  assert.equal([logNumber, lastSequence], [7, 100]);
  assert.equal([...tables], [[6, 60]]);
  assert.throws(() => readManifest([Buffer.from([8, 1])]), /unknown tag 8/);
  assert.throws(() => readManifest([Buffer.from([7, 0, 5])]), /only 0 are left/);
});

test.run();
