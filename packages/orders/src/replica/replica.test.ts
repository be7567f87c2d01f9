/** A replica as in its process: real links, real disks, a Raft group of one. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { LIST_ORDERS_MAX, WAITING_LISTS_MAX } from './order-lists.js';
import { buy } from '../rules/testing/batches.js';
import { CATALOG } from '../rules/testing/reference-catalog.js';
import { BookStore } from '../book/store.js';
import { withFolder } from '../testing/folders.js';
import { CATALOG_URL, TestReplica, until, type ReplicaClient } from '../testing/test-replica.js';

const PRICE = 1001;

/** Runs a replica and a catalog that is up. @param fails whether the test makes the replica fail */
async function withReplica(
  run: (replica: TestReplica, frontend: ReplicaClient) => Promise<void>,
  fails = false,
): Promise<void> {
  await withFolder(async (path) => {
    const replica = new TestReplica(path);
    replica.catalog.start();
    try {
      const frontend = await replica.start();
      await until(() => replica.catalog.isReady, 'the authority of the catalog');
      await run(replica, frontend);
      if (!fails) assert.equal(replica.fatals, []);
    } finally {
      await replica.close();
    }
  });
}

test('submit fills and numbers an order, and get, list and export return it', async () => {
  await withReplica(async (replica, frontend) => {
    assert.equal((await frontend.place(buy('a', 3))).slice(1), ['filled', 1, PRICE]);
    const sell: Command = { kind: 'sell', key: 'b', name: 'A', quantity: 2 };
    assert.equal((await frontend.place(sell)).slice(1), ['filled', 2, PRICE]);
    assert.equal((await frontend.place(buy('c', 1000))).slice(1), ['rejected', 'INSUFFICIENT_STOCK']);
    assert.equal((await frontend.place({ kind: 'list', key: 'd', name: 'N', price: 7 })).slice(1), ['done']);
    const [, result, order] = await frontend.get(2);
    assert.is(result, 'order');
    assert.equal(Array.isArray(order) && order.slice(0, 5), [2, 'A', 'sell', 2, PRICE]);
    assert.is((await frontend.get(3))[1], 'missing');
    assert.is((await frontend.get(3, false))[1], 'missing');
    assert.is(await replica.export(), 'number,name,type,quantity\n1,A,buy,3\n2,A,sell,2\n');
    assert.is(replica.catalog.rules.quantity('A'), 99);
    for (const step of ['sent', 'decided', 'revoked', 'answered'] as const) {
      await until(() => replica.steps.filter((seen) => seen === step).length >= 4, `four times ${step}`);
    }
  });
});

test('list returns where the next page starts, and may return a short page for a rare name', async () => {
  await withReplica(async (replica, frontend) => {
    await frontend.place({ kind: 'list', key: 'l', name: 'B', price: 7 });
    await frontend.place({ kind: 'restock', key: 'r', name: 'B', quantity: 7 });
    const orders = [1, 2, 3, 4, 5].map((n): Command => ({ ...buy(`k${n}`), name: n === 4 ? 'B' : 'A' }));
    for (const id of frontend.submit(...orders)) await frontend.submitted(id);
    const page = async (after: number, limit: number, name: string | null): Promise<unknown> => {
      const answer = await frontend.list(after, limit, name);
      return answer.t === 'page' ? [answer.orders.map(([number]) => number), answer.next] : answer;
    };
    assert.equal(await page(0, 2, null), [[1, 2], 2]);
    assert.equal(await page(2, 3, null), [[3, 4, 5], null]);
    assert.equal(await page(0, 9, 'B'), [[4], null]);
    assert.equal(await page(0, 1, 'B'), [[4], 4]);
    assert.equal(await page(99, 1, null), [[], null]);
    assert.is(replica.status['orders'], 5);
  });
});

