/** A replica as a process runs it, but for the process: real links, real disks, a Raft group of one. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from '@trireme/domain';
import { LevelLog, RaftError } from '@trireme/raft';
import { LIST_ORDERS_MAX, WAITING_LISTS_MAX } from './order-lists.js';
import { buy } from './rules/testing/batches.js';
import { CATALOG } from './rules/testing/reference-catalog.js';
import { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';
import { CATALOG_URL, Rig, until, type FakeFrontend } from './testing/rig.js';

const PRICE = 1001;

/** With a catalog that is up, unless a test takes it down. A replica that failed is one of the test's own. */
async function withReplica(
  run: (rig: Rig, frontend: FakeFrontend) => Promise<void>,
  fails = false,
): Promise<void> {
  await withFolder(async (path) => {
    const rig = new Rig(path);
    rig.catalog.up();
    try {
      const frontend = await rig.start();
      await until(() => rig.catalog.isReady, 'the authority of the catalog');
      await run(rig, frontend);
      if (!fails) assert.equal(rig.fatals, []);
    } finally {
      await rig.close();
    }
  });
}

test('an order is filled, numbered, in the book, on its page and in the export', async () => {
  await withReplica(async (rig, frontend) => {
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
    assert.is(await rig.export(), 'number,name,type,quantity\n1,A,buy,3\n2,A,sell,2\n');
    assert.is(rig.catalog.rules.quantity('A'), 99);
    for (const step of ['sent', 'decided', 'revoked', 'answered'] as const) {
      await until(() => rig.steps.filter((seen) => seen === step).length >= 4, `four times ${step}`);
    }
  });
});

test('a page names where the next one begins, and a rare name may make it short', async () => {
  await withReplica(async (rig, frontend) => {
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
    assert.is(rig.status['orders'], 5);
  });
});

test('a list examines a bounded number of orders, and says where to go on', async () => {
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
    // More than may wait: what is too much is refused at once, and the rest is answered.
    const lists = Array.from({ length: WAITING_LISTS_MAX + 10 }, async () => frontend.list(0, 1, 'NOPE'));
    const answers = await Promise.all(lists);
    const refused = answers.filter(({ t }) => t === 'pageRefused');
    assert.is(answers.filter(({ t }) => t === 'page').length, answers.length - refused.length);
    assert.ok(refused.length > 0 && refused.length <= 10, `${refused.length} are refused`);
  });
});

