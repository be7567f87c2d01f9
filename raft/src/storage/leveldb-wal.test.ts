import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c, maskCrc } from './crc32c.js';
import { readWal } from './leveldb-wal.js';

const BLOCK = 32_768;
const HEADER = 7;
const SECTOR = 512;

/**
 * Encodes a file as LevelDB's log writer does (db/log_writer.cc).
 * @returns it with the offset of each write
 */
function writeWal(payloads: readonly Uint8Array[]): { file: Buffer; starts: number[] } {
  const parts: Buffer[] = [];
  const starts: number[] = [];
  let size = 0;
  const emit = (bytes: Buffer) => {
    parts.push(bytes);
    size += bytes.length;
  };
  for (const payload of payloads) {
    let at = 0;
    for (let begins = true; begins || at < payload.length; begins = false) {
      const left = BLOCK - (size % BLOCK);
      if (left < HEADER) emit(Buffer.alloc(left));
      if (begins) starts.push(size);
      const fragment = payload.subarray(at, at + BLOCK - (size % BLOCK) - HEADER);
      at += fragment.length;
      const ends = at === payload.length;
      const record = Buffer.alloc(HEADER + fragment.length);
      record.writeUInt16LE(fragment.length, 4);
      record[6] = begins ? (ends ? 1 : 2) : ends ? 4 : 3;
      record.set(fragment, HEADER);
      record.writeUInt32LE(maskCrc(crc32c(record, 6)), 0);
      emit(record);
    }
  }
  return { file: Buffer.concat(parts), starts };
}

const NOISE = Buffer.alloc(4 * BLOCK);
for (let at = 0, state = 1; at < NOISE.length; at++) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  NOISE[at] = (state >>> 16) | 1;
}

/** Bytes without zeros, so that no sector looks lost. */
const noise = (length: number, from = 0): Buffer => Buffer.from(NOISE.subarray(from, from + length));