test('list examines a limited number of orders and returns where to continue', async () => {
  await withReplica(async (_, frontend) => {
    const orders = LIST_ORDERS_MAX + 100;
    const sells = Array.from({ length: orders }, (_, i): Command => ({ ...buy(`k${i}`), kind: 'sell' }));
    const ids = frontend.submit(...sells);
    await frontend.submitted(ids.at(-1) ?? 0);
    const page = async (after: number, limit: number, name: string | null): Promise<unknown> => {
      const answer = await frontend.list(after, limit, name);
      return answer.t === 'page' ? [answer.orders.map(([number]) => number), answer.next] : answer;
    };
    assert.equal(await page(0, 1, 'NOPE'), [[], LIST_ORDERS_MAX]);
    assert.equal(await page(LIST_ORDERS_MAX, 1, 'NOPE'), [[], null]);
    assert.equal(await page(50, 2, 'A'), [[51, 52], 52]);
    assert.equal(await page(orders - 1, 5, 'A'), [[orders], null]);
    // More lists than the limit: those above it are refused at once, all others are answered.
    const lists = Array.from({ length: WAITING_LISTS_MAX + 10 }, async () => frontend.list(0, 1, 'NOPE'));
    const answers = await Promise.all(lists);
    const refused = answers.filter(({ t }) => t === 'pageRefused');
    assert.is(answers.filter(({ t }) => t === 'page').length, answers.length - refused.length);
    assert.ok(refused.length > 0 && refused.length <= 10, `${refused.length} lists were refused`);
  });
});

test('an invalid item is refused alone: the link stays open and the other items are handled', async () => {
  await withReplica(async (_, frontend) => {
    const poison = [900, 0, 'p', `${'x'.repeat(62)}\ud83d`, 1];
    frontend.sendAnything({ t: 'submit', items: [poison, [901, 0, 'k', 'A', 1]] });
    assert.equal((await frontend.submitted(901)).slice(1), ['filled', 1, PRICE]);
    assert.is((await frontend.submitted(900))[1], 'invalid');
    assert.is((await frontend.get(0))[1], 'invalid');
    assert.is((await frontend.list(0, 5000, null)).t, 'pageInvalid');
    assert.equal(frontend.closes, []);
    assert.equal((await frontend.place(buy('after'))).slice(1), ['filled', 2, PRICE]);
  });
});

test('one key submitted fifty times over two links makes one order; with another body it is refused', async () => {
  await withReplica(async (replica, first) => {
    const second = await replica.connectReadyFrontend();
    const asked = [first, second].map(
      (frontend) => [frontend, frontend.submit(...new Array<Command>(25).fill(buy('same')))] as const,
    );
    for (const [frontend, ids] of asked) {
      for (const id of ids) assert.equal((await frontend.submitted(id)).slice(1), ['filled', 1, PRICE]);
    }
    assert.equal((await second.place(buy('same', 2))).slice(1), ['keyReused']);
    assert.is(replica.catalog.rules.quantity('A'), 99);
    await until(() => replica.status['pending'] === 0, 'everything to be stored and visible');
    assert.equal(
      (await first.place(buy('same'))).slice(1),
      ['filled', 1, PRICE],
      'also from the stored book',
    );
  });
});

test('while a catalog with authority does not revoke, orders wait and an unknown order number is missing', async () => {
  await withReplica(async (replica, frontend) => {
    await frontend.place(buy('before'));
    replica.catalog.holdRevocations();
    const [id = 0] = frontend.submit(buy('during'));
    await until(() => replica.status['orders'] === 2, 'the order in the book');
    assert.is((await frontend.get(2))[1], 'missing', 'the order is not visible');
    assert.is((await frontend.get(2, false))[1], 'missing');
    assert.is((await frontend.get(1))[1], 'order');
    assert.is(await replica.export(), 'number,name,type,quantity\n1,A,buy,1\n');
    const page = await frontend.list(0, 9, null);
    assert.equal(page.t === 'page' && page.orders.map(([number]) => number), [1]);
    replica.catalog.releaseRevocations();
    assert.equal((await frontend.submitted(id)).slice(1), ['filled', 2, PRICE]);
    assert.is((await frontend.get(2))[1], 'order', 'never missing once it was acknowledged');
  });
});

