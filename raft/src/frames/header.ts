/**
 * The header of each frame:
 *
 *     | length of the payload 4 | crc32 of the payload 4 | crc32 of these eight bytes 4 | payload ...
 *
 * TCP's checksum has only 16 bits, and network devices recompute it. Undetected errors are not rare enough to
 * trust it with a match index or a quantity (Stone and Partridge, "When the CRC and TCP Checksum Disagree",
 * 2000). The header has its own checksum because a wrong length would make the receiver wait for bytes that
 * never arrive.
 */
import { crc32 } from 'node:zlib';

/** Size of the header of a frame, in bytes. */
export const FRAME_HEADER_BYTES = 12;

const CHECKED_BYTES = 8;

/** The header of a frame. */
export interface FrameHeader {
  /** Length of the payload, in bytes. */
  readonly length: number;
  /** CRC-32 of the payload. */
  readonly checksum: number;
}

/** Writes the header of a frame to `target` at offset `at`. @returns the offset after the header */
export function writeFrameHeader(target: Buffer, at: number, payload: Uint8Array): number {
  target.writeUInt32BE(payload.byteLength, at);
  target.writeUInt32BE(crc32(payload), at + 4);
  return target.writeUInt32BE(crc32(target.subarray(at, at + CHECKED_BYTES)), at + CHECKED_BYTES);
}

/**
 * Reads a header; null if its checksum does not match.
 * @param bytes holds at least `FRAME_HEADER_BYTES` from `at` on
 */
export function readFrameHeader(bytes: Buffer, at: number): FrameHeader | null {
  const sum = crc32(bytes.subarray(at, at + CHECKED_BYTES));
  if (bytes.readUInt32BE(at + CHECKED_BYTES) !== sum) return null;
  return { length: bytes.readUInt32BE(at), checksum: bytes.readUInt32BE(at + 4) };
}

/** Encodes one frame: its header and its payload. A frame without a payload is a keep-alive. */
export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(payload, writeFrameHeader(frame, 0, payload));
  return frame;
}
