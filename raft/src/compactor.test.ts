/** The driver compacts its log by itself, behind what its machine cannot lose. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStorage, quiet, startAlone, until, type Rig } from './testing/driver.js';
import { codeOf, snapshotMachine } from './testing/snapshots.js';

const COMPACTION = { entriesMax: 10, entriesKept: 2 };

async function write(rig: Rig, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const { index } = rig.node.propose(Buffer.from(`${done}`));
    await until(() => rig.machine.applied >= index);
  }
}

test('the log is compacted when enough is applied, up to what is durable, and some of it stays', async () => {
  const { machine, snapshots } = snapshotMachine();
  const storage = new TestStorage();
  const rig = await startAlone({ machine, storage, compaction: COMPACTION });
  await write({ ...rig, machine }, 30);
  await until(() => storage.base().index >= 20);
  assert.ok(storage.base().index <= machine.applied - 2);
  assert.ok(
    snapshots.synced.some((index) => index === storage.base().index + 2),
    'it was durable first',
  );
  assert.equal(rig.node.status().firstIndex, storage.base().index + 1);
  assert.ok(rig.events.some(({ type }) => type === 'compacted'));
  await rig.node.stop();
});

test('what the machine may yet lose stays in the log', async () => {
  const { machine, snapshots } = snapshotMachine();
  snapshots.sync = async () => 5;
  const storage = new TestStorage();
  const rig = await startAlone({ machine, storage, compaction: COMPACTION });
  await write({ ...rig, machine }, 40);
  await quiet();
  assert.is(storage.base().index, 3);
  await rig.node.stop();
});

test('a machine that cannot be made durable stops the node', async () => {
  const { machine, snapshots } = snapshotMachine();
  snapshots.failure = new Error('the disk is gone');
  const storage = new TestStorage();
  const rig = await startAlone({ machine, storage, compaction: COMPACTION });
  await write({ ...rig, machine }, 8);
  rig.node.propose(Buffer.from('x'));
  await until(() => rig.fatal.length > 0);
  assert.equal(rig.fatal, [snapshots.failure]);
  assert.is(storage.base().index, 0);
  await rig.node.stop();
});

test('on demand the log is compacted though it is not due, and keeps what it is told to', async () => {
  const { machine, snapshots } = snapshotMachine();
  const storage = new TestStorage();
  const rig = await startAlone({ machine, storage, compaction: { entriesMax: 1_000, entriesKept: 5 } });
  await write({ ...rig, machine }, 30);
  const { applied } = machine;
  assert.is((await rig.node.compact()).index, applied - 5);
  assert.ok(snapshots.synced.includes(applied), 'it was durable first');
  assert.is((await rig.node.compact(2)).index, applied - 2);
  assert.is((await rig.node.compact(9)).index, applied - 2, 'what went does not come back');
  const [, second] = await Promise.all([rig.node.compact(1), rig.node.compact(0)]);
  assert.is(second.index, applied, 'one after another');
  assert.is(storage.base().index, applied);
  await write({ ...rig, machine }, 3);
  for (const kept of [-1, 0.5, Number.NaN]) assert.is(await codeOf(rig.node.compact(kept)), 'BAD_CONFIG');
  await rig.node.stop();
  assert.is(await codeOf(rig.node.compact()), 'STOPPED');
});

test('after a restart large entries are kept by their bytes as before', async () => {
  const { machine } = snapshotMachine();
  const storage = new TestStorage();
  const compaction = { entriesMax: 1_000, entriesKept: 50 };
  const before = await startAlone({ machine, storage, compaction });
  for (let count = 0; count < 20; count += 1) before.node.propose(Buffer.alloc(1_000));
  await until(() => machine.applied > 20);
  await before.node.stop();
  assert.is(storage.base().index, 0);
  const after = await startAlone({ machine, storage, compaction: { ...compaction, bytesMax: 10_000 } });
  const base = await after.node.compact();
  assert.ok(machine.applied - base.index >= 8 && machine.applied - base.index <= 12, `${base.index}`);
  await after.node.stop();
});

test('on demand what the machine may yet lose stays in the log', async () => {
  const { machine, snapshots } = snapshotMachine();
  snapshots.sync = async () => 5;
  const rig = await startAlone({ machine, compaction: COMPACTION });
  await write({ ...rig, machine }, 9);
  assert.is((await rig.node.compact(0)).index, 5);
  await rig.node.stop();
});

test('a node that fails while it compacts on demand says so', async () => {
  const { machine, snapshots } = snapshotMachine();
  snapshots.failure = new Error('the disk is gone');
  const rig = await startAlone({ machine, compaction: { entriesMax: 1_000 } });
  await write({ ...rig, machine }, 3);
  assert.is(await codeOf(rig.node.compact(0)), 'STOPPED');
  assert.equal(rig.fatal, [snapshots.failure]);
  await rig.node.stop();
});

test('a machine without snapshots cannot be compacted', async () => {
  const rig = await startAlone({});
  assert.is(await codeOf(rig.node.compact()), 'BAD_CONFIG');
  await rig.node.stop();
});

test.run();
