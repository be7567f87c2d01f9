/** Starting with the log and machine that a crash left. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeBase, makeLog } from './core/testing/messages.js';
import type { LogBase } from './core/types.js';
import { RaftNode } from './node.js';
import { TransportHub, TestStorage, startNode } from './testing/test-node.js';
import { rejectionCode, machineWithSnapshots } from './testing/snapshots.js';

const MEMBERS = ['a', 'b', 'c'];

/**
 * Starts a node with a log with these terms, and a machine at `applied` with this restored base.
 * @returns the log after it
 */
async function startOn(
  log: readonly number[],
  applied: number,
  restored: LogBase | null,
): Promise<TestStorage> {
  const { machine, snapshots } = machineWithSnapshots();
  machine.entries.push(...makeLog(new Array<number>(applied).fill(1)));
  snapshots.restoredBase = restored;
  const storage = new TestStorage(log);
  const hub = new TransportHub();
  const { node } = await startNode(hub, { id: 'b', members: MEMBERS, stateMachine: machine, storage });
  await node.stop();
  return storage;
}

test('start restarts the log after a crash between installing a snapshot and writing the log', async () => {
  for (const log of [[1, 1, 2], new Array<number>(20).fill(2)]) {
    const storage = await startOn(log, 9, makeBase(9, 1));
    assert.equal(storage.base(), makeBase(9, 1));
    assert.is(storage.lastIndex(), 9);
  }
});

test('start keeps the log after a crash before or after the installation of a snapshot', async () => {
  const before = await startOn([1, 1, 2], 2, null);
  assert.equal([before.base().index, before.lastIndex()], [0, 3]);
  const later = await startOn([1, 1, 1, 1, 1], 4, makeBase(3, 1));
  assert.equal([later.base().index, later.lastIndex()], [0, 5]);
  const same = await startOn([1, 1, 1, 1, 1], 3, makeBase(3, 1));
  assert.equal([same.base().index, same.lastIndex()], [0, 5]);
});

test('start refuses a log that lost entries, and does not mistake it for an interrupted installation', async () => {
  assert.is(await rejectionCode(startOn([], 9, makeBase(9, 1))), 'LOG_DAMAGED');
  assert.is(await rejectionCode(startOn([1, 1], 9, makeBase(8, 1))), 'LOG_DAMAGED');
});

test('start refuses a machine that lags behind the base of its log', async () => {
  const storage = new TestStorage([1, 1, 1, 1]);
  await storage.compact(makeBase(3, 1));
  for (const restored of [null, makeBase(0, 0), makeBase(1, 1)]) {
    const { machine, snapshots } = machineWithSnapshots();
    snapshots.restoredBase = restored;
    machine.entries.push(...makeLog(new Array<number>(restored?.index ?? 0).fill(1)));
    const options = {
      members: MEMBERS,
      id: 'b',
      stateMachine: machine,
      storage,
      transport: new TransportHub().transport('b'),
    };
    const started = RaftNode.start({ ...options, onChange: () => undefined, onFatal: () => undefined });
    assert.is(await rejectionCode(started), 'LOG_DAMAGED');
  }
});

test.run();
