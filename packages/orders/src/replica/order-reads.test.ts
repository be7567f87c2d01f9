import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReplicaToFrontend, OrderReadItem, OrderReadResult, Order } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { BookStateMachine } from '../book/machine.js';
import type { LeaderSession } from '../leader/session.js';
import { OrderReads } from './order-reads.js';
import { numberKey } from '../book/codec.js';
import { Book } from '../rules/book/book.js';
import { ScanPacer } from './scan-pacer.js';
import type { BookStore } from '../book/store.js';
import { withFolder } from '../testing/folders.js';
import { ENTRIES, fillStore, openStore } from '../testing/stores.js';

function failing(error: unknown): never {
  throw error;
}

const EVENTS = { onApplied: () => undefined, onStored: () => undefined, onError: failing };

/** A link that records the frames sent on it. */
function recordingLink(sent: ReplicaToFrontend[]): Link {
  const link = {
    id: 1,
    peer: 'frontend',
    send: (frame: ReplicaToFrontend) => sent.push(frame),
    close: () => undefined,
  };
  return link as unknown as Link;
}

interface ReadsBench {
  readonly store: BookStore;
  readonly reads: OrderReads;
  readonly get: (...items: readonly OrderReadItem[]) => void;
  /** The results in each answer frame. */
  readonly answers: () => readonly (readonly OrderReadResult[])[];
}

interface Options {
  readonly session?: LeaderSession;
  /** Number of orders in the meta record; the store has four. */
  readonly orders?: number;
  /** How many of them the log calls visible. */
  readonly visibleOrders?: number;
}

/** The session of a leader that knows of this many visible orders. */
function leading(visibleOrders: number, unstored: Order | null = null): LeaderSession {
  return {
    visibleOrders,
    unstoredOrder: (number: number) => (number === unstored?.number ? unstored : null),
    waitForAcknowledged: (_: number, done: (isComplete: boolean) => void) => done(true),
  } as unknown as LeaderSession;
}

async function withReads(
  { session, orders = 4, visibleOrders = 2 }: Options,
  use: (bench: ReadsBench) => Promise<void> | void,
): Promise<void> {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    const { store, meta, stocks } = await openStore(path);
    assert.equal([meta.orders, meta.visibleOrders], [4, 2]);
    const book = new Book(store, { ...meta, orders, visibleOrders }, stocks);
    const machine = new BookStateMachine(book, store, EVENTS);
    const sent: ReplicaToFrontend[] = [];
    const reads = new OrderReads({
      machine,
      session: () => session ?? null,
      pacer: new ScanPacer(),
      fatal: failing,
    });
    await use({
      store,
      reads,
      get: (...items) => reads.get(recordingLink(sent), items),
      answers: () => sent.map((frame) => (frame.t === 'got' ? frame.items : [])),
    });
    await store.close();
  });
}

/** The kind of result for each id, in order of id. */
const kindsOf = (answers: readonly (readonly OrderReadResult[])[]): readonly unknown[] =>
  answers
    .flat()
    .map(([id, what]) => [id, what])
    .sort(([a], [b]) => Number(a) - Number(b));

test('get on a follower answers orders that the log calls visible; any other needs the leader', async () => {
  await withReads({}, ({ get, answers }) => {
    get([1, 2, true], [2, 3, true], [3, 3, false], [4, 0, false], [5, 5, true]);
    assert.equal(kindsOf(answers()), [
      [1, 'order'],
      [2, 'refused'],
      [3, 'missing'],
      [4, 'missing'],
      [5, 'refused'],
    ]);
  });
});

test('get on a leader answers all orders known to be visible, and no others that are stored', async () => {
  await withReads({ session: leading(3) }, ({ get, answers }) => {
    get([1, 3, true], [2, 4, true], [3, 4, false]);
    assert.equal(kindsOf(answers()), [
      [1, 'order'],
      [2, 'missing'],
      [3, 'missing'],
    ]);
  });
});

test('get answers a visible order that is not stored yet without a confirmed read', async () => {
  const unstored: Order = { number: 5, name: 'A', type: 'buy', quantity: 1, price: 500, time: 7 };
  await withReads({ session: leading(5, unstored) }, ({ get, answers }) => {
    get([1, 2, true], [2, 5, false], [3, 5, true], [4, 6, true]);
    const [first, second] = answers();
    assert.equal(first?.slice(1), [
      [2, 'order', [5, 'A', 'buy', 1, 500, 7]],
      [3, 'order', [5, 'A', 'buy', 1, 500, 7]],
    ]);
    assert.equal(second, [[4, 'missing']]);
  });
});

test('get reports an acknowledged order that cannot be read as damage, not as missing', async () => {
  await withReads({ orders: 5, visibleOrders: 5 }, async ({ store, get, answers }) => {
    await store.put([[numberKey('page', 1), Buffer.alloc(20)]]);
    // The meta record says five orders; their page is damaged.
    for (const number of [1, 5]) {
      assert.throws(
        () => get([1, number, true]),
        (error: unknown) => error instanceof RaftError && error.code === 'LOG_DAMAGED',
      );
    }
    assert.equal(answers(), []);
  });
});

test('csv ends with the last visible order', async () => {
  const numbers = async (reads: OrderReads): Promise<readonly string[]> => {
    let text = '';
    for await (const chunk of reads.csv()) text += chunk;
    return text.split('\n').map((row) => row.split(',')[0] ?? '');
  };
  await withReads({}, async ({ reads }) => assert.equal(await numbers(reads), ['number', '1', '2', '']));
  await withReads({ session: leading(3) }, async ({ reads }) =>
    assert.equal(await numbers(reads), ['number', '1', '2', '3', '']),
  );
});

test.run();
