/**
 * Finds the frames in a stream of chunks of any size, and checks each frame against its header. Each byte is
 * copied at most once: a frame that is complete in one chunk is passed on as a view into it.
 */
import { crc32 } from 'node:zlib';
import { FrameError } from './errors.js';
import { FRAME_HEADER_BYTES, readFrameHeader, type FrameHeader } from './header.js';

/** Decodes the frames of one direction of a connection, chunk by chunk. */
export class FrameDecoder {
  readonly #frameBytesMax: number;
  /** The first bytes of a header that is not complete yet. */
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The frame that is being assembled from several chunks, and its header. */
  #frame: { readonly header: FrameHeader; readonly payload: Buffer } | null = null;
  #frameBytes = 0;

  /** @param frameBytesMax longest accepted frame, in bytes */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /**
   * Decodes the next bytes, and calls `onFrame` for every frame that they complete, in order, including empty
   * ones. Exceptions of `onFrame` propagate to the caller.
   * @returns null, or an error `FRAME_TOO_LARGE` or `FRAME_DAMAGED` as soon as it is detected: the decoder
   *   must not be used afterwards.
   */
  push(chunk: Buffer, onFrame: (payload: Buffer) => void): FrameError | null {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame === null) {
        const filled = this.#fillHeader(chunk, at);
        if (filled === null) return null;
        at = filled.at;
        const { header } = filled;
        if (header === null) return damaged('header');
        if (header.length > this.#frameBytesMax) {
          return new FrameError(
            'FRAME_TOO_LARGE',
            `received frame of ${header.length} bytes exceeds the limit of ${this.#frameBytesMax} bytes`,
          );
        }
        if (header.length <= chunk.length - at) {
          const payload = chunk.subarray(at, at + header.length);
          if (crc32(payload) !== header.checksum) return damaged('payload');
          at += header.length;
          onFrame(payload);
          continue;
        }
        // The system assigns memory only when bytes are written to it, so a false length alone costs nothing.
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

  /** Reads a header that may have begun in an earlier chunk; null while it is incomplete. */
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
  return new FrameError('FRAME_DAMAGED', `checksum mismatch in the ${part} of a received frame`);
}
