/** Members that do not know each other: accepted by cluster name and secret, while their link is open. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { heartbeat } from './conformance.js';
import { UnknownPeers, parsePeerUrl } from './unknown-peers.js';
import { TestTransport, waitUntil } from './testing/test-transport.js';
import type { HttpTransportOptions } from './http-options.js';

/** Two members: `a` knows `b`, `b` knows no other member. */
async function strangers(
  options: Partial<HttpTransportOptions> = {},
): Promise<readonly [TestTransport, TestTransport]> {
  const b = new TestTransport('b', {});
  const url = `http://127.0.0.1:${await b.transport.listen()}`;
  await b.start();
  const a: TestTransport = new TestTransport('a', { b: url }, options);
  return [a, b];
}

async function stopAll(members: readonly TestTransport[]): Promise<void> {
  await Promise.all(members.map(async ({ transport }) => transport.stop()));
}

/** The same two members, started; `a` advertises its URL. */
async function advertised(): Promise<readonly [TestTransport, TestTransport]> {
  const other = new TestTransport('a', {});
  const port = await other.transport.listen();
  await other.transport.stop();
  const advertise = `http://127.0.0.1:${port}`;
  const [a, b] = await strangers({ advertise, listen: { host: '127.0.0.1', port } });
  await a.start();
  return [a, b];
}

test('an unknown member that advertises its URL is accepted and answered', async () => {
  const [a, b] = await advertised();
  try {
    await waitUntil(
      () => b.hasEvent('connected', ({ peer, direction }) => peer === 'a' && direction === 'out'),
      'b dials a',
    );
    a.transport.send(heartbeat('a', 'b', 1));
    b.transport.send(heartbeat('b', 'a', 2));
    await waitUntil(
      () => a.recorder.messages.length === 1 && b.recorder.messages.length === 1,
      'both messages',
    );
    assert.equal(b.transport.peers(), [], 'it does not become a peer');
  } finally {
    await stopAll([a, b]);
  }
});

test('an unknown peer is not dialed after it has closed its link', async () => {
  const [a, b] = await advertised();
  try {
    await waitUntil(() => b.hasEvent('connected', ({ direction }) => direction === 'out'), 'the link');
    await a.transport.stop();
    await waitUntil(() => b.hasEvent('disconnected', ({ direction }) => direction === 'in'), 'the end');
    b.transport.send(heartbeat('b', 'a', 1));
    await waitUntil(
      () => b.hasEvent('dropped', ({ peer, reason }) => peer === 'a' && reason === 'unknownPeer'),
      'the drop',
    );
  } finally {
    await stopAll([a, b]);
  }
});

test('an unknown peer that is added as a member stays connected, and is refused after its removal', async () => {
  const [a, b] = await advertised();
  try {
    await waitUntil(() => b.hasEvent('connected', ({ direction }) => direction === 'out'), 'the link');
    b.transport.addPeer('a', '');
    assert.equal(b.transport.peers(), ['a']);
    let sent = 0;
    await waitUntil(() => {
      b.transport.send(heartbeat('b', 'a', ++sent));
      return a.recorder.messages.length > 0;
    }, 'a message to the member at its advertised URL');
    b.transport.removePeer('a');
    await waitUntil(() => b.hasEvent('refused', ({ status }) => status === 'UNKNOWN_SENDER'), 'the refusal');
  } finally {
    await stopAll([a, b]);
  }
});

test('an unknown member that does not advertise its URL is refused', async () => {
  const [a, b] = await strangers();
  try {
    await a.start();
    await waitUntil(() => b.hasEvent('refused', ({ status }) => status === 'UNKNOWN_SENDER'), 'the refusal');
  } finally {
    await stopAll([a, b]);
  }
});

test('urlOf translates an address in the log into the dialed URL', async () => {
  const [a, b] = await strangers({ urlOf: (address) => address.split(' ')[0] ?? '' });
  try {
    await a.start();
    const c = await new TestTransport('c', { a: 'http://127.0.0.1:1' }).start();
    a.transport.addPeer('c', `http://127.0.0.1:${await c.transport.listen()} and more`);
    await waitUntil(
      () => a.hasEvent('connected', ({ peer, direction }) => peer === 'c' && direction === 'out'),
      'c',
    );
    await c.transport.stop();
  } finally {
    await stopAll([a, b]);
  }
});

test('UnknownPeers bounds unknown peers and remembered removed members', () => {
  const unknownPeers = new UnknownPeers();
  for (let n = 0; n < 15; n += 1) unknownPeers.add(`g${n}`, 'http://x');
  assert.not.ok(unknownPeers.isAccepted('one-more', 'http://x'));
  assert.ok(unknownPeers.isAccepted('g3', 'http://x'), 'an unknown peer may connect again');
  assert.ok(unknownPeers.delete('g3'));
  assert.not.ok(unknownPeers.delete('g3'));
  for (let n = 0; n < 257; n += 1) unknownPeers.onPeerRemoved(`r${n}`);
  assert.not.ok(unknownPeers.isAccepted('r1', 'http://x'));
  assert.ok(unknownPeers.isAccepted('r0', 'http://x'), 'the oldest is forgotten');
  assert.is(unknownPeers.onPeerAdded('r1'), null);
  assert.ok(unknownPeers.isAccepted('r1', 'http://x'));
});

test('parsePeerUrl returns only valid http(s) URLs', () => {
  for (const bad of [undefined, 7, '', 'x', 'ftp://x', `http://${'x'.repeat(512)}`])
    assert.is(parsePeerUrl(bad), null);
  assert.is(parsePeerUrl('http://127.0.0.1:8201'), 'http://127.0.0.1:8201');
});

test.run();
