/** The driver compacts its log, up to what is durable in its machine. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStorage, waitUntilQuiet, startSingle, waitUntil, type TestNode } from './testing/test-node.js';
import { rejectionCode, machineWithSnapshots } from './testing/snapshots.js';

const COMPACTION = { entriesMax: 10, entriesKept: 2 };

async function write(testNode: TestNode, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const { index } = testNode.node.propose(Buffer.from(`${done}`));
    await waitUntil(() => testNode.machine.applied >= index);
  }
}

test('the log is compacted after enough applied entries, up to what is durable, and keeps some entries', async () => {
  const { machine, snapshots } = machineWithSnapshots();
  const storage = new TestStorage();
  const testNode = await startSingle({ stateMachine: machine, storage, compaction: COMPACTION });
  await write({ ...testNode, machine }, 30);
  await waitUntil(() => storage.base().index >= 20);
  assert.ok(storage.base().index <= machine.applied - 2);
  assert.ok(
    snapshots.synced.some((index) => index === storage.base().index + 2),
    'the machine was made durable first',
  );
  assert.equal(testNode.node.status().firstIndex, storage.base().index + 1);
  assert.ok(testNode.events.some(({ type }) => type === 'compacted'));
  await testNode.node.stop();
});

test('automatic compaction keeps entries that are not durable in the machine', async () => {
  const { machine, snapshots } = machineWithSnapshots();
  snapshots.sync = async () => 5;
  const storage = new TestStorage();
  const testNode = await startSingle({ stateMachine: machine, storage, compaction: COMPACTION });
  await write({ ...testNode, machine }, 40);
  await waitUntilQuiet();
  assert.is(storage.base().index, 3);
  await testNode.node.stop();
});

test('a failed sync of the machine stops the node', async () => {
  const { machine, snapshots } = machineWithSnapshots();
  snapshots.failure = new Error('disk failed');
  const storage = new TestStorage();
  const testNode = await startSingle({ stateMachine: machine, storage, compaction: COMPACTION });
  await write({ ...testNode, machine }, 8);
  testNode.node.propose(Buffer.from('x'));
  await waitUntil(() => testNode.fatal.length > 0);
  assert.equal(testNode.fatal, [snapshots.failure]);
  assert.is(storage.base().index, 0);
  await testNode.node.stop();
});

test('compact runs before it is due, and keeps the requested number of entries', async () => {
  const { machine, snapshots } = machineWithSnapshots();
  const storage = new TestStorage();
  const testNode = await startSingle({
    stateMachine: machine,
    storage,
    compaction: { entriesMax: 1_000, entriesKept: 5 },
  });
  await write({ ...testNode, machine }, 30);
  const { applied } = machine;
  assert.is((await testNode.node.compact()).index, applied - 5);
  assert.ok(snapshots.synced.includes(applied), 'the machine was made durable first');
  assert.is((await testNode.node.compact(2)).index, applied - 2);
  assert.is((await testNode.node.compact(9)).index, applied - 2, 'removed entries do not come back');
  const [, second] = await Promise.all([testNode.node.compact(1), testNode.node.compact(0)]);
  assert.is(second.index, applied, 'the calls run one after another');
  assert.is(storage.base().index, applied);
  await write({ ...testNode, machine }, 3);
  for (const kept of [-1, 0.5, Number.NaN])
    assert.is(await rejectionCode(testNode.node.compact(kept)), 'BAD_CONFIG');
  await testNode.node.stop();
  assert.is(await rejectionCode(testNode.node.compact()), 'STOPPED');
});

test('compact keeps large entries by their bytes after a restart as well', async () => {
  const { machine } = machineWithSnapshots();
  const storage = new TestStorage();
  const compaction = { entriesMax: 1_000, entriesKept: 50 };
  const before = await startSingle({ stateMachine: machine, storage, compaction });
  for (let count = 0; count < 20; count += 1) before.node.propose(Buffer.alloc(1_000));
  await waitUntil(() => machine.applied > 20);
  await before.node.stop();
  assert.is(storage.base().index, 0);
  const after = await startSingle({
    stateMachine: machine,
    storage,
    compaction: { ...compaction, bytesMax: 10_000 },
  });
  const base = await after.node.compact();
  assert.ok(machine.applied - base.index >= 8 && machine.applied - base.index <= 12, `${base.index}`);
  await after.node.stop();
});

test('compact keeps entries that are not durable in the machine', async () => {
  const { machine, snapshots } = machineWithSnapshots();
  snapshots.sync = async () => 5;
  const testNode = await startSingle({ stateMachine: machine, compaction: COMPACTION });
  await write({ ...testNode, machine }, 9);
  assert.is((await testNode.node.compact(0)).index, 5);
  await testNode.node.stop();
});

test('compact rejects if the node fails meanwhile', async () => {
  const { machine, snapshots } = machineWithSnapshots();
  snapshots.failure = new Error('disk failed');
  const testNode = await startSingle({ stateMachine: machine, compaction: { entriesMax: 1_000 } });
  await write({ ...testNode, machine }, 3);
  assert.is(await rejectionCode(testNode.node.compact(0)), 'STOPPED');
  assert.equal(testNode.fatal, [snapshots.failure]);
  await testNode.node.stop();
});

test('compact is refused without snapshot support', async () => {
  const testNode = await startSingle({});
  assert.is(await rejectionCode(testNode.node.compact()), 'BAD_CONFIG');
  await testNode.node.stop();
});

test.run();
