/** A book that is behind its log: after a crash, under a snapshot that takes its place, and in one that is given. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LevelLog, RaftNode } from '@trireme/raft';
import type { BookMachine } from './machine.js';
import type { BookStore } from './store.js';
import { openBook } from './open-book.js';
import { buy, entry, seeding } from './rules/testing/batches.js';
import { LATER, baseAt, fill, logged, open, supportOf } from './testing/books.js';
import { ENTRIES } from './testing/stores.js';
import { withFolder } from './testing/folders.js';
import { until } from './testing/rig.js';
import { SILENT } from './testing/silent-transport.js';

interface Life {
  readonly node: RaftNode;
  readonly machine: BookMachine<BookStore>;
  /** Log indexes of the batches that were decided. */
  readonly decided: number[];
}

/** A group of one that leads, on what its life before left. */
async function live(data: string): Promise<Life> {
  const decided: number[] = [];
  const failed = (error: unknown): never => {
    throw error;
  };
  const storage = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '1' });
  const machine = await openBook({
    ...{ data, cluster: 'test', id: '1' },
    events: {
      applied: (_, batches) => void decided.push(...batches.map(({ index }) => index)),
      stored: () => undefined,
      failed,
    },
  });
  const node = await RaftNode.start({
    ...{ id: '1', members: ['1'], storage, transport: SILENT, machine, onFatal: failed },
  });
  await until(() => node.status().leading, 'the lead');
  return { node, machine, decided };
}

async function trade(node: RaftNode, key: string): Promise<void> {
  await node.submit(entry(1, [buy(key)]).bytes);
}

test('what a crash keeps from the book is applied again from the log: the same orders, the same hash', async () => {
  await withFolder(async (data) => {
    const first = await live(data);
    await first.node.submit(seeding(1).bytes);
    await trade(first.node, 'stored');
    await first.machine.flush();
    const stored = { ...first.machine.stored };
    // From here on nothing of the book reaches its disk, and nobody closes it.
    first.machine.store.write = async () => new Promise<never>(() => undefined);
    for (const key of ['a', 'b']) await trade(first.node, key);
    for (const key of ['stored', 'a']) await first.node.submit(entry(1, [buy(key)]).bytes);
    const { hash, orders, keys } = first.machine.book.meta;
    assert.equal([orders, keys, first.machine.stored.applied], [3, 3, stored.applied]);
    await first.node.stop();
    await first.machine.store.close();

    const second = await live(data);
    assert.equal(second.machine.book.meta.hash, hash);
    await second.machine.flush();
    assert.equal([second.machine.stored.hash, second.machine.stored.orders], [hash, 3]);
    assert.is(second.decided.length, 2, 'told again, of what was not stored');
    await trade(second.node, 'c');
    await second.machine.flush();
    assert.equal(
      [2, 3, 4].map((number) => second.machine.store.order(number)?.number),
      [2, 3, 4],
    );
    await second.machine.store.check();
    await second.node.stop();
    await second.machine.close();
  });
});

test('a snapshot that takes the place of a book with something gathered: that is told first, and nothing of it follows', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const told: string[] = [];
    const target = await openBook({
      ...{ data: join(path, '2'), cluster: 'test', id: '2' },
      events: {
        applied: () => undefined,
        stored: (applied) => told.push(`stored ${applied}`),
        failed: () => told.push('failed'),
      },
    });
    const view = supportOf(source).take();
    const staged = await supportOf(target).receive(baseAt(5), view.chunks());
    const before = target.store;
    let letWrite: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letWrite = resolve));
    const write = before.write.bind(before);
    before.write = async (writes) => {
      await held;
      await write(writes);
    };
    await target.apply(logged(ENTRIES.slice(0, 2)));
    const installed = staged.install().then(() => told.push('installed'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal([told, target.store === before], [[], true], 'it waits for the write');
    letWrite();
    await installed;
    // And no write is due any more.
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(told, ['stored 2', 'installed']);
    assert.equal([target.applied, target.stored.hash], [5, source.stored.hash]);
    await target.apply(logged(LATER));
    await target.flush();
    await target.store.check();
    assert.is(target.applied, 8);
    await view.close();
    for (const machine of [source, target]) await machine.close();
  });
});

test('a view is as of what is stored, and what the log is compacted behind is made so first', async () => {
  await withFolder(async (path) => {
    const machine = await fill(join(path, '1'));
    await machine.apply(logged(LATER));
    const view = supportOf(machine).take();
    assert.equal([view.index, machine.book.meta.applied], [5, 8]);
    await view.close();
    assert.is(await supportOf(machine).sync(), 8);
    assert.is(machine.applied, 8);
    await machine.close();
    const again = await open(join(path, '1'));
    assert.is(again.applied, 8);
    await again.close();
  });
});

test.run();