test('what is not valid is refused by itself: the link stays, and what came with it is filled', async () => {
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

test('one key fifty times at once, over two links, is one order; with another body it is refused', async () => {
  await withReplica(async (rig, first) => {
    const second = await rig.frontend();
    const asked = [first, second].map(
      (frontend) => [frontend, frontend.submit(...new Array<Command>(25).fill(buy('same')))] as const,
    );
    for (const [frontend, ids] of asked) {
      for (const id of ids) assert.equal((await frontend.submitted(id)).slice(1), ['filled', 1, PRICE]);
    }
    assert.equal((await second.place(buy('same', 2))).slice(1), ['keyReused']);
    assert.is(rig.catalog.rules.quantity('A'), 99);
    await until(() => rig.status['pending'] === 0, 'that all is stored and told');
    assert.equal((await first.place(buy('same'))).slice(1), ['filled', 1, PRICE], 'also from the book');
  });
});

test('while a catalog with authority revokes nothing orders wait, and a number that was never given is still missing', async () => {
  await withReplica(async (rig, frontend) => {
    await frontend.place(buy('before'));
    rig.catalog.mute();
    const [id = 0] = frontend.submit(buy('during'));
    await until(() => rig.status['orders'] === 2, 'the order in the book');
    assert.is((await frontend.get(2))[1], 'missing', 'it is visible to nobody');
    assert.is((await frontend.get(2, false))[1], 'missing');
    assert.is((await frontend.get(1))[1], 'order');
    assert.is(await rig.export(), 'number,name,type,quantity\n1,A,buy,1\n');
    const page = await frontend.list(0, 9, null);
    assert.equal(page.t === 'page' && page.orders.map(([number]) => number), [1]);
    rig.catalog.speak();
    assert.equal((await frontend.submitted(id)).slice(1), ['filled', 2, PRICE]);
    assert.is((await frontend.get(2))[1], 'order', 'never missing once it was told');
  });
});

test('the log is dropped behind the book when an operator asks for it, and orders go on', async () => {
  await withReplica(async (rig, frontend) => {
    for (const key of ['a', 'b', 'c']) await frontend.place(buy(key));
    await until(() => rig.status['orders'] === 3, 'the orders in the book');
    const { code, answer } = await rig.ask('/snapshot', { keep: 1 });
    assert.is(code, 200, JSON.stringify(answer));
    const { index, lastIndex } = answer as { readonly index: number; readonly lastIndex: number };
    assert.is(index, lastIndex - 1);
    assert.is(rig.status['firstIndex'], index + 1);
    assert.is((await rig.ask('/snapshot', {})).code, 200, 'as much as ever stays: there is nothing to do');
    assert.is((await rig.ask('/snapshot', { keep: 'all' })).code, 400);
    assert.is((await frontend.get(2))[1], 'order');
    assert.equal((await frontend.place(buy('d'))).slice(1), ['filled', 4, PRICE]);
  });
});

interface GroupAnswer {
  readonly index: number;
  readonly members: readonly { readonly id: string; readonly role: string; readonly url: string | null }[];
}

test('the group is told and changed on the internal port, and front-ends hear of it', async () => {
  await withReplica(async (rig, frontend) => {
    const shown = async (): Promise<readonly string[]> => {
      const { members } = (await rig.ask('/members')).answer as GroupAnswer;
      return members.map(({ id, role, url }) => `${id} ${role} ${String(url)}`);
    };
    assert.equal(await shown(), ['1 voter http://127.0.0.1:2']);
    const urls = { peerUrl: 'http://127.0.0.1:3', url: 'http://127.0.0.1:4' };
    const added = await rig.ask('/members', { change: [{ type: 'addLearner', id: '2.5f0c9a31', ...urls }] });
    assert.is(added.code, 200, JSON.stringify(added));
    assert.equal(await shown(), ['1 voter http://127.0.0.1:2', '2.5f0c9a31 learner http://127.0.0.1:4']);
    await until(
      () => frontend.frames.some((frame) => frame.t === 'members' && frame.items.length === 2),
      'the news',
    );
    const lists = frontend.frames.filter((frame) => frame.t === 'members');
    assert.equal(lists[0], { t: 'members', index: 0, items: [['1', 'http://127.0.0.1:2']] });
    assert.ok((lists.at(-1)?.index ?? 0) > 0);

    const statusOf = async (path: string, body: object): Promise<string> =>
      ((await rig.ask(path, body)).answer as { error: { status: string } }).error.status;
    assert.is(await statusOf('/members', { change: [{ type: 'addVoter', id: '3' }] }), 'NOT_CAUGHT_UP');
    assert.is(
      await statusOf('/members', { change: [{ type: 'addLearner', id: '2.5f0c9a31' }] }),
      'BAD_MEMBERSHIP',
    );
    assert.is(await statusOf('/members', { change: [{ type: 'remove', id: '1' }] }), 'BAD_MEMBERSHIP');
    assert.is(await statusOf('/members', {}), 'INVALID_REQUEST');
    assert.is(await statusOf('/transfer', { to: '9' }), 'INVALID_REQUEST');
    assert.is(await statusOf('/transfer', {}), 'UNAVAILABLE', 'there is no one to transfer leadership to');
    assert.is((await rig.ask('/members', { change: [{ type: 'remove', id: '2.5f0c9a31' }] })).code, 200);
    assert.equal((await frontend.place(buy('after'))).slice(1), ['filled', 1, PRICE]);
  });
});

test('a restart finds what nobody was told of, and the same keys tell the outcomes once the catalog has caught up', async () => {
  await withReplica(async (rig, frontend) => {
    await frontend.place(buy('told'));
    await until(() => rig.status['pending'] === 0, 'the log to call it visible');
    rig.catalog.mute();
    frontend.submit(buy('pending', 5), buy('too many', 500));
    await until(() => rig.status['orders'] === 2, 'the batch in the book');
    await rig.stop();
    const again = await rig.start();
    assert.equal([rig.status['pending'], rig.status['visibleOrders']], [1, 1]);
    const ids = again.submit(buy('told'), buy('pending', 5), buy('too many', 500), buy('new'));
    assert.equal(
      (await again.submitted(ids[0] ?? 0)).slice(1),
      ['filled', 1, PRICE],
      'it is known to be visible',
    );
    assert.is((await again.get(2, false))[1], 'missing');
    // Everything that was answered by now has arrived: the others wait.
    const answered = again.frames.flatMap((frame) => (frame.t === 'submitted' ? frame.items : []));
    assert.is(answered.length, 1);
    rig.catalog.speak();
    const results = await Promise.all(ids.map(async (id) => (await again.submitted(id)).slice(1)));
    assert.equal(results, [
      ['filled', 1, PRICE],
      ['filled', 2, PRICE],
      ['rejected', 'INSUFFICIENT_STOCK'],
      ['filled', 3, PRICE],
    ]);
    assert.is(rig.catalog.rules.quantity('A'), 93);
  });
});

test('a catalog that restarts with nothing takes the stock table, and follows again', async () => {
  await withReplica(async (rig, frontend) => {
    const { rules, frames } = rig.catalog;
    for (const key of ['a', 'b']) await frontend.place(buy(key, 10));
    await rig.catalog.down();
    rules.restart();
    frames.length = 0;
    assert.equal(
      (await frontend.place(buy('c', 10))).slice(1),
      ['filled', 3, PRICE],
      'nobody waits for long',
    );
    rig.catalog.up();
    await until(() => rig.catalog.isReady, 'the authority of the catalog');
    assert.equal([frames.filter(({ t }) => t === 'snapshot').length, rules.quantity('A')], [1, 70]);
    await frontend.place(buy('d', 10));
    await until(() => rules.quantity('A') === 60, 'the news');
    assert.equal([frames.filter(({ t }) => t === 'snapshot').length, rig.catalog.isReady], [1, true]);
  });
});

test('a catalog that only lost its link gets what it lacks, and no stock table', async () => {
  await withReplica(async (rig, frontend) => {
    const { rules, frames } = rig.catalog;
    await frontend.place(buy('a', 10));
    await rig.catalog.down();
    frames.length = 0;
    assert.equal((await frontend.place(buy('b', 10))).slice(1), ['filled', 2, PRICE]);
    rig.catalog.up();
    await until(() => rules.quantity('A') === 80, 'the news');
    assert.equal([frames.some(({ t }) => t === 'snapshot'), rules.quantity('A')], [false, 80]);
  });
});

test('who waits when the replica stops is told that the order is lost from sight', async () => {
  await withReplica(async (rig, frontend) => {
    rig.catalog.mute();
    const [id = 0] = frontend.submit(buy('a'));
    await until(() => rig.status['orders'] === 1, 'the order in the book');
    await rig.stop();
    assert.equal((await frontend.submitted(id)).slice(1), ['lost']);
  });
});

test('nobody waits on a link that is closed', async () => {
  await withReplica(async (rig, frontend) => {
    rig.catalog.mute();
    frontend.submit(buy('a'));
    await until(() => rig.status['orders'] === 1, 'the order in the book');
    await frontend.close();
    await until(() => rig.status['frontends'] === 0, 'the closed link');
    const other = await rig.frontend();
    const [id = 0] = other.submit(buy('a'));
    rig.catalog.speak();
    assert.equal((await other.submitted(id)).slice(1), ['filled', 1, PRICE]);
  });
});

test('a frame that is not of the protocol costs its sender the link and nothing else', async () => {
  await withReplica(async (rig, frontend) => {
    frontend.send({ t: 'get', items: [[-1, 1, true]] });
    await until(() => frontend.closes.length > 0, 'the closed link');
    assert.match(frontend.closes[0] ?? '', /./);
    const other = await rig.frontend();
    assert.equal((await other.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
  });
});

test('a catalog that says to have revoked what it was not sent loses its link, and is led on again', async () => {
  await withReplica(async (rig, frontend) => {
    const { catalog } = rig;
    let lies = 0;
    catalog.reply = (frame, link) => {
      const answers = catalog.rules.handle(frame, performance.now(), link);
      if (lies > 0 || frame.t !== 'entry') return answers;
      lies += 1;
      return [{ t: 'revoked', index: frame.index + 99 }];
    };
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    await until(() => catalog.frames.filter(({ t }) => t === 'lead').length === 2, 'another begin');
    assert.is(lies, 1);
  });
});

test('a catalog frame that is not of the protocol costs the link and nothing else', async () => {
  await withReplica(async (rig, frontend) => {
    const { catalog } = rig;
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

test('the leader answers look-ups of stocks as they are visible, whether or not a catalog does', async () => {
  await withReplica(async (rig, frontend) => {
    await frontend.place(buy('a', 10));
    const quantity = async (): Promise<unknown> => {
      const [, result, stock] = await frontend.lookUp('A');
      return result === 'stock' && Array.isArray(stock) ? stock[2] : result;
    };
    assert.is(await quantity(), 90);
    rig.catalog.mute();
    const [id = 0] = frontend.submit(buy('b', 10), { kind: 'list', key: 'l', name: 'N', price: 7 });
    await until(() => rig.status['stocks'] === 2, 'the batch in the book');
    assert.is(await quantity(), 90, 'the batch is not visible');
    assert.equal((await frontend.lookUp('N')).slice(1), ['missing']);
    const page = await frontend.listStocks('', 10);
    assert.equal(page.t === 'stockPage' && page.stocks.map(([name]) => name), ['A']);
    rig.catalog.speak();
    await frontend.submitted(id);
    assert.is(await quantity(), 80);
    await rig.catalog.down();
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

test('a leader without any order says at once that there is none', async () => {
  await withReplica(async (rig, frontend) => {
    assert.is((await frontend.get(1))[1], 'missing');
    assert.equal((await frontend.list(0, 5, null)).t, 'page');
    await frontend.place(buy('a'));
    await until(() => rig.status['pending'] === 0, 'the order in the book');
    await rig.stop();
    const again = await rig.start();
    assert.is((await again.get(2))[1], 'missing', 'after a restart');
    assert.equal((await again.list(0, 5, null)).t, 'page');
  });
});

test('front-ends are told of the catalogs of the set, and where each is', async () => {
  await withReplica(async (rig, frontend) => {
    const told = (): unknown => frontend.frames.findLast(({ t }) => t === 'catalogs');
    await until(
      () => isDeepStrictEqual(told(), { t: 'catalogs', items: [[CATALOG, CATALOG_URL]] }),
      'its url',
    );
    assert.is((await rig.ask('/catalogs', { add: 'catalog-2' })).code, 200);
    const both = [
      [CATALOG, CATALOG_URL],
      ['catalog-2', null],
    ];
    await until(() => isDeepStrictEqual(told(), { t: 'catalogs', items: both }), 'the other one');
    assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
    assert.is((await rig.ask('/catalogs', { remove: CATALOG })).code, 200);
    await until(() => isDeepStrictEqual(told(), { t: 'catalogs', items: [['catalog-2', null]] }), 'its end');
    assert.is(rig.catalog.isReady, false, 'it holds no authority once it has left');
    assert.equal((await frontend.place(buy('b'))).slice(1), ['filled', 2, PRICE]);
    const { answer } = await rig.ask('/catalogs');
    assert.equal((answer as { catalogs: unknown }).catalogs, [
      { id: 'catalog-2', url: null, linked: false, hasAuthority: false },
    ]);
  });
});

test('the export is as long as the book, and a book of thousands still knows every key', async () => {
  await withReplica(async (rig, frontend) => {
    const commands = Array.from({ length: 3000 }, (_, i): Command => ({
      kind: 'sell',
      key: `k${i}`,
      name: 'A',
      quantity: 1,
    }));
    for (const id of frontend.submit(...commands)) await frontend.submitted(id);
    await until(() => rig.status['orders'] === 3000, 'the orders in the book');
    const lines = (await rig.export()).split('\n');
    assert.is(lines.length, 3002);
    assert.is(lines.at(-2), '3000,A,sell,1');
    const ids = frontend.submit(...commands);
    for (const [i, id] of ids.entries())
      assert.equal((await frontend.submitted(id)).slice(1), ['filled', i + 1, PRICE]);
  });
});

test('it tells of its log, its book and what is under way to whoever asks for metrics', async () => {
  await withReplica(async (rig, frontend) => {
    await frontend.place({ kind: 'sell', key: 'k1', name: 'A', quantity: 1 });
    await until(() => rig.status['orders'] === 1, 'the order in the book');
    const text = await rig.get('/metrics');
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
    const ready = JSON.parse(await rig.get('/readyz?verbose')) as { checks: { name: string; ok: boolean }[] };
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

test('a replica that cannot start leaves its folders to the next one', async () => {
  await withFolder(async (path) => {
    const { store } = await BookStore.open({ path: join(path, 'book'), cluster: 'test', id: '2' });
    await store.close();
    const rig = new Rig(path);
    rig.catalog.up();
    try {
      await rig.start();
      assert.unreachable('a foreign book');
    } catch (error) {
      assert.instance(error, RaftError);
    }
    const log = await LevelLog.open({ path: join(path, 'log'), cluster: 'test', id: '1' });
    await log.close();
    await rig.close();
  });
});

test.run();
