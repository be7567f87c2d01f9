import * as assert from 'uvu/assert';
import { test } from 'uvu';
import type { OrderWire } from '@trireme/domain';
import { LOST_ATTEMPTS_MAX } from '../backends/retry.js';
import { waitUntil } from '../testing/fakes.js';
import { openRaw } from '../testing/raw.js';
import {
  answerCommands,
  errorStatus,
  fillEveryOrder,
  postOrder,
  reply,
  withFrontend,
} from '../testing/fixture.js';

const ORDER: OrderWire = [10, 'AAPL', 'buy', 1, 5500, Date.UTC(2026, 0, 2)];

test('the response to a filled order has its number, its location and its key', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const response = await postOrder(url, { 'idempotency-key': 'key-1', 'x-request-id': 'abc' });
    assert.is(response.status, 200);
    assert.is(await response.text(), '{"data":{"transaction_number":1}}');
    assert.is(response.headers.get('location'), '/orders/1');
    assert.is(response.headers.get('idempotency-key'), 'key-1');
    assert.is(response.headers.get('x-request-id'), 'abc');
    assert.is(response.headers.get('x-served-by'), 'frontend-1');
    assert.is(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(replicas[0].framesOfType('submit')[0]?.items[0]?.slice(1), [0, 'key-1', 'AAPL', 1, 'abc']);
  }));

test('an order without a key gets one; a trailing slash and a query are ignored', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const response = await fetch(`${url}/orders/?x=1`, {
      method: 'POST',
      body: Buffer.from('{"name":"AAPL","quantity":2,"type":"sell"}'),
    });
    assert.is(response.status, 200);
    const key = response.headers.get('idempotency-key') ?? '';
    assert.match(key, /^[0-9a-f-]{36}$/);
    assert.equal(replicas[0].framesOfType('submit')[0]?.items[0]?.slice(1), [1, key, 'AAPL', 2]);
  }));

