/** Frames as they are on the wire. */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../header.js';

export function framed(payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(payload, writeFrameHeader(frame, 0, payload));
  return frame;
}
