import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { waitUntil } from '../testing/fakes.js';
import { openRaw, sendRaw } from '../testing/raw.js';
import { answerCommands, errorStatus, OPERATOR_TOKEN, untilReady, withFrontend } from '../testing/fixture.js';

const AUTHORIZED = { authorization: `Bearer ${OPERATOR_TOKEN}` };

async function cacheOf(url: string, name = 'AAPL'): Promise<string | null> {
  const response = await fetch(`${url}/stocks/${name}`);
  await response.arrayBuffer();
  return response.headers.get('x-cache');
}

test('a stock is served from the catalog, then from the cache, with the same bytes', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    for (const cache of ['miss', 'hit', 'hit']) {
      const response = await fetch(`${url}/stocks/AAPL/`);
      assert.is(response.status, 200);
      assert.is(await response.text(), '{"data":{"name":"AAPL","price":55.00,"quantity":100}}');
      assert.is(response.headers.get('x-cache'), cache);
      assert.is(response.headers.get('etag'), '"l1-v7"');
      assert.is(response.headers.get('content-type'), 'application/json');
    }
    assert.is(catalog.framesOfType('lookup').length, 1);
  }));

test('a simple look-up of a cached stock gets the same response as by Hono', async () =>
  withFrontend({}, async ({ url }) => {
    const answerOf = async (
      path: string,
      headers: Record<string, string> = {},
    ): Promise<readonly unknown[]> => {
      const response = await fetch(url + path, { headers });
      const rest = [...response.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
      assert.match(response.headers.get('x-request-id') ?? '', /^[0-9a-f]{12}-|^mine$/);
      return [response.status, rest.sort(), await response.text()];
    };
    await answerOf('/stocks/AAPL');
    const simple = await answerOf('/stocks/AAPL');
    assert.is(simple[0], 200);
    for (const path of ['/stocks/AAPL/', '/stocks/AAPL?x=1', '/stocks/%41APL']) {
      assert.equal(await answerOf(path), simple, path);
    }
    assert.equal(await answerOf('/stocks/AAPL', { 'x-request-id': 'mine' }), simple);
    const { cache } = (await (await fetch(`${url}/status`)).json()) as { cache: object };
    assert.equal(cache, { ...cache, hits: 5, misses: 1 });
  }));

test('a look-up with an invalid host is refused even if the stock is cached', async () =>
  withFrontend({}, async ({ url }) => {
    assert.is(await cacheOf(url), 'miss');
    assert.is(await cacheOf(url), 'hit');
    const refused = await sendRaw(
      url,
      'GET /stocks/AAPL HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n',
    );
    assert.match(refused, /^HTTP\/1.1 400 /);
    const head = await sendRaw(url, 'HEAD /stocks/AAPL HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(head, /^HTTP\/1.1 200 [^]*\r\n\r\n$/);
  }));

test('If-None-Match with the current version gives 304', async () =>
  withFrontend({}, async ({ url }) => {
    for (const tag of ['"l1-v7"', 'W/"l1-v7"', '"l1-v1", "l1-v7"', '*']) {
      const response = await fetch(`${url}/stocks/AAPL`, { headers: { 'if-none-match': tag } });
      assert.is(response.status, 304, tag);
      assert.is(response.headers.get('etag'), '"l1-v7"');
      assert.is(await response.text(), '');
    }
    assert.is((await fetch(`${url}/stocks/AAPL`, { headers: { 'if-none-match': '"l1-v6"' } })).status, 200);
  }));

test('an entity tag of one life of the cluster matches none of another', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    const headers = { 'if-none-match': '"l1-v7"' };
    const statusOf = async (): Promise<number> => (await fetch(`${url}/stocks/AAPL`, { headers })).status;
    assert.is(await statusOf(), 304);
    await catalog.stop();
    catalog.life = 'l2';
    await catalog.start();
    await waitUntil(() => catalog.links.length > 0, 'the new link');
    const response = await fetch(`${url}/stocks/AAPL`, { headers });
    assert.is(response.status, 200);
    assert.is(response.headers.get('etag'), '"l2-v7"');
    await response.arrayBuffer();
  }));