test('orders that arrive together are sent in few frames, and each gets its own number', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const body = '{"name":"AAPL","quantity":1,"type":"buy"}';
    const post = `POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const connections = Array.from({ length: 100 }, () =>
      openRaw(url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'),
    );
    await waitUntil(
      () => connections.every(({ received }) => received().includes('"ok"')),
      'all connections are accepted',
    );
    for (const { socket } of connections) socket.write(post);
    const numbers = (): string[] =>
      connections.flatMap(({ received }) => received().match(/"transaction_number":[0-9]+/g) ?? []);
    await waitUntil(() => numbers().length === 100, 'all orders are answered');
    for (const { socket } of connections) socket.destroy();
    assert.is(new Set(numbers()).size, 100);
    const frames = replicas[0].framesOfType('submit');
    assert.ok(frames.length <= 10, `${frames.length} frames for 100 orders`);
    assert.is(frames.flatMap(({ items }) => items).length, 100);
  }));

const RESULTS = [
  ['STOCK_NOT_FOUND', 404, ['rejected', 'STOCK_NOT_FOUND']],
  ['INSUFFICIENT_STOCK', 409, ['rejected', 'INSUFFICIENT_STOCK']],
  ['LIMIT_REACHED', 409, ['rejected', 'LIMIT_REACHED']],
  ['KEY_REUSED', 422, ['keyReused']],
  ['INTERNAL', 500, ['rejected', 'SOMETHING_NEW']],
  ['INTERNAL', 500, ['done']],
] as const;
for (const [status, code, result] of RESULTS) {
  test(`the result ${result.join(' ')} gives ${code} ${status} with the key`, async () =>
    withFrontend({}, async ({ url, replicas }) => {
      answerCommands(replicas[0], ([id]) => [id, ...result] as const);
      const response = await postOrder(url, { 'idempotency-key': 'k' });
      assert.is(response.status, code);
      assert.is(await errorStatus(response), status);
      assert.is(response.headers.get('idempotency-key'), 'k');
    }));
}

test('an order that the leader always refuses gives 503', async () =>
  withFrontend({ deadlineMs: 1000 }, async ({ url, replicas }) => {
    let attempts = 0;
    answerCommands(replicas[0], ([id]) => {
      attempts += 1;
      // Remove the leader: the outcome of an order that is in flight at the deadline would be unknown.
      if (attempts > 2) for (const replica of replicas) replica.announceLeader(null, 2);
      return [id, 'refused', 'busy'];
    });
    const response = await postOrder(url, { 'idempotency-key': 'k' });
    assert.is(response.status, 503);
    assert.is(await errorStatus(response), 'UNAVAILABLE');
    assert.is(response.headers.get('retry-after'), '1');
    assert.is(response.headers.get('idempotency-key'), 'k');
    assert.ok(replicas[0].framesOfType('submit').length > 2, 'the order was retried');
  }));

test('an order without a leader is not sent and gives 503', async () =>
  withFrontend({ deadlineMs: 100, ready: false }, async ({ url, replicas }) => {
    assert.is(await errorStatus(await postOrder(url)), 'UNAVAILABLE');
    assert.is(replicas[0].framesOfType('submit').length + replicas[1].framesOfType('submit').length, 0);
  }));

test('an order that was sent and not answered gives 504 with the key', async () =>
  withFrontend({ deadlineMs: 100 }, async ({ url, replicas }) => {
    replicas[0].onFrame = () => undefined;
    const response = await postOrder(url, { 'idempotency-key': 'my key' });
    assert.is(response.status, 504);
    assert.is(response.headers.get('idempotency-key'), 'my key');
    const body = (await response.json()) as { error: { message: string; status: string } };
    assert.is(body.error.status, 'OUTCOME_UNKNOWN');
    assert.match(body.error.message, 'my key');
  }));

test('the outcome of a lost order stays unknown, even if a retry is refused', async () =>
  withFrontend({ deadlineMs: 150 }, async ({ url, replicas }) => {
    const state = { first: true };
    answerCommands(replicas[0], ([id]) => {
      if (!state.first) return [id, 'refused', 'notLeader'];
      state.first = false;
      return [id, 'lost'];
    });
    assert.is(await errorStatus(await postOrder(url)), 'OUTCOME_UNKNOWN');
    assert.ok(replicas[0].framesOfType('submit').length > 1);
  }));

test('a lost order is retried with its key until it is decided', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const state = { tries: 0 };
    answerCommands(replicas[0], ([id]) => {
      state.tries += 1;
      return state.tries < 3 ? [id, 'lost'] : [id, 'filled', 5, 5500];
    });
    const response = await postOrder(url, { 'idempotency-key': 'same' });
    assert.is(response.headers.get('location'), '/orders/5');
    const keys = replicas[0].framesOfType('submit').map(({ items }) => items[0]?.[2]);
    assert.equal(keys, ['same', 'same', 'same']);
  }));

test('an order that breaks the link each time gives 504 with the key, long before the deadline', async () =>
  withFrontend({ deadlineMs: 60_000 }, async ({ url, replicas }) => {
    replicas[0].onFrame = (frame, link) => {
      if (frame.t === 'submit') link.close('this order breaks links');
    };
    const response = await postOrder(url, { 'idempotency-key': 'poison' });
    assert.is(response.status, 504);
    assert.is(await errorStatus(response), 'OUTCOME_UNKNOWN');
    assert.is(response.headers.get('idempotency-key'), 'poison');
    assert.is(replicas[0].framesOfType('submit').length, LOST_ATTEMPTS_MAX);
  }));

test('a read that breaks the link each time gives 503, long before the deadline', async () =>
  withFrontend({ deadlineMs: 60_000 }, async ({ url, replicas, catalog }) => {
    for (const replica of replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t === 'get' || frame.t === 'list') link.close('this request breaks links');
      };
    }
    catalog.onFrame = (frame, link) => {
      if (frame.t === 'lookup') link.close('this request breaks links');
    };
    for (const path of ['/orders/1', '/orders', '/stocks/AAPL']) {
      const response = await fetch(`${url}${path}`);
      assert.is(response.status, 503, path);
      assert.is(await errorStatus(response), 'UNAVAILABLE');
    }
    assert.is(
      replicas[0].framesOfType('list').length + replicas[1].framesOfType('list').length,
      LOST_ATTEMPTS_MAX,
    );
    assert.is(catalog.framesOfType('lookup').length, LOST_ATTEMPTS_MAX);
  }));

test('an order that the leader finds invalid had no effect and is not retried', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    answerCommands(replicas[0], ([id]) => [id, 'invalid', 'stock name is not valid']);
    const response = await postOrder(url, { 'idempotency-key': 'k' });
    assert.is(response.status, 400);
    const body = (await response.json()) as { error: { message: string; status: string } };
    assert.is(body.error.status, 'INVALID_REQUEST');
    assert.match(body.error.message, /had no effect: stock name is not valid$/);
    assert.is(replicas[0].framesOfType('submit').length, 1);
  }));

test('an invalid result after a lost attempt gives 504: the lost one may have had an effect', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const state = { tries: 0 };
    answerCommands(replicas[0], ([id]) => {
      state.tries += 1;
      return state.tries === 1 ? [id, 'lost'] : [id, 'invalid', 'stock name is not valid'];
    });
    const response = await postOrder(url);
    assert.is(response.status, 504);
    assert.is(await errorStatus(response), 'OUTCOME_UNKNOWN');
  }));

test('an invalid answer affects only its request and keeps the link open', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const state = { tries: 0 };
    const [leader] = replicas;
    const [link] = leader.links;
    leader.onFrame = (frame, from) => {
      if (frame.t !== 'submit') return;
      state.tries += 1;
      const items = frame.items.map(([id]) => [id, 'filled', state.tries === 1 ? 0 : 5, 5500]);
      from.send({ t: 'submitted', items });
    };
    assert.is((await postOrder(url)).headers.get('location'), '/orders/5');
    assert.is(state.tries, 2, 'the order was retried');
    assert.is(leader.links[0], link);
  }));

test('when the leader dies, the order is sent to the next one with its key', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const [old, next] = replicas;
    old.onFrame = () => undefined;
    const pending = postOrder(url, { 'idempotency-key': 'k' });
    await waitUntil(() => old.framesOfType('submit').length === 1, 'the old leader has the order');
    await old.stop();
    next.onFrame = fillEveryOrder();
    next.announceLeader('2', 2);
    assert.is((await pending).status, 200);
    assert.is(next.framesOfType('submit')[0]?.items[0]?.[2], 'k');
  }));

test('when the leader is paused, the order is sent to the next one as soon as it leads', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const [old, next] = replicas;
    old.onFrame = () => undefined;
    const pending = postOrder(url);
    await waitUntil(() => old.framesOfType('submit').length === 1, 'the old leader has the order');
    next.onFrame = fillEveryOrder();
    next.announceLeader('2', 2);
    assert.is((await pending).status, 200);
  }));

test('an order that waits for a leader is sent as soon as there is one', async () =>
  withFrontend({ ready: false }, async ({ url, replicas }) => {
    const pending = postOrder(url);
    replicas[1].onFrame = fillEveryOrder();
    replicas[1].announceLeader('2', 3);
    assert.is((await pending).status, 200);
  }));

test('an order with an invalid result is retried', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const state = { first: true };
    answerCommands(replicas[0], ([id]) => {
      if (!state.first) return [id, 'filled', 1, 5500];
      state.first = false;
      return [id, 'filled', 0, 5500];
    });
    assert.is((await postOrder(url)).status, 200);
  }));

test('reads of an order are spread over all replicas that have it', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    for (const replica of replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        reply(link, { t: 'got', items: frame.items.map(([id]) => [id, 'order', ORDER]) });
      };
    }
    for (const path of ['/orders/10', '/orders/10/', '/orders/%310']) {
      const response = await fetch(`${url}${path}`);
      assert.is(response.status, 200);
      assert.is(
        await response.text(),
        '{"data":{"number":10,"name":"AAPL","type":"buy","quantity":1,"price":55.00,"time":"2026-01-02T00:00:00.000Z"}}',
      );
      // A cache may keep it, and revalidates its tag.
      assert.is(response.headers.get('cache-control'), 'public, max-age=1, immutable');
      assert.is(response.headers.get('etag'), '"l1-o10"');
    }
    await fetch(`${url}/orders/10`);
    assert.ok(
      replicas.every((replica) => replica.framesOfType('get').length === 2),
      'the reads are spread',
    );
    assert.ok(
      replicas.every((replica) => replica.framesOfType('get').every(({ items }) => items[0]?.[2] === false)),
    );
  }));

test('the entity tag of an order matches only in its own life of the cluster', async () =>
  withFrontend({}, async ({ url, catalog, replicas }) => {
    for (const replica of replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        reply(link, { t: 'got', items: frame.items.map(([id]) => [id, 'order', ORDER]) });
      };
    }
    const ask = async (tag: string): Promise<readonly [number, string | null]> => {
      const response = await fetch(`${url}/orders/10`, { headers: { 'if-none-match': tag } });
      await response.arrayBuffer();
      assert.match(response.headers.get('cache-control') ?? '', 'max-age=1,');
      return [response.status, response.headers.get('etag')];
    };
    assert.equal(await ask('"l1-o10"'), [304, '"l1-o10"']);
    assert.equal(await ask('"l1-o11", W/"l1-o10"'), [304, '"l1-o10"']);
    assert.equal(await ask('"l1-o1"'), [200, '"l1-o10"']);
    await catalog.stop();
    await waitUntil(() => catalog.links.length === 0, 'the link is closed');
    const answers: (readonly [number, string | null])[] = [];
    while (answers.at(-1)?.[1] !== null) answers.push(await ask('"l1-o10"'));
    assert.equal(answers.at(-1), [200, null], 'without a life there is no entity tag');
    catalog.life = 'l2';
    await catalog.start();
    await waitUntil(() => catalog.links.length > 0, 'the new link');
    while (answers.at(-1)?.[1] === null) answers.push(await ask('"l1-o10"'));
    assert.equal(answers.at(-1), [200, '"l2-o10"']);
  }));

test('an order is reported as missing only after a confirmed read at the leader', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const state = { refusals: 2 };
    for (const replica of replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        const [id, , confirmed] = frame.items[0] ?? [0, 0, false];
        if (confirmed && state.refusals > 0) {
          state.refusals -= 1;
          reply(link, { t: 'got', items: [[id, 'refused', 'notLeader']] });
        } else reply(link, { t: 'got', items: [[id, 'missing']] });
      };
    }
    const response = await fetch(`${url}/orders/11`);
    assert.is(await errorStatus(response), 'ORDER_NOT_FOUND');
    const confirmed = replicas[0].framesOfType('get').filter(({ items }) => items[0]?.[2]);
    assert.is(confirmed.length, 3);
    assert.is(replicas[1].framesOfType('get').filter(({ items }) => items[0]?.[2]).length, 0);
  }));

test('an order that a follower does not have is read from the leader', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    for (const replica of replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        reply(link, {
          t: 'got',
          items: frame.items.map(([id, , confirmed]) => (confirmed ? [id, 'order', ORDER] : [id, 'missing'])),
        });
      };
    }
    assert.is((await fetch(`${url}/orders/10`)).status, 200);
  }));

test('a read that cannot be confirmed before the deadline gives 503, not 404', async () =>
  withFrontend({ deadlineMs: 200 }, async ({ url, replicas }) => {
    for (const replica of replicas) {
      replica.onFrame = (frame, link) => {
        if (frame.t !== 'get') return;
        reply(link, {
          t: 'got',
          items: frame.items.map(([id, , confirmed]) =>
            confirmed ? [id, 'refused', 'busy'] : [id, 'missing'],
          ),
        });
      };
    }
    assert.is(await errorStatus(await fetch(`${url}/orders/10`)), 'UNAVAILABLE');
  }));

test('a paused replica does not block a read', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const [paused, other] = replicas;
    paused.onFrame = () => undefined;
    other.onFrame = (frame, link) => {
      if (frame.t === 'get')
        reply(link, { t: 'got', items: frame.items.map(([id]) => [id, 'order', ORDER]) });
    };
    const responses = await Promise.all([1, 2, 3].map(async () => fetch(`${url}/orders/10`)));
    assert.ok(responses.every(({ status }) => status === 200));
  }));

test('invalid order numbers give 404 without asking a replica', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    for (const text of ['0', '-1', '01', '1.5', '1e3', 'x', '0x10', '9007199254740992', '%20']) {
      assert.is(await errorStatus(await fetch(`${url}/orders/${text}`)), 'ORDER_NOT_FOUND', text);
    }
    assert.is(replicas[0].framesOfType('get').length + replicas[1].framesOfType('get').length, 0);
  }));

test('a list returns one page of the leader, which may be short or empty before the end', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const state = { refused: false };
    replicas[0].onFrame = (frame, link) => {
      if (frame.t !== 'list') return;
      if (!state.refused) {
        state.refused = true;
        reply(link, { t: 'pageRefused', id: frame.id, why: 'notLeader' });
        return;
      }
      const number = frame.after + 1;
      const orders: OrderWire[] = number % 2 === 0 ? [] : [[number, 'AAPL', 'buy', 1, 5500, 0]];
      reply(link, { t: 'page', id: frame.id, orders, next: number < 3 ? number : null });
    };
    const read = async (after: number): Promise<unknown> => {
      const page = (await (await fetch(`${url}/orders?limit=2&name=AAPL&after=${after}`)).json()) as {
        data: { number: number }[];
        next: number | null;
      };
      return [page.data.map(({ number }) => number), page.next];
    };
    assert.equal(await read(0), [[1], 1]);
    assert.equal(await read(1), [[], 2]);
    assert.equal(await read(2), [[3], null]);
    assert.is(
      replicas[0].framesOfType('list').length,
      4,
      'one request for each page, and one that was refused',
    );
  }));

test('a list that cannot be read before the deadline gives 503', async () =>
  withFrontend({ deadlineMs: 100 }, async ({ url }) => {
    assert.is(await errorStatus(await fetch(`${url}/orders?limit=1`)), 'UNAVAILABLE');
  }));

test('a request id from the client is sent with the order, a generated one is not', async () =>
  withFrontend({}, async ({ url, replicas: [leader] }) => {
    await postOrder(url, { 'x-request-id': 'mine-7' });
    await postOrder(url);
    const items = leader.framesOfType('submit').flatMap((frame) => frame.items);
    assert.equal(
      items.map((item) => item.slice(5)),
      [['mine-7'], []],
    );
  }));

test.run();
