/** What every transport has to do, as tests: run by the HTTP one and by the simulated one. */
import assert from 'node:assert/strict';
import { makeEntry } from '../core/entry.js';
import type { Message, NodeId } from '../core/types.js';
import { snapshotConformance } from './conformance-snapshots.js';
import type { IncomingSnapshot, Transport } from './transport.js';

/** Members `a` and `b` of one cluster, `a` knowing a third, `c`, which never runs. Not started. */
export interface TransportPair {
  readonly a: Transport;
  readonly b: Transport;
}

export interface ConformanceOptions {
  readonly test: (name: string, run: () => Promise<void>) => void;
  readonly makePair: () => Promise<TransportPair>;
  /** Lets the network make progress until `condition` holds; fails if it never does. */
  readonly until: (condition: () => boolean, what: string) => Promise<void>;
}

/** Runs a test with two started transports that have met. */
type WithPair = (run: (pair: TransportPair, atA: Recorder, atB: Recorder) => Promise<void>) => Promise<void>;

/** A handler that keeps what it was told. */
export class Recorder {
  readonly messages: Message[] = [];
  readonly unreached: NodeId[] = [];
  readonly linksLost: NodeId[] = [];

  message(message: Message): void {
    this.messages.push(message);
  }

  /** What to do with a snapshot that comes in. */
  onSnapshot: (snapshot: IncomingSnapshot) => Promise<void> = async () => Promise.resolve();

  unreachable(peer: NodeId): void {
    this.unreached.push(peer);
  }

  async snapshot(snapshot: IncomingSnapshot): Promise<void> {
    await this.onSnapshot(snapshot);
  }

  linkLost(peer: NodeId): void {
    this.linksLost.push(peer);
  }
}

/** A message of every type, from one member to another. */
export function sampleMessages(from: NodeId, to: NodeId): readonly Message[] {
  const base = { from, to, term: 7 };
  const data = Buffer.from('data');
  const entries = [makeEntry(4, 5, 'noop', new Uint8Array()), makeEntry(5, 7, 'command', data)];
  return [
    { type: 'preVoteRequest', ...base, lastIndex: 3, lastTerm: 2, commit: 3, commitTerm: 2 },
    { type: 'preVoteResponse', ...base, granted: true, commit: 3, commitTerm: 2 },
    { type: 'voteRequest', ...base, lastIndex: 3, lastTerm: 2, transfer: true },
    { type: 'voteResponse', ...base, granted: false },
    { type: 'appendRequest', ...base, prevIndex: 3, prevTerm: 2, commit: 2, entries },
    { type: 'appendRequest', ...base, prevIndex: 0, prevTerm: 0, commit: 0, entries: [] },
    { type: 'appendAccepted', ...base, match: 5 },
    { type: 'appendRejected', ...base, prevIndex: 9, hintIndex: 4, hintTerm: 6 },
    { type: 'heartbeat', ...base, commit: 5, round: 3 },
    { type: 'heartbeatResponse', ...base, round: 3, commit: 2 },
    { type: 'timeoutNow', ...base },
    { type: 'readRequest', ...base, request: 2 ** 48 },
    { type: 'readResponse', ...base, request: 2 ** 48, index: 5 },
  ];
}

/** A small message that is told apart by `round`. */
export function heartbeat(from: NodeId, to: NodeId, round: number): Message {
  return { type: 'heartbeat', from, to, term: 1, commit: 0, round };
}

/** Registers the suite. */
export function transportConformance({ test, makePair, until }: ConformanceOptions): void {
  registerMessages(test, withPairOf(makePair, until), until);
}

/** Registers the suite of a transport that carries snapshots. */
export function transportSnapshotConformance({ test, makePair, until }: ConformanceOptions): void {
  snapshotConformance({ test, withPair: withPairOf(makePair, until), until });
}

function withPairOf(makePair: ConformanceOptions['makePair'], until: ConformanceOptions['until']): WithPair {
  return async (run: (pair: TransportPair, atA: Recorder, atB: Recorder) => Promise<void>) => {
    const pair = await makePair();
    const [atA, atB] = [new Recorder(), new Recorder()];
    await Promise.all([pair.a.start(atA), pair.b.start(atB)]);
    try {
      await meet(pair, atA, atB, until);
      await run(pair, atA, atB);
    } finally {
      await Promise.all([pair.a.stop(), pair.b.stop()]);
    }
  };
}

