import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createRawServer, connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acceptFrames, refuseSocket } from './accept.js';
import type { FrameConnection, FrameLimits } from './connection.js';
import { dialFrames, type DialedFrames, type FrameDialOptions } from './dial.js';
import { FrameError, type FrameRefusal } from './errors.js';
import { presentedVersion, spokenVersions, versionHeaders, type HandshakeProtocol } from './handshake.js';
import { Redialer } from './redialer.js';

const LIMITS: FrameLimits = { frameBytesMax: 1_000, queueBytesMax: 10_000, silenceMsMax: 60_000 };
const REFUSAL: FrameRefusal = { httpStatus: 403, status: 'WRONG_CLUSTER', message: 'not "yours"' };

const PROTOCOL: HandshakeProtocol = {
  version: 8,
  previous: 7,
  headers: { cluster: 'x-cluster', version: 'x-version', name: 'x-name', secret: 'x-secret' },
};
/** How the redialers of these tests present themselves. */
const PRESENTED = {
  protocol: PROTOCOL,
  versions: () => spokenVersions(PROTOCOL, false),
  headers: (version: number) => ({ 'x-version': String(version) }),
};

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

async function withServer(
  onUpgrade: OnUpgrade,
  run: (url: string, server: Server) => Promise<void>,
): Promise<void> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', onUpgrade);
  server.on('request', (_request, response) => response.writeHead(500).end('<html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Runs a test with a server that writes `answer` to every connection, or nothing. */
async function withRawServer(answer: string | null, run: (url: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (answer !== null) socket.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

function options(url: string, more: Partial<FrameDialOptions> = {}): FrameDialOptions {
  return { url, path: '/links', headers: { 'x-name': 'dialer' }, timeoutMs: 5_000, limits: LIMITS, ...more };
}

async function failure(dialing: Promise<DialedFrames>): Promise<FrameError> {
  try {
    await dialing;
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error('the dial succeeded');
}

async function received(connection: FrameConnection): Promise<string> {
  return new Promise((resolve) => {
    connection.start({ onFrame: (payload) => resolve(payload.toString()), onClose: () => undefined });
  });
}

test('dialFrames and acceptFrames exchange headers, and frames go both ways', async () => {
  const accepted: FrameConnection[] = [];
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    assert.is(request.headers['x-name'], 'dialer');
    assert.is(request.url, '/links');
    const connection = acceptFrames({
      request,
      socket,
      head,
      limits: LIMITS,
      headers: { 'x-name': 'acceptor' },
      authorize: () => null,
    });
    if (connection === null) return;
    accepted.push(connection);
    connection.send(Buffer.from('welcome'));
    void received(connection).then((text) => connection.send(Buffer.from(`${text} yourself`)));
  };
  await withServer(onUpgrade, async (url) => {
    const { connection, headers } = await dialFrames(options(url));
    assert.is(headers['x-name'], 'acceptor');
    const texts: string[] = [];
    const all = new Promise<void>((resolve) => {
      connection.start({
        onFrame: (payload) => {
          if (texts.push(payload.toString()) === 2) resolve();
        },
        onClose: () => undefined,
      });
    });
    connection.send(Buffer.from('hello'));
    await all;
    assert.equal(texts, ['welcome', 'hello yourself']);
    connection.close('done');
  });
});

test('dialFrames reports a refusal with its status', async () => {
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    assert.is(acceptFrames({ request, socket, head, limits: LIMITS, authorize: () => REFUSAL }), null);
  };
  await withServer(onUpgrade, async (url) => {
    const error = await failure(dialFrames(options(url)));
    assert.is(error.code, 'DIAL_REFUSED');
    assert.equal(error.refusal, REFUSAL);
  });
});

test('acceptFrames refuses an upgrade to another protocol with a JSON error', async () => {
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    acceptFrames({ request, socket, head, limits: LIMITS, authorize: () => null });
  };
  await withServer(onUpgrade, async (url) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
    const body = JSON.parse(text.split('\r\n\r\n')[1] ?? '') as { error: { status: string } };
    assert.is(body.error.status, 'INVALID_REQUEST');
  });
});

test('refuseSocket destroys a socket that the client never closes', async () => {
  const refused: Duplex[] = [];
  const onUpgrade: OnUpgrade = (_request, socket) => {
    refused.push(socket);
    refuseSocket(socket, REFUSAL);
    const listeners = socket.listenerCount('error');
    refuseSocket(socket, REFUSAL);
    assert.is(socket.listenerCount('error'), listeners, 'the second call does nothing');
  };
  await withServer(onUpgrade, async (url) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n');
    socket.resume();
    while (refused.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await new Promise((resolve) => refused[0]?.once('close', resolve));
    refuseSocket(refused[0] ?? socket, REFUSAL);
    socket.destroy();
  });
});

const ANSWERS: readonly [string, string | null, string][] = [
  ['an error page', 'HTTP/1.1 500 X\r\ncontent-length: 6\r\n\r\n<html>', 'DIAL_REFUSED'],
  ['JSON of another shape', 'HTTP/1.1 404 X\r\ncontent-length: 12\r\n\r\n{"error":{}}', 'DIAL_REFUSED'],
  ['a truncated response', 'HTTP/1.1 404 X\r\ncontent-length: 99\r\n\r\n{"err', 'DIAL_REFUSED'],
  ['another protocol', 'HTTP/1.1 101 X\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n', 'DIAL_FAILED'],
  ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 'DIAL_FAILED'],
  ['an immediate end', '', 'DIAL_FAILED'],
];

