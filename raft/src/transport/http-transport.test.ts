import { createServer, type AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameError, dialFrames, type FrameClose, type FrameConnection } from '../frames/index.js';
import { encodeMessage } from './codec.js';
import { heartbeat, transportConformance, transportSnapshotConformance } from './conformance.js';
import { RAFT_PATH, handshakeHeaders } from './handshake.js';
import { Member, SECRET, until } from './testing/member.js';

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
  until,
  makePair: async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const a = new Member('a', { c: nobody }).transport;
    const b = new Member('b', {}).transport;
    a.addPeer('b', `http://127.0.0.1:${await b.listen()}`);
    b.addPeer('a', `http://127.0.0.1:${await a.listen()}`);
    return { a, b };
  },
};

transportConformance(CONFORMANCE);
transportSnapshotConformance(CONFORMANCE);

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

test('a peer tells its wall clock before its first message, and goes on telling it', async () => {
  let wallMs = -5.5;
  const a = await new Member('a', { b: 'http://127.0.0.1:1' }).start();
  const url = `http://127.0.0.1:${await a.transport.listen()}`;
  const b = new Member('b', { a: url }, { wallClock: () => wallMs });
  const told = (): readonly number[] =>
    a.events.flatMap((event) => (event.type === 'clock' ? event.wallMs : []));
  try {
    await b.start();
    await until(() => b.has('connected', (event) => event.direction === 'out'), 'the link');
    b.transport.send(heartbeat('b', 'a', 1));
    await until(() => a.recorder.messages.length === 1, 'the message');
    assert.is(told()[0], -5.5, 'the clock came first');
    wallMs = 2e15;
    await until(() => told().includes(2e15), 'the clock as it is now');
    assert.equal(a.recorder.messages, [heartbeat('b', 'a', 1)], 'clocks are no messages');
  } finally {
    await b.transport.stop();
    await a.transport.stop();
  }
});

const BAD_FRAMES: readonly [string, Uint8Array][] = [
  ['garbage', Buffer.from('not a message')],
  ['a clock that is cut off', Buffer.from([0xc1, 0, 0])],
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

test('peers come, move and go while the transport runs; an address that is none is told and stops nothing', async () => {
  const a = await new Member('a', {}).start();
  const b = await new Member('b', {}).start();
  const [urlA, urlB] = await Promise.all(
    [a, b].map(async ({ transport }) => `http://127.0.0.1:${await transport.listen()}`),
  );
  a.transport.addPeer('b', 'no url at all');
  assert.ok(a.has('dialFailed', ({ peer, code }) => peer === 'b' && code === 'BAD_OPTION'));
  a.transport.send(heartbeat('a', 'b', 1));
  a.transport.addPeer('b', urlB ?? '');
  await until(() => b.has('refused', ({ status }) => status === 'UNKNOWN_SENDER'), 'b not to know a');
  b.transport.addPeer('a', urlA ?? '');
  // Not that b has let a in: a does not know of it yet, and would drop what it is to send.
  await until(() => a.has('connected', ({ direction }) => direction === 'out'), 'a to be let in');
  a.transport.addPeer('b', '');
  a.transport.send(heartbeat('a', 'b', 2));
  a.transport.removePeer('b');
  a.transport.send(heartbeat('a', 'b', 3));
  await until(() => b.recorder.messages.length > 0, 'what was queued to leave');
  await until(
    () => a.has('refused', ({ status }) => status === 'UNKNOWN_SENDER'),
    'a not to know b any more',
  );
  assert.equal(
    b.recorder.messages.map((message) => 'round' in message && message.round),
    [2],
  );
  assert.equal([a.transport.peers(), b.transport.peers()], [[], ['a']]);
  await Promise.all([a.transport.stop(), b.transport.stop()]);
});

test.run();
