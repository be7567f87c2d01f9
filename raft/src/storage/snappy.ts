/**
 * Decompresses a block of a LevelDB table. Source: Snappy's format_description.txt. Pure.
 *
 *     | length of the contents, varint | literal or copy ... |
 *     tag byte, its lower two bits: 0 literal, 1 copy with an offset of 11 bits, 2 of 16, 3 of 32
 */

/** LevelDB's blocks have a few KiB, or contain one larger record; a length beyond this is damage. */
const CONTENTS_BYTES_MAX = 1024 * 1024 * 1024;

/** Decompresses a block. @throws RangeError if it is malformed. */
export function decompressSnappy(bytes: Buffer): Buffer {
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes.readUInt8(at++);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    if (scale > 2 ** 28) throw new RangeError('the length has too many bytes');
  }
  // One input byte gives at most 64 output bytes, by a copy.
  if (length > CONTENTS_BYTES_MAX || length > bytes.length * 64)
    throw new RangeError(`implausible length of ${length} bytes`);
  const contents = Buffer.allocUnsafe(length);
  let end = 0;
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++);
    const kind = tag & 3;
    if (kind === 0) {
      let run = (tag >> 2) + 1;
      if (run > 60) {
        const lengthBytes = run - 60;
        run = bytes.readUIntLE(at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (at + run > bytes.length || end + run > length) throw new RangeError('a literal exceeds its block');
      bytes.copy(contents, end, at, at + run);
      at += run;
      end += run;
      continue;
    }
    const [run, distance, next] = readCopy(bytes, at, tag);
    at = next;
    if (distance === 0 || distance > end || end + run > length)
      throw new RangeError('a copy exceeds its block');
    // Byte by byte, because a copy may overlap its own output.
    for (let i = 0; i < run; i++, end++) contents[end] = contents[end - distance] ?? 0;
  }
  if (end !== length) throw new RangeError(`expected ${length} bytes, but found ${end}`);
  return contents;
}

function readCopy(
  bytes: Buffer,
  at: number,
  tag: number,
): readonly [run: number, distance: number, next: number] {
  switch (tag & 3) {
    case 1:
      return [((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | bytes.readUInt8(at), at + 1];
    case 2:
      return [(tag >> 2) + 1, bytes.readUInt16LE(at), at + 2];
    default:
      return [(tag >> 2) + 1, bytes.readUInt32LE(at), at + 4];
  }
}
