import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answer } from './answer.js';
import type { SimpleRequest } from '../rules/simple-request.js';
import { until } from '../testing/fakes.js';
import { openRaw } from '../testing/raw.js';
import { FastPathConnection, type FastPathPort } from './fast-path-connection.js';

const GET = 'GET /stocks/A HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');

interface Rig {
  readonly url: string;
  /** What is to be answered, and how. */
  readonly asked: { readonly request: SimpleRequest; readonly done: (answer: Answer) => void }[];
  /** What was handed over, with what could be read of it. */
  readonly handedOver: { readonly socket: Socket; text: string; ended: boolean }[];
  readonly connections: FastPathConnection[];
  endedEarly: number;
}

async function withPlain(options: Partial<FastPathPort>, run: (rig: Rig) => Promise<void>): Promise<void> {
  const rig: Rig = { url: '', asked: [], handedOver: [], connections: [], endedEarly: 0 };
  const sockets = new Set<Socket>();
  const port: FastPathPort = {
    isOpen: true,
    keepAliveMs: 5000,
    idleMsMax: 6000,
    restMsMax: 100,
    stallMs: 5000,
    answer: (request, done) => void rig.asked.push({ request, done }),
    passOn: (socket, bytes) => {
      const entry = { socket, text: bytes.toString('latin1'), ended: false };
      rig.handedOver.push(entry);
      socket.on('data', (chunk: Buffer) => (entry.text += chunk.toString('latin1')));
      socket.on('end', () => (entry.ended = true));
      socket.on('error', () => socket.destroy());
    },
    endedEarly: (socket) => {
      rig.endedEarly += 1;
      socket.end('early');
    },
    ...options,
  };
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    rig.connections.push(new FastPathConnection(socket, port));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    await run(Object.assign(rig, { url: `http://127.0.0.1:${address.port}` }));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

function ok(body = '1', headers: Record<string, string> = {}): Answer {
  return { status: 200, headers, body };
}

test('requests one after the other are answered on one connection, until one is the last', async () =>
  withPlain({}, async ({ url, asked, handedOver }) => {
    const raw = openRaw(url, GET);
    for (const count of [1, 2, 3]) {
      await until(() => asked.length === count, 'a request came');
      asked[count - 1]?.done(ok(String(count)));
      await until(() => raw.received().endsWith(`\r\n\r\n${count}`), 'its answer came');
      raw.socket.write(count === 3 ? LAST : GET);
    }
    await until(() => asked.length === 4, 'the last came');
    asked[3]?.done(ok('é'));
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
    assert.is(handedOver.length, 0);
  }));

test('an answer that says so is the last', async () =>
  withPlain({}, async ({ url, asked }) => {
    const raw = openRaw(url, GET);
    await until(() => asked.length === 1, 'the request came');
    asked[0]?.done(ok('1', { Connection: 'close' }));
    assert.match(await raw.closed, /Connection: close/);
  }));

for (const [what, first, rest] of [
  ['what is not simple', 'BREW / HTTP/1.1\r\n\r\n', 'more'],
  ['two requests at once', GET + GET, GET],
  ['a request in three pieces', 'GET /sto', ''],
] as const) {
  test(`${what} is handed over from its first byte, with all that comes after`, async () =>
    withPlain({}, async ({ url, asked, handedOver }) => {
      const raw = openRaw(url, first);
      if (rest === '') {
        await delay(20);
        raw.socket.write('cks/A');
      }
      await until(() => handedOver.length === 1, 'it was handed over');
      raw.socket.end(rest);
      await until(() => handedOver[0]?.ended === true, 'it was read to its end');
      assert.is(handedOver[0]?.text, rest === '' ? 'GET /stocks/A' : first + rest);
      assert.is(asked.length, 0);
      handedOver[0]?.socket.end('served');
      assert.is(await raw.closed, 'served');
    }));
}

test('what comes while an answer is due is handed over after the answer', async () =>
  withPlain({}, async ({ url, asked, handedOver }) => {
    const raw = openRaw(url, GET);
    await until(() => asked.length === 1, 'the request came');
    const behind = `${GET}${'x'.repeat(300_000)}`;
    raw.socket.end(behind);
    await delay(50);
    assert.is(handedOver.length, 0);
    asked[0]?.done(ok());
    await until(() => handedOver[0]?.ended === true, 'the rest was read to its end');
    assert.is(handedOver[0]?.text, behind);
    assert.is(asked.length, 1);
    handedOver[0]?.socket.end('served');
    assert.match(await raw.closed, /\r\n\r\n1served$/);
  }));

test('what comes behind the last request is not looked at, nor what comes behind its answer', async () =>
  withPlain({}, async ({ url, asked, handedOver }) => {
    const before = openRaw(url, LAST);
    await until(() => asked.length === 1, 'the request came');
    before.socket.write(GET);
    await delay(20);
    asked[0]?.done(ok());
    assert.match(await before.closed, /^HTTP[^]*1$/);
    const after = openRaw(url, LAST);
    await until(() => asked.length === 2, 'the request came');
    // More than is on its way at once, so that the answer is still being written when the next request comes.
    asked[1]?.done(ok('x'.repeat(8_000_000)));
    after.socket.write(GET);
    assert.match(await after.closed, /x$/);
    assert.is(asked.length, 2);
    assert.is(handedOver.length, 0);
  }));

test('a request is answered once', async () =>
  withPlain({}, async ({ url, asked }) => {
    const raw = openRaw(url, GET);
    await until(() => asked.length === 1, 'the request came');
    asked[0]?.done(ok('1'));
    raw.socket.write(LAST);
    await until(() => asked.length === 2, 'the next came');
    asked[0]?.done(ok('again'));
    asked[1]?.done(ok('2'));
    assert.equal((await raw.closed).match(/(?<=\r\n\r\n)[^H]+/g), ['1', '2']);
  }));

test('a part is handed over when its rest does not come', async () =>
  withPlain({}, async ({ url, handedOver }) => {
    openRaw(url, 'GET /stocks/A');
    await until(() => handedOver.length === 1, 'it was handed over');
    await until(() => handedOver[0]?.text === 'GET /stocks/A', 'it was read');
  }));

test('a client that does not read its answers is handed over', async () =>
  withPlain({}, async ({ url, asked, handedOver }) => {
    const { socket } = openRaw(url, '');
    socket.pause();
    const big = 'x'.repeat(1_000_000);
    while (handedOver.length === 0 && asked.length < 100) {
      const count = asked.length;
      socket.write(GET);
      await until(() => asked.length > count || handedOver.length > 0, 'it was read');
      asked[count]?.done(ok(big));
    }
    assert.is(handedOver.length, 1);
    assert.ok((handedOver[0]?.socket.writableLength ?? 0) < 2 * big.length);
  }));

test('a client that takes nothing of its last answer is closed, though it goes on sending', async () =>
  withPlain({ stallMs: 100 }, async ({ url, asked }) => {
    const { socket } = openRaw(url, LAST);
    socket.pause();
    await until(() => asked.length > 0, 'it was read');
    asked[0]?.done(ok('x'.repeat(16_000_000)));
    const drips = setInterval(() => socket.write('x'), 10);
    try {
      await until(() => socket.destroyed, 'it was closed');
    } finally {
      clearInterval(drips);
    }
  }));

test('a client that has sent all it will is answered, then the connection is closed', async () =>
  withPlain({}, async (rig) => {
    const raw = openRaw(rig.url, '');
    raw.socket.end(GET);
    await until(() => rig.asked.length === 1, 'the request came');
    await delay(20);
    rig.asked[0]?.done(ok());
    assert.match(await raw.closed, /Connection: close[^]*1$/);
    const silent = openRaw(rig.url, '');
    silent.socket.end();
    assert.is(await silent.closed, '');
    const early = openRaw(rig.url, '');
    early.socket.end('GET /');
    assert.is(await early.closed, 'early');
    assert.is(rig.endedEarly, 1);
  }));

test('a client that goes away is forgotten, whatever it waited for', async () =>
  withPlain({}, async ({ url, asked, handedOver, connections }) => {
    let count = 0;
    for (const bytes of ['', 'GET /', GET]) {
      count += 1;
      const raw = openRaw(url, bytes);
      await until(() => connections.length === count, 'it is connected');
      if (bytes === GET) await until(() => asked.length === 1, 'the request came');
      else await delay(20);
      raw.socket.resetAndDestroy();
      await raw.closed;
    }
    await delay(20);
    asked[0]?.done(ok());
    await delay(300);
    assert.is(handedOver.length, 0);
  }));

test('a connection without a request is closed after its time, one with an answer due is not', async () =>
  withPlain({ idleMsMax: 60 }, async ({ url, asked }) => {
    const raw = openRaw(url, GET);
    assert.is(await openRaw(url, '').closed, '');
    await until(() => asked.length === 1, 'the request came');
    await delay(150);
    asked[0]?.done(ok());
    assert.match(await raw.closed, /keep-alive[^]*1$/);
  }));

test('a server that closes ends idle connections at once, and others in the end', async () =>
  withPlain({}, async ({ url, asked, handedOver, connections }) => {
    const all = [openRaw(url, ''), openRaw(url, GET), openRaw(url, 'OTHER\r\n\r\n')] as const;
    await until(() => connections.length === 3 && asked.length + handedOver.length === 2, 'they came');
    for (const connection of connections) connection.closeIdle();
    assert.is(await all[0].closed, '');
    for (const connection of connections) connection.cut();
    assert.is(await all[1].closed, '');
    assert.is(await all[2].closed, '');
  }));

test('a server that closes lets the answers out', async () =>
  withPlain({}, async ({ url, asked, connections }) => {
    const raw = openRaw(url, GET);
    raw.socket.pause();
    await until(() => asked.length === 1, 'the request came');
    const body = 'x'.repeat(8_000_000);
    asked[0]?.done(ok(body));
    connections[0]?.closeIdle();
    raw.socket.resume();
    assert.ok((await raw.closed).endsWith(body));
  }));

test('where simple requests are not answered, each connection is handed over with its first bytes', async () =>
  withPlain({ isOpen: false }, async ({ url, asked, handedOver }) => {
    openRaw(url, GET);
    await until(() => handedOver[0]?.text === GET, 'it was handed over');
    assert.is(asked.length, 0);
  }));

test('a client that sends nothing but empty lines is handed over, which bounds how long it may go on', async () =>
  withPlain({}, async ({ url, handedOver }) => {
    const raw = openRaw(url, '\r\n');
    await until(() => raw.socket.bytesWritten === 2, 'the first line left');
    await delay(20);
    assert.is(handedOver.length, 0);
    raw.socket.write('\r\n');
    await until(() => handedOver.length === 1, 'the connection is handed over');
    raw.socket.destroy();
  }));

test.run();
