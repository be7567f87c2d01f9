import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReplicaToFrontend } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { BookStateMachine } from '../book/machine.js';
import type { LeaderSession } from '../leader/session.js';
import { OrderLists } from './order-lists.js';
import { ScanPacer } from './scan-pacer.js';
import { withFolder } from '../testing/folders.js';
import { until } from '../testing/test-replica.js';
import { ENTRIES, bookOf, fillStore, openStore } from '../testing/stores.js';

interface ListsBench {
  /** Requests all orders after `after`. */
  readonly list: (after: number) => void;
  /** The order numbers and `next` of each page; or the reason of its refusal. */
  readonly pages: readonly unknown[];
  /** The replica loses leadership. */
  readonly loseLeadership: () => void;
}

/** The lists of a leader that knows of three visible orders out of four; the log calls two visible. */
async function withLists(isComplete: boolean, use: (bench: ListsBench) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    const opened = await openStore(path);
    const failed = (error: unknown): never => {
      throw error;
    };
    const machine = new BookStateMachine(bookOf(opened), opened.store, {
      onApplied: () => undefined,
      onStored: () => undefined,
      onError: failed,
    });
    let session: LeaderSession | null = {
      visibleOrders: 3,
      waitForAcknowledged: (_: number, done: (isComplete: boolean) => void) => done(isComplete),
    } as unknown as LeaderSession;
    const lists = new OrderLists({
      machine,
      session: () => session,
      pacer: new ScanPacer(),
      fatal: failed,
    });
    const pages: unknown[] = [];
    const send = (frame: ReplicaToFrontend): void => {
      if (frame.t === 'page') pages.push([frame.orders.map(([number]) => number), frame.next]);
      if (frame.t === 'pageRefused') pages.push(frame.why);
    };
    const link = { id: 1, peer: 'frontend', closed: false, send, close: () => undefined } as unknown as Link;
    await use({
      list: (after) => lists.list(link, { t: 'list', id: 1, after, limit: 10, name: null }),
      pages,
      loseLeadership: () => (session = null),
    });
    await machine.close();
  });
}

test('list ends its page with the last visible order, although the book has more', async () => {
  await withLists(true, async ({ list, pages }) => {
    list(1);
    await until(() => pages.length === 1, 'the page');
    assert.equal(pages, [[[2, 3], null]]);
  });
});

test('lists that were confirmed are complete, even if leadership is lost before their pages are read', async () => {
  await withLists(true, async ({ list, pages, loseLeadership }) => {
    for (const after of [0, 1, 2]) list(after);
    await until(() => pages.length > 0, 'the first page');
    loseLeadership();
    await until(() => pages.length === 3, 'the other pages');
    assert.equal(pages, [
      [[1, 2, 3], null],
      [[2, 3], null],
      [[3], null],
    ]);
    list(0);
    await until(() => pages.length === 4, 'the refusal');
    assert.is(pages[3], 'notLeader');
  });
});

test('list refuses with busy instead of a short page if the session cannot confirm the read', async () => {
  await withLists(false, async ({ list, pages }) => {
    list(0);
    await until(() => pages.length === 1, 'the refusal');
    assert.equal(pages, ['busy']);
  });
});

test.run();
