/** A replica that cannot start, or fails while it stops, closes everything that it has opened. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from '@trireme/service';
import { BookStore } from '../book/store.js';
import { ClusterLifeFile } from '../group/cluster-life-file.js';
import { buy } from '../rules/testing/batches.js';
import { withFolder } from '../testing/folders.js';
import { SILENT } from '../testing/single-node.js';
import { TestReplica, identity } from '../testing/test-replica.js';

const PRICE = 1001;

async function withReplica(run: (replica: TestReplica) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    const replica = new TestReplica(path);
    replica.catalog.start();
    try {
      await run(replica);
      assert.equal(replica.fatals, []);
    } finally {
      await replica.close();
    }
  });
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  );
}

/** Starts the replica again: LevelDB refuses to open a log or a book that is still open. */
async function startAgain(replica: TestReplica): Promise<void> {
  replica.options = {};
  const frontend = await replica.start();
  assert.is((await frontend.place(buy('again')))[1], 'filled');
}

/** Makes every book fail once it is closed. @returns a function that ends this */
function failBookCloses(error: Error): () => void {
  const close = Object.getOwnPropertyDescriptor(BookStore.prototype, 'close');
  BookStore.prototype.close = async function () {
    await (close?.value as BookStore['close']).call(this);
    throw error;
  };
  return () => {
    if (close !== undefined) Object.defineProperty(BookStore.prototype, 'close', close);
  };
}

/** Counts the waits for writes of life files. */
function countIdleWaits(): { readonly count: () => number; readonly end: () => void } {
  const idle = Object.getOwnPropertyDescriptor(ClusterLifeFile.prototype, 'idle');
  let count = 0;
  ClusterLifeFile.prototype.idle = async function () {
    count += 1;
    await (idle?.value as ClusterLifeFile['idle']).call(this);
  };
  const end = (): void => {
    if (idle !== undefined) Object.defineProperty(ClusterLifeFile.prototype, 'idle', idle);
  };
  return { count: () => count, end };
}

test('a replica that may not listen on its host stops its node and closes log, book and transport', async () => {
  await withReplica(async (replica) => {
    let stops = 0;
    replica.options = {
      host: '0.0.0.0',
      identity: { ...identity('replica-1'), secret: null },
      transport: { ...SILENT, stop: async () => void (stops += 1) },
    };
    assert.instance(await failure(replica.start()), UsageError);
    assert.is(stops, 1);
    await startAgain(replica);
  });
});

test('a replica that fails after it has opened its book closes log and book', async () => {
  await withReplica(async (replica) => {
    const frontend = await replica.start();
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    await replica.stop();
    const refused = new Error('refused by the test');
    const onSeeded = (): never => {
      throw refused;
    };
    replica.options = { onSeeded };
    assert.is(await failure(replica.start()), refused);
    await startAgain(replica);
  });
});

test('a book that fails to close hides no earlier error, and the other parts are closed', async () => {
  await withReplica(async (replica) => {
    const frontend = await replica.start();
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    const closeError = new Error('the book cannot be closed');
    const endFailures = failBookCloses(closeError);
    const idleWaits = countIdleWaits();
    try {
      assert.is(await failure(replica.stop()), closeError);
      assert.is(idleWaits.count(), 1, 'stop');
      const refused = new Error('refused by the test');
      const onSeeded = (): never => {
        throw refused;
      };
      replica.options = { onSeeded };
      assert.is(await failure(replica.start()), refused);
      assert.is(idleWaits.count(), 2, 'start');
    } finally {
      endFailures();
      idleWaits.end();
    }
    await startAgain(replica);
  });
});

test.run();