test('the cache evicts the least recently used stock', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    for (const name of ['A', 'B', 'C', 'D', 'E', 'F']) catalog.stocks.set(name, [name, 100, 1, 0]);
    for (const name of ['A', 'B', 'C', 'D', 'E']) assert.is(await cacheOf(url, name), 'miss');
    assert.is(await cacheOf(url, 'B'), 'hit');
    assert.is(await cacheOf(url, 'F'), 'miss');
    assert.is(await cacheOf(url, 'A'), 'miss');
    assert.is(await cacheOf(url, 'B'), 'hit');
  }));

test('without a cache every look-up asks the catalog', async () =>
  withFrontend({ cacheSize: 0 }, async ({ url, catalog }) => {
    assert.equal([await cacheOf(url), await cacheOf(url)], ['miss', 'miss']);
    assert.is(catalog.framesOfType('renew').length, 0);
    catalog.send({ t: 'revoke', seq: 1, names: ['AAPL'] });
    await waitUntil(() => catalog.framesOfType('dropped').length === 1, 'a revocation is answered anyway');
  }));

test('a revoked stock is dropped before the revocation is answered', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    await cacheOf(url);
    assert.is(await cacheOf(url), 'hit');
    catalog.stocks.set('AAPL', ['AAPL', 5500, 99, 8]);
    catalog.send({ t: 'revoke', seq: 1, names: ['AAPL'] });
    await waitUntil(() => catalog.framesOfType('dropped').length === 1, 'the revocation is answered');
    assert.equal(catalog.framesOfType('dropped'), [{ t: 'dropped', seq: 1 }]);
    const response = await fetch(`${url}/stocks/AAPL`);
    assert.is(response.headers.get('x-cache'), 'miss');
    assert.match(await response.text(), '"quantity":99');
  }));

test('a stock that is not cacheable is served and not cached', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    catalog.cacheable = false;
    assert.equal([await cacheOf(url), await cacheOf(url)], ['miss', 'miss']);
  }));

test('the lease is renewed regularly, and without it nothing is served from the cache', async () =>
  withFrontend({ deadlineMs: 2000 }, async ({ url, catalog }) => {
    catalog.leaseMs = 60;
    await waitUntil(() => catalog.framesOfType('renew').length >= 1, 'a lease is asked for');
    const answer = catalog.onFrame;
    await cacheOf(url);
    assert.is(await cacheOf(url), 'hit');
    // A new link discards the old lease and the cached stocks, and no new lease is granted for now.
    catalog.onFrame = (frame, link) => {
      if (frame.t !== 'renew') answer(frame, link);
    };
    const renewals = catalog.framesOfType('renew').length;
    for (const link of catalog.links) link.close('closed by the test');
    await waitUntil(() => catalog.framesOfType('renew').length > renewals, 'a renewal on the new link');
    assert.equal([await cacheOf(url), await cacheOf(url)], ['miss', 'miss']);
    catalog.onFrame = answer;
    await untilReady(url);
    await cacheOf(url);
    await waitUntil(
      () => catalog.framesOfType('renew').length > renewals + 5,
      'short leases are renewed in time',
    );
  }));

test('look-ups of one stock that arrive together are sent once', async () =>
  withFrontend({ cacheSize: 0 }, async ({ url, catalog }) => {
    const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
    const connections = [1, 2, 3].map(() => openRaw(url, get('/livez')));
    await waitUntil(
      () => connections.every(({ received }) => received().includes('"ok"')),
      'all connections are open',
    );
    // The server reads bytes that are written in one turn of the event loop in one turn.
    for (const { socket } of connections) socket.write(get('/stocks/AAPL', 'Connection: close\r\n'));
    for (const { closed } of connections) assert.match(await closed, '"name":"AAPL"');
    assert.is(catalog.framesOfType('lookup').flatMap(({ items }) => items).length, 1);
  }));

