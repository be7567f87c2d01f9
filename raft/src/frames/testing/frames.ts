/** Encodes frames for tests. */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../header.js';

export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(payload, writeFrameHeader(frame, 0, payload));
  return frame;
}