for (const [name, answer, code] of ANSWERS) {
  test(`dialFrames fails with ${code} when the server answers with ${name}`, async () => {
    await withRawServer(answer, async (url) => {
      assert.is((await failure(dialFrames(options(url)))).code, code);
    });
  });
}

test('dialFrames times out when the server never answers', async () => {
  await withRawServer(null, async (url) => {
    assert.is((await failure(dialFrames(options(url, { timeoutMs: 30 })))).code, 'DIAL_TIMEOUT');
  });
});

test('dialFrames fails for a closed port and for invalid URLs', async () => {
  let port = '';
  await withRawServer(null, async (url) => {
    port = url;
  });
  assert.is((await failure(dialFrames(options(port)))).code, 'DIAL_FAILED');
  assert.is((await failure(dialFrames(options('nowhere')))).code, 'BAD_OPTION');
  assert.is((await failure(dialFrames(options('ftp://127.0.0.1')))).code, 'BAD_OPTION');
});

test('dialFrames stops when it is aborted, before and during the handshake', async () => {
  await withRawServer(null, async (url) => {
    assert.is(
      (await failure(dialFrames(options(url, { signal: AbortSignal.abort() })))).code,
      'DIAL_ABORTED',
    );
    const abort = new AbortController();
    const dialing = failure(dialFrames(options(url, { signal: abort.signal })));
    setImmediate(() => abort.abort());
    assert.is((await dialing).code, 'DIAL_ABORTED');
  });
});

test('Redialer dials until it is accepted, reports each failure once, and dials again after a break', async () => {
  let handshakes = 0;
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    handshakes++;
    const isRefused = handshakes <= 3;
    const connection = acceptFrames({
      request,
      socket,
      head,
      limits: LIMITS,
      authorize: () => (isRefused ? REFUSAL : null),
    });
    connection?.start({ onFrame: () => undefined, onClose: () => undefined });
  };
  await withServer(onUpgrade, async (url) => {
    const failures: string[] = [];
    const held: FrameConnection[] = [];
    const redialer = new Redialer({
      dial: options(url),
      ...PRESENTED,
      random: () => 0,
      onDialFailure: ({ code }) => failures.push(code),
      serve: async ({ connection }) => {
        held.push(connection);
        await new Promise<void>((resolve) => {
          connection.start({ onFrame: () => undefined, onClose: () => resolve() });
        });
      },
    });
    redialer.start();
    redialer.start();
    while (held.length < 1) await new Promise((resolve) => setTimeout(resolve, 2));
    held[0]?.close('to be dialed again');
    while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    const stopped = redialer.stop();
    held[1]?.close('done');
    await stopped;
    assert.equal(failures, ['DIAL_REFUSED']);
    assert.is(held.length, 2);
    assert.is(handshakes, 5);
  });
});