const payloadsArbitrary = fc
  .array(fc.oneof(fc.nat(200), fc.nat(9000), fc.integer({ min: BLOCK - 40, max: 3 * BLOCK })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((lengths) => lengths.map((length, at) => noise(length, at + 1)));

test('crc32c and maskCrc return the check values of the standard and of LevelDB', () => {
  assert.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.is(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.is(crc32c(Buffer.from('xx123456789x'), 2, 11), 0xe3069283);
  assert.is(crc32c(Buffer.from(Array.from({ length: 32 }, (_, at) => at))), 0x46dd794e);
  assert.is(maskCrc(0), 0xa282ead8);
});

test('property: readWal returns the writes, also those that span blocks', () => {
  fc.assert(
    fc.property(payloadsArbitrary, (payloads) => {
      const { writes, damage } = readWal(writeWal(payloads).file);
      assert.is(damage, null);
      assert.is(writes.length, payloads.length);
      for (const [at, payload] of payloads.entries()) assert.ok(writes[at]?.equals(payload));
    }),
  );
});

test('readWal returns a write whose first record takes the last 7 bytes of a block', () => {
  const payloads = [noise(BLOCK - 14), noise(100, 2), noise(5, 3)];
  const { writes, damage } = readWal(writeWal(payloads).file);
  assert.is(damage, null);
  assert.equal(
    writes.map((write) => write.length),
    [BLOCK - 14, 100, 5],
  );
});

test('property: readWal finds a truncated file torn, not damaged', () => {
  fc.assert(
    fc.property(payloadsArbitrary, fc.double({ min: 0, max: 1, noNaN: true }), (payloads, place) => {
      const { file, starts } = writeWal(payloads);
      const size = Math.floor(place * file.length);
      const { writes, damage } = readWal(file.subarray(0, size));
      assert.is(damage, null);
      assert.ok(writes.length <= starts.filter((start) => start <= size).length);
    }),
  );
});

test('property: readWal finds a last write with lost sectors torn, not damaged', () => {
  fc.assert(
    fc.property(payloadsArbitrary, fc.infiniteStream(fc.boolean()), (payloads, lost) => {
      const { file, starts } = writeWal(payloads);
      const start = starts.at(-1) ?? 0;
      for (let from = start; from < file.length;) {
        const to = Math.min(from - (from % SECTOR) + SECTOR, file.length);
        if (lost.next().value === true) file.fill(0, from, to);
        from = to;
      }
      const { writes, damage } = readWal(file);
      assert.is(damage, null);
      assert.ok(writes.length >= payloads.length - 1);
    }),
  );
});

test('property: readWal accepts zeros after the last write', () => {
  fc.assert(
    fc.property(payloadsArbitrary, fc.nat(3 * BLOCK), (payloads, zeros) => {
      const { writes, damage } = readWal(Buffer.concat([writeWal(payloads).file, Buffer.alloc(zeros)]));
      assert.is(damage, null);
      assert.is(writes.length, payloads.length);
    }),
  );
});

test('property: readWal reports a flipped bit as damage, or returns the same writes', () => {
  fc.assert(
    fc.property(
      payloadsArbitrary,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(7),
      (payloads, place, bit) => {
        const { file } = writeWal(payloads);
        const offset = Math.floor(place * file.length);
        file.writeUInt8(file.readUInt8(offset) ^ (1 << bit), offset);
        const { writes, damage } = readWal(file);
        if (damage !== null) return;
        assert.is(writes.length, payloads.length);
        for (const [at, payload] of payloads.entries()) assert.ok(writes[at]?.equals(payload));
      },
    ),
    { numRuns: 300 },
  );
});

test('property: readWal reports every flipped bit in a header as damage', () => {
  fc.assert(
    fc.property(payloadsArbitrary, fc.nat(7), fc.nat(55), (payloads, which, bit) => {
      const { file, starts } = writeWal(payloads);
      const offset = (starts[which % starts.length] ?? 0) + (bit >> 3);
      file.writeUInt8(file.readUInt8(offset) ^ (1 << (bit & 7)), offset);
      assert.ok(readWal(file).damage !== null);
    }),
    { numRuns: 300 },
  );
});

test('readWal reports damage with its offset and that of a later write', () => {
  const { file, starts } = writeWal([noise(100), noise(100, 2), noise(100, 3)]);
  file.writeUInt8(file.readUInt8((starts[1] ?? 0) + 20) ^ 4, (starts[1] ?? 0) + 20);
  const { damage, writes } = readWal(file);
  assert.is(writes.length, 1);
  assert.is(damage?.offset, 107);
  assert.is(damage?.reason, 'checksum mismatch, but a later write follows at offset 214');
});

test('readWal reports a lost sector before a later write as damage, because the earlier write was synced', () => {
  const { file } = writeWal([noise(2000), noise(100, 2)]);
  file.fill(0, SECTOR, 2 * SECTOR);
  const { damage } = readWal(file);
  assert.is(damage?.offset, 0);
});

test('readWal reports a write without an end and one without a beginning as damage', () => {
  const { file } = writeWal([noise(2 * BLOCK), noise(10, 2)]);
  const headless = readWal(file.subarray(BLOCK));
  assert.match(headless.damage?.reason ?? '', 'no beginning');
  const endless = readWal(Buffer.concat([file.subarray(0, BLOCK), writeWal([noise(10)]).file]));
  assert.is(endless.damage?.offset, BLOCK);
  assert.match(endless.damage?.reason ?? '', 'no end');
});

test('readWal reports an unknown type and a premature continuation as damage, despite a correct checksum', () => {
  for (const type of [0, 5, 2]) {
    const { file } = writeWal([noise(100)]);
    file[6] = type;
    file.writeUInt32LE(maskCrc(crc32c(file, 6)), 0);
    assert.is(readWal(file).damage?.offset, 0);
  }
});

test.run();
