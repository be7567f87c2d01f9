/**
 * The driver with snapshots: logs are compacted, and followers that need removed entries receive a snapshot.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogBase, NodeId } from './core/types.js';
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

const MEMBERS = ['a', 'b', 'c'];
const COMPACTION = { entriesMax: 10, entriesKept: 2 };

interface SnapshotTestNode extends TestNode {
  readonly snapshots: TestSnapshots;
}

async function startMember(
  hub: TransportHub,
  id: NodeId,
  compaction: object = COMPACTION,
): Promise<SnapshotTestNode> {
  const { machine, snapshots } = machineWithSnapshots();
  const storage = new TestStorage();
  const testNode = await startNode(hub, { id, members: MEMBERS, stateMachine: machine, storage, compaction });
  return { ...testNode, machine, storage, snapshots };
}

/** Three members; the first one leads, and the last one is cut off. */
async function startCutOff(
  hub: TransportHub,
): Promise<readonly [SnapshotTestNode, SnapshotTestNode, SnapshotTestNode]> {
  hub.delivers = ({ from, to }) => from !== 'c' && to !== 'c';
  const testNodes = [
    await startMember(hub, 'a'),
    await startMember(hub, 'b'),
    await startMember(hub, 'c'),
  ] as const;
  testNodes[0].clock.advance(150);
  await waitUntil(() => testNodes[0].node.status().leading);
  return testNodes;
}

async function write(testNode: TestNode, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const { index } = testNode.node.propose(Buffer.from(`${done}`));
    await waitUntil(() => testNode.machine.applied >= index);
  }
}

async function stopAll(testNodes: readonly TestNode[]): Promise<void> {
  for (const { node } of testNodes) await node.stop();
}

test('a follower that was cut off gets a snapshot and then appends, while proposals continue', async () => {
  const hub = new TransportHub();
  const testNodes = await startCutOff(hub);
  const [a, , c] = testNodes;
  await write(a, 30);
  await waitUntil(() => a.storage.base().index > 10);
  hub.delivers = () => true;
  a.clock.advance(10);
  await write(a, 5);
  a.clock.advance(10);
  await waitUntil(() => c.machine.applied > 30);
  a.clock.advance(10);
  await waitUntil(() => c.machine.applied === a.machine.applied);
  assert.equal(c.machine.entries, a.machine.entries);
  assert.is(c.machine.installs, 1);
  assert.equal(c.snapshots.steps, ['receive', 'install']);
  assert.equal([a.snapshots.open, c.fatal, a.fatal], [0, [], []]);
  assert.is(c.storage.base().index, c.snapshots.restoredBase?.index);
  await stopAll(testNodes);
});

/** Three members; the last one has the same entries as the others, then gets no more of them, but answers. */
async function startLagging(hub: TransportHub, compaction: object): Promise<readonly SnapshotTestNode[]> {
  const testNodes = await Promise.all(MEMBERS.map(async (id) => startMember(hub, id, compaction)));
  testNodes[0]?.clock.advance(150);
  await waitUntil(() => testNodes[0]?.node.status().leading === true);
  testNodes[0]?.clock.advance(10);
  await waitUntil(() => testNodes.every(({ machine }) => machine.applied === 1));
  hub.delivers = ({ type, to }) => to !== 'c' || type !== 'appendRequest';
  return testNodes;
}

test('the log keeps the entries that a live, lagging follower lacks', async () => {
  const hub = new TransportHub();
  const testNodes = await startLagging(hub, COMPACTION);
  const [a, b, c] = testNodes;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  for (let turn = 0; turn < 8; turn += 1) {
    await write(a, 10);
    a.clock.advance(10);
    await waitUntilQuiet();
  }
  assert.is(a.storage.base().index, 1);
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => c.machine.applied === a.machine.applied);
  await write(a, 20);
  await waitUntil(() => a.storage.base().index > 80);
  assert.is(c.machine.installs, 0);
  assert.equal(
    a.events.filter(({ type }) => type !== 'compacted'),
    [],
  );
  await stopAll(testNodes);
});

test('at its bound the log is cut, which is reported, and the lagging follower gets a snapshot', async () => {
  const hub = new TransportHub();
  const testNodes = await startLagging(hub, { ...COMPACTION, laggingEntriesMax: 25 });
  const [a, , c] = testNodes;
  assert.ok(a !== undefined && c !== undefined);
  await write(a, 60);
  await waitUntil(() => a.storage.base().index > 20);
  const needsSnapshot = a.events.find(({ type }) => type === 'followerNeedsSnapshot');
  assert.ok(needsSnapshot?.type === 'followerNeedsSnapshot');
  assert.equal([needsSnapshot.to, needsSnapshot.index], ['c', 1]);
  assert.ok(needsSnapshot.base.index > 1);
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => c.machine.applied >= 60);
  assert.is(c.machine.installs, 1);
  await stopAll(testNodes);
});

test('the log keeps entries for a follower with a broken link for some election timeouts only', async () => {
  const hub = new TransportHub();
  const testNodes = await startLagging(hub, COMPACTION);
  const [a] = testNodes;
  assert.ok(a !== undefined);
  hub.delivers = ({ from, to }) => from !== 'c' && to !== 'c';
  await waitUntilQuiet();
  hub.handlers.get('a')?.onLinkLost('c');
  await write(a, 30);
  await waitUntilQuiet();
  assert.is(a.storage.base().index, 1);
  for (let tick = 0; tick < 40; tick += 1) {
    a.clock.advance(10);
    await waitUntilQuiet();
  }
  await write(a, 20);
  await waitUntil(() => a.storage.base().index > 30);
  assert.not.ok(a.events.some(({ type }) => type === 'followerNeedsSnapshot'));
  await stopAll(testNodes);
});

