import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FromReplica } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { BookMachine } from './machine.js';
import type { LeaderSession } from './leader-session.js';
import { OrderLists } from './order-lists.js';
import { ScanPacer } from './scan-pacer.js';
import { withFolder } from './testing/folders.js';
import { until } from './testing/rig.js';
import { ENTRIES, bookOf, fill, open } from './testing/stores.js';

interface ListsBench {
  /** Asks for all orders after `after`. */
  readonly list: (after: number) => void;
  /** The numbers on each page, and where it goes on; or why it was refused. */
  readonly pages: readonly unknown[];
  /** The replica leads no more. */
  readonly lose: () => void;
}

/** Lists of a replica that leads, where it knows of three visible orders of four; the log calls two visible. */
async function withLists(isComplete: boolean, use: (bench: ListsBench) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const opened = await open(path);
    const failed = (error: unknown): never => {
      throw error;
    };
    const machine = new BookMachine(bookOf(opened), opened.store, {
      applied: () => undefined,
      stored: () => undefined,
      failed,
    });
    let session: LeaderSession | null = {
      visibleOrders: 3,
      whenComplete: (_: number, done: (isComplete: boolean) => void) => done(isComplete),
    } as unknown as LeaderSession;
    const lists = new OrderLists({
      ...{ machine: () => machine, session: () => session },
      ...{ pacer: new ScanPacer(), fatal: failed },
    });
    const pages: unknown[] = [];
    const send = (frame: FromReplica): void => {
      if (frame.t === 'page') pages.push([frame.orders.map(([number]) => number), frame.next]);
      if (frame.t === 'pageRefused') pages.push(frame.why);
    };
    const link = { id: 1, peer: 'frontend', closed: false, send, close: () => undefined } as unknown as Link;
    await use({
      list: (after) => lists.list(link, { t: 'list', id: 1, after, limit: 10, name: null }),
      pages,
      lose: () => (session = null),
    });
    await machine.close();
  });
}

test('a page ends with the last order that is visible, though the book has more', async () => {
  await withLists(true, async ({ list, pages }) => {
    list(1);
    await until(() => pages.length === 1, 'the page');
    assert.equal(pages, [[[2, 3], null]]);
  });
});

test('lists that were confirmed do not end earlier where the lead is lost before their pages are read', async () => {
  await withLists(true, async ({ list, pages, lose }) => {
    for (const after of [0, 1, 2]) list(after);
    await until(() => pages.length > 0, 'the first page');
    lose();
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

test('a list that cannot be complete is refused, and not short', async () => {
  await withLists(false, async ({ list, pages }) => {
    list(0);
    await until(() => pages.length === 1, 'the refusal');
    assert.equal(pages, ['busy']);
  });
});

test.run();
