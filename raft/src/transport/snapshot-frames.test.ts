import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeBase } from '../core/testing/messages.js';
import {
  SNAPSHOT_FRAME_BYTES_MAX,
  SnapshotStreamError,
  decodeSnapshot,
  encodeSnapshot,
} from './snapshot-frames.js';

const HEAD = { term: 9, base: makeBase(70, 8) };

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Decodes a whole snapshot. */
async function decodeAll(bytes: readonly Uint8Array[]): Promise<{ head: unknown; content: Buffer }> {
  const { term, base, chunks } = await decodeSnapshot(from(bytes));
  return { head: { term, base }, content: await collect(chunks) };
}

async function assertRefused(bytes: Buffer): Promise<void> {
  const error: unknown = await decodeAll([bytes]).catch((reason: unknown) => reason);
  assert.instance(error, SnapshotStreamError);
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

test('property: decodeSnapshot returns the encoded contents, however chunks and stream are cut', async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.array(fc.nat(40)), async (content, sizes) => {
      const bytes = await collect(encodeSnapshot(HEAD, from(content)));
      const { head, content: found } = await decodeAll(cut(bytes, sizes));
      assert.equal(head, HEAD);
      assert.ok(found.equals(Buffer.concat(content)));
    }),
  );
});

test('encodeSnapshot splits large chunks, and decodeSnapshot refuses longer frames unread', async () => {
  const content = Buffer.alloc(2 * SNAPSHOT_FRAME_BYTES_MAX + 5, 7);
  const lengths: number[] = [];
  for await (const frame of encodeSnapshot(HEAD, from([content]))) lengths.push(frame.length);
  assert.equal(lengths.slice(1, 4), [SNAPSHOT_FRAME_BYTES_MAX + 8, SNAPSHOT_FRAME_BYTES_MAX + 8, 13]);
  const bytes = await collect(encodeSnapshot(HEAD, from([content])));
  assert.ok((await decodeAll([bytes])).content.equals(content));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(SNAPSHOT_FRAME_BYTES_MAX + 1, 0);
  await assertRefused(header);
});

test('decodeSnapshot refuses every flipped bit, every truncation and trailing data', async () => {
  const bytes = await collect(encodeSnapshot(HEAD, from([Buffer.from('some'), Buffer.from('content')])));
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const damaged = Buffer.from(bytes);
    const at = Math.floor(bit / 8);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit % 8));
    await assertRefused(damaged);
  }
  for (let length = 0; length < bytes.length; length += 1) await assertRefused(bytes.subarray(0, length));
  await assertRefused(Buffer.concat([bytes, Buffer.from([0])]));
  const error: unknown = await decodeAll([bytes, Buffer.from([0])]).catch((reason: unknown) => reason);
  assert.instance(error, SnapshotStreamError);
});

test('decodeSnapshot refuses missing, repeated and reordered frames, because of the running checksum', async () => {
  const frames: Buffer[] = [];
  const content = [Buffer.from('one'), Buffer.from('two'), Buffer.from('six')];
  for await (const frame of encodeSnapshot(HEAD, from(content))) frames.push(frame);
  const [head, one, two, six, end] = frames;
  assert.ok(head && one && two && six && end);
  await assertRefused(Buffer.concat([head, one, six, end]));
  await assertRefused(Buffer.concat([head, one, one, two, six, end]));
  await assertRefused(Buffer.concat([head, two, one, six, end]));
  await assertRefused(Buffer.concat([head, one, two, end]));
});

test('decodeSnapshot refuses an invalid header', async () => {
  for (const head of [
    { term: 7, base: makeBase(70, 8) },
    { term: 7, base: makeBase(0, 0) },
    { term: 7, base: makeBase(3, 0) },
  ]) {
    await assertRefused(await collect(encodeSnapshot(head, from([]))));
  }
  await assertRefused(Buffer.alloc(16));
});

test.run();
