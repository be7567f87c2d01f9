/** Where a disk fails under a replica, nothing is told any more, and the process is to stop. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LevelLog, RaftError, RaftNode, type LogStorage } from '@trireme/raft';
import { encodeBatch } from '@trireme/domain';
import type { BookMachine } from './machine.js';
import { openBook } from './open-book.js';
import { buy, seeding } from './rules/testing/batches.js';
import { withFolder } from './testing/folders.js';
import { SILENT } from './testing/silent-transport.js';

interface Told {
  readonly decided: number[];
  readonly applied: number[];
}

/** A replica of its own, whose storage the test breaks. */
async function withReplica(
  use: (o: {
    node: RaftNode;
    log: LogStorage;
    machine: BookMachine;
    told: Told;
    fatal: Promise<unknown>;
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (data) => {
    const told: Told = { decided: [], applied: [] };
    const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '1' });
    const machine = await openBook({
      ...{ data, cluster: 'test', id: '1' },
      events: {
        applied: (_, decided) => void told.decided.push(...decided.map(({ index }) => index)),
        stored: (applied) => void told.applied.push(applied),
        failed: (error) => fail(error),
      },
    });
    let fail: (error: unknown) => void = () => undefined;
    const fatal = new Promise((resolve) => (fail = resolve));
    let lead: () => void = () => undefined;
    const leading = new Promise<void>((resolve) => (lead = resolve));
    const node = await RaftNode.start({
      ...{ id: '1', members: ['1'], storage: log, transport: SILENT, machine, onFatal: fail },
      onChange: (status) => {
        if (status.leading) lead();
      },
    });
    try {
      await leading;
      await node.submit(seeding(1).bytes);
      await machine.flush();
      await use({ node, log, machine, told, fatal });
    } finally {
      await node.stop();
      await machine.close();
    }
  });
}

const order = (key: string): Uint8Array =>
  encodeBatch({ age: 1, time: 1, visibleOrders: 0, commands: [buy(key)], seed: null });

test('a log that cannot be written: the order is neither committed nor applied, and the process is told to stop', async () => {
  await withReplica(async ({ node, log, told, fatal }) => {
    const before = [...told.applied];
    log.persist = async () => Promise.reject(new RaftError('STORAGE_FULL', 'no room'));
    const { index } = node.propose(order('a'));
    const error = await fatal;
    assert.is(error instanceof RaftError && error.code, 'STORAGE_FULL');
    assert.ok(node.log.commit < index);
    assert.equal([told.decided, told.applied], [[], before]);
    assert.throws(
      () => node.propose(order('b')),
      (thrown: unknown) => thrown instanceof RaftError && thrown.code === 'STOPPED',
    );
  });
});

test('a log that failed says nothing any more, and the replica still says how it stood: its last line needs the term', async () => {
  await withReplica(async ({ node, log, fatal }) => {
    const before = node.status();
    await log.close();
    node.propose(order('a'));
    await fatal;
    assert.throws(
      () => log.base(),
      (thrown: unknown) => thrown instanceof RaftError && thrown.code === 'STORAGE_FAILED',
    );
    assert.equal(node.status(), before);
  });
});

test('a book that cannot be written: nothing of the apply can be read, and the process is told to stop', async () => {
  await withReplica(async ({ node, machine, told, fatal }) => {
    const before = machine.stored;
    machine.store.write = async () => Promise.reject(new RaftError('STORAGE_FAILED', 'no disk'));
    node.propose(order('a'));
    const error = await fatal;
    assert.is(error instanceof RaftError && error.code, 'STORAGE_FAILED');
    assert.is(machine.stored, before);
    assert.ok(!told.applied.some((applied) => applied > before.applied));
    assert.is(machine.store.place('a'), null);
  });
});

test.run();
