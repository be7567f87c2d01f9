/** Conformance tests of transports: snapshots. */
import assert from 'node:assert/strict';
import { NO_BASE } from '../core/log.js';
import type { LogBase, Message } from '../core/types.js';
import type { IncomingSnapshot, SnapshotTransfer, Transport } from './transport.js';

/** A handler that the test controls. */
interface SnapshotRecorder {
  readonly messages: readonly Message[];
  receiveSnapshot: (snapshot: IncomingSnapshot) => Promise<void>;
}

/** Runs a test with two started and connected transports. */
type WithPair = (
  run: (
    pair: { readonly a: Transport; readonly b: Transport },
    atA: SnapshotRecorder,
    atB: SnapshotRecorder,
  ) => Promise<void>,
) => Promise<void>;

interface SnapshotConformance {
  readonly test: (name: string, run: () => Promise<void>) => void;
  readonly withPair: WithPair;
  readonly until: (condition: () => boolean, what: string) => Promise<void>;
}

const BASE: LogBase = { ...NO_BASE, index: 70, term: 6 };
const NEVER = new AbortController().signal;

/** A snapshot with these chunks from `a` to `to`. */
export function snapshotOf(chunks: AsyncIterable<Uint8Array>, to = 'b'): SnapshotTransfer {
  return { from: 'a', to, term: 7, base: BASE, chunks };
}

/** `count` chunks, each filled with its number. */
export async function* numberedChunks(count: number, bytes = 1_000): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < count; number += 1) yield Promise.resolve(Buffer.alloc(bytes, number));
}

/** Reads all chunks of a snapshot. */
export async function readContent({ chunks }: IncomingSnapshot): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => assert.fail('the snapshot was accepted'),
    (error: unknown) => String(error),
  );
}

/** Registers the tests. */
export function snapshotConformance({ test, withPair, until }: SnapshotConformance): void {
  test('conformance: sendSnapshot delivers the snapshot with its base, and resolves once it is accepted', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      const received: unknown[] = [];
      let isAccepted = false;
      atB.receiveSnapshot = async (snapshot) => {
        const content = await readContent(snapshot);
        const { from, to, term, base } = snapshot;
        received.push({ from, to, term, base });
        assert.ok(content.equals(await readContent({ ...snapshot, chunks: numberedChunks(300) })));
        isAccepted = true;
      };
      await a.sendSnapshot(snapshotOf(numberedChunks(300)), NEVER);
      assert.ok(isAccepted);
      assert.deepEqual(received, [{ from: 'a', to: 'b', term: 7, base: BASE }]);
    });
  });

  test('conformance: messages arrive while a snapshot is being sent', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      const state: { release: (() => void) | null } = { release: null };
      atB.receiveSnapshot = async (snapshot) => {
        await new Promise<void>((resolve) => (state.release = resolve));
        await readContent(snapshot);
      };
      const sent = a.sendSnapshot(snapshotOf(numberedChunks(300)), NEVER);
      a.send({ type: 'heartbeat', from: 'a', to: 'b', term: 1, commit: 0, round: 5 });
      await until(() => atB.messages.length > 0 && state.release !== null, 'both');
      state.release?.();
      await sent;
    });
  });

  test('conformance: sendSnapshot rejects with the reason of a refusal, before or after reading', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      atB.receiveSnapshot = async () => Promise.reject(new Error('not needed'));
      assert.match(await failureOf(a.sendSnapshot(snapshotOf(numberedChunks(300)), NEVER)), /not needed/);
      atB.receiveSnapshot = async (snapshot) => {
        await readContent(snapshot);
        throw new Error('no room');
      };
      assert.match(await failureOf(a.sendSnapshot(snapshotOf(numberedChunks(3)), NEVER)), /no room/);
    });
  });

  test('conformance: chunks throw at the receiver when the source fails', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let failure: unknown = null;
      atB.receiveSnapshot = async (snapshot) => {
        failure = await readContent(snapshot).catch((error: unknown) => error);
        throw new Error('cut');
      };
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* numberedChunks(200);
        throw new Error('the disk is damaged');
      }
      assert.match(await failureOf(a.sendSnapshot(snapshotOf(broken()), NEVER)), /the disk is damaged/);
      await until(() => failure !== null, 'the end at the receiver');
      assert.ok(failure instanceof Error);
    });
  });

  test('conformance: either side may abort a snapshot, and the transfer fails on both sides', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let ended = 0;
      let cancel: (() => void) | null = null;
      atB.receiveSnapshot = async (snapshot) => {
        cancel = () => snapshot.cancel();
        await readContent(snapshot).finally(() => (ended += 1));
      };
      const aborted = new AbortController();
      const first = failureOf(a.sendSnapshot(snapshotOf(endless()), aborted.signal));
      await until(() => cancel !== null, 'the first one');
      aborted.abort();
      await first;
      await until(() => ended === 1, 'its end');
      cancel = null;
      const second = failureOf(a.sendSnapshot(snapshotOf(endless()), NEVER));
      await until(() => cancel !== null, 'the second one');
      (cancel as (() => void) | null)?.();
      await second;
      await until(() => ended === 2, 'its end as well');
      await failureOf(a.sendSnapshot(snapshotOf(numberedChunks(1)), aborted.signal));
    });
  });

  test('conformance: the source is read only as fast as the receiver consumes', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let produced = 0;
      let consumed = 0;
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const chunk of numberedChunks(1_000, 100_000)) {
          produced += 1;
          yield chunk;
        }
      }
      let release: (() => void) | null = null;
      atB.receiveSnapshot = async ({ chunks }) => {
        for await (const chunk of chunks) {
          consumed += chunk.byteLength;
          if (release === null) await new Promise<void>((resolve) => (release = resolve));
        }
      };
      const sent = a.sendSnapshot(snapshotOf(counted()), NEVER);
      await until(() => release !== null, 'the first chunk');
      // Once the socket buffers are full, no more chunks are produced.
      for (let before = -1; before !== produced;) {
        before = produced;
        for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(produced < 500, `${produced} of 1000 chunks were produced while the receiver waited`);
      (release as (() => void) | null)?.();
      await sent;
      assert.equal(consumed, 100_000_000);
    });
  });

  test('conformance: sendSnapshot rejects for a stopped or unknown member, and after stop', async () => {
    await withPair(async ({ a }) => {
      await failureOf(a.sendSnapshot(snapshotOf(numberedChunks(1), 'c'), NEVER));
      await failureOf(a.sendSnapshot(snapshotOf(numberedChunks(1), 'stranger'), NEVER));
      await a.stop();
      await failureOf(a.sendSnapshot(snapshotOf(numberedChunks(1)), NEVER));
    });
  });

  test('conformance: stop ends a running snapshot transfer', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let hasArrived = false;
      atB.receiveSnapshot = async (snapshot) => {
        hasArrived = true;
        await readContent(snapshot);
      };
      const sent = failureOf(a.sendSnapshot(snapshotOf(endless()), NEVER));
      await until(() => hasArrived, 'the snapshot');
      await a.stop();
      await sent;
    });
  });
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.alloc(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