test('POST /snapshot compacts the log, and orders continue', async () => {
  await withReplica(async (replica, frontend) => {
    for (const key of ['a', 'b', 'c']) await frontend.place(buy(key));
    // The entry that announces the last visible order is then in the book, and an idle leader logs nothing more.
    await until(() => replica.status['visibleOrders'] === 3, 'the visible orders in the book');
    const { code, answer } = await replica.ask('/snapshot', { keep: 1 });
    assert.is(code, 200, JSON.stringify(answer));
    const { index, lastIndex } = answer as { readonly index: number; readonly lastIndex: number };
    assert.is(index, lastIndex - 1);
    assert.is(replica.status['firstIndex'], index + 1);
    assert.is(
      (await replica.ask('/snapshot', {})).code,
      200,
      'the default keeps the whole log: nothing to compact',
    );
    assert.is((await replica.ask('/snapshot', { keep: 'all' })).code, 400);
    assert.is((await frontend.get(2))[1], 'order');
    assert.equal((await frontend.place(buy('d'))).slice(1), ['filled', 4, PRICE]);
  });
});

interface GroupAnswer {
  readonly index: number;
  readonly members: readonly { readonly id: string; readonly role: string; readonly url: string | null }[];
}

test('GET and POST /members show and change the group, and front-ends are notified', async () => {
  await withReplica(async (replica, frontend) => {
    const shown = async (): Promise<readonly string[]> => {
      const { members } = (await replica.ask('/members')).answer as GroupAnswer;
      return members.map(({ id, role, url }) => `${id} ${role} ${String(url)}`);
    };
    assert.equal(await shown(), ['1 voter http://127.0.0.1:2']);
    const urls = { peerUrl: 'http://127.0.0.1:3', url: 'http://127.0.0.1:4' };
    const added = await replica.ask('/members', {
      change: [{ type: 'addLearner', id: '2.5f0c9a31', ...urls }],
    });
    assert.is(added.code, 200, JSON.stringify(added));
    assert.equal(await shown(), ['1 voter http://127.0.0.1:2', '2.5f0c9a31 learner http://127.0.0.1:4']);
    await until(
      () => frontend.frames.some((frame) => frame.t === 'members' && frame.items.length === 2),
      'the members frame',
    );
    const lists = frontend.frames.filter((frame) => frame.t === 'members');
    assert.equal(lists[0], { t: 'members', index: 0, items: [['1', 'http://127.0.0.1:2']] });
    assert.ok((lists.at(-1)?.index ?? 0) > 0);

    const statusOf = async (path: string, body: object): Promise<string> =>
      ((await replica.ask(path, body)).answer as { error: { status: string } }).error.status;
    assert.is(await statusOf('/members', { change: [{ type: 'addVoter', id: '3' }] }), 'NOT_CAUGHT_UP');
    assert.is(
      await statusOf('/members', { change: [{ type: 'addLearner', id: '2.5f0c9a31' }] }),
      'BAD_MEMBERSHIP',
    );
    assert.is(await statusOf('/members', { change: [{ type: 'remove', id: '1' }] }), 'BAD_MEMBERSHIP');
    assert.is(await statusOf('/members', {}), 'INVALID_REQUEST');
    assert.is(await statusOf('/transfer', { to: '9' }), 'INVALID_REQUEST');
    assert.is(await statusOf('/transfer', {}), 'UNAVAILABLE', 'there is no other member');
    assert.is((await replica.ask('/members', { change: [{ type: 'remove', id: '2.5f0c9a31' }] })).code, 200);
    assert.equal((await frontend.place(buy('after'))).slice(1), ['filled', 1, PRICE]);
  });
});

