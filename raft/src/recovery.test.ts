/** What a crash leaves of log and machine, and what the next start makes of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { baseAt, logOf } from './core/testing/messages.js';
import type { LogBase } from './core/types.js';
import { RaftNode } from './node.js';
import { Hub, TestStorage, startNode } from './testing/driver.js';
import { codeOf, snapshotMachine } from './testing/snapshots.js';

const MEMBERS = ['a', 'b', 'c'];

/** Starts on what a crash left: a log as the terms of its entries, and a machine as of (`applied`, restored). */
async function startOn(
  log: readonly number[],
  applied: number,
  restored: LogBase | null,
): Promise<TestStorage> {
  const { machine, snapshots } = snapshotMachine();
  machine.entries.push(...logOf(new Array<number>(applied).fill(1)));
  snapshots.restored = restored;
  const storage = new TestStorage(log);
  const hub = new Hub();
  const { node } = await startNode(hub, { id: 'b', members: MEMBERS, machine, storage });
  await node.stop();
  return storage;
}

test('a crash between the machine and the log: the next start lets the log begin anew', async () => {
  for (const log of [[1, 1, 2], new Array<number>(20).fill(2)]) {
    const storage = await startOn(log, 9, baseAt(9, 1));
    assert.equal(storage.base(), baseAt(9, 1));
    assert.is(storage.lastIndex(), 9);
  }
});

test('a crash before the machine, or after the log, leaves nothing to be done', async () => {
  const before = await startOn([1, 1, 2], 2, null);
  assert.equal([before.base().index, before.lastIndex()], [0, 3]);
  const later = await startOn([1, 1, 1, 1, 1], 4, baseAt(3, 1));
  assert.equal([later.base().index, later.lastIndex()], [0, 5]);
  const same = await startOn([1, 1, 1, 1, 1], 3, baseAt(3, 1));
  assert.equal([same.base().index, same.lastIndex()], [0, 5]);
});

test('a log that was lost is not taken for one that was about to begin anew', async () => {
  assert.is(await codeOf(startOn([], 9, baseAt(9, 1))), 'LOG_DAMAGED');
  assert.is(await codeOf(startOn([1, 1], 9, baseAt(8, 1))), 'LOG_DAMAGED');
});

test('a machine that is behind the base of its log is refused', async () => {
  const storage = new TestStorage([1, 1, 1, 1]);
  await storage.compact(baseAt(3, 1));
  for (const restored of [null, baseAt(0, 0), baseAt(1, 1)]) {
    const { machine, snapshots } = snapshotMachine();
    snapshots.restored = restored;
    machine.entries.push(...logOf(new Array<number>(restored?.index ?? 0).fill(1)));
    const options = { members: MEMBERS, id: 'b', machine, storage, transport: new Hub().transport('b') };
    const started = RaftNode.start({ ...options, onChange: () => undefined, onFatal: () => undefined });
    assert.is(await codeOf(started), 'LOG_DAMAGED');
  }
});

test.run();
