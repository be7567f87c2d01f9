/**
 * Finds the frames in a stream of bytes, however it is cut. A frame is its length as 4 bytes big-endian, then as many
 * bytes. Each byte is copied at most once: a frame that lies whole in a chunk is handed out as a view into it.
 */
import { FrameError } from './errors.js';

/** Bytes of the length in front of each frame. */
export const FRAME_HEADER_BYTES = 4;

export class FrameDecoder {
  readonly #frameBytesMax: number;
  /** The first bytes of a length that is not whole yet. */
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The frame that is being put together from several chunks, and how much of it is there. */
  #frame: Buffer | null = null;
  #frameBytes = 0;

  /** @param frameBytesMax longest frame that is read, in bytes */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /**
   * Takes the next bytes and hands out every frame that they complete, in order, empty ones too. What `onFrame`
   * throws goes through to the caller.
   * @returns null, or `FRAME_TOO_LARGE` as soon as a length is known: the decoder is of no use afterwards.
   */
  push(chunk: Buffer, onFrame: (payload: Buffer) => void): FrameError | null {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame !== null) {
        at = this.#fill(this.#frame, chunk, at, onFrame);
        continue;
      }
      const length = this.#length(chunk, at);
      if (length === null) return null;
      at = length.behind;
      if (length.value > this.#frameBytesMax) {
        return new FrameError(
          'FRAME_TOO_LARGE',
          `frame of ${length.value} bytes, at most ${this.#frameBytesMax} are read`,
        );
      }
      if (length.value <= chunk.length - at) {
        onFrame(chunk.subarray(at, at + length.value));
        at += length.value;
      } else {
        // The memory is the system's until bytes are written to it, so a length alone costs nothing.
        this.#frame = Buffer.allocUnsafeSlow(length.value);
        this.#frameBytes = 0;
      }
    }
    return null;
  }

  /** Reads a length that may have begun in an earlier chunk; null while it is not whole. */
  #length(chunk: Buffer, at: number): { value: number; behind: number } | null {
    if (this.#headerBytes === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      return { value: chunk.readUInt32BE(at), behind: at + FRAME_HEADER_BYTES };
    }
    const copied = chunk.copy(this.#header, this.#headerBytes, at);
    this.#headerBytes += copied;
    if (this.#headerBytes < FRAME_HEADER_BYTES) return null;
    this.#headerBytes = 0;
    return { value: this.#header.readUInt32BE(0), behind: at + copied };
  }

  #fill(frame: Buffer, chunk: Buffer, at: number, onFrame: (payload: Buffer) => void): number {
    const copied = chunk.copy(frame, this.#frameBytes, at);
    this.#frameBytes += copied;
    if (this.#frameBytes === frame.length) {
      this.#frame = null;
      onFrame(frame);
    }
    return at + copied;
  }
}
