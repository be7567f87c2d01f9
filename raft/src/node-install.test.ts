/** Installing a snapshot: the order of writes, and refusals. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeBase, makeLog } from './core/testing/messages.js';
import {
  TransportHub,
  TestStorage,
  waitUntilQuiet,
  startNode,
  waitUntil,
  type TestNode,
} from './testing/test-node.js';
import {
  rejectionCode,
  incomingSnapshot,
  machineWithSnapshots,
  type TestSnapshots,
} from './testing/snapshots.js';
import type { IncomingSnapshot } from './transport/transport.js';

const MEMBERS = ['a', 'b', 'c'];

interface SnapshotTestNode extends TestNode {
  readonly snapshots: TestSnapshots;
}

/** A follower `b` in term 3 that has applied two entries, and a function that sends it a snapshot. */
async function follower(): Promise<{
  hub: TransportHub;
  testNode: SnapshotTestNode;
  take: (snapshot: IncomingSnapshot) => Promise<void>;
}> {
  const hub = new TransportHub();
  const { machine, snapshots } = machineWithSnapshots();
  const storage = new TestStorage([1, 1, 3]);
  machine.entries.push(...makeLog([1, 1]));
  const testNode = await startNode(hub, { id: 'b', members: MEMBERS, stateMachine: machine, storage });
  const take = async (snapshot: IncomingSnapshot): Promise<void> => {
    await hub.handlers.get('b')?.onSnapshot(snapshot);
  };
  return { hub, testNode: { ...testNode, machine, storage, snapshots }, take };
}

/** Makes `receive` wait after reading a snapshot, like a slow disk, until the returned function is called. */
function holdReceived(snapshots: TestSnapshots): () => void {
  const receive = snapshots.receive.bind(snapshots);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  snapshots.receive = async (base, chunks) => {
    const staged = await receive(base, chunks);
    await held;
    return staged;
  };
  return () => release();
}

test('install writes term and vote first, then the machine, then the base of the log', async () => {
  const { testNode, take } = await follower();
  const { storage, machine, snapshots } = testNode;
  storage.gate.close();
  const taken = take(incomingSnapshot(9, 5));
  await waitUntil(() => storage.gate.waiting === 1);
  assert.equal(storage.batches.at(-1), { hardState: { term: 5, vote: null }, entries: [] });
  assert.is(machine.installs, 0, 'the term is written first');
  storage.gate.letThrough();
  await waitUntil(() => storage.gate.waiting === 1);
  assert.equal(storage.batches.at(-1), { base: makeBase(9, 1), hardState: null, entries: [] });
  assert.equal(snapshots.restoredBase, makeBase(9, 1), 'then the machine is replaced');
  storage.gate.open();
  await taken;
  assert.equal([storage.base().index, testNode.node.status().applied], [9, 9]);
  assert.ok(testNode.events.some(({ type }) => type === 'snapshotInstalled'));
  await testNode.node.stop();
});

test('install waits for the running apply', async () => {
  const hub = new TransportHub();
  const { machine, snapshots } = machineWithSnapshots();
  const storage = new TestStorage([1, 1, 1]);
  const testNode = await startNode(hub, { id: 'b', members: MEMBERS, stateMachine: machine, storage });
  machine.gate.close();
  hub.handlers.get('b')?.onMessage({ type: 'heartbeat', from: 'a', to: 'b', term: 1, commit: 2, round: 0 });
  await waitUntil(() => machine.gate.waiting === 1);
  const taken = hub.handlers.get('b')?.onSnapshot(incomingSnapshot(9, 1));
  await waitUntilQuiet();
  assert.equal(snapshots.steps, ['receive']);
  machine.gate.open();
  await taken;
  assert.is(machine.applied, 9);
  assert.equal(testNode.fatal, []);
  await testNode.node.stop();
});

test('a stale or unneeded snapshot is refused before it is read', async () => {
  const { testNode, take } = await follower();
  assert.is(await rejectionCode(take(incomingSnapshot(9, 2))), 'SNAPSHOT_REFUSED', 'of an earlier term');
  assert.is(
    await rejectionCode(take(incomingSnapshot(2, 3))),
    'SNAPSHOT_REFUSED',
    'not beyond the commit index',
  );
  assert.equal(testNode.snapshots.steps, []);
  await testNode.node.stop();
});

test('the sender of an unneeded snapshot gets an acknowledgement, so that it does not send it for ever', async () => {
  const { hub, testNode, take } = await follower();
  assert.is(await rejectionCode(take(incomingSnapshot(2, 3))), 'SNAPSHOT_REFUSED');
  await waitUntil(() => hub.sent.length > 0);
  assert.equal(hub.sent, [{ type: 'appendAccepted', from: 'b', to: 'a', term: 3, match: 2 }]);
  await testNode.node.stop();
});