test('an unknown stock gives 404, which is not cached', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    const response = await fetch(`${url}/stocks/NONE`);
    assert.is(await errorStatus(response), 'STOCK_NOT_FOUND');
    assert.is(response.headers.get('x-cache'), 'miss');
    catalog.stocks.set('NONE', ['NONE', 100, 0, 9]);
    assert.is((await fetch(`${url}/stocks/NONE`)).status, 200);
    const requests = catalog.framesOfType('lookup').length;
    for (const name of ['constructor%20', '%F0%9F%9A%A2', '-x', '-'.repeat(64), '__proto__']) {
      assert.is(await errorStatus(await fetch(`${url}/stocks/${name}`)), 'STOCK_NOT_FOUND', name);
    }
    assert.is(await errorStatus(await fetch(`${url}/stocks/${'x'.repeat(65)}`)), 'INVALID_STOCK');
    for (const name of ['constructor', 'toString']) {
      assert.is(await errorStatus(await fetch(`${url}/stocks/${name}`)), 'STOCK_NOT_FOUND', name);
    }
    assert.is(catalog.framesOfType('lookup').length, requests + 2);
  }));

test('when neither catalog nor leader can answer, they are asked until the deadline, then 503', async () =>
  withFrontend({ deadlineMs: 300 }, async ({ url, catalog }) => {
    catalog.ready = false;
    assert.is(await errorStatus(await fetch(`${url}/stocks/AAPL`)), 'UNAVAILABLE');
    assert.is(await errorStatus(await fetch(`${url}/stocks`)), 'UNAVAILABLE');
    const pending = fetch(`${url}/stocks/AAPL`);
    await waitUntil(() => catalog.framesOfType('lookup').length > 0, 'the catalog was asked');
    catalog.ready = true;
    assert.is((await pending).status, 200);
    await catalog.stop();
    const response = await fetch(`${url}/stocks/AAPL`);
    assert.is(await errorStatus(response), 'UNAVAILABLE');
    assert.is(response.headers.get('retry-after'), '1');
    assert.is((await fetch(`${url}/readyz`)).status, 200, 'the leader can still be asked');
  }));

test('a catalog without a stock table sends no life, and its link stays open until it does', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    await catalog.stop();
    catalog.life = null;
    catalog.ready = false;
    await catalog.start();
    await waitUntil(() => catalog.links.length > 0, 'the new link');
    const [link] = catalog.links;
    const asked = catalog.framesOfType('lookup').length;
    const pending = fetch(`${url}/stocks/AAPL`);
    await waitUntil(
      () => catalog.framesOfType('lookup').length > asked + 1,
      'the catalog was asked repeatedly',
    );
    catalog.receiveStockTable('l9');
    const response = await pending;
    assert.is(response.headers.get('etag'), '"l9-v7"');
    await response.arrayBuffer();
    assert.is(catalog.links[0], link);
  }));

test('the link of a catalog that answers without a life, or changes it, is closed', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    await cacheOf(url);
    const [first] = catalog.links;
    catalog.receiveStockTable('l2');
    await waitUntil(() => catalog.links.length > 0 && catalog.links[0] !== first, 'a new link');
    const response = await fetch(`${url}/stocks/AAPL`);
    assert.is(response.headers.get('etag'), '"l2-v7"', 'no stock of the old instance is cached');
    await response.arrayBuffer();
    await catalog.stop();
    catalog.life = null;
    await catalog.start();
    await waitUntil(() => catalog.links.length > 0, 'the new link');
    const [second] = catalog.links;
    const pending = fetch(`${url}/stocks/AAPL`);
    await waitUntil(
      () => catalog.links.length === 0 || catalog.links[0] !== second,
      'its answer closed the link',
    );
    catalog.life = 'l3';
    for (const link of catalog.links) link.close('closed by the test');
    assert.is((await pending).headers.get('etag'), '"l3-v7"');
  }));

