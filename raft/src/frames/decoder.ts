/**
 * Finds the frames in a stream of bytes, however it is cut, and checks each against its header. Each byte is copied
 * at most once: a frame that lies whole in a chunk is handed out as a view into it.
 */
import { crc32 } from 'node:zlib';
import { FrameError } from './errors.js';
import { FRAME_HEADER_BYTES, readFrameHeader, type FrameHeader } from './header.js';

/** One direction of one connection, fed with bytes as they come. */
export class FrameDecoder {
  readonly #frameBytesMax: number;
  /** The first bytes of a header that is not whole yet. */
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The frame that is being put together from several chunks, what it is to be, and how much of it is there. */
  #frame: { readonly header: FrameHeader; readonly payload: Buffer } | null = null;
  #frameBytes = 0;

  /** @param frameBytesMax longest frame that is read, in bytes */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /**
   * Takes the next bytes and hands out every frame that they complete, in order, empty ones too. What `onFrame`
   * throws goes through to the caller.
   * @returns null, or `FRAME_TOO_LARGE` or `FRAME_DAMAGED` as soon as that is known: the decoder is of no use
   *   afterwards.
   */
  push(chunk: Buffer, onFrame: (payload: Buffer) => void): FrameError | null {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame === null) {
        const behind = this.#fillHeader(chunk, at);
        if (behind === null) return null;
        at = behind.at;
        const { header } = behind;
        if (header === null) return damaged('header');
        if (header.length > this.#frameBytesMax) {
          return new FrameError(
            'FRAME_TOO_LARGE',
            `frame of ${header.length} bytes, at most ${this.#frameBytesMax} are read`,
          );
        }
        if (header.length <= chunk.length - at) {
          const payload = chunk.subarray(at, at + header.length);
          if (crc32(payload) !== header.checksum) return damaged('payload');
          at += header.length;
          onFrame(payload);
          continue;
        }
        // The memory is the system's until bytes are written to it, so a length alone costs nothing.
        this.#frame = { header, payload: Buffer.allocUnsafeSlow(header.length) };
        this.#frameBytes = 0;
      }
      const { header, payload } = this.#frame;
      const copied = chunk.copy(payload, this.#frameBytes, at);
      this.#frameBytes += copied;
      at += copied;
      if (this.#frameBytes < payload.length) return null;
      this.#frame = null;
      if (crc32(payload) !== header.checksum) return damaged('payload');
      onFrame(payload);
    }
    return null;
  }

  /** Reads a header that may have begun in an earlier chunk; null while it is not whole. */
  #fillHeader(chunk: Buffer, at: number): { header: FrameHeader | null; at: number } | null {
    if (this.#headerBytes === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      return { header: readFrameHeader(chunk, at), at: at + FRAME_HEADER_BYTES };
    }
    const copied = chunk.copy(this.#header, this.#headerBytes, at);
    this.#headerBytes += copied;
    if (this.#headerBytes < FRAME_HEADER_BYTES) return null;
    this.#headerBytes = 0;
    return { header: readFrameHeader(this.#header, 0), at: at + copied };
  }
}

function damaged(part: 'header' | 'payload'): FrameError {
  return new FrameError('FRAME_DAMAGED', `the ${part} of a frame does not hold its checksum`);
}
