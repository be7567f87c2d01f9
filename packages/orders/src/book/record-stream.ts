/**
 * A book as a stream of records, each as on disk with its own checksum. The meta record comes first, because
 * it says which records must follow; the receiver writes it last.
 *
 *     | key length 2 | value length 4 | key ... | value ... |
 */
import { FormatError } from '@trireme/domain';

export type BookRecord = readonly [key: Uint8Array, value: Uint8Array];

const HEADER_BYTES = 6;
/** Size of a chunk in bytes; a larger last record may exceed it. */
const CHUNK_BYTES = 64 * 1024;
/**
 * Records above this size are rejected: the largest parts of a record, log entries, travel in frames of half
 * this size.
 */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Packs records into one chunk. */
export function packSlice(records: readonly BookRecord[]): Buffer {
  return Buffer.concat(records.flatMap(partsOf));
}

function partsOf([key, value]: BookRecord): readonly Uint8Array[] {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt16BE(key.byteLength, 0);
  header.writeUInt32BE(value.byteLength, 2);
  return [header, key, value];
}

/** Packs records into chunks. */
export async function* packRecords(records: AsyncIterable<BookRecord>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const record of records) {
    const [key, value] = record;
    parts.push(...partsOf(record));
    bytes += HEADER_BYTES + key.byteLength + value.byteLength;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(parts);
}

/** Unpacks records from chunks of any size. @throws FormatError if the stream ends within a record. */
export async function* unpackRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<BookRecord> {
  let held: Buffer = Buffer.alloc(0);
  let more: Uint8Array[] = [];
  let bytes = 0;
  let needed = HEADER_BYTES;
  for await (const chunk of chunks) {
    more.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < needed) continue;
    held = Buffer.concat([held, ...more]);
    more = [];
    let at = 0;
    for (;;) {
      needed = lengthAt(held, at);
      if (held.length - at < needed) break;
      const keyEnd = at + HEADER_BYTES + held.readUInt16BE(at);
      yield [held.subarray(at + HEADER_BYTES, keyEnd), held.subarray(keyEnd, at + needed)];
      at += needed;
    }
    held = held.subarray(at);
    bytes = held.length;
  }
  if (bytes > 0) throw new FormatError('the snapshot ends within a record');
}

/** Length of the record at `at` with its header; the header's length alone while the header is incomplete. */
function lengthAt(bytes: Buffer, at: number): number {
  if (bytes.length - at < HEADER_BYTES) return HEADER_BYTES;
  const length = HEADER_BYTES + bytes.readUInt16BE(at) + bytes.readUInt32BE(at + 2);
  if (length > RECORD_BYTES_MAX)
    throw new FormatError(
      `the snapshot contains a record of ${length} bytes, above the limit of ${RECORD_BYTES_MAX}`,
    );
  return length;
}