test('the log keeps the entries after a snapshot in transfer', async () => {
  const hub = new TransportHub();
  const testNodes = await startCutOff(hub);
  const [a] = testNodes;
  await write(a, 30);
  await waitUntil(() => a.storage.base().index > 10);
  let arrived: LogBase | null = null;
  hub.deliversSnapshot = ({ base }) => {
    arrived = base;
    return true;
  };
  testNodes[2].snapshots.receive = async () => new Promise(() => undefined);
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => arrived !== null);
  await write(a, 40);
  await waitUntilQuiet();
  assert.ok(a.storage.base().index <= ((arrived as LogBase | null) ?? { index: 0 }).index);
  assert.ok(a.machine.applied > a.storage.base().index + 30);
  await Promise.all([testNodes[0].node.stop(), testNodes[1].node.stop()]);
});

test('the log keeps the entries after an installed snapshot that is not acknowledged yet', async () => {
  const hub = new TransportHub();
  const testNodes = await startCutOff(hub);
  const [a, , c] = testNodes;
  await write(a, 30);
  await waitUntil(() => a.storage.base().index > 10);
  hub.delivers = ({ from, type }) => from !== 'c' || type !== 'appendAccepted';
  a.clock.advance(10);
  await waitUntil(() => a.events.some(({ type }) => type === 'snapshotSent'));
  const installed = c.storage.base().index;
  assert.is(a.node.matchIndexOf('c'), 0);
  await write(a, 40);
  await waitUntilQuiet();
  assert.ok(a.storage.base().index <= installed, `${a.storage.base().index} is after ${installed}`);
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => c.machine.applied === a.machine.applied);
  assert.is(c.machine.installs, 1);
  await stopAll(testNodes);
});

test('a snapshot that takes longer than the log is kept is reported, and another one follows', async () => {
  const hub = new TransportHub();
  hub.delivers = ({ from, to }) => from !== 'c' && to !== 'c';
  const testNodes = await Promise.all(
    MEMBERS.map(async (id) => startMember(hub, id, { ...COMPACTION, laggingEntriesMax: 25 })),
  );
  const [a, , c] = testNodes;
  assert.ok(a !== undefined && c !== undefined);
  a.clock.advance(150);
  await waitUntil(() => a.node.status().leading);
  await write(a, 30);
  await waitUntil(() => a.storage.base().index > 10);
  const { snapshots } = c;
  const receive = snapshots.receive.bind(snapshots);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  snapshots.receive = async (base, chunks) => gate.then(async () => receive(base, chunks));
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => a.events.some(({ type }) => type === 'snapshotSending'));
  await write(a, 60);
  const needsSnapshot = a.events.find((event) => event.type === 'followerNeedsSnapshot');
  assert.ok(
    needsSnapshot?.type === 'followerNeedsSnapshot' &&
      needsSnapshot.to === 'c' &&
      needsSnapshot.index < needsSnapshot.base.index,
  );
  release();
  await waitUntil(() => c.machine.installs > 0);
  a.clock.advance(10);
  await waitUntil(() => c.machine.installs === 2);
  a.clock.advance(10);
  await waitUntil(() => c.machine.applied === a.machine.applied);
  assert.is(a.events.filter(({ type }) => type === 'snapshotSent').length, 2);
  await stopAll(testNodes);
});

test('a failed snapshot is sent again once the follower answers', async () => {
  const hub = new TransportHub();
  const testNodes = await startCutOff(hub);
  const [a, , c] = testNodes;
  await write(a, 30);
  await waitUntil(() => a.storage.base().index > 10);
  let failures = 0;
  hub.deliversSnapshot = () => (failures += 1) > 2;
  hub.delivers = () => true;
  for (let ticks = 0; ticks < 20 && c.machine.installs === 0; ticks += 1) {
    a.clock.advance(10);
    await waitUntilQuiet();
  }
  assert.is(c.machine.installs, 1);
  assert.is(a.events.filter(({ type }) => type === 'snapshotFailed').length, 2);
  assert.is(a.events.filter(({ type }) => type === 'snapshotSent').length, 1);
  await stopAll(testNodes);
});

test('a leader that steps down aborts its snapshot transfers', async () => {
  const hub = new TransportHub();
  const testNodes = await startCutOff(hub);
  const [a, , c] = testNodes;
  await write(a, 30);
  await waitUntil(() => a.storage.base().index > 10);
  c.snapshots.receive = async () => new Promise(() => undefined);
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => a.events.some(({ type }) => type === 'snapshotSending'));
  hub.delivers = () => false;
  a.clock.advance(200);
  await waitUntil(() => a.node.status().role === 'follower');
  await waitUntil(() => a.events.some(({ type }) => type === 'snapshotFailed'));
  assert.is(a.snapshots.open, 0);
  await Promise.all([testNodes[0].node.stop(), testNodes[1].node.stop()]);
});

test('a member without snapshot support sends and accepts no snapshots, and does not compact its log', async () => {
  const hub = new TransportHub();
  const start = async (id: NodeId): Promise<TestNode> =>
    startNode(hub, { id, members: MEMBERS, compaction: COMPACTION });
  const [a, b] = [await start('a'), await start('b')];
  a.clock.advance(150);
  await waitUntil(() => a.node.status().leading);
  await write(a, 30);
  await waitUntilQuiet();
  assert.is(a.storage.base().index, 0);
  const taken = hub.handlers.get('b')?.onSnapshot(incomingSnapshot(99, a.node.status().term));
  assert.ok(taken !== undefined);
  assert.is(await rejectionCode(taken), 'SNAPSHOT_REFUSED');
  await stopAll([a, b]);
});

test.run();
