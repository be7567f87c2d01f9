import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32 } from 'node:zlib';
import { RECORD_HEADER_BYTES, makeEntry, readEntry, readUint64, writeUint64 } from './entry.js';
import { RaftError } from './errors.js';
import type { Entry } from './types.js';

const CRC_BYTES = 4;
const KIND_OFFSET = 20;

const positive = fc.oneof(
  fc.integer({ min: 1, max: 1000 }),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER),
  fc.maxSafeInteger().map((value) => Math.max(1, Math.abs(value))),
);

const entries = fc
  .record({
    index: positive,
    term: positive,
    kind: fc.constantFrom('noop' as const, 'command' as const),
    data: fc.uint8Array({ maxLength: 300 }),
  })
  .map(({ index, term, kind, data }) => makeEntry(index, term, kind, data));

function assertSame(found: Entry, expected: Entry): void {
  assert.is(found.index, expected.index);
  assert.is(found.term, expected.term);
  assert.is(found.kind, expected.kind);
  assert.ok(Buffer.from(expected.data).equals(found.data));
  assert.ok(Buffer.from(expected.record).equals(found.record));
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RaftError) return error.code;
    throw error;
  }
  return 'none';
}

/** Updates the checksum of a changed record, so that only its content is invalid. */
function reseal(record: Buffer): Buffer {
  record.writeUInt32BE(crc32(record.subarray(CRC_BYTES)), 0);
  return record;
}

test('property: readEntry restores the entry that makeEntry created', () => {
  fc.assert(fc.property(entries, (entry) => assertSame(readEntry(entry.record), entry)));
});

test('property: readEntry reads a record at any offset of a larger buffer', () => {
  fc.assert(
    fc.property(entries, fc.nat(40), fc.nat(40), (entry, before, after) => {
      const bytes = new Uint8Array(before + entry.record.length + after).fill(0xa5);
      bytes.set(entry.record, before);
      assertSame(readEntry(bytes.subarray(before, before + entry.record.length)), entry);
    }),
  );
});

test('property: readEntry rejects a record with any flipped bit', () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.nat(7), (entry, position, bit) => {
      const record = Buffer.from(entry.record);
      const offset = position % record.length;
      record.writeUInt8(record.readUInt8(offset) ^ (1 << bit), offset);
      assert.is(
        codeOf(() => readEntry(record)),
        'LOG_DAMAGED',
      );
    }),
    { numRuns: 500 },
  );
});

test('property: readEntry rejects a record truncated at any offset', () => {
  fc.assert(
    fc.property(entries, fc.nat(), (entry, position) => {
      const record = entry.record.subarray(0, position % entry.record.length);
      assert.is(
        codeOf(() => readEntry(record)),
        'LOG_DAMAGED',
      );
    }),
  );
});

test('property: writeUint64 encodes every integer up to 2^53 - 1, in sort order', () => {
  fc.assert(
    fc.property(positive, positive, (a, b) => {
      const [left, right] = [Buffer.alloc(10, 0xee), Buffer.alloc(10, 0xee)];
      writeUint64(left, 1, a);
      writeUint64(right, 1, b);
      assert.is(readUint64(left, 1), a);
      assert.is(Math.sign(Buffer.compare(left, right)), Math.sign(a - b));
      assert.is(left.readBigUInt64BE(1), BigInt(a));
      assert.equal([left[0], left[9]], [0xee, 0xee]);
    }),
  );
});

test('makeEntry uses the documented encoding', () => {
  const { record } = makeEntry(2 ** 32 + 5, 7, 'command', Buffer.from('abc'));
  const bytes = Buffer.from(record);
  assert.is(bytes.toString('hex', CRC_BYTES), '0000000100000005' + '0000000000000007' + '01' + '616263');
  assert.is(bytes.readUInt32BE(0), crc32(bytes.subarray(CRC_BYTES)));
  assert.is(bytes.length, RECORD_HEADER_BYTES + 3);
});

test('makeEntry copies data, readEntry does not', () => {
  const data = Buffer.from('before');
  const entry = makeEntry(1, 1, 'command', data);
  data.write('after!');
  assert.is(Buffer.from(entry.data).toString(), 'before');
  assert.is(readEntry(entry.record).data.buffer, entry.record.buffer);
});

test('makeEntry rejects an index or term that is not an integer from 1 to 2^53 - 1', () => {
  for (const wrong of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    assert.is(
      codeOf(() => makeEntry(wrong, 1, 'noop', new Uint8Array(0))),
      'INVARIANT',
    );
    assert.is(
      codeOf(() => makeEntry(1, wrong, 'noop', new Uint8Array(0))),
      'INVARIANT',
    );
  }
});

test('readEntry rejects a record of unknown kind with a valid checksum', () => {
  const record = Buffer.from(makeEntry(3, 1, 'noop', new Uint8Array(0)).record);
  record[KIND_OFFSET] = 3;
  assert.throws(
    () => readEntry(reseal(record)),
    (error: unknown) => error instanceof RaftError && /index 3 has an unknown kind/.test(error.message),
  );
});

test.run();