test('restart keeps unacknowledged orders, and their keys are answered once the catalog has caught up', async () => {
  await withReplica(async (replica, frontend) => {
    await frontend.place(buy('acknowledged'));
    await until(() => replica.status['pending'] === 0, 'the log to call it visible');
    replica.catalog.holdRevocations();
    frontend.submit(buy('pending', 5), buy('too many', 500));
    await until(() => replica.status['orders'] === 2, 'the batch in the book');
    await replica.stop();
    const again = await replica.start();
    assert.equal([replica.status['pending'], replica.status['visibleOrders']], [1, 1]);
    const ids = again.submit(buy('acknowledged'), buy('pending', 5), buy('too many', 500), buy('new'));
    assert.equal(
      (await again.submitted(ids[0] ?? 0)).slice(1),
      ['filled', 1, PRICE],
      'it is known to be visible',
    );
    assert.is((await again.get(2, false))[1], 'missing');
    // Frames arrive in order, so every earlier answer has arrived: the other keys wait.
    const answered = again.frames.flatMap((frame) => (frame.t === 'submitted' ? frame.items : []));
    assert.is(answered.length, 1);
    replica.catalog.releaseRevocations();
    const results = await Promise.all(ids.map(async (id) => (await again.submitted(id)).slice(1)));
    assert.equal(results, [
      ['filled', 1, PRICE],
      ['filled', 2, PRICE],
      ['rejected', 'INSUFFICIENT_STOCK'],
      ['filled', 3, PRICE],
    ]);
    assert.is(replica.catalog.rules.quantity('A'), 93);
  });
});

test('a restarted catalog receives the stock table and follows again', async () => {
  await withReplica(async (replica, frontend) => {
    const { rules, frames } = replica.catalog;
    for (const key of ['a', 'b']) await frontend.place(buy(key, 10));
    await replica.catalog.stop();
    rules.restart();
    frames.length = 0;
    assert.equal(
      (await frontend.place(buy('c', 10))).slice(1),
      ['filled', 3, PRICE],
      'the order waits only until the authority is over',
    );
    replica.catalog.start();
    await until(() => replica.catalog.isReady, 'the authority of the catalog');
    assert.equal([frames.filter(({ t }) => t === 'snapshot').length, rules.quantity('A')], [1, 70]);
    await frontend.place(buy('d', 10));
    await until(() => rules.quantity('A') === 60, 'the catalog to apply the order');
    assert.equal([frames.filter(({ t }) => t === 'snapshot').length, replica.catalog.isReady], [1, true]);
  });
});

test('a catalog that reconnects receives the missing entries and no stock table', async () => {
  await withReplica(async (replica, frontend) => {
    const { rules, frames } = replica.catalog;
    await frontend.place(buy('a', 10));
    await replica.catalog.stop();
    frames.length = 0;
    assert.equal((await frontend.place(buy('b', 10))).slice(1), ['filled', 2, PRICE]);
    replica.catalog.start();
    await until(() => rules.quantity('A') === 80, 'the catalog to apply the order');
    assert.equal([frames.some(({ t }) => t === 'snapshot'), rules.quantity('A')], [false, 80]);
  });
});

test('stop answers a waiting submit with lost', async () => {
  await withReplica(async (replica, frontend) => {
    replica.catalog.holdRevocations();
    const [id = 0] = frontend.submit(buy('a'));
    await until(() => replica.status['orders'] === 1, 'the order in the book');
    await replica.stop();
    assert.equal((await frontend.submitted(id)).slice(1), ['lost']);
  });
});

test('closing a link drops its waiters; the order continues', async () => {
  await withReplica(async (replica, frontend) => {
    replica.catalog.holdRevocations();
    frontend.submit(buy('a'));
    await until(() => replica.status['orders'] === 1, 'the order in the book');
    await frontend.close();
    await until(() => replica.status['frontends'] === 0, 'the closed link');
    const other = await replica.connectReadyFrontend();
    const [id = 0] = other.submit(buy('a'));
    replica.catalog.releaseRevocations();
    assert.equal((await other.submitted(id)).slice(1), ['filled', 1, PRICE]);
  });
});