test('stocks are listed in pages', async () =>
  withFrontend({}, async ({ url, catalog }) => {
    catalog.stocks.set('B', ['B', 101, 0, 0]).set('C', ['C', 1, 1, 1]);
    const first = await fetch(`${url}/stocks?limit=2`);
    assert.is(
      await first.text(),
      '{"data":[{"name":"AAPL","price":55.00,"quantity":100},{"name":"B","price":1.01,"quantity":0}],"next":"B"}',
    );
    const last = await fetch(`${url}/stocks/?limit=2&after=B`);
    assert.is(await last.text(), '{"data":[{"name":"C","price":0.01,"quantity":1}],"next":null}');
  }));

for (const [path, parameter] of [
  ['/stocks?limit=0', 'limit'],
  ['/stocks?limit=1001', 'limit'],
  ['/stocks?limit=1&limit=2', 'limit'],
  ['/orders?limit=1.5', 'limit'],
  ['/orders?limit=', 'limit'],
  ['/orders?after=-1', 'after'],
  ['/orders?after=AAPL', 'after'],
  ['/orders?name=', 'name'],
  [`/stocks?after=${'x'.repeat(65)}`, 'after'],
] as const) {
  test(`refuses ${path.slice(0, 40)} and names its parameter`, async () =>
    withFrontend({ ready: false }, async ({ url }) => {
      const response = await fetch(`${url}${path}`);
      assert.is(response.status, 400);
      const body = (await response.json()) as { error: { message: string; status: string } };
      assert.is(body.error.status, 'INVALID_REQUEST');
      assert.ok(body.error.message.startsWith(`${parameter}: `), body.error.message);
    }));
}

test('an operator can list and restock a stock', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const put = await fetch(`${url}/stocks/AAPL`, {
      method: 'PUT',
      headers: { ...AUTHORIZED, 'idempotency-key': 'k1' },
      body: Buffer.from('{"price":55.0}'),
    });
    assert.is(put.status, 200);
    assert.is(await put.text(), '{"data":{"name":"AAPL","price":55.00,"quantity":100}}');
    assert.is(put.headers.get('idempotency-key'), 'k1');
    const restock = await fetch(`${url}/stocks/AAPL/restock/`, {
      method: 'POST',
      headers: AUTHORIZED,
      body: Buffer.from('{"quantity":5}'),
    });
    assert.is(restock.status, 200);
    const items = replicas[0].framesOfType('submit').flatMap((frame) => frame.items);
    assert.equal(items[0]?.slice(1), [2, 'k1', 'AAPL', 5500]);
    assert.equal(items[1]?.slice(1), [3, restock.headers.get('idempotency-key'), 'AAPL', 5]);
  }));

test('a conditional change is refused, names the header, and changes nothing', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    for (const [method, path, body] of [
      ['PUT', '/stocks/AAPL', '{"price":1}'],
      ['POST', '/stocks/AAPL/restock', '{"quantity":1}'],
    ] as const) {
      for (const header of ['If-Match', 'If-None-Match']) {
        const headers = { ...AUTHORIZED, [header]: '*' };
        const response = await fetch(`${url}${path}`, { method, headers, body: Buffer.from(body) });
        assert.is(response.status, 400);
        assert.match(await response.text(), new RegExp(`"message":"${header}: conditional`));
      }
    }
    assert.is(replicas[0].framesOfType('submit').length, 0);
  }));

test('percent-encoded unreserved characters in a path are decoded', async () =>
  withFrontend({}, async ({ url }) => {
    for (const path of ['/%73tocks/AAPL', '/st%6Fcks/%41%41PL', '/stocks/AAPL']) {
      assert.is((await fetch(`${url}${path}`)).status, 200, path);
    }
    for (const path of ['/stocks%2FAAPL', '/%2573tocks/AAPL']) {
      assert.is(await errorStatus(await fetch(`${url}${path}`)), 'ROUTE_NOT_FOUND', path);
    }
  }));

