/** A replica whose disk fails: it confirms nothing any more and reports a fatal error. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError, RaftNode, type LogStorage } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { encodeBatch } from '@trireme/domain';
import type { BookStateMachine } from './machine.js';
import { openBook } from './open.js';
import { buy, seedEntry } from '../rules/testing/batches.js';
import { withFolder } from '../testing/folders.js';
import { SILENT } from '../testing/silent-transport.js';

interface Notified {
  readonly decided: number[];
  readonly applied: number[];
}

/** Runs a replica that is its whole group. The test breaks its storage. */
async function withReplica(
  use: (o: {
    node: RaftNode;
    log: LogStorage;
    machine: BookStateMachine;
    notified: Notified;
    fatal: Promise<unknown>;
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (data) => {
    const notified: Notified = { decided: [], applied: [] };
    const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '1' });
    const createMachine = await openBook({ data, cluster: 'test', id: '1' });
    const machine = createMachine({
      onApplied: (_, decided) => void notified.decided.push(...decided.map(({ index }) => index)),
      onStored: (applied) => void notified.applied.push(applied),
      onError: (error) => fail(error),
    });
    let fail: (error: unknown) => void = () => undefined;
    const fatal = new Promise((resolve) => (fail = resolve));
    let lead: () => void = () => undefined;
    const leading = new Promise<void>((resolve) => (lead = resolve));
    const node = await RaftNode.start({
      id: '1',
      members: ['1'],
      storage: log,
      transport: SILENT,
      stateMachine: machine,
      onFatal: fail,
      onChange: (status) => {
        if (status.leading) lead();
      },
    });
    try {
      await leading;
      await node.submit(seedEntry(1).bytes);
      await machine.flush();
      await use({ node, log, machine, notified, fatal });
    } finally {
      await node.stop();
      await machine.close();
    }
  });
}

const order = (key: string): Uint8Array =>
  encodeBatch({ age: 1, time: 1, visibleOrders: 0, commands: [buy(key)], seed: null });

test('propose with a log that cannot be written: the order is neither committed nor applied, and the error is fatal', async () => {
  await withReplica(async ({ node, log, notified, fatal }) => {
    const before = [...notified.applied];
    log.persist = async () => Promise.reject(new RaftError('STORAGE_FULL', 'no room'));
    const { index } = node.propose(order('a'));
    const error = await fatal;
    assert.is(error instanceof RaftError && error.code, 'STORAGE_FULL');
    assert.ok(node.log.commit < index);
    assert.equal([notified.decided, notified.applied], [[], before]);
    assert.throws(
      () => node.propose(order('b')),
      (thrown: unknown) => thrown instanceof RaftError && thrown.code === 'STOPPED',
    );
  });
});

test('status after the log has failed is still available', async () => {
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

test('apply with a book that cannot be written: none of it can be read, and the error is fatal', async () => {
  await withReplica(async ({ node, machine, notified, fatal }) => {
    const before = machine.stored;
    machine.store.write = async () => Promise.reject(new RaftError('STORAGE_FAILED', 'no disk'));
    node.propose(order('a'));
    const error = await fatal;
    assert.is(error instanceof RaftError && error.code, 'STORAGE_FAILED');
    assert.is(machine.stored, before);
    assert.ok(!notified.applied.some((applied) => applied > before.applied));
    assert.is(machine.store.positionOf('a'), null);
  });
});

test.run();