test('a malformed frame of a front-end closes its link only', async () => {
  await withReplica(async (replica, frontend) => {
    frontend.send({ t: 'get', items: [[-1, 1, true]] });
    await until(() => frontend.closes.length > 0, 'the closed link');
    assert.match(frontend.closes[0] ?? '', /./);
    const other = await replica.connectReadyFrontend();
    assert.equal((await other.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
  });
});

test('a catalog that reports a revocation of entries it was not sent loses its link and attaches again', async () => {
  await withReplica(async (replica, frontend) => {
    const { catalog } = replica;
    let falseReports = 0;
    catalog.reply = (frame, link) => {
      const answers = catalog.rules.handle(frame, performance.now(), link);
      if (falseReports > 0 || frame.t !== 'entry') return answers;
      falseReports += 1;
      return [{ t: 'revoked', index: frame.index + 99 }];
    };
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    await until(() => catalog.frames.filter(({ t }) => t === 'lead').length === 2, 'another lead frame');
    assert.is(falseReports, 1);
  });
});

test('a malformed frame of a catalog closes its link only', async () => {
  await withReplica(async (replica, frontend) => {
    const { catalog } = replica;
    let isBroken = true;
    catalog.reply = (frame, link) => {
      const answers = catalog.rules.handle(frame, performance.now(), link);
      if (!isBroken || frame.t !== 'entry') return answers;
      isBroken = false;
      return [{ t: 'revoked', index: -1 }];
    };
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    assert.is(isBroken, false);
  });
});

test('lookup and listStocks at the leader return visible stocks, with or without a catalog', async () => {
  await withReplica(async (replica, frontend) => {
    await frontend.place(buy('a', 10));
    const quantity = async (): Promise<unknown> => {
      const [, result, stock] = await frontend.lookUp('A');
      return result === 'stock' && Array.isArray(stock) ? stock[2] : result;
    };
    assert.is(await quantity(), 90);
    replica.catalog.holdRevocations();
    const [id = 0] = frontend.submit(buy('b', 10), { kind: 'list', key: 'l', name: 'N', price: 7 });
    await until(() => replica.status['stocks'] === 2, 'the batch in the book');
    assert.is(await quantity(), 90, 'the batch is not visible');
    assert.equal((await frontend.lookUp('N')).slice(1), ['missing']);
    const page = await frontend.listStocks('', 10);
    assert.equal(page.t === 'stockPage' && page.stocks.map(([name]) => name), ['A']);
    replica.catalog.releaseRevocations();
    await frontend.submitted(id);
    assert.is(await quantity(), 80);
    await replica.catalog.stop();
    await frontend.place(buy('c', 10));
    assert.is(await quantity(), 70, 'without any catalog');
    const pages = [await frontend.listStocks('', 1), await frontend.listStocks('A', 1)];
    assert.equal(
      pages.map((one) => one.t === 'stockPage' && [one.stocks.map(([name]) => name), one.next]),
      [
        [['A'], 'A'],
        [['N'], null],
      ],
    );
  });
});

test('get and list at a leader without orders answer at once', async () => {
  await withReplica(async (replica, frontend) => {
    assert.is((await frontend.get(1))[1], 'missing');
    assert.equal((await frontend.list(0, 5, null)).t, 'page');
    await frontend.place(buy('a'));
    await until(() => replica.status['pending'] === 0, 'the order in the book');
    await replica.stop();
    const again = await replica.start();
    assert.is((await again.get(2))[1], 'missing', 'after a restart');
    assert.equal((await again.list(0, 5, null)).t, 'page');
  });
});

test('front-ends are notified of the catalog set and the URL of each catalog', async () => {
  await withReplica(async (replica, frontend) => {
    const lastCatalogs = (): unknown => frontend.frames.findLast(({ t }) => t === 'catalogs');
    await until(
      () => isDeepStrictEqual(lastCatalogs(), { t: 'catalogs', items: [[CATALOG, CATALOG_URL]] }),
      'the URL of the catalog',
    );
    assert.is((await replica.ask('/catalogs', { add: 'catalog-2' })).code, 200);
    const both = [
      [CATALOG, CATALOG_URL],
      ['catalog-2', null],
    ];
    await until(
      () => isDeepStrictEqual(lastCatalogs(), { t: 'catalogs', items: both }),
      'the second catalog',
    );
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    assert.is((await replica.ask('/catalogs', { remove: CATALOG })).code, 200);
    await until(
      () => isDeepStrictEqual(lastCatalogs(), { t: 'catalogs', items: [['catalog-2', null]] }),
      'the set without the first catalog',
    );
    assert.is(replica.catalog.isReady, false, 'a removed catalog has no authority');
    assert.equal((await frontend.place(buy('b'))).slice(1), ['filled', 2, PRICE]);
    const { answer } = await replica.ask('/catalogs');
    assert.equal((answer as { catalogs: unknown }).catalogs, [
      { id: 'catalog-2', url: null, linked: false, hasAuthority: false },
    ]);
  });
});

test('export returns the whole book, and a book of thousands of orders still knows every key', async () => {
  await withReplica(async (replica, frontend) => {
    const commands = Array.from({ length: 3000 }, (_, i): Command => ({
      kind: 'sell',
      key: `k${i}`,
      name: 'A',
      quantity: 1,
    }));
    for (const id of frontend.submit(...commands)) await frontend.submitted(id);
    await until(() => replica.status['orders'] === 3000, 'the orders in the book');
    const lines = (await replica.export()).split('\n');
    assert.is(lines.length, 3002);
    assert.is(lines.at(-2), '3000,A,sell,1');
    const ids = frontend.submit(...commands);
    for (const [i, id] of ids.entries())
      assert.equal((await frontend.submitted(id)).slice(1), ['filled', i + 1, PRICE]);
  });
});

test('GET /metrics and /readyz show the log, the book and the open work', async () => {
  await withReplica(async (replica, frontend) => {
    await frontend.place({ kind: 'sell', key: 'k1', name: 'A', quantity: 1 });
    await until(() => replica.status['orders'] === 1, 'the order in the book');
    const text = await replica.get('/metrics');
    for (const line of [
      'has_leader 1',
      'is_leader 1',
      'leader_changes_seen_total 1',
      'orders_filled_total 1',
      'catalogs_configured 1',
      'catalogs_linked 1',
      'catalogs_with_authority 1',
      'frontends_linked 1',
      'proposals_failed_total 0',
    ]) {
      assert.match(text, `\ntrireme_${line}\n`);
    }
    assert.match(text, /trireme_log_sync_duration_seconds_count [1-9]/);
    assert.match(text, /trireme_proposals_committed_total [1-9]/);
    const ready = JSON.parse(await replica.get('/readyz?verbose')) as {
      checks: { name: string; ok: boolean }[];
    };
    assert.equal(
      ready.checks.map(({ name, ok }) => [name, ok]),
      [
        ['running', true],
        ['book', true],
        ['leader', true],
      ],
    );
  });
});

test('a failed start releases the data folder', async () => {
  await withFolder(async (path) => {
    const { store } = await BookStore.open({ path: join(path, 'book'), cluster: 'test', id: '2' });
    await store.close();
    const replica = new TestReplica(path);
    replica.catalog.start();
    try {
      await replica.start();
      assert.unreachable('start with a book of another replica');
    } catch (error) {
      assert.instance(error, RaftError);
    }
    const log = await LevelLog.open({ path: join(path, 'log'), cluster: 'test', id: '1' });
    await log.close();
    await replica.close();
  });
});

test.run();