test('without the operator token nothing is changed', async () => {
  const attempts = async (url: string): Promise<void> => {
    for (const authorization of ['', 'Bearer wrong', `Basic ${OPERATOR_TOKEN}`, 'Bearer', 'Bearer  ']) {
      const response = await fetch(`${url}/stocks/AAPL`, {
        method: 'PUT',
        headers: { authorization },
        body: Buffer.from('{"price":1}'),
      });
      assert.is(await errorStatus(response), 'UNAUTHORIZED', authorization);
      assert.match(response.headers.get('www-authenticate') ?? '', 'Bearer');
    }
  };
  await withFrontend({}, async ({ url, replicas }) => {
    await attempts(url);
    assert.is(replicas[0].framesOfType('submit').length, 0);
  });
  await withFrontend({ operatorToken: null, ready: false }, async ({ url }) => {
    await attempts(url);
    const response = await fetch(`${url}/stocks/AAPL/restock`, {
      method: 'POST',
      headers: AUTHORIZED,
      body: Buffer.from('{"quantity":5}'),
    });
    assert.is(await errorStatus(response), 'UNAUTHORIZED');
  });
});

for (const [name, body, status] of [
  ['AAPL', '{"price":0}', 'INVALID_STOCK'],
  ['AAPL', '{"price":1.001}', 'INVALID_STOCK'],
  ['AAPL', '{}', 'INVALID_STOCK'],
  ['AAPL', 'nonsense', 'INVALID_STOCK'],
  ['a%20b', '{"price":1}', 'INVALID_STOCK'],
] as const) {
  test(`PUT /stocks/${name} with ${body} gives ${status}`, async () =>
    withFrontend({ ready: false }, async ({ url }) => {
      const put = { method: 'PUT', headers: AUTHORIZED, body: Buffer.from(body) };
      assert.is(await errorStatus(await fetch(`${url}/stocks/${name}`, put)), status);
    }));
}

test('a rejected change gives the status of its rejection', async () =>
  withFrontend({}, async ({ url, replicas }) => {
    const post = { method: 'POST', headers: AUTHORIZED, body: Buffer.from('{"quantity":5}') };
    answerCommands(replicas[0], ([id]) => [id, 'rejected', 'STOCK_NOT_FOUND']);
    assert.is(await errorStatus(await fetch(`${url}/stocks/B/restock`, post)), 'STOCK_NOT_FOUND');
  }));

test('a change whose stock cannot be read afterwards gives 504 with the key', async () =>
  withFrontend({ deadlineMs: 150 }, async ({ url, catalog }) => {
    catalog.ready = false;
    const put = { method: 'PUT', headers: AUTHORIZED, body: Buffer.from('{"price":1}') };
    const response = await fetch(`${url}/stocks/AAPL`, put);
    assert.is(await errorStatus(response), 'OUTCOME_UNKNOWN');
    assert.match(response.headers.get('idempotency-key') ?? '', /./);
  }));

for (const [what, answer] of [
  ['is not found', (id: number) => [id, 'missing'] as const],
  ['may not be looked up', (id: number) => [id, 'invalid', 'no'] as const],
] as const) {
  test(`a change whose stock ${what} afterwards gives 504 with the key, not a refusal`, async () =>
    withFrontend({}, async ({ url, catalog }) => {
      catalog.onFrame = (frame, link) => {
        if (frame.t !== 'lookup') return;
        const items = frame.items.map(([id]) => answer(id));
        link.send({ t: 'stocks', items });
      };
      const headers = { ...AUTHORIZED, 'idempotency-key': 'k' };
      const post = { method: 'POST', headers, body: Buffer.from('{"quantity":5}') };
      const response = await fetch(`${url}/stocks/AAPL/restock`, post);
      assert.is(response.headers.get('idempotency-key'), 'k');
      assert.is(await errorStatus(response), 'OUTCOME_UNKNOWN');
    }));
}

test.run();
