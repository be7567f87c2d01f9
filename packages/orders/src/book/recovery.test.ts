/**
 * A book that lags its log: after a crash, while a snapshot replaces it, and while it is the source of a
 * snapshot.
 */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RaftNode } from '@trireme/raft';
import { openBook } from './open.js';
import { buy, entry, seedEntry } from '../rules/testing/batches.js';
import {
  LATER_ENTRIES,
  baseAt,
  fillMachine,
  toLogEntries,
  openMachine,
  snapshotsOf,
} from '../testing/books.js';
import { ENTRIES } from '../testing/stores.js';
import { withFolder } from '../testing/folders.js';
import { startSingleNode } from '../testing/single-node.js';

async function trade(node: RaftNode, key: string): Promise<void> {
  await node.submit(entry(1, [buy(key)]).bytes);
}

test('entries that a crash kept out of the book are applied again from the log, with the same orders and hash', async () => {
  await withFolder(async (data) => {
    const first = await startSingleNode(data);
    await first.node.submit(seedEntry(1).bytes);
    await trade(first.node, 'stored');
    await first.machine.flush();
    const stored = { ...first.machine.stored };
    // From here on no write reaches the disk, and the book is never closed properly.
    first.machine.store.write = async () => new Promise<never>(() => undefined);
    for (const key of ['a', 'b']) await trade(first.node, key);
    for (const key of ['stored', 'a']) await first.node.submit(entry(1, [buy(key)]).bytes);
    const { hash, orders, keys } = first.machine.book.meta;
    assert.equal([orders, keys, first.machine.stored.applied], [3, 3, stored.applied]);
    await first.node.stop();
    await first.machine.store.close();

    /** Log indexes of the batches that the second run decides. */
    const decided: number[] = [];
    const second = await startSingleNode(data, {
      onApplied: (_, batches) => void decided.push(...batches.map(({ index }) => index)),
    });
    assert.equal(second.machine.book.meta.hash, hash);
    await second.machine.flush();
    assert.equal([second.machine.stored.hash, second.machine.stored.orders], [hash, 3]);
    assert.is(decided.length, 2, 'the batches that were not stored are decided again');
    await trade(second.node, 'c');
    await second.machine.flush();
    assert.equal(
      [2, 3, 4].map((number) => second.machine.store.records.order(number)?.number),
      [2, 3, 4],
    );
    await second.machine.store.check();
    await second.node.stop();
    await second.machine.close();
  });
});

test('install waits for the write in flight, reports it as stored, and writes nothing of the old book afterwards', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const calls: string[] = [];
    const createMachine = await openBook({ data: join(path, '2'), cluster: 'test', id: '2' });
    const target = createMachine({
      onApplied: () => undefined,
      onStored: (applied) => calls.push(`stored ${applied}`),
      onError: () => calls.push('failed'),
    });
    const view = snapshotsOf(source).createView();
    const staged = await snapshotsOf(target).receive(baseAt(5), view.chunks());
    const before = target.store;
    let letWrite: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letWrite = resolve));
    const write = before.write.bind(before);
    before.write = async (writes) => {
      await held;
      await write(writes);
    };
    await target.apply(toLogEntries(ENTRIES.slice(0, 2)));
    const installed = staged.install().then(() => calls.push('installed'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal([calls, target.store === before], [[], true], 'install waits for the write');
    letWrite();
    await installed;
    // No write is scheduled any more.
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(calls, ['stored 2', 'installed']);
    assert.equal([target.applied, target.stored.hash], [5, source.stored.hash]);
    await target.apply(toLogEntries(LATER_ENTRIES));
    await target.flush();
    await target.store.check();
    assert.is(target.applied, 8);
    await view.close();
    for (const machine of [source, target]) await machine.close();
  });
});

test('take shows the stored state, and sync stores everything applied before the log is compacted', async () => {
  await withFolder(async (path) => {
    const machine = await fillMachine(join(path, '1'));
    await machine.apply(toLogEntries(LATER_ENTRIES));
    const view = snapshotsOf(machine).createView();
    assert.equal([view.index, machine.book.meta.applied], [5, 8]);
    await view.close();
    assert.is(await snapshotsOf(machine).sync(), 8);
    assert.is(machine.applied, 8);
    await machine.close();
    const again = await openMachine(join(path, '1'));
    assert.is(again.applied, 8);
    await again.close();
  });
});

test.run();
