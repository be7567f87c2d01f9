/** The HTTP transport when peers restart, stop reading or close their links. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import type { Message, NodeId } from '../core/types.js';
import { heartbeat } from './conformance.js';
import { TestTransport, waitUntil } from './testing/test-transport.js';

test('the transport reports a stopped peer on both links, and reconnects when it restarts on its port', async () => {
  const b = new TestTransport('b', {});
  const port = await b.transport.listen();
  const a = new TestTransport('a', { b: `http://127.0.0.1:${port}` });
  b.transport.addPeer('a', `http://127.0.0.1:${await a.transport.listen()}`);
  await Promise.all([a.start(), b.start()]);
  const isConnected = (): boolean =>
    a.hasEvent('connected', (event) => event.direction === 'in') &&
    a.hasEvent('connected', (event) => event.direction === 'out');
  await waitUntil(isConnected, 'both links');
  await b.transport.stop();
  for (const direction of ['in', 'out']) {
    await waitUntil(
      () => a.hasEvent('disconnected', (event) => event.direction === direction && event.peer === 'b'),
      direction,
    );
  }
  assert.ok(a.hasEvent('disconnected', (event) => event.code === 'ENDED' || event.code === 'SOCKET_FAILED'));
  await waitUntil(() => a.recorder.unreachablePeers.includes('b'), 'the report');
  const restarted = new TestTransport('b', {}, { listen: { host: '127.0.0.1', port } });
  restarted.transport.addPeer('a', `http://127.0.0.1:${await a.transport.listen()}`);
  await restarted.start();
  try {
    await waitUntil(() => {
      a.transport.send(heartbeat('a', 'b', 9));
      return restarted.recorder.messages.length > 0;
    }, 'a message after the restart');
  } finally {
    await Promise.all([a.transport.stop(), restarted.transport.stop()]);
  }
});

/** A peer that accepts the handshake and then passes the socket to `onLink`. */
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

test('send drops messages when the queue is full, and reports it once a turn', async () => {
  const peer = await rawPeer(() => undefined);
  const limits = { frameBytesMax: 1_000_000, queueBytesMax: 2_000_000, silenceMsMax: 3_000 };
  const a = await new TestTransport('a', { b: peer.url }, { limits, stopMsMax: 50 }).start();
  try {
    await waitUntil(() => a.hasEvent('connected', ({ direction }) => direction === 'out'), 'the link');
    const message = bigAppend('b', 500_000);
    await waitUntil(() => {
      for (let i = 0; i < 3; i++) a.transport.send(message);
      return a.hasEvent('dropped', ({ reason }) => reason === 'queueFull');
    }, 'a full queue');
    await waitUntil(() => a.recorder.unreachablePeers.length > 0, 'the report');
    const before = a.recorder.unreachablePeers.length;
    for (let i = 0; i < 100; i++) a.transport.send(message);
    await waitUntil(() => a.recorder.unreachablePeers.length > before, 'another report');
    assert.is(a.recorder.unreachablePeers.length, before + 1);
    a.transport.send(bigAppend('b', 1_000_001));
    await waitUntil(() => a.hasEvent('dropped', ({ reason }) => reason === 'tooLong'), 'a message too long');
    a.transport.send(heartbeat('a', 'stranger', 1));
    await waitUntil(() => a.hasEvent('dropped', ({ reason }) => reason === 'unknownPeer'), 'an unknown peer');
  } finally {
    await a.transport.stop();
    await peer.stop();
  }
});

test('messages and large appends arrive completely and in order', async () => {
  const b = new TestTransport('b', {});
  const a = new TestTransport('a', { b: `http://127.0.0.1:${await b.transport.listen()}` });
  b.transport.addPeer('a', 'http://127.0.0.1:1');
  await Promise.all([a.start(), b.start()]);
  try {
    await waitUntil(() => a.hasEvent('connected', ({ direction }) => direction === 'out'), 'the link');
    for (let round = 0; round < 100; round++) {
      a.transport.send(bigAppend('b', 100_000));
      a.transport.send(heartbeat('a', 'b', round));
    }
    await waitUntil(() => b.recorder.messages.length === 200, 'all messages');
    const rounds = b.recorder.messages.flatMap((message) =>
      message.type === 'heartbeat' ? [message.round] : [],
    );
    assert.equal(rounds, [...Array(100).keys()]);
    assert.equal(a.recorder.unreachablePeers, []);
  } finally {
    await Promise.all([a.transport.stop(), b.transport.stop()]);
  }
});

const ENDS: readonly [string, (socket: Socket) => void][] = [
  ['FIN', (socket) => socket.end()],
  ['RST', (socket) => socket.resetAndDestroy()],
];

for (const [name, end] of ENDS) {
  test(`the transport reports and redials a link that ends by ${name}`, async () => {
    let links = 0;
    const peer = await rawPeer((socket) => {
      links++;
      if (links === 1) end(socket.resume());
    });
    const a = await new TestTransport('a', { b: peer.url }, { stopMsMax: 50 }).start();
    try {
      await waitUntil(() => links >= 2, 'a second link');
      assert.ok(a.hasEvent('disconnected', ({ code }) => code === 'ENDED' || code === 'SOCKET_FAILED'));
      assert.equal(a.recorder.unreachablePeers, ['b']);
      assert.equal(a.recorder.lostLinks, ['b']);
    } finally {
      await a.transport.stop();
      await peer.stop();
    }
  });
}

test.run();
