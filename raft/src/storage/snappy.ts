/**
 * Decompresses a block that LevelDB has compressed. Source: Snappy's format_description.txt. Pure: bytes in, bytes out.
 *
 *     | length of the contents, varint | literal or copy ... |
 *     tag byte, its lower two bits: 0 literal, 1 copy with an offset of 11 bits, 2 of 16, 3 of 32
 */

/** LevelDB's blocks have some KiB, or one record that is larger; a length beyond this is damage. */
const CONTENTS_BYTES_MAX = 1024 * 1024 * 1024;

/** @throws RangeError if the bytes are not in Snappy's form. */
export function unsnappy(bytes: Buffer): Buffer {
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes.readUInt8(at++);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    if (scale > 2 ** 28) throw new RangeError('its length is too long');
  }
  // One byte makes 64 at the most, by a copy.
  if (length > CONTENTS_BYTES_MAX || length > bytes.length * 64)
    throw new RangeError(`a length of ${length}`);
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
      if (at + run > bytes.length || end + run > length) throw new RangeError('a literal leaves its block');
      bytes.copy(contents, end, at, at + run);
      at += run;
      end += run;
      continue;
    }
    const [run, distance, next] = readCopy(bytes, at, tag);
    at = next;
    if (distance === 0 || distance > end || end + run > length)
      throw new RangeError('a copy leaves its block');
    // Byte by byte, as a copy may reach into what it writes.
    for (let i = 0; i < run; i++, end++) contents[end] = contents[end - distance] ?? 0;
  }
  if (end !== length) throw new RangeError(`${end} bytes of ${length}`);
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
