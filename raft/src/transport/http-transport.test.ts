import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FrameError,
  acceptFrames,
  dialFrames,
  type CloseReason,
  type FrameConnection,
} from '../frames/index.js';
import { encodeMessage } from './codec.js';
import { heartbeat, transportConformance, transportSnapshotConformance } from './conformance.js';
import { RAFT_PATH, RAFT_PROTOCOL, handshakeHeaders } from './handshake.js';
import { TestTransport, SECRET, waitUntil } from './testing/test-transport.js';

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const CONFORMANCE = {
  test,
  until: waitUntil,
  makePair: async () => {
    const closedPort = `http://127.0.0.1:${await freePort()}`;
    const a = new TestTransport('a', { c: closedPort }).transport;
    const b = new TestTransport('b', {}).transport;
    a.addPeer('b', `http://127.0.0.1:${await b.listen()}`);
    b.addPeer('a', `http://127.0.0.1:${await a.listen()}`);
    return { a, b };
  },
};

transportConformance(CONFORMANCE);
transportSnapshotConformance(CONFORMANCE);

/** Opens a link to `member` with these handshake headers. */
async function dialAs(member: TestTransport, headers: Record<string, string>): Promise<FrameConnection> {
  const port = await member.transport.listen();
  const limits = { frameBytesMax: 65_536, queueBytesMax: 131_072, silenceMsMax: 3_000 };
  const url = `http://127.0.0.1:${port}`;
  return (await dialFrames({ url, path: RAFT_PATH, headers, timeoutMs: 2_000, limits })).connection;
}

const GOOD = handshakeHeaders({ id: 'x', cluster: 'test', secret: SECRET }, 'a');

async function closeOf(connection: FrameConnection): Promise<CloseReason> {
  return new Promise((resolve) => connection.start({ onFrame: () => undefined, onClose: resolve }));
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
  test(`the transport refuses a handshake with ${status} (from ${String(headers['x-raft-from'])})`, async () => {
    const member = await new TestTransport('a', { x: 'http://127.0.0.1:1' }).start();
    try {
      const error: unknown = await dialAs(member, headers).catch((reason: unknown) => reason);
      assert.instance(error, FrameError);
      assert.is(error instanceof FrameError && error.refusal?.status, status);
      assert.ok(member.hasEvent('refused', (event) => event.status === status));
    } finally {
      await member.transport.stop();
    }
  });
}

test('members of the previous release are accepted until the group has switched', async () => {
  const member = await new TestTransport('a', { x: 'http://127.0.0.1:1' }).start();
  const old = handshakeHeaders({ id: 'x', cluster: 'test', secret: SECRET }, 'a', RAFT_PROTOCOL.previous);
  try {
    const connection = await dialAs(member, old);
    assert.ok(member.hasEvent('connected', ({ version }) => version === RAFT_PROTOCOL.previous));
    const closed = closeOf(connection);
    member.transport.setVersion(RAFT_PROTOCOL.version);
    await closed;
    const error: unknown = await dialAs(member, old).catch((reason: unknown) => reason);
    assert.is(error instanceof FrameError && error.refusal?.status, 'WRONG_VERSION');
    // The entry that names the new version was replaced by that of another leader.
    member.transport.setVersion(0);
    (await dialAs(member, old)).close('done');
  } finally {
    await member.transport.stop();
  }
});

