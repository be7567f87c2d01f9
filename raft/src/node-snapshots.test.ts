/** The driver with snapshots: logs are compacted behind what is durable, and whoever needs more is sent the machine. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogBase, NodeId } from './core/types.js';
import { Hub, TestStorage, quiet, startNode, until, type Rig } from './testing/driver.js';
import { codeOf, incoming, snapshotMachine, type TestSnapshots } from './testing/snapshots.js';

const MEMBERS = ['a', 'b', 'c'];
const COMPACTION = { entriesMax: 10, entriesKept: 2 };

interface SnapshotRig extends Rig {
  readonly snapshots: TestSnapshots;
}

async function startMember(hub: Hub, id: NodeId, compaction: object = COMPACTION): Promise<SnapshotRig> {
  const { machine, snapshots } = snapshotMachine();
  const storage = new TestStorage();
  const rig = await startNode(hub, { id, members: MEMBERS, machine, storage, compaction });
  return { ...rig, machine, storage, snapshots };
}

/** Three members, of which the first leads and the last is cut off. */
async function startCutOff(hub: Hub): Promise<readonly [SnapshotRig, SnapshotRig, SnapshotRig]> {
  hub.passes = ({ from, to }) => from !== 'c' && to !== 'c';
  const rigs = [
    await startMember(hub, 'a'),
    await startMember(hub, 'b'),
    await startMember(hub, 'c'),
  ] as const;
  rigs[0].clock.advance(150);
  await until(() => rigs[0].node.status().leading);
  return rigs;
}

async function write(rig: Rig, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const { index } = rig.node.propose(Buffer.from(`${done}`));
    await until(() => rig.machine.applied >= index);
  }
}

async function stopAll(rigs: readonly Rig[]): Promise<void> {
  for (const { node } of rigs) await node.stop();
}

test('a follower that slept is fed by a snapshot, then by appends, while proposals go on', async () => {
  const hub = new Hub();
  const rigs = await startCutOff(hub);
  const [a, , c] = rigs;
  await write(a, 30);
  await until(() => a.storage.base().index > 10);
  hub.passes = () => true;
  a.clock.advance(10);
  await write(a, 5);
  a.clock.advance(10);
  await until(() => c.machine.applied > 30);
  a.clock.advance(10);
  await until(() => c.machine.applied === a.machine.applied);
  assert.equal(c.machine.entries, a.machine.entries);
  assert.is(c.machine.installs, 1);
  assert.equal(c.snapshots.steps, ['receive', 'install']);
  assert.equal([a.snapshots.open, c.fatal, a.fatal], [0, [], []]);
  assert.is(c.storage.base().index, c.snapshots.restored?.index);
  await stopAll(rigs);
});

/** Three members, of which the last has come as far as the others, and gets no entries from then on; it answers. */
async function startLagging(hub: Hub, compaction: object): Promise<readonly SnapshotRig[]> {
  const rigs = await Promise.all(MEMBERS.map(async (id) => startMember(hub, id, compaction)));
  rigs[0]?.clock.advance(150);
  await until(() => rigs[0]?.node.status().leading === true);
  rigs[0]?.clock.advance(10);
  await until(() => rigs.every(({ machine }) => machine.applied === 1));
  hub.passes = ({ type, to }) => to !== 'c' || type !== 'appendRequest';
  return rigs;
}

test('the log keeps what a live follower lacks: it is fed from the log, however far it is behind', async () => {
  const hub = new Hub();
  const rigs = await startLagging(hub, COMPACTION);
  const [a, b, c] = rigs;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  for (let turn = 0; turn < 8; turn += 1) {
    await write(a, 10);
    a.clock.advance(10);
    await quiet();
  }
  assert.is(a.storage.base().index, 1);
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => c.machine.applied === a.machine.applied);
  await write(a, 20);
  await until(() => a.storage.base().index > 80);
  assert.is(c.machine.installs, 0);
  assert.equal(
    a.events.filter(({ type }) => type !== 'compacted'),
    [],
  );
  await stopAll(rigs);
});

test('beyond its bound the log is cut all the same, which is told; the follower is sent a snapshot', async () => {
  const hub = new Hub();
  const rigs = await startLagging(hub, { ...COMPACTION, laggingEntriesMax: 25 });
  const [a, , c] = rigs;
  assert.ok(a !== undefined && c !== undefined);
  await write(a, 60);
  await until(() => a.storage.base().index > 20);
  const told = a.events.find(({ type }) => type === 'followerOutrun');
  assert.ok(told?.type === 'followerOutrun');
  assert.equal([told.to, told.index], ['c', 1]);
  assert.ok(told.base.index > 1);
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => c.machine.applied >= 60);
  assert.is(c.machine.installs, 1);
  await stopAll(rigs);
});

test('a broken link may be dialed again: the log is kept for some election timeouts, then no more', async () => {
  const hub = new Hub();
  const rigs = await startLagging(hub, COMPACTION);
  const [a] = rigs;
  assert.ok(a !== undefined);
  hub.passes = ({ from, to }) => from !== 'c' && to !== 'c';
  await quiet();
  hub.handlers.get('a')?.linkLost('c');
  await write(a, 30);
  await quiet();
  assert.is(a.storage.base().index, 1);
  for (let tick = 0; tick < 40; tick += 1) {
    a.clock.advance(10);
    await quiet();
  }
  await write(a, 20);
  await until(() => a.storage.base().index > 30);
  assert.not.ok(a.events.some(({ type }) => type === 'followerOutrun'));
  await stopAll(rigs);
});

