/** The driver of a member that gets a snapshot: what is written in which order, and what is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { baseAt, logOf } from './core/testing/messages.js';
import { Hub, TestStorage, quiet, startNode, until, type Rig } from './testing/driver.js';
import { codeOf, incoming, snapshotMachine, type TestSnapshots } from './testing/snapshots.js';
import type { IncomingSnapshot } from './transport/transport.js';

const MEMBERS = ['a', 'b', 'c'];

interface SnapshotRig extends Rig {
  readonly snapshots: TestSnapshots;
}

/** A follower `b` in term 3 that has applied two entries, and a way to hand it snapshots. */
async function follower(): Promise<{
  hub: Hub;
  rig: SnapshotRig;
  take: (snapshot: IncomingSnapshot) => Promise<void>;
}> {
  const hub = new Hub();
  const { machine, snapshots } = snapshotMachine();
  const storage = new TestStorage([1, 1, 3]);
  machine.entries.push(...logOf([1, 1]));
  const rig = await startNode(hub, { id: 'b', members: MEMBERS, machine, storage });
  const take = async (snapshot: IncomingSnapshot): Promise<void> => {
    await hub.handlers.get('b')?.snapshot(snapshot);
  };
  return { hub, rig: { ...rig, machine, storage, snapshots }, take };
}

/** Has snapshots that were read wait, as they do for a slow disk, until the result is called. */
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

test('the machine is the snapshot, and term and vote are written, before the log begins anew', async () => {
  const { rig, take } = await follower();
  const { storage, machine, snapshots } = rig;
  storage.gate.close();
  const taken = take(incoming(9, 5));
  await until(() => storage.gate.waiting === 1);
  assert.equal(storage.batches.at(-1), { hardState: { term: 5, vote: null }, entries: [] });
  assert.is(machine.installs, 0, 'the term first');
  storage.gate.letThrough();
  await until(() => storage.gate.waiting === 1);
  assert.equal(storage.batches.at(-1), { base: baseAt(9, 1), hardState: null, entries: [] });
  assert.equal(snapshots.restored, baseAt(9, 1), 'then the machine');
  storage.gate.open();
  await taken;
  assert.equal([storage.base().index, rig.node.status().applied], [9, 9]);
  assert.ok(rig.events.some(({ type }) => type === 'snapshotInstalled'));
  await rig.node.stop();
});

test('an apply that is under way comes to its end before the machine changes', async () => {
  const hub = new Hub();
  const { machine, snapshots } = snapshotMachine();
  const storage = new TestStorage([1, 1, 1]);
  const again = await startNode(hub, { id: 'b', members: MEMBERS, machine, storage });
  machine.gate.close();
  hub.handlers.get('b')?.message({ type: 'heartbeat', from: 'a', to: 'b', term: 1, commit: 2, round: 0 });
  await until(() => machine.gate.waiting === 1);
  const taken = hub.handlers.get('b')?.snapshot(incoming(9, 1));
  await quiet();
  assert.equal(snapshots.steps, ['receive']);
  machine.gate.open();
  await taken;
  assert.is(machine.applied, 9);
  assert.equal(again.fatal, []);
  await again.node.stop();
});

test('what is of no use is refused before it is read', async () => {
  const { rig, take } = await follower();
  assert.is(await codeOf(take(incoming(9, 2))), 'SNAPSHOT_REFUSED', 'of an earlier term');
  assert.is(await codeOf(take(incoming(2, 3))), 'SNAPSHOT_REFUSED', 'not ahead of what is committed here');
  assert.equal(rig.snapshots.steps, []);
  await rig.node.stop();
});

test('who sends what is not needed is told how far the member is: it could go on for ever else', async () => {
  const { hub, rig, take } = await follower();
  assert.is(await codeOf(take(incoming(2, 3))), 'SNAPSHOT_REFUSED');
  await until(() => hub.sent.length > 0);
  assert.equal(hub.sent, [{ type: 'appendAccepted', from: 'b', to: 'a', term: 3, match: 2 }]);
  await rig.node.stop();
});

test('a node that has stopped takes none', async () => {
  const hub = new Hub();
  const { machine } = snapshotMachine();
  const { node } = await startNode(hub, { id: 'b', members: MEMBERS, machine });
  const handler = hub.handlers.get('b');
  await node.stop();
  assert.ok(handler !== undefined);
  assert.is(await codeOf(handler.snapshot(incoming(9, 5))), 'STOPPED');
});

