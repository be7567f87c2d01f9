/** The conformance suite of transports, run for the HTTP transport and for the simulated one. */
import assert from 'node:assert/strict';
import { makeEntry } from '../core/entry.js';
import type { Message, NodeId } from '../core/types.js';
import { snapshotConformance } from './conformance-snapshots.js';
import type { IncomingSnapshot, Transport, TransportHandler } from './transport.js';

/**
 * The transports of members `a` and `b` of one cluster, not started. `a` also knows `c`, which never runs.
 */
export interface TransportPair {
  /** Sends and receives as member `a`. */
  readonly a: Transport;
  /** Sends and receives as member `b`. */
  readonly b: Transport;
}

/** How the suites of `Transport` register their tests and create transports. */
export interface TransportConformanceOptions {
  /** Registers one test, such as `test` of `node:test` or of uvu. A test fails if `run` rejects. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Creates the transports of one test; the suite starts and stops them. */
  readonly makePair: () => Promise<TransportPair>;
  /** Lets the network make progress until `condition` is true; fails if it never is. */
  readonly until: (condition: () => boolean, what: string) => Promise<void>;
}

/** Runs a test with two started and connected transports. */
type WithPair = (
  run: (pair: TransportPair, atA: RecordingHandler, atB: RecordingHandler) => Promise<void>,
) => Promise<void>;

/** A handler that records its calls. */
export class RecordingHandler implements TransportHandler {
  /** Received messages. */
  readonly messages: Message[] = [];
  /** Peers that were reported as unreachable, once for each report. */
  readonly unreachablePeers: NodeId[] = [];
  /** Peers whose links broke, once for each report. */
  readonly lostLinks: NodeId[] = [];

  onMessage(message: Message): void {
    this.messages.push(message);
  }

  /** Handles a received snapshot; accepts and ignores it unless replaced. */
  receiveSnapshot: (snapshot: IncomingSnapshot) => Promise<void> = async () => Promise.resolve();

  onUnreachable(peer: NodeId): void {
    this.unreachablePeers.push(peer);
  }

  async onSnapshot(snapshot: IncomingSnapshot): Promise<void> {
    await this.receiveSnapshot(snapshot);
  }

  onLinkLost(peer: NodeId): void {
    this.lostLinks.push(peer);
  }
}

/** Messages of every type, from one member to another. */
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

/** A small message that is identified by `round`. */
export function heartbeat(from: NodeId, to: NodeId, round: number): Message {
  return { type: 'heartbeat', from, to, term: 1, commit: 0, round };
}

/** Registers the tests for messages. */
export function transportConformance({ test, makePair, until }: TransportConformanceOptions): void {
  registerMessages(test, withPairOf(makePair, until), until);
}

/** Registers the tests for snapshots. */
export function transportSnapshotConformance({ test, makePair, until }: TransportConformanceOptions): void {
  snapshotConformance({ test, withPair: withPairOf(makePair, until), until });
}

function withPairOf(
  makePair: TransportConformanceOptions['makePair'],
  until: TransportConformanceOptions['until'],
): WithPair {
  return async (
    run: (pair: TransportPair, atA: RecordingHandler, atB: RecordingHandler) => Promise<void>,
  ) => {
    const pair = await makePair();
    const [atA, atB] = [new RecordingHandler(), new RecordingHandler()];
    await Promise.all([pair.a.start(atA), pair.b.start(atB)]);
    try {
      await connect(pair, atA, atB, until);
      await run(pair, atA, atB);
    } finally {
      await Promise.all([pair.a.stop(), pair.b.stop()]);
    }
  };
}

function registerMessages(
  test: TransportConformanceOptions['test'],
  withPair: WithPair,
  until: TransportConformanceOptions['until'],
): void {
  test('conformance: every type of message arrives unchanged, in both directions', async () => {
    await withPair(async ({ a, b }, atA, atB) => {
      for (const message of sampleMessages('a', 'b')) a.send(message);
      for (const message of sampleMessages('b', 'a')) b.send(message);
      const count = sampleMessages('a', 'b').length;
      await until(() => atA.messages.length === count && atB.messages.length === count, 'all messages');
      assert.deepEqual(plain(sorted(atB.messages)), plain(sorted(sampleMessages('a', 'b'))));
      assert.deepEqual(plain(sorted(atA.messages)), plain(sorted(sampleMessages('b', 'a'))));
    });
  });

  test('conformance: messages to a member that never ran are reported once a turn, not from inside send', async () => {
    await withPair(async ({ a }, atA) => {
      atA.unreachablePeers.length = 0;
      a.send(heartbeat('a', 'c', 1));
      a.send(heartbeat('a', 'c', 2));
      assert.deepEqual(atA.unreachablePeers, []);
      await until(() => atA.unreachablePeers.length > 0, 'a report of the lost messages');
      assert.deepEqual(atA.unreachablePeers, ['c']);
    });
  });

  test('conformance: send does not call the handler synchronously', async () => {
    await withPair(async ({ a }, atA, atB) => {
      a.send(heartbeat('a', 'b', 1));
      assert.equal(atB.messages.length, 0);
      assert.equal(atA.messages.length, 0);
      await until(() => atB.messages.length === 1, 'the message');
    });
  });

  test('conformance: messages sent before stop arrive, messages sent after it are dropped without an exception', async () => {
    await withPair(async ({ a }, _atA, atB) => {
      a.send(heartbeat('a', 'b', 1));
      await a.stop();
      a.send(heartbeat('a', 'b', 2));
      await until(() => atB.messages.length === 1, 'the message sent before stop');
      assert.deepEqual(plain(atB.messages), [heartbeat('a', 'b', 1)]);
    });
  });

  test('conformance: messages of a removed peer are not delivered until it is added again', async () => {
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
      }, 'a message of the peer that was added again');
    });
  });

  test('conformance: a stopped peer is reported', async () => {
    await withPair(async ({ a, b }, atA) => {
      atA.unreachablePeers.length = 0;
      await b.stop();
      await until(() => atA.lostLinks.includes('b'), 'a report of the lost links');
      await until(() => {
        a.send(heartbeat('a', 'b', 1));
        return atA.unreachablePeers.includes('b');
      }, 'a report that the peer is unreachable');
    });
  });
}

/**
 * Sends until one message has arrived each way, because links open some time after the start; then clears the
 * records.
 */
async function connect(
  { a, b }: TransportPair,
  atA: RecordingHandler,
  atB: RecordingHandler,
  until: TransportConformanceOptions['until'],
): Promise<void> {
  await until(() => {
    if (atB.messages.length === 0) a.send(heartbeat('a', 'b', 0));
    if (atA.messages.length === 0) b.send(heartbeat('b', 'a', 0));
    return atA.messages.length > 0 && atB.messages.length > 0;
  }, 'a link each way');
  // Once a marker has arrived, no earlier message is in flight.
  a.send(heartbeat('a', 'b', 1));
  b.send(heartbeat('b', 'a', 1));
  const isMarked = ({ messages }: RecordingHandler): boolean =>
    messages.some((message) => message.type === 'heartbeat' && message.round === 1);
  await until(() => isMarked(atA) && isMarked(atB), 'the markers');
  for (const recorder of [atA, atB]) {
    recorder.messages.length = 0;
    recorder.unreachablePeers.length = 0;
  }
}

/** Sorts messages by their JSON, because they may be reordered. */
function sorted(messages: readonly Message[]): readonly Message[] {
  return [...messages].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
}

/** Replaces bytes by text, so that different kinds of byte arrays are equal. */
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
