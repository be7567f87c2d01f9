/** A replica whose disk fails: it confirms nothing any more and reports a fatal error. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError, type LogStorage, type RaftNode } from '@trireme/raft';
import { encodeBatch } from '@trireme/domain';
import type { BookStateMachine } from './machine.js';
import { buy, seedEntry } from '../rules/testing/batches.js';
import { withFolder } from '../testing/folders.js';
import { startSingleNode } from '../testing/single-node.js';

interface Notified {
  readonly decided: number[];
  readonly applied: number[];
}

/** Runs a replica that is its whole group. The test breaks its storage. */
async function withReplica(
  use: (running: {
    node: RaftNode;
    storage: LogStorage;
    machine: BookStateMachine;
    notified: Notified;
    fatal: Promise<unknown>;
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (data) => {
    const notified: Notified = { decided: [], applied: [] };
    let fail: (error: unknown) => void = () => undefined;
    const fatal = new Promise((resolve) => (fail = resolve));
    const { node, storage, machine } = await startSingleNode(data, {
      onApplied: (_, decided) => void notified.decided.push(...decided.map(({ index }) => index)),
      onStored: (applied) => void notified.applied.push(applied),
      onError: fail,
    });
    try {
      await node.submit(seedEntry(1).bytes);
      await machine.flush();
      await use({ node, storage, machine, notified, fatal });
    } finally {
      await node.stop();
      await machine.close();
    }
  });
}

const order = (key: string): Uint8Array =>
  encodeBatch({ age: 1, time: 1, visibleOrders: 0, commands: [buy(key)], seed: null });

test('propose with a log that cannot be written: the order is neither committed nor applied, and the error is fatal', async () => {
  await withReplica(async ({ node, storage, notified, fatal }) => {
    const before = [...notified.applied];
    storage.persist = async () => Promise.reject(new RaftError('STORAGE_FULL', 'no room'));
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
  await withReplica(async ({ node, storage, fatal }) => {
    const before = node.status();
    await storage.close();
    node.propose(order('a'));
    await fatal;
    assert.throws(
      () => storage.base(),
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