test('a stopped node refuses snapshots', async () => {
  const hub = new TransportHub();
  const { machine } = machineWithSnapshots();
  const { node } = await startNode(hub, { id: 'b', members: MEMBERS, stateMachine: machine });
  const handler = hub.handlers.get('b');
  await node.stop();
  assert.ok(handler !== undefined);
  assert.is(await rejectionCode(handler.onSnapshot(incomingSnapshot(9, 5))), 'STOPPED');
});

test('an incomplete snapshot changes nothing, and the next one is accepted', async () => {
  const { testNode, take } = await follower();
  const error: unknown = await take(incomingSnapshot(9, 3, { index: 10 })).catch((reason: unknown) => reason);
  assert.match(String(error), /the snapshot is incomplete/);
  assert.is(testNode.machine.installs, 0);
  await take(incomingSnapshot(9, 3));
  assert.is(testNode.machine.applied, 9);
  await testNode.node.stop();
});

test('a snapshot that is no longer needed once it is received is discarded', async () => {
  const { testNode, take } = await follower();
  const receive = testNode.snapshots.receive.bind(testNode.snapshots);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  testNode.snapshots.receive = async (base, chunks) => {
    await held;
    return receive(base, chunks);
  };
  const late = take({ ...incomingSnapshot(3, 3), base: makeBase(3, 3) });
  const second = incomingSnapshot(9, 2);
  assert.is(await rejectionCode(take(second)), 'SNAPSHOT_REFUSED');
  release();
  await late;
  assert.equal(testNode.snapshots.steps, ['receive', 'discard'], 'the log already has the entry at its base');
  await testNode.node.stop();
});

test('a complete snapshot is installed although its sender was deposed: it contains only committed entries', async () => {
  const { hub, testNode, take } = await follower();
  const release = holdReceived(testNode.snapshots);
  const taken = take(incomingSnapshot(9, 3));
  await waitUntilQuiet();
  hub.handlers.get('b')?.onMessage({ type: 'heartbeat', from: 'c', to: 'b', term: 4, commit: 0, round: 0 });
  release();
  await taken;
  assert.equal(
    [testNode.machine.applied, testNode.node.status().term, testNode.node.status().leader],
    [9, 4, 'c'],
  );
  await testNode.node.stop();
});

test('a member does not answer heartbeats while its disk hangs in the last step of a snapshot', async () => {
  const { hub, testNode, take } = await follower();
  const release = holdReceived(testNode.snapshots);
  const answered = async (): Promise<boolean> => {
    hub.sent.splice(0);
    hub.handlers.get('b')?.onMessage({ type: 'heartbeat', from: 'a', to: 'b', term: 3, commit: 0, round: 0 });
    await waitUntilQuiet();
    return hub.sent.some(({ type }) => type === 'heartbeatResponse');
  };
  const taken = take(incomingSnapshot(9, 3));
  assert.ok(await answered());
  for (let passed = 0; passed < 10; passed += 1) {
    testNode.clock.advance(100);
    await waitUntilQuiet();
  }
  assert.not.ok(await answered());
  release();
  await taken;
  assert.ok(await answered());
  await testNode.node.stop();
});

test('a snapshot of the same or a later leader replaces the one being received', async () => {
  const { testNode, take } = await follower();
  const receive = testNode.snapshots.receive.bind(testNode.snapshots);
  const first = incomingSnapshot(8, 3);
  testNode.snapshots.receive = async () => {
    while (first.cancels === 0) await waitUntilQuiet();
    throw new Error('cancelled');
  };
  const failed = take(first).catch((error: unknown) => String(error));
  await waitUntilQuiet();
  testNode.snapshots.receive = receive;
  await take(incomingSnapshot(9, 4));
  assert.match(String(await failed), /cancelled/);
  assert.is(testNode.machine.applied, 9);
  await testNode.node.stop();
});

test('stop cancels a snapshot being received, and discards one that is not installed', async () => {
  const { testNode, take } = await follower();
  const first = incomingSnapshot(8, 3);
  testNode.snapshots.receive = async () => {
    while (first.cancels === 0) await waitUntilQuiet();
    return {
      install: async () => undefined,
      discard: async () => void testNode.snapshots.steps.push('discard'),
    };
  };
  const taken = rejectionCode(take(first));
  await waitUntilQuiet();
  await testNode.node.stop();
  assert.is(await taken, 'STOPPED');
  assert.equal(testNode.snapshots.steps, ['discard']);
});

test('a failed installation stops the node, and nothing is acknowledged', async () => {
  const { testNode, take } = await follower();
  testNode.snapshots.failure = new Error('disk failed');
  const taken = rejectionCode(take(incomingSnapshot(9, 3)));
  await waitUntil(() => testNode.fatal.length > 0);
  assert.equal(testNode.fatal, [testNode.snapshots.failure]);
  assert.is(testNode.storage.base().index, 0);
  await testNode.node.stop();
  assert.is(await taken, 'STOPPED');
});

test.run();
