/** What every transport has to do with snapshots, as tests. */
import assert from 'node:assert/strict';
import { baseAt } from '../core/testing/messages.js';
import type { Message } from '../core/types.js';
import type { IncomingSnapshot, SnapshotTransfer, Transport } from './transport.js';

/** A handler under the test's hand. */
interface SnapshotRecorder {
  readonly messages: readonly Message[];
  onSnapshot: (snapshot: IncomingSnapshot) => Promise<void>;
}

/** Runs a test with two started transports that have met. */
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

const BASE = baseAt(70, 6);
const NEVER = new AbortController().signal;

/** A snapshot from a to b of these chunks. */
export function snapshotOf(chunks: AsyncIterable<Uint8Array>, to = 'b'): SnapshotTransfer {
  return { from: 'a', to, term: 7, base: BASE, chunks };
}

/** Chunks that tell their number, as many as asked for. */
export async function* numbered(count: number, bytes = 1_000): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < count; number += 1) yield Promise.resolve(Buffer.alloc(bytes, number));
}

/** All that comes. */
export async function contentOf({ chunks }: IncomingSnapshot): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => assert.fail('it was taken'),
    (error: unknown) => String(error),
  );
}

/** Registers the tests. */
export function snapshotConformance({ test, withPair, until }: SnapshotConformance): void {
  test('conformance: a snapshot arrives with its place, whole, and the sender learns that it was taken', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      const seen: unknown[] = [];
      let isTaken = false;
      atB.onSnapshot = async (snapshot) => {
        const content = await contentOf(snapshot);
        const { from, to, term, base } = snapshot;
        seen.push({ from, to, term, base });
        assert.ok(content.equals(await contentOf({ ...snapshot, chunks: numbered(300) })));
        isTaken = true;
      };
      await a.sendSnapshot(snapshotOf(numbered(300)), NEVER);
      assert.ok(isTaken);
      assert.deepEqual(seen, [{ from: 'a', to: 'b', term: 7, base: BASE }]);
    });
  });

  test('conformance: messages go on beside a snapshot', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      const state: { release: (() => void) | null } = { release: null };
      atB.onSnapshot = async (snapshot) => {
        await new Promise<void>((resolve) => (state.release = resolve));
        await contentOf(snapshot);
      };
      const sent = a.sendSnapshot(snapshotOf(numbered(300)), NEVER);
      a.send({ type: 'heartbeat', from: 'a', to: 'b', term: 1, commit: 0, round: 5 });
      await until(() => atB.messages.length > 0 && state.release !== null, 'both');
      state.release?.();
      await sent;
    });
  });

  test('conformance: a receiver that refuses, at once or later, is told to the sender', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      atB.onSnapshot = async () => Promise.reject(new Error('not needed'));
      assert.match(await failureOf(a.sendSnapshot(snapshotOf(numbered(300)), NEVER)), /not needed/);
      atB.onSnapshot = async (snapshot) => {
        await contentOf(snapshot);
        throw new Error('no room');
      };
      assert.match(await failureOf(a.sendSnapshot(snapshotOf(numbered(3)), NEVER)), /no room/);
    });
  });

  test('conformance: a source that fails in the middle is never whole at the receiver', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let failure: unknown = null;
      atB.onSnapshot = async (snapshot) => {
        failure = await contentOf(snapshot).catch((error: unknown) => error);
        throw new Error('cut');
      };
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* numbered(200);
        throw new Error('the disk is damaged');
      }
      assert.match(await failureOf(a.sendSnapshot(snapshotOf(broken()), NEVER)), /the disk is damaged/);
      await until(() => failure !== null, 'the end at the receiver');
      assert.ok(failure instanceof Error);
    });
  });

  test('conformance: either side may give up, and the other learns it', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let ended = 0;
      let cancel: (() => void) | null = null;
      atB.onSnapshot = async (snapshot) => {
        cancel = () => snapshot.cancel();
        await contentOf(snapshot).finally(() => (ended += 1));
      };
      const givenUp = new AbortController();
      const first = failureOf(a.sendSnapshot(snapshotOf(endless()), givenUp.signal));
      await until(() => cancel !== null, 'the first one');
      givenUp.abort();
      await first;
      await until(() => ended === 1, 'its end');
      cancel = null;
      const second = failureOf(a.sendSnapshot(snapshotOf(endless()), NEVER));
      await until(() => cancel !== null, 'the second one');
      (cancel as (() => void) | null)?.();
      await second;
      await until(() => ended === 2, 'its end as well');
      await failureOf(a.sendSnapshot(snapshotOf(numbered(1)), givenUp.signal));
    });
  });

  test('conformance: no more is made than the receiver takes', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let made = 0;
      let taken = 0;
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const chunk of numbered(1_000, 100_000)) {
          made += 1;
          yield chunk;
        }
      }
      let release: (() => void) | null = null;
      atB.onSnapshot = async ({ chunks }) => {
        for await (const chunk of chunks) {
          taken += chunk.byteLength;
          if (release === null) await new Promise<void>((resolve) => (release = resolve));
        }
      };
      const sent = a.sendSnapshot(snapshotOf(counted()), NEVER);
      await until(() => release !== null, 'the first chunk');
      // Buffers of sockets fill: then nothing moves any more.
      for (let before = -1; before !== made;) {
        before = made;
        for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(made < 500, `${made} of 1000 chunks were made while the receiver waited`);
      (release as (() => void) | null)?.();
      await sent;
      assert.equal(taken, 100_000_000);
    });
  });

  test('conformance: a snapshot for a member that does not run, or after stop, fails', async () => {
    await withPair(async ({ a }) => {
      await failureOf(a.sendSnapshot(snapshotOf(numbered(1), 'c'), NEVER));
      await failureOf(a.sendSnapshot(snapshotOf(numbered(1), 'stranger'), NEVER));
      await a.stop();
      await failureOf(a.sendSnapshot(snapshotOf(numbered(1)), NEVER));
    });
  });

  test('conformance: stopping ends what is under way', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      let isThere = false;
      atB.onSnapshot = async (snapshot) => {
        isThere = true;
        await contentOf(snapshot);
      };
      const sent = failureOf(a.sendSnapshot(snapshotOf(endless()), NEVER));
      await until(() => isThere, 'the snapshot');
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
