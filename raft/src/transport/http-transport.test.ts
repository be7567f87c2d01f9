import { createServer, type Socket, type AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import type { Message, NodeId } from '../core/types.js';
import { FrameError, dialFrames, type FrameClose, type FrameConnection } from '../frames/index.js';
import { encodeMessage } from './codec.js';
import { Recorder, heartbeat, transportConformance } from './conformance.js';
import type { TransportEvent } from './events.js';
import { RAFT_PATH, handshakeHeaders } from './handshake.js';
import { HttpTransport, type HttpTransportOptions } from './http-transport.js';

const SECRET = 'a secret of the cluster';
const FIVE_SECONDS = 5_000;

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + FIVE_SECONDS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

class Member {
  readonly recorder = new Recorder();
  readonly events: TransportEvent[] = [];
  readonly transport: HttpTransport;

  constructor(id: NodeId, peers: Record<NodeId, string>, options: Partial<HttpTransportOptions> = {}) {
    this.transport = new HttpTransport({
      id,
      cluster: 'test',
      secret: SECRET,
      listen: { host: '127.0.0.1', port: 0 },
      peers: new Map(Object.entries(peers)),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
  }

  async start(): Promise<this> {
    await this.transport.start(this.recorder);
    return this;
  }

  has<T extends TransportEvent['type']>(
    type: T,
    test: (event: TransportEvent & { type: T }) => boolean,
  ): boolean {
    return this.events.some((event) => event.type === type && test(event as TransportEvent & { type: T }));
  }
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

transportConformance({
  test,
  until,
  makePair: async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const a = new Member('a', { c: nobody }).transport;
    const b = new Member('b', {}).transport;
    a.setPeer('b', `http://127.0.0.1:${await b.listen()}`);
    b.setPeer('a', `http://127.0.0.1:${await a.listen()}`);
    return { a, b };
  },
});

/** Opens a link to `member` by hand, as `from`. */
async function dialAs(member: Member, headers: Record<string, string>): Promise<FrameConnection> {
  const port = await member.transport.listen();
  const limits = { frameBytesMax: 65_536, queueBytesMax: 131_072, silenceMsMax: 3_000 };
  const url = `http://127.0.0.1:${port}`;
  return (await dialFrames({ url, path: RAFT_PATH, headers, timeoutMs: 2_000, limits })).connection;
}

const GOOD = handshakeHeaders({ id: 'x', cluster: 'test', secret: SECRET }, 'a');

async function closeOf(connection: FrameConnection): Promise<FrameClose> {
  return new Promise((resolve) => connection.start({ frame: () => undefined, closed: resolve }));
}

const REFUSALS: readonly [string, Record<string, string>][] = [
  ['WRONG_CLUSTER', { ...GOOD, 'x-raft-cluster': 'other' }],
  ['WRONG_VERSION', { ...GOOD, 'x-raft-version': '0' }],
  ['WRONG_RECIPIENT', { ...GOOD, 'x-raft-to': 'b' }],
  ['UNKNOWN_SENDER', { ...GOOD, 'x-raft-from': 'stranger' }],
  ['UNKNOWN_SENDER', { ...GOOD, 'x-raft-from': 'a' }],
  ['WRONG_SECRET', { ...GOOD, 'x-raft-secret': 'wrong' }],
];

for (const [status, headers] of REFUSALS) {
  test(`a handshake is refused: ${status} (from ${String(headers['x-raft-from'])})`, async () => {
    const member = await new Member('a', { x: 'http://127.0.0.1:1' }).start();
    try {
      const error: unknown = await dialAs(member, headers).catch((reason: unknown) => reason);
      assert.instance(error, FrameError);
      assert.is(error instanceof FrameError && error.refusal?.status, status);
      assert.ok(member.has('refused', (event) => event.status === status));
    } finally {
      await member.transport.stop();
    }
  });
}

test('a handshake before the start is refused', async () => {
  const member = new Member('a', { x: 'http://127.0.0.1:1' });
  try {
    const error: unknown = await dialAs(member, GOOD).catch((reason: unknown) => reason);
    assert.is(error instanceof FrameError && error.refusal?.status, 'NOT_RUNNING');
  } finally {
    await member.transport.stop();
  }
});

test('what is no link is answered with a JSON error', async () => {
  const member = await new Member('a', {}).start();
  try {
    const response = await fetch(`http://127.0.0.1:${await member.transport.listen()}/`);
    assert.is(response.status, 404);
    assert.is(((await response.json()) as { error: { status: string } }).error.status, 'ROUTE_NOT_FOUND');
  } finally {
    await member.transport.stop();
  }
});

const BAD_FRAMES: readonly [string, Uint8Array][] = [
  ['garbage', Buffer.from('not a message')],
  ['a message of another sender', encodeMessage(heartbeat('y', 'a', 1))],
  ['a message for another member', encodeMessage(heartbeat('x', 'b', 1))],
];

for (const [name, payload] of BAD_FRAMES) {
  test(`a frame closes the link: ${name}`, async () => {
    const member = await new Member('a', { x: 'http://127.0.0.1:1' }).start();
    try {
      const connection = await dialAs(member, GOOD);
      connection.send(encodeMessage(heartbeat('x', 'a', 1)));
      connection.send(payload);
      connection.send(encodeMessage(heartbeat('x', 'a', 2)));
      assert.is((await closeOf(connection)).code === 'CLOSED_HERE', false);
      await until(() => member.has('disconnected', (event) => event.peer === 'x'), 'the event');
      assert.equal(member.recorder.messages, [heartbeat('x', 'a', 1)]);
    } finally {
      await member.transport.stop();
    }
  });
}

test('a newer link of a peer takes the place of the older', async () => {
  const member = await new Member('a', { x: 'http://127.0.0.1:1' }).start();
  try {
    const older = await dialAs(member, GOOD);
    const olderClosed = closeOf(older);
    const newer = await dialAs(member, GOOD);
    await olderClosed;
    assert.equal(member.recorder.linksLost, []);
    newer.start({ frame: () => undefined, closed: () => undefined });
    newer.send(encodeMessage(heartbeat('x', 'a', 1)));
    await until(() => member.recorder.messages.length === 1, 'a message on the newer link');
    newer.close('done');
  } finally {
    await member.transport.stop();
  }
});

test('a peer that restarts on its port is found again, and its end is reported on both links', async () => {
  const b = new Member('b', {});
  const port = await b.transport.listen();
  const a = new Member('a', { b: `http://127.0.0.1:${port}` });
  b.transport.setPeer('a', `http://127.0.0.1:${await a.transport.listen()}`);
  await Promise.all([a.start(), b.start()]);
  const isUp = (): boolean =>
    a.has('connected', (event) => event.direction === 'in') &&
    a.has('connected', (event) => event.direction === 'out');
  await until(isUp, 'both links');
  await b.transport.stop();
  for (const direction of ['in', 'out']) {
    await until(
      () => a.has('disconnected', (event) => event.direction === direction && event.peer === 'b'),
      direction,
    );
  }
  assert.ok(a.has('disconnected', (event) => event.code === 'ENDED' || event.code === 'SOCKET_FAILED'));
  await until(() => a.recorder.unreached.includes('b'), 'the report');
  const again = new Member('b', {}, { listen: { host: '127.0.0.1', port } });
  again.transport.setPeer('a', `http://127.0.0.1:${await a.transport.listen()}`);
  await again.start();
  try {
    await until(() => {
      a.transport.send(heartbeat('a', 'b', 9));
      return again.recorder.messages.length > 0;
    }, 'a message after the restart');
  } finally {
    await Promise.all([a.transport.stop(), again.transport.stop()]);
  }
});

/** A peer that shakes hands and then does with the socket what the test says. */
async function rawPeer(
  onLink: (socket: Socket) => void,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\n\r\n',
      );
      onLink(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function bigAppend(to: NodeId, bytes: number): Message {
  const entry = makeEntry(1, 1, 'command', Buffer.alloc(bytes));
  return {
    type: 'appendRequest',
    from: 'a',
    to,
    term: 1,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    entries: [entry],
  };
}

test('a full queue drops, reports once a turn, and never grows beyond its bound', async () => {
  const peer = await rawPeer(() => undefined);
  const limits = { frameBytesMax: 1_000_000, queueBytesMax: 2_000_000, silenceMsMax: 3_000 };
  const a = await new Member('a', { b: peer.url }, { limits, stopMsMax: 50 }).start();
  try {
    await until(() => a.has('connected', ({ direction }) => direction === 'out'), 'the link');
    const message = bigAppend('b', 500_000);
    await until(() => {
      for (let i = 0; i < 3; i++) a.transport.send(message);
      return a.has('dropped', ({ reason }) => reason === 'queueFull');
    }, 'a full queue');
    await until(() => a.recorder.unreached.length > 0, 'the report');
    const before = a.recorder.unreached.length;
    for (let i = 0; i < 100; i++) a.transport.send(message);
    await until(() => a.recorder.unreached.length > before, 'another report');
    assert.is(a.recorder.unreached.length, before + 1);
    a.transport.send(bigAppend('b', 1_000_001));
    await until(() => a.has('dropped', ({ reason }) => reason === 'tooLong'), 'a message too long');
    a.transport.send(heartbeat('a', 'stranger', 1));
    await until(() => a.has('dropped', ({ reason }) => reason === 'unknownPeer'), 'an unknown peer');
  } finally {
    await a.transport.stop();
    await peer.stop();
  }
});

test('a slow reader gets everything, in order, once it reads', async () => {
  const b = new Member('b', {});
  const a = new Member('a', { b: `http://127.0.0.1:${await b.transport.listen()}` });
  b.transport.setPeer('a', 'http://127.0.0.1:1');
  await Promise.all([a.start(), b.start()]);
  try {
    await until(() => a.has('connected', ({ direction }) => direction === 'out'), 'the link');
    for (let round = 0; round < 100; round++) {
      a.transport.send(bigAppend('b', 100_000));
      a.transport.send(heartbeat('a', 'b', round));
    }
    await until(() => b.recorder.messages.length === 200, 'all messages');
    const rounds = b.recorder.messages.flatMap((message) =>
      message.type === 'heartbeat' ? [message.round] : [],
    );
    assert.equal(rounds, [...Array(100).keys()]);
    assert.equal(a.recorder.unreached, []);
  } finally {
    await Promise.all([a.transport.stop(), b.transport.stop()]);
  }
});

const ENDS: readonly [string, (socket: Socket) => void][] = [
  ['FIN', (socket) => socket.end()],
  ['RST', (socket) => socket.resetAndDestroy()],
];

for (const [name, end] of ENDS) {
  test(`a link that ends by ${name} is reported and dialed again`, async () => {
    let links = 0;
    const peer = await rawPeer((socket) => {
      links++;
      if (links === 1) end(socket.resume());
    });
    const a = await new Member('a', { b: peer.url }, { stopMsMax: 50 }).start();
    try {
      await until(() => links >= 2, 'a second link');
      assert.ok(a.has('disconnected', ({ code }) => code === 'ENDED' || code === 'SOCKET_FAILED'));
      assert.equal(a.recorder.unreached, ['b']);
      assert.equal(a.recorder.linksLost, ['b']);
    } finally {
      await a.transport.stop();
      await peer.stop();
    }
  });
}

test('a peer that refuses is told once, however often it is dialed', async () => {
  const b = await new Member('b', { a: 'http://127.0.0.1:1' }, { cluster: 'other' }).start();
  const a = await new Member('a', { b: `http://127.0.0.1:${await b.transport.listen()}` }).start();
  try {
    await until(() => b.events.filter(({ type }) => type === 'refused').length >= 3, 'three refusals');
    assert.is(a.events.filter(({ type }) => type === 'dialFailed').length, 1);
  } finally {
    await Promise.all([a.transport.stop(), b.transport.stop()]);
  }
});

test('a taken port rejects', async () => {
  const first = await new Member('a', {}).start();
  const port = await first.transport.listen();
  const second = new Member('b', {}, { listen: { host: '127.0.0.1', port } });
  try {
    const error: unknown = await second.start().catch((reason: unknown) => reason);
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  } finally {
    await Promise.all([first.transport.stop(), second.transport.stop()]);
  }
});

test('ids and urls are checked', () => {
  assert.throws(() => new Member('bad id', {}), /not the id of a member/);
  assert.throws(() => new Member('a', { 'b\n': 'http://127.0.0.1:1' }), /not the id of a member/);
});

test.run();
