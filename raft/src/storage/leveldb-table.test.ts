import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader } from './byte-reader.js';
import { crc32c, maskCrc } from './crc32c.js';
import { readManifest } from './leveldb-manifest.js';
import { tableFlaws } from './leveldb-table.js';

const MAGIC = Buffer.from('57fb808b247547db', 'hex');

interface TableOptions {
  readonly indexCompression?: number;
  readonly indexContents?: Buffer;
  readonly dataLength?: number;
}

/** A block with its trailer; all offsets and lengths in these tables are below 128, so that a varint is one byte. */
function block(contents: Buffer, compression = 0): Buffer {
  const bytes = Buffer.concat([contents, Buffer.from([compression, 0, 0, 0, 0])]);
  bytes.writeUInt32LE(maskCrc(crc32c(bytes, 0, bytes.length - 4)), bytes.length - 4);
  return bytes;
}

/** A table of one data block of 20 bytes, written by hand after LevelDB's doc/table_format.txt. */
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

test('a whole table is fine', () => {
  assert.equal(tableFlaws(makeTable()), []);
});

test('every flipped bit of a table is found, but for the padding of its footer', () => {
  const whole = makeTable();
  // The top bit of the footer's last number lets it go on into the padding's zeros, which reads as the same number.
  const harmless = { from: (whole.length - 44) * 8 - 1, to: (whole.length - 8) * 8 };
  for (let bit = 0; bit < whole.length * 8; bit++) {
    if (bit >= harmless.from && bit < harmless.to) continue;
    const offset = bit >> 3;
    const table = Buffer.from(whole);
    table.writeUInt8(table.readUInt8(offset) ^ (1 << (bit & 7)), offset);
    assert.ok(tableFlaws(table).length > 0, `bit ${bit}`);
  }
});

test('what is wrong with a table is said', () => {
  const says = (table: Buffer, message: RegExp) =>
    assert.match(
      tableFlaws(table)
        .map(({ what }) => what)
        .join('; '),
      message,
    );
  says(Buffer.alloc(10), /does not end as a table does/);
  says(makeTable().subarray(0, -1), /does not end as a table does/);
  says(makeTable({ dataLength: 127 }), /the block at offset 0 leaves the file/);
  says(makeTable({ dataLength: 19 }), /the block at offset 0 does not hold its checksum/);
  says(makeTable({ indexCompression: 1 }), /a copy leaves its block|a length of|bytes of/);
  says(makeTable({ indexCompression: 7 }), /the block at offset 38 is compressed in an unknown way/);
  says(makeTable({ indexContents: Buffer.alloc(3) }), /the block at offset 38 is too short/);
  says(makeTable({ indexContents: Buffer.from([9, 0, 0, 0]) }), /the block at offset 38 is too short/);
});

test('varints hold whole numbers up to 2^53 - 1 and refuse larger or cut ones', () => {
  const read = (...bytes: number[]) => new ByteReader(Buffer.from(bytes)).varint();
  assert.is(read(0), 0);
  assert.is(read(0xac, 0x02), 300);
  assert.is(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f), Number.MAX_SAFE_INTEGER);
  assert.throws(() => read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10), /longer than 53 bits/);
  assert.throws(() => read(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01), /longer than 53 bits/);
  assert.throws(() => read(0x80), /too few left/);
});

test('a manifest folds its edits: the last log number, and the tables that are left', () => {
  const edits = [
    Buffer.from([1, 2, 0x61, 0x62, 2, 3, 9, 0, 3, 9, 4, 100]),
    Buffer.from([7, 0, 5, 50, 1, 0x61, 1, 0x7a, 7, 1, 6, 60, 0, 0]),
    Buffer.from([5, 1, 1, 0x71, 6, 0, 5, 2, 7]),
  ];
  const { logNumber, lastSequence, tables } = readManifest(edits);
  assert.equal([logNumber, lastSequence], [7, 100]);
  assert.equal([...tables], [[6, 60]]);
  assert.throws(() => readManifest([Buffer.from([8, 1])]), /unknown tag 8/);
  assert.throws(() => readManifest([Buffer.from([7, 0, 5])]), /too few left/);
});

test.run();
