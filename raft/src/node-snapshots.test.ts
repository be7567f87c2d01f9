/** The driver with snapshots: logs are compacted behind what is durable, and whoever needs more is sent the machine. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError } from './core/errors.js';
import { baseAt, logOf } from './core/testing/messages.js';
import type { LogBase, NodeId } from './core/types.js';
import { Hub, TestStorage, quiet, startNode, until, type Rig } from './testing/driver.js';
import { snapshotMachine, type TestSnapshots } from './testing/snapshots.js';
import type { IncomingSnapshot } from './transport/transport.js';

const MEMBERS = ['a', 'b', 'c'];
const COMPACTION = { entriesMax: 10, entriesKept: 2 };

interface SnapshotRig extends Rig {
  readonly snapshots: TestSnapshots;
}

async function startMember(hub: Hub, id: NodeId): Promise<SnapshotRig> {
  const { machine, snapshots } = snapshotMachine();
  const storage = new TestStorage();
  const rig = await startNode(hub, { id, members: MEMBERS, machine, storage, compaction: COMPACTION });
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

/** A snapshot of `length` entries as it comes to `b` from `a`. */
function incoming(
  length: number,
  term: number,
  base: Partial<LogBase> = {},
): IncomingSnapshot & { cancels: number } {
  const entries = logOf(new Array<number>(length).fill(1));
  return {
    ...{ from: 'a', to: 'b', term, base: { ...baseAt(length, 1), ...base }, cancels: 0 },
    chunks: (async function* () {
      for (const { record } of entries) yield record;
    })(),
    cancel() {
      this.cancels += 1;
    },
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  assert.instance(error, RaftError);
  return error instanceof RaftError ? error.code : '';
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

/** A follower `b` in term 3 that has applied two entries, and a way to hand it snapshots. */
async function follower(): Promise<{
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
  return { rig: { ...rig, machine, storage, snapshots }, take };
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
