import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SimpleRoute } from '../routes/routes.js';
import type { SimpleRequest } from '../rules/simple-request.js';
import { waitUntil } from '../testing/fakes.js';
import { openRaw } from '../testing/raw.js';
import type { ApiResponse } from './api-response.js';
import { FastPathConnection, type FastPathServer } from './fast-path-connection.js';

const GET = 'GET /stocks/A HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');

interface Fixture {
  readonly url: string;
  /** The requests that arrived, with their callbacks. */
  readonly requests: {
    readonly request: SimpleRequest<SimpleRoute>;
    readonly done: (answer: ApiResponse) => void;
  }[];
  /** The connections that moved to Node's server, with the bytes read from them. */
  readonly moved: { readonly socket: Socket; text: string; ended: boolean }[];
  readonly connections: FastPathConnection[];
  endedEarly: number;
}

async function withFastPath(
  options: Partial<FastPathServer>,
  run: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const fixture: Fixture = { url: '', requests: [], moved: [], connections: [], endedEarly: 0 };
  const sockets = new Set<Socket>();
  const port: FastPathServer = {
    isEnabled: true,
    keepAliveMs: 5000,
    idleMsMax: 6000,
    remainderMsMax: 100,
    writeTimeoutMs: 5000,
    answer: (request, done) => void fixture.requests.push({ request, done }),
    moveToServer: (socket, bytes) => {
      const entry = { socket, text: bytes.toString('latin1'), ended: false };
      fixture.moved.push(entry);
      socket.on('data', (chunk: Buffer) => (entry.text += chunk.toString('latin1')));
      socket.on('end', () => (entry.ended = true));
      socket.on('error', () => socket.destroy());
    },
    onEarlyEnd: (socket) => {
      fixture.endedEarly += 1;
      socket.end('early');
    },
    ...options,
  };
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    fixture.connections.push(new FastPathConnection(socket, port));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    await run(Object.assign(fixture, { url: `http://127.0.0.1:${address.port}` }));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

function ok(body = '1', headers: Record<string, string> = {}): ApiResponse {
  return { status: 200, headers, body };
}

test('answers consecutive requests on one connection until the last one', async () =>
  withFastPath({}, async ({ url, requests, moved }) => {
    const raw = openRaw(url, GET);
    for (const count of [1, 2, 3]) {
      await waitUntil(() => requests.length === count, 'a request');
      requests[count - 1]?.done(ok(String(count)));
      await waitUntil(() => raw.received().endsWith(`\r\n\r\n${count}`), 'its response');
      raw.socket.write(count === 3 ? LAST : GET);
    }
    await waitUntil(() => requests.length === 4, 'the last request');
    requests[3]?.done(ok('é'));
    const answers = (await raw.closed).split(/(?=HTTP)/);
    const date = /Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/;
    assert.is(
      answers[0]?.replace(date, ''),
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n1',
    );
    assert.is(
      answers[3]?.replace(date, ''),
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n\xc3\xa9',
    );
    assert.is(answers.length, 4);
    assert.is(moved.length, 0);
  }));

test('closes the connection after a response with Connection: close', async () =>
  withFastPath({}, async ({ url, requests }) => {
    const raw = openRaw(url, GET);
    await waitUntil(() => requests.length === 1, 'the request');
    requests[0]?.done(ok('1', { Connection: 'close' }));
    assert.match(await raw.closed, /Connection: close/);
  }));

for (const [what, first, rest] of [
  ['a request that is not simple', 'BREW / HTTP/1.1\r\n\r\n', 'more'],
  ['two requests at once', GET + GET, GET],
  ['a request in three pieces', 'GET /sto', ''],
] as const) {
  test(`moves ${what} to the server, with all bytes from its first one on`, async () =>
    withFastPath({}, async ({ url, requests, moved }) => {
      const raw = openRaw(url, first);
      if (rest === '') {
        await delay(20);
        raw.socket.write('cks/A');
      }
      await waitUntil(() => moved.length === 1, 'it moved to the server');
      raw.socket.end(rest);
      await waitUntil(() => moved[0]?.ended === true, 'its end was read');
      assert.is(moved[0]?.text, rest === '' ? 'GET /stocks/A' : first + rest);
      assert.is(requests.length, 0);
      moved[0]?.socket.end('served');
      assert.is(await raw.closed, 'served');
    }));
}

test('moves bytes that arrive while a request is answered to the server, after the response', async () =>
  withFastPath({}, async ({ url, requests, moved }) => {
    const raw = openRaw(url, GET);
    await waitUntil(() => requests.length === 1, 'the request');
    const following = `${GET}${'x'.repeat(300_000)}`;
    raw.socket.end(following);
    await delay(50);
    assert.is(moved.length, 0);
    requests[0]?.done(ok());
    await waitUntil(() => moved[0]?.ended === true, 'the end of the following bytes');
    assert.is(moved[0]?.text, following);
    assert.is(requests.length, 1);
    moved[0]?.socket.end('served');
    assert.match(await raw.closed, /\r\n\r\n1served$/);
  }));

test('ignores bytes after the last request, before and after its response', async () =>
  withFastPath({}, async ({ url, requests, moved }) => {
    const before = openRaw(url, LAST);
    await waitUntil(() => requests.length === 1, 'the request');
    before.socket.write(GET);
    await delay(20);
    requests[0]?.done(ok());
    assert.match(await before.closed, /^HTTP[^]*1$/);
    const after = openRaw(url, LAST);
    await waitUntil(() => requests.length === 2, 'the request');
    // Larger than the buffers, so that the response is still being written when the next request arrives.
    requests[1]?.done(ok('x'.repeat(8_000_000)));
    after.socket.write(GET);
    assert.match(await after.closed, /x$/);
    assert.is(requests.length, 2);
    assert.is(moved.length, 0);
  }));

test('writes only one response to a request', async () =>
  withFastPath({}, async ({ url, requests }) => {
    const raw = openRaw(url, GET);
    await waitUntil(() => requests.length === 1, 'the request');
    requests[0]?.done(ok('1'));
    raw.socket.write(LAST);
    await waitUntil(() => requests.length === 2, 'the next request');
    requests[0]?.done(ok('again'));
    requests[1]?.done(ok('2'));
    assert.equal((await raw.closed).match(/(?<=\r\n\r\n)[^H]+/g), ['1', '2']);
  }));

test('moves a partial request to the server when its rest does not arrive', async () =>
  withFastPath({}, async ({ url, moved }) => {
    openRaw(url, 'GET /stocks/A');
    await waitUntil(() => moved.length === 1, 'it moved to the server');
    await waitUntil(() => moved[0]?.text === 'GET /stocks/A', 'its bytes were read');
  }));

test('moves a client that does not read its responses to the server', async () =>
  withFastPath({}, async ({ url, requests, moved }) => {
    const { socket } = openRaw(url, '');
    socket.pause();
    const big = 'x'.repeat(1_000_000);
    while (moved.length === 0 && requests.length < 100) {
      const count = requests.length;
      socket.write(GET);
      await waitUntil(() => requests.length > count || moved.length > 0, 'it was read');
      requests[count]?.done(ok(big));
    }
    assert.is(moved.length, 1);
    assert.ok((moved[0]?.socket.writableLength ?? 0) < 2 * big.length);
  }));

test('closes a client that does not read its last response, even if it keeps sending', async () =>
  withFastPath({ writeTimeoutMs: 100 }, async ({ url, requests }) => {
    const { socket } = openRaw(url, LAST);
    socket.pause();
    await waitUntil(() => requests.length > 0, 'it was read');
    requests[0]?.done(ok('x'.repeat(16_000_000)));
    const drips = setInterval(() => socket.write('x'), 10);
    try {
      await waitUntil(() => socket.destroyed, 'it was closed');
    } finally {
      clearInterval(drips);
    }
  }));

test('answers a client that has ended its side, then closes the connection', async () =>
  withFastPath({}, async (fixture) => {
    const raw = openRaw(fixture.url, '');
    raw.socket.end(GET);
    await waitUntil(() => fixture.requests.length === 1, 'the request');
    await delay(20);
    fixture.requests[0]?.done(ok());
    assert.match(await raw.closed, /Connection: close[^]*1$/);
    const silent = openRaw(fixture.url, '');
    silent.socket.end();
    assert.is(await silent.closed, '');
    const early = openRaw(fixture.url, '');
    early.socket.end('GET /');
    assert.is(await early.closed, 'early');
    assert.is(fixture.endedEarly, 1);
  }));

test('a disconnected client moves nothing to the server', async () =>
  withFastPath({}, async ({ url, requests, moved, connections }) => {
    let count = 0;
    for (const bytes of ['', 'GET /', GET]) {
      count += 1;
      const raw = openRaw(url, bytes);
      await waitUntil(() => connections.length === count, 'the connection');
      if (bytes === GET) await waitUntil(() => requests.length === 1, 'the request');
      else await delay(20);
      raw.socket.resetAndDestroy();
      await raw.closed;
    }
    await delay(20);
    requests[0]?.done(ok());
    await delay(300);
    assert.is(moved.length, 0);
  }));

test('closes an idle connection after its timeout, but not one with a pending response', async () =>
  withFastPath({ idleMsMax: 60 }, async ({ url, requests }) => {
    const raw = openRaw(url, GET);
    assert.is(await openRaw(url, '').closed, '');
    await waitUntil(() => requests.length === 1, 'the request');
    await delay(150);
    requests[0]?.done(ok());
    assert.match(await raw.closed, /keep-alive[^]*1$/);
  }));

test('closeIdle closes idle connections, and cut closes all others', async () =>
  withFastPath({}, async ({ url, requests, moved, connections }) => {
    const all = [openRaw(url, ''), openRaw(url, GET), openRaw(url, 'OTHER\r\n\r\n')] as const;
    await waitUntil(
      () => connections.length === 3 && requests.length + moved.length === 2,
      'all have arrived',
    );
    for (const connection of connections) connection.closeIdle();
    assert.is(await all[0].closed, '');
    for (const connection of connections) connection.destroy();
    assert.is(await all[1].closed, '');
    assert.is(await all[2].closed, '');
  }));

test('closeIdle sends pending responses first', async () =>
  withFastPath({}, async ({ url, requests, connections }) => {
    const raw = openRaw(url, GET);
    raw.socket.pause();
    await waitUntil(() => requests.length === 1, 'the request');
    const body = 'x'.repeat(8_000_000);
    requests[0]?.done(ok(body));
    connections[0]?.closeIdle();
    raw.socket.resume();
    assert.ok((await raw.closed).endsWith(body));
  }));

test('moves each connection to the server if the fast path is closed', async () =>
  withFastPath({ isEnabled: false }, async ({ url, requests, moved }) => {
    openRaw(url, GET);
    await waitUntil(() => moved[0]?.text === GET, 'it moved to the server');
    assert.is(requests.length, 0);
  }));

test('moves a client that sends only empty lines to the server', async () =>
  withFastPath({}, async ({ url, moved }) => {
    const raw = openRaw(url, '\r\n');
    await waitUntil(() => raw.socket.bytesWritten === 2, 'the first line is sent');
    await delay(20);
    assert.is(moved.length, 0);
    raw.socket.write('\r\n');
    await waitUntil(() => moved.length === 1, 'it moved to the server');
    raw.socket.destroy();
  }));

test.run();
