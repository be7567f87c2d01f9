/**
 * The wire format of a snapshot: frames with a running checksum over all payloads so far, so that damage is
 * found at its frame, and a truncated stream never looks complete. Big-endian:
 *
 *     frame: | length 4 | crc32 of all payloads up to here 4 | payload ... |
 *     end:   | 0 4      | crc32 of all payloads 4            | their total length 8 |
 *
 * The first payload is the header: the leader's term, then the base as encoded by core/base-codec.ts.
 */
import { crc32 } from 'node:zlib';
import { decodeBase, encodeBase } from '../core/base-codec.js';
import { readUint64, writeUint64 } from '../core/entry.js';
import type { LogBase, Term } from '../core/types.js';

/**
 * The bound on the payload of a frame, in bytes: a sender splits larger chunks, a receiver refuses larger
 * frames.
 */
export const SNAPSHOT_FRAME_BYTES_MAX = 256 * 1024;

const HEADER_BYTES = 8;
const END_BYTES = 16;
const TERM_BYTES = 8;

/** Thrown when a stream is not a valid and complete snapshot. */
export class SnapshotStreamError extends Error {
  override readonly name = 'SnapshotStreamError';
  readonly code = 'BAD_SNAPSHOT';
}

interface Head {
  readonly term: Term;
  readonly base: LogBase;
}

/** Encodes a snapshot as frames, on demand. */
export async function* encodeSnapshot(head: Head, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const sum = new RunningSum();
  yield frame(sum, encodeHead(head));
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += SNAPSHOT_FRAME_BYTES_MAX) {
      yield frame(sum, chunk.subarray(at, at + SNAPSHOT_FRAME_BYTES_MAX));
    }
  }
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32BE(sum.crc, 4);
  writeUint64(end, HEADER_BYTES, sum.bytes);
  yield end;
}

function frame(sum: RunningSum, payload: Uint8Array): Buffer {
  sum.add(payload);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.byteLength);
  bytes.writeUInt32BE(payload.byteLength, 0);
  bytes.writeUInt32BE(sum.crc, 4);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function encodeHead({ term, base }: Head): Buffer {
  const bytes = Buffer.alloc(TERM_BYTES);
  writeUint64(bytes, 0, term);
  return Buffer.concat([bytes, encodeBase(base)]);
}

/**
 * Decodes a snapshot from a stream: reads its header immediately, and the chunks after it on demand.
 * @throws SnapshotStreamError if the stream is damaged, truncated or has trailing data; the chunks throw it
 *   as well.
 */
export async function decodeSnapshot(
  source: AsyncIterable<Uint8Array>,
): Promise<Head & { readonly chunks: AsyncGenerator<Uint8Array> }> {
  const payloads = readPayloads(new ByteSource(source));
  const first = await payloads.next();
  if (first.done === true) throw new SnapshotStreamError('the snapshot ends before its header');
  return { ...decodeHead(first.value), chunks: payloads };
}

async function* readPayloads(source: ByteSource): AsyncGenerator<Uint8Array> {
  const sum = new RunningSum();
  for (;;) {
    const header = await source.take(HEADER_BYTES);
    const length = header.readUInt32BE(0);
    const crc = header.readUInt32BE(4);
    if (length === 0) {
      const bytes = readUint64(await source.take(END_BYTES - HEADER_BYTES), 0);
      if (crc !== sum.crc || bytes !== sum.bytes) {
        throw new SnapshotStreamError('the total checksum or length of the snapshot does not match');
      }
      await source.end();
      return;
    }
    if (length > SNAPSHOT_FRAME_BYTES_MAX) {
      throw new SnapshotStreamError(
        `frame of ${length} bytes exceeds the limit of ${SNAPSHOT_FRAME_BYTES_MAX}`,
      );
    }
    const payload = await source.take(length);
    sum.add(payload);
    if (crc !== sum.crc) {
      throw new SnapshotStreamError(`checksum mismatch in the first ${sum.bytes} bytes of the snapshot`);
    }
    yield payload;
  }
}

function decodeHead(payload: Uint8Array): Head {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  try {
    const head = { term: readUint64(bytes, 0), base: decodeBase(bytes.subarray(TERM_BYTES)) };
    if (Number.isSafeInteger(head.term) && head.term >= head.base.term && head.base.index > 0) return head;
  } catch (error) {
    throw new SnapshotStreamError('the header of the snapshot cannot be decoded', { cause: error });
  }
  throw new SnapshotStreamError('the header of the snapshot is invalid');
}

class RunningSum {
  crc = 0;
  bytes = 0;

  add(payload: Uint8Array): void {
    this.crc = crc32(payload, this.crc);
    this.bytes += payload.byteLength;
  }
}

const EMPTY = new Uint8Array(0);

/** Reads exact numbers of bytes from a stream; buffers at most one frame plus the rest of a chunk. */
class ByteSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    while (this.#heldBytes < length) {
      const next = await this.#iterator.next();
      if (next.done === true) throw new SnapshotStreamError('the snapshot is truncated');
      this.#held.push(next.value);
      this.#heldBytes += next.value.byteLength;
    }
    const [only = EMPTY] = this.#held;
    const isOne = this.#held.length === 1;
    const all = isOne
      ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
      : Buffer.concat(this.#held);
    this.#held = [all.subarray(length)];
    this.#heldBytes = all.length - length;
    return all.subarray(0, length);
  }

  async end(): Promise<void> {
    let next: IteratorResult<Uint8Array>;
    do {
      if (this.#heldBytes > 0) throw new SnapshotStreamError('the snapshot has data after its end');
      next = await this.#iterator.next();
      this.#heldBytes += next.done === true ? 0 : next.value.byteLength;
    } while (next.done !== true);
  }
}
