import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameDecoder } from './decoder.js';
import { FRAME_HEADER_BYTES, encodeFrame } from './header.js';

/** Cuts the stream into pieces of the given lengths, which repeat. */
function cut(stream: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    pieces.push(stream.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

test('property: push yields complete frames in order, however the stream is cut', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
  const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(payloads, lengths, (frames, pieces) => {
      const decoder = new FrameDecoder(40);
      const seen: string[] = [];
      for (const piece of cut(Buffer.concat(frames.map(encodeFrame)), pieces)) {
        assert.is(
          decoder.push(piece, (payload) => seen.push(payload.toString('hex'))),
          null,
        );
      }
      assert.equal(
        seen,
        frames.map((frame) => Buffer.from(frame).toString('hex')),
      );
    }),
  );
});

test('push refuses a frame that is too long as soon as its length is known, after yielding the frames before it', () => {
  const decoder = new FrameDecoder(3);
  const seen: number[] = [];
  const stream = Buffer.concat([
    encodeFrame(Buffer.from('abc')),
    encodeFrame(Buffer.from('abcd')).subarray(0, FRAME_HEADER_BYTES),
  ]);
  assert.is(
    decoder.push(stream.subarray(0, 20), (payload) => seen.push(payload.length)),
    null,
  );
  assert.is(
    decoder.push(stream.subarray(20), (payload) => seen.push(payload.length))?.code,
    'FRAME_TOO_LARGE',
  );
  assert.equal(seen, [3]);
});

test('push detects every single flipped bit, and yields only the frames before it', () => {
  const payloads = ['one', '', 'a longer one', 'last'].map((text) => Buffer.from(text));
  const stream = Buffer.concat(payloads.map(encodeFrame));
  const lengths = [stream.length, 5, 1];
  for (const length of lengths) {
    for (let bit = 0; bit < stream.length * 8; bit += 1) {
      const damaged = Buffer.from(stream);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const decoder = new FrameDecoder(40);
      const seen: string[] = [];
      const errors = cut(damaged, [length]).map((piece) =>
        decoder.push(piece, (payload) => seen.push(payload.toString())),
      );
      const first = errors.findIndex((error) => error !== null);
      assert.is(errors[first]?.code, 'FRAME_DAMAGED', `bit ${bit}`);
      if (length !== stream.length) continue;
      const whole = payloads.map(String).slice(0, seen.length);
      assert.equal(seen, whole);
    }
  }
});

test('push yields a frame that is complete in one chunk as a view', () => {
  const chunk = encodeFrame(Buffer.from('abc'));
  new FrameDecoder(10).push(chunk, (payload) => assert.is(payload.buffer, chunk.buffer));
});

test('push propagates exceptions of the callback', () => {
  assert.throws(() => {
    new FrameDecoder(10).push(encodeFrame(Buffer.from('abc')), () => {
      throw new Error('broken callback');
    });
  }, /broken callback/);
});

test('push assembles a large frame from small chunks in linear time', () => {
  const bytes = 32 * 1024 * 1024;
  const decoder = new FrameDecoder(bytes);
  const chunk = Buffer.alloc(1024, 7);
  const header = encodeFrame(Buffer.alloc(bytes, 7)).subarray(0, FRAME_HEADER_BYTES);
  decoder.push(header, () => undefined);
  let length = 0;
  // 32,768 chunks: copying all earlier bytes for each of them would move half a terabyte.
  for (let at = 0; at < bytes; at += chunk.length)
    decoder.push(chunk, (payload) => (length = payload.length));
  assert.is(length, bytes);
});

test.run();