test('a switch closes the links to members of the previous release, and dials only newer ones', async () => {
  const presented: (string | undefined)[] = [];
  const server = createHttpServer();
  let isUpgraded = false;
  server.on('upgrade', (request, socket, head) => {
    const version = String(request.headers['x-raft-version']);
    presented.push(version);
    const isSpoken = version === (isUpgraded ? '12' : '11');
    const refusal = { httpStatus: 426, status: 'WRONG_VERSION', message: 'not mine' };
    const limits = { frameBytesMax: 65_536, queueBytesMax: 131_072, silenceMsMax: 3_000 };
    acceptFrames({ request, socket, head, limits, authorize: () => (isSpoken ? null : refusal) })?.start({
      onFrame: () => undefined,
      onClose: () => undefined,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const member = await new TestTransport('a', { b: url }).start();
  const versions = (): readonly number[] =>
    member.events.flatMap((event) => (event.type === 'connected' ? event.version : []));
  try {
    await waitUntil(() => versions().length === 1, 'the link');
    assert.equal(presented, ['12', '11']);
    member.transport.setVersion(RAFT_PROTOCOL.version);
    await waitUntil(() => presented.length > 4, 'more dials');
    assert.equal([...new Set(presented.slice(2))], ['12']);
    isUpgraded = true;
    await waitUntil(() => versions().length === 2, 'the new link');
    assert.equal(versions(), [11, 12]);
  } finally {
    await member.transport.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('the transport refuses handshakes before start', async () => {
  const member = new TestTransport('a', { x: 'http://127.0.0.1:1' });
  try {
    const error: unknown = await dialAs(member, GOOD).catch((reason: unknown) => reason);
    assert.is(error instanceof FrameError && error.refusal?.status, 'NOT_RUNNING');
  } finally {
    await member.transport.stop();
  }
});

test('other requests are answered with a JSON error', async () => {
  const member = await new TestTransport('a', {}).start();
  try {
    const response = await fetch(`http://127.0.0.1:${await member.transport.listen()}/`);
    assert.is(response.status, 404);
    assert.is(((await response.json()) as { error: { status: string } }).error.status, 'ROUTE_NOT_FOUND');
  } finally {
    await member.transport.stop();
  }
});

test('a member sends its wall clock before its first message, and repeats it', async () => {
  let wallMs = -5.5;
  const a = await new TestTransport('a', { b: 'http://127.0.0.1:1' }).start();
  const url = `http://127.0.0.1:${await a.transport.listen()}`;
  const b = new TestTransport('b', { a: url }, { wallClock: () => wallMs });
  const clocks = (): readonly number[] =>
    a.events.flatMap((event) => (event.type === 'clock' ? event.wallMs : []));
  try {
    await b.start();
    await waitUntil(() => b.hasEvent('connected', (event) => event.direction === 'out'), 'the link');
    b.transport.send(heartbeat('b', 'a', 1));
    await waitUntil(() => a.recorder.messages.length === 1, 'the message');
    assert.is(clocks()[0], -5.5, 'the clock arrived first');
    wallMs = 2e15;
    await waitUntil(() => clocks().includes(2e15), 'the current clock');
    assert.equal(a.recorder.messages, [heartbeat('b', 'a', 1)], 'clocks are not messages');
  } finally {
    await b.transport.stop();
    await a.transport.stop();
  }
});

const BAD_FRAMES: readonly [string, Uint8Array][] = [
  ['garbage', Buffer.from('not a message')],
  ['a truncated clock', Buffer.from([0xc1, 0, 0])],
  ['a message of another sender', encodeMessage(heartbeat('y', 'a', 1))],
  ['a message for another member', encodeMessage(heartbeat('x', 'b', 1))],
];

for (const [name, payload] of BAD_FRAMES) {
  test(`the transport closes a link on which it receives ${name}`, async () => {
    const member = await new TestTransport('a', { x: 'http://127.0.0.1:1' }).start();
    try {
      const connection = await dialAs(member, GOOD);
      connection.send(encodeMessage(heartbeat('x', 'a', 1)));
      connection.send(payload);
      connection.send(encodeMessage(heartbeat('x', 'a', 2)));
      assert.is((await closeOf(connection)).code === 'CLOSED_HERE', false);
      await waitUntil(() => member.hasEvent('disconnected', (event) => event.peer === 'x'), 'the event');
      assert.equal(member.recorder.messages, [heartbeat('x', 'a', 1)]);
    } finally {
      await member.transport.stop();
    }
  });
}

test('a newer link of a peer replaces the older one', async () => {
  const member = await new TestTransport('a', { x: 'http://127.0.0.1:1' }).start();
  try {
    const older = await dialAs(member, GOOD);
    const olderClosed = closeOf(older);
    const newer = await dialAs(member, GOOD);
    await olderClosed;
    assert.equal(member.recorder.lostLinks, []);
    newer.start({ onFrame: () => undefined, onClose: () => undefined });
    newer.send(encodeMessage(heartbeat('x', 'a', 1)));
    await waitUntil(() => member.recorder.messages.length === 1, 'a message on the newer link');
    newer.close('done');
  } finally {
    await member.transport.stop();
  }
});

test('a peer that refuses is reported once, however often it is dialed', async () => {
  const b = await new TestTransport('b', { a: 'http://127.0.0.1:1' }, { cluster: 'other' }).start();
  const a = await new TestTransport('a', { b: `http://127.0.0.1:${await b.transport.listen()}` }).start();
  try {
    await waitUntil(() => b.events.filter(({ type }) => type === 'refused').length >= 3, 'three refusals');
    assert.is(a.events.filter(({ type }) => type === 'dialFailed').length, 1);
  } finally {
    await Promise.all([a.transport.stop(), b.transport.stop()]);
  }
});

test('start rejects if the port is in use', async () => {
  const first = await new TestTransport('a', {}).start();
  const port = await first.transport.listen();
  const second = new TestTransport('b', {}, { listen: { host: '127.0.0.1', port } });
  try {
    const error: unknown = await second.start().catch((reason: unknown) => reason);
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  } finally {
    await Promise.all([first.transport.stop(), second.transport.stop()]);
  }
});

test('the constructor refuses invalid member ids', () => {
  assert.throws(() => new TestTransport('bad id', {}), /is not a valid member id/);
  assert.throws(() => new TestTransport('a', { 'b\n': 'http://127.0.0.1:1' }), /is not a valid member id/);
});

test('peers are added, moved and removed at run time, and an invalid address is only reported', async () => {
  const a = await new TestTransport('a', {}).start();
  const b = await new TestTransport('b', {}).start();
  const [urlA, urlB] = await Promise.all(
    [a, b].map(async ({ transport }) => `http://127.0.0.1:${await transport.listen()}`),
  );
  a.transport.addPeer('b', 'not a URL');
  assert.ok(a.hasEvent('dialFailed', ({ peer, code }) => peer === 'b' && code === 'BAD_OPTION'));
  a.transport.send(heartbeat('a', 'b', 1));
  a.transport.addPeer('b', urlB ?? '');
  await waitUntil(
    () => b.hasEvent('refused', ({ status }) => status === 'UNKNOWN_SENDER'),
    'b not to know a',
  );
  b.transport.addPeer('a', urlA ?? '');
  // Waits for the event at a: until then a would drop its messages, although b has already accepted the link.
  await waitUntil(() => a.hasEvent('connected', ({ direction }) => direction === 'out'), 'a to be connected');
  a.transport.addPeer('b', '');
  a.transport.send(heartbeat('a', 'b', 2));
  a.transport.removePeer('b');
  a.transport.send(heartbeat('a', 'b', 3));
  await waitUntil(() => b.recorder.messages.length > 0, 'the queued message to arrive');
  await waitUntil(() => a.hasEvent('refused', ({ status }) => status === 'UNKNOWN_SENDER'), 'a to refuse b');
  assert.equal(
    b.recorder.messages.map((message) => 'round' in message && message.round),
    [2],
  );
  assert.equal([a.transport.peers(), b.transport.peers()], [[], ['a']]);
  await Promise.all([a.transport.stop(), b.transport.stop()]);
});

test.run();