test('the log keeps what a snapshot under way will need', async () => {
  const hub = new Hub();
  const rigs = await startCutOff(hub);
  const [a] = rigs;
  await write(a, 30);
  await until(() => a.storage.base().index > 10);
  let arrived: LogBase | null = null;
  hub.passesSnapshot = ({ base }) => {
    arrived = base;
    return true;
  };
  rigs[2].snapshots.receive = async () => new Promise(() => undefined);
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => arrived !== null);
  await write(a, 40);
  await quiet();
  assert.ok(a.storage.base().index <= ((arrived as LogBase | null) ?? { index: 0 }).index);
  assert.ok(a.machine.applied > a.storage.base().index + 30);
  await Promise.all([rigs[0].node.stop(), rigs[1].node.stop()]);
});

test('the log keeps what follows a snapshot that a follower has taken and not acknowledged yet', async () => {
  const hub = new Hub();
  const rigs = await startCutOff(hub);
  const [a, , c] = rigs;
  await write(a, 30);
  await until(() => a.storage.base().index > 10);
  hub.passes = ({ from, type }) => from !== 'c' || type !== 'appendAccepted';
  a.clock.advance(10);
  await until(() => a.events.some(({ type }) => type === 'snapshotSent'));
  const taken = c.storage.base().index;
  assert.is(a.node.matchOf('c'), 0);
  await write(a, 40);
  await quiet();
  assert.ok(a.storage.base().index <= taken, `${a.storage.base().index} behind ${taken}`);
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => c.machine.applied === a.machine.applied);
  assert.is(c.machine.installs, 1);
  await stopAll(rigs);
});

test('a snapshot that takes longer than the log is kept is told, and another one follows', async () => {
  const hub = new Hub();
  hub.passes = ({ from, to }) => from !== 'c' && to !== 'c';
  const rigs = await Promise.all(
    MEMBERS.map(async (id) => startMember(hub, id, { ...COMPACTION, laggingEntriesMax: 25 })),
  );
  const [a, , c] = rigs;
  assert.ok(a !== undefined && c !== undefined);
  a.clock.advance(150);
  await until(() => a.node.status().leading);
  await write(a, 30);
  await until(() => a.storage.base().index > 10);
  const { snapshots } = c;
  const receive = snapshots.receive.bind(snapshots);
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  snapshots.receive = async (base, chunks) => gate.then(async () => receive(base, chunks));
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => a.events.some(({ type }) => type === 'snapshotSending'));
  await write(a, 60);
  const told = a.events.find((event) => event.type === 'followerOutrun');
  assert.ok(told?.type === 'followerOutrun' && told.to === 'c' && told.index < told.base.index);
  letGo();
  await until(() => c.machine.installs > 0);
  a.clock.advance(10);
  await until(() => c.machine.installs === 2);
  a.clock.advance(10);
  await until(() => c.machine.applied === a.machine.applied);
  assert.is(a.events.filter(({ type }) => type === 'snapshotSent').length, 2);
  await stopAll(rigs);
});

test('one that fails is sent again once the follower is heard of', async () => {
  const hub = new Hub();
  const rigs = await startCutOff(hub);
  const [a, , c] = rigs;
  await write(a, 30);
  await until(() => a.storage.base().index > 10);
  let failures = 0;
  hub.passesSnapshot = () => (failures += 1) > 2;
  hub.passes = () => true;
  for (let ticks = 0; ticks < 20 && c.machine.installs === 0; ticks += 1) {
    a.clock.advance(10);
    await quiet();
  }
  assert.is(c.machine.installs, 1);
  assert.is(a.events.filter(({ type }) => type === 'snapshotFailed').length, 2);
  assert.is(a.events.filter(({ type }) => type === 'snapshotSent').length, 1);
  await stopAll(rigs);
});

test('a leader that steps down gives up what it sends', async () => {
  const hub = new Hub();
  const rigs = await startCutOff(hub);
  const [a, , c] = rigs;
  await write(a, 30);
  await until(() => a.storage.base().index > 10);
  c.snapshots.receive = async () => new Promise(() => undefined);
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => a.events.some(({ type }) => type === 'snapshotSending'));
  hub.passes = () => false;
  a.clock.advance(200);
  await until(() => a.node.status().role === 'follower');
  await until(() => a.events.some(({ type }) => type === 'snapshotFailed'));
  assert.is(a.snapshots.open, 0);
  await Promise.all([rigs[0].node.stop(), rigs[1].node.stop()]);
});

test('a machine without snapshots sends none and takes none, and its log is not compacted', async () => {
  const hub = new Hub();
  const start = async (id: NodeId): Promise<Rig> =>
    startNode(hub, { id, members: MEMBERS, compaction: COMPACTION });
  const [a, b] = [await start('a'), await start('b')];
  a.clock.advance(150);
  await until(() => a.node.status().leading);
  await write(a, 30);
  await quiet();
  assert.is(a.storage.base().index, 0);
  const taken = hub.handlers.get('b')?.snapshot(incoming(99, a.node.status().term));
  assert.ok(taken !== undefined);
  assert.is(await codeOf(taken), 'SNAPSHOT_REFUSED');
  await stopAll([a, b]);
});

test.run();