test('one that does not come whole changes nothing, and the next one may come', async () => {
  const { rig, take } = await follower();
  const error: unknown = await take(incoming(9, 3, { index: 10 })).catch((reason: unknown) => reason);
  assert.match(String(error), /it is not whole/);
  assert.is(rig.machine.installs, 0);
  await take(incoming(9, 3));
  assert.is(rig.machine.applied, 9);
  await rig.node.stop();
});

test('one that the member no longer needs when it has come is discarded', async () => {
  const { rig, take } = await follower();
  const receive = rig.snapshots.receive.bind(rig.snapshots);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  rig.snapshots.receive = async (base, chunks) => {
    await held;
    return receive(base, chunks);
  };
  const late = take({ ...incoming(3, 3), base: baseAt(3, 3) });
  const second = incoming(9, 2);
  assert.is(await codeOf(take(second)), 'SNAPSHOT_REFUSED');
  release();
  await late;
  assert.equal(rig.snapshots.steps, ['receive', 'discard'], 'its log has that entry');
  await rig.node.stop();
});

test('a snapshot that is whole is taken though its sender leads no more: nothing but what is committed is in it', async () => {
  const { hub, rig, take } = await follower();
  const release = holdReceived(rig.snapshots);
  const taken = take(incoming(9, 3));
  await quiet();
  hub.handlers.get('b')?.message({ type: 'heartbeat', from: 'c', to: 'b', term: 4, commit: 0, round: 0 });
  release();
  await taken;
  assert.equal([rig.machine.applied, rig.node.status().term, rig.node.status().leader], [9, 4, 'c']);
  await rig.node.stop();
});

test('a disk that hangs with the last step of a snapshot has the member fall silent', async () => {
  const { hub, rig, take } = await follower();
  const release = holdReceived(rig.snapshots);
  const answered = async (): Promise<boolean> => {
    hub.sent.splice(0);
    hub.handlers.get('b')?.message({ type: 'heartbeat', from: 'a', to: 'b', term: 3, commit: 0, round: 0 });
    await quiet();
    return hub.sent.some(({ type }) => type === 'heartbeatResponse');
  };
  const taken = take(incoming(9, 3));
  assert.ok(await answered());
  for (let passed = 0; passed < 10; passed += 1) {
    rig.clock.advance(100);
    await quiet();
  }
  assert.not.ok(await answered());
  release();
  await taken;
  assert.ok(await answered());
  await rig.node.stop();
});

test('a snapshot of the same or a later leader takes the place of the one that is coming in', async () => {
  const { rig, take } = await follower();
  const receive = rig.snapshots.receive.bind(rig.snapshots);
  const first = incoming(8, 3);
  rig.snapshots.receive = async () => {
    while (first.cancels === 0) await quiet();
    throw new Error('cancelled');
  };
  const failed = take(first).catch((error: unknown) => String(error));
  await quiet();
  rig.snapshots.receive = receive;
  await take(incoming(9, 4));
  assert.match(String(await failed), /cancelled/);
  assert.is(rig.machine.applied, 9);
  await rig.node.stop();
});

test('a node that stops gives up what is coming in, and what was not taken yet', async () => {
  const { rig, take } = await follower();
  const first = incoming(8, 3);
  rig.snapshots.receive = async () => {
    while (first.cancels === 0) await quiet();
    return { install: async () => undefined, discard: async () => void rig.snapshots.steps.push('discard') };
  };
  const taken = codeOf(take(first));
  await quiet();
  await rig.node.stop();
  assert.is(await taken, 'STOPPED');
  assert.equal(rig.snapshots.steps, ['discard']);
});

test('a snapshot that cannot be installed stops the node, and nothing is acknowledged', async () => {
  const { rig, take } = await follower();
  rig.snapshots.failure = new Error('the disk is gone');
  const taken = codeOf(take(incoming(9, 3)));
  await until(() => rig.fatal.length > 0);
  assert.equal(rig.fatal, [rig.snapshots.failure]);
  assert.is(rig.storage.base().index, 0);
  await rig.node.stop();
  assert.is(await taken, 'STOPPED');
});

test.run();
