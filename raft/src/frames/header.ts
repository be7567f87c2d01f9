/**
 * What stands in front of each frame:
 *
 *     | length of the payload 4 | crc32 of the payload 4 | crc32 of these eight bytes 4 | payload ...
 *
 * TCP's own checksum has 16 bits and is made and checked anew by whatever lies between: what it lets through is not
 * rare enough to believe a match index or a quantity (Stone and Partridge, "When the CRC and TCP Checksum Disagree",
 * 2000). The length has a checksum to itself, since a wrong one would have the receiver wait for what never comes.
 */
import { crc32 } from 'node:zlib';

/** Bytes in front of each frame. */
export const FRAME_HEADER_BYTES = 12;

const SUMMED_BYTES = 8;

/** What a header says of the frame behind it. */
export interface FrameHeader {
  /** Bytes of the payload. */
  readonly length: number;
  /** Its checksum. */
  readonly checksum: number;
}

/** Writes the header of a frame, and gives the place behind it. @param at where in `target`, which has room for it */
export function writeFrameHeader(target: Buffer, at: number, payload: Uint8Array): number {
  target.writeUInt32BE(payload.byteLength, at);
  target.writeUInt32BE(crc32(payload), at + 4);
  return target.writeUInt32BE(crc32(target.subarray(at, at + SUMMED_BYTES)), at + SUMMED_BYTES);
}

/** Reads a header, null if it does not hold its checksum. @param bytes at least `FRAME_HEADER_BYTES` from `at` on */
export function readFrameHeader(bytes: Buffer, at: number): FrameHeader | null {
  const sum = crc32(bytes.subarray(at, at + SUMMED_BYTES));
  if (bytes.readUInt32BE(at + SUMMED_BYTES) !== sum) return null;
  return { length: bytes.readUInt32BE(at), checksum: bytes.readUInt32BE(at + 4) };
}