function registerMessages(
  test: ConformanceOptions['test'],
  withPair: WithPair,
  until: ConformanceOptions['until'],
): void {
  test('conformance: every type of message arrives as it was sent, in both directions', async () => {
    await withPair(async ({ a, b }, atA, atB) => {
      for (const message of sampleMessages('a', 'b')) a.send(message);
      for (const message of sampleMessages('b', 'a')) b.send(message);
      const count = sampleMessages('a', 'b').length;
      await until(() => atA.messages.length === count && atB.messages.length === count, 'all messages');
      assert.deepEqual(plain(sorted(atB.messages)), plain(sorted(sampleMessages('a', 'b'))));
      assert.deepEqual(plain(sorted(atA.messages)), plain(sorted(sampleMessages('b', 'a'))));
    });
  });

  test('conformance: a message to a member that never ran is reported, once a turn and not from inside send', async () => {
    await withPair(async ({ a }, atA) => {
      atA.unreached.length = 0;
      a.send(heartbeat('a', 'c', 1));
      a.send(heartbeat('a', 'c', 2));
      assert.deepEqual(atA.unreached, []);
      await until(() => atA.unreached.length > 0, 'a report of the lost messages');
      assert.deepEqual(atA.unreached, ['c']);
    });
  });

  test('conformance: nothing is called from inside send', async () => {
    await withPair(async ({ a }, atA, atB) => {
      a.send(heartbeat('a', 'b', 1));
      assert.equal(atB.messages.length, 0);
      assert.equal(atA.messages.length, 0);
      await until(() => atB.messages.length === 1, 'the message');
    });
  });

  test('conformance: what was sent before stop arrives; what is sent after it is dropped without a throw', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      a.send(heartbeat('a', 'b', 1));
      await a.stop();
      a.send(heartbeat('a', 'b', 2));
      await until(() => atB.messages.length === 1, 'the message sent before stop');
      assert.deepEqual(plain(atB.messages), [heartbeat('a', 'b', 1)]);
    });
  });

  test('conformance: a peer that was removed is not heard; added again it is', async () => {
    await withPair(async ({ a, b }, _atA, atB) => {
      b.removePeer('a');
      assert.ok(!b.peers().includes('a'));
      let sent = 0;
      await until(() => {
        a.send(heartbeat('a', 'b', 1));
        sent += 1;
        return sent > 20;
      }, 'some time to pass');
      assert.deepEqual(atB.messages, []);
      b.addPeer('a', '');
      assert.ok(b.peers().includes('a'));
      await until(() => {
        a.send(heartbeat('a', 'b', 2));
        return atB.messages.some((message) => message.type === 'heartbeat' && message.round === 2);
      }, 'a message of the peer that is known again');
    });
  });

  test('conformance: a peer that stopped is reported', async () => {
    await withPair(async ({ a, b }, atA) => {
      atA.unreached.length = 0;
      await b.stop();
      await until(() => atA.linksLost.includes('b'), 'a hint that its links are gone');
      await until(() => {
        a.send(heartbeat('a', 'b', 1));
        return atA.unreached.includes('b');
      }, 'a report that the peer is gone');
    });
  });
}

/** Links come up some time after the start: sends until one message has gone each way, then forgets them. */
async function meet(
  { a, b }: TransportPair,
  atA: Recorder,
  atB: Recorder,
  until: ConformanceOptions['until'],
): Promise<void> {
  await until(() => {
    if (atB.messages.length === 0) a.send(heartbeat('a', 'b', 0));
    if (atA.messages.length === 0) b.send(heartbeat('b', 'a', 0));
    return atA.messages.length > 0 && atB.messages.length > 0;
  }, 'a link each way');
  // A marker behind the greetings: once it is there, none of them is under way any more.
  a.send(heartbeat('a', 'b', 1));
  b.send(heartbeat('b', 'a', 1));
  const isMarked = ({ messages }: Recorder): boolean =>
    messages.some((message) => message.type === 'heartbeat' && message.round === 1);
  await until(() => isMarked(atA) && isMarked(atB), 'the markers');
  for (const recorder of [atA, atB]) {
    recorder.messages.length = 0;
    recorder.unreached.length = 0;
  }
}

/** Messages may be reordered: they are compared in the order of their JSON. */
function sorted(messages: readonly Message[]): readonly Message[] {
  return [...messages].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
}

/** Bytes as text, so that one kind of byte array equals another. */
function plain(messages: readonly Message[]): unknown {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return messages.map((message) =>
    message.type === 'appendRequest'
      ? {
          ...message,
          entries: message.entries.map((e) => ({ ...e, data: hex(e.data), record: hex(e.record) })),
        }
      : message,
  );
}