test('Redialer presents the previous version to an old server, and the newest one once it is upgraded', async () => {
  const presented: (number | null)[] = [];
  // Old at first; upgraded between the two handshakes of the second dial; refuses the previous version in the end.
  const accepted = [[7], [7], [7], [8, 7], [8, 7], [8], [8]];
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    const version = presentedVersion(PROTOCOL, request.headers);
    const speaks = accepted[presented.length] ?? [];
    presented.push(version);
    const isSpoken = version !== null && speaks.includes(version);
    const refusal = { httpStatus: 426, status: 'WRONG_VERSION', message: 'other version' };
    const headers = speaks.includes(8) ? versionHeaders(PROTOCOL) : {};
    acceptFrames({
      ...{ request, socket, head, limits: LIMITS, headers },
      authorize: () => (isSpoken ? null : refusal),
    })?.start({ onFrame: () => undefined, onClose: () => undefined });
  };
  await withServer(onUpgrade, async (url) => {
    const served: number[] = [];
    let last: FrameConnection | null = null;
    const redialer = new Redialer({
      dial: options(url),
      ...PRESENTED,
      random: () => 0,
      onDialFailure: ({ message }) => assert.unreachable(message),
      serve: async ({ connection, version }) => {
        served.push(version);
        last = connection;
        await new Promise<void>((resolve) => {
          connection.start({ onFrame: () => undefined, onClose: () => resolve() });
          if (served.length < 3) connection.close('to be dialed again');
        });
      },
    });
    redialer.start();
    while (served.length < 3) await new Promise((resolve) => setTimeout(resolve, 2));
    const stopped = redialer.stop();
    (last as FrameConnection | null)?.close('done');
    await stopped;
    assert.equal(served, [7, 8, 8]);
    assert.equal(presented, [8, 7, 8, 7, 8, 8]);
  });
});

test('Redialer presents only the newest version after a switch', async () => {
  const presented: (number | null)[] = [];
  const onUpgrade: OnUpgrade = (request, socket) => {
    presented.push(presentedVersion(PROTOCOL, request.headers));
    refuseSocket(socket, { httpStatus: 426, status: 'WRONG_VERSION', message: 'an old server' });
  };
  await withServer(onUpgrade, async (url) => {
    const failures: string[] = [];
    const redialer = new Redialer({
      dial: options(url),
      ...PRESENTED,
      versions: () => spokenVersions(PROTOCOL, true),
      random: () => 0,
      onDialFailure: ({ message }) => failures.push(message),
      serve: async () => assert.unreachable('every dial is refused'),
    });
    redialer.start();
    while (presented.length < 3) await new Promise((resolve) => setTimeout(resolve, 2));
    await redialer.stop();
    assert.equal([...new Set(presented)], [8]);
    assert.equal(failures, ['WRONG_VERSION: an old server']);
  });
});

test('Redialer.stop ends immediately while dialing', async () => {
  await withRawServer(null, async (url) => {
    const redialer = new Redialer({
      dial: options(url, { timeoutMs: 60_000 }),
      ...PRESENTED,
      onDialFailure: () => assert.unreachable('an abort is not a failure'),
      serve: async () => assert.unreachable('the server does not answer'),
    });
    redialer.start();
    await redialer.stop();
    await redialer.stop();
  });
});

test('Redialer.dialNow ends the delay and resets the backoff', async () => {
  let dials = 0;
  const onUpgrade: OnUpgrade = (_request, socket) => {
    dials++;
    refuseSocket(socket, REFUSAL);
  };
  await withServer(onUpgrade, async (url) => {
    const waits: number[] = [];
    const redialer = new Redialer({
      dial: options(url),
      ...PRESENTED,
      // Stretches the delay to years: only `dialNow` can end it.
      random: () => {
        waits.push(dials);
        return 2 ** 31 / 20;
      },
      onDialFailure: () => undefined,
      serve: async () => assert.unreachable('every dial is refused'),
    });
    redialer.start();
    for (let wanted = 1; wanted <= 3; wanted++) {
      while (waits.length < wanted) await new Promise((resolve) => setTimeout(resolve, 2));
      redialer.dialNow();
    }
    while (waits.length < 4) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(waits, [1, 2, 3, 4]);
    await redialer.stop();
  });
});

test('the constructor of Redialer refuses an invalid URL and invalid limits', () => {
  const make = (dial: FrameDialOptions) => (): unknown =>
    new Redialer({ dial, ...PRESENTED, onDialFailure: () => undefined, serve: async () => undefined });
  assert.throws(make(options('nowhere')), /invalid URL: nowhere/);
  assert.throws(make(options('http://x', { limits: { ...LIMITS, frameBytesMax: 0 } })), /frameBytesMax/);
});

test.run();
