/** Members that meet without knowing each other: let in by name of the cluster and secret, for as long as they are linked. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { heartbeat } from './conformance.js';
import { UnknownPeers, unknownPeerUrl } from './unknown-peers.js';
import { Member, until } from './testing/member.js';
import type { HttpTransportOptions } from './http-options.js';

/** Two members of whom `a` knows `b`, and `b` no one. */
async function strangers(options: Partial<HttpTransportOptions> = {}): Promise<readonly [Member, Member]> {
  const b = new Member('b', {});
  const url = `http://127.0.0.1:${await b.transport.listen()}`;
  await b.start();
  const a: Member = new Member('a', { b: url }, options);
  return [a, b];
}

async function stopAll(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map(async ({ transport }) => transport.stop()));
}

/** Has `a` say where it is reached, and starts it. */
async function introduced(): Promise<readonly [Member, Member]> {
  const other = new Member('a', {});
  const port = await other.transport.listen();
  await other.transport.stop();
  const advertise = `http://127.0.0.1:${port}`;
  const [a, b] = await strangers({ advertise, listen: { host: '127.0.0.1', port } });
  await a.start();
  return [a, b];
}

test('who says where it is reached is heard and answered by a member that does not know it', async () => {
  const [a, b] = await introduced();
  try {
    await until(
      () => b.has('connected', ({ peer, direction }) => peer === 'a' && direction === 'out'),
      'b dials a',
    );
    a.transport.send(heartbeat('a', 'b', 1));
    b.transport.send(heartbeat('b', 'a', 2));
    await until(() => a.recorder.messages.length === 1 && b.recorder.messages.length === 1, 'both messages');
    assert.equal(b.transport.peers(), [], 'it is no peer for that');
  } finally {
    await stopAll([a, b]);
  }
});

test('an unknown peer that has gone is dialed no more', async () => {
  const [a, b] = await introduced();
  try {
    await until(() => b.has('connected', ({ direction }) => direction === 'out'), 'the link');
    await a.transport.stop();
    await until(() => b.has('disconnected', ({ direction }) => direction === 'in'), 'the end');
    b.transport.send(heartbeat('b', 'a', 1));
    await until(
      () => b.has('dropped', ({ peer, reason }) => peer === 'a' && reason === 'unknownPeer'),
      'the drop',
    );
  } finally {
    await stopAll([a, b]);
  }
});

test('an unknown peer that turns out to be a member stays linked, and one that is removed is refused', async () => {
  const [a, b] = await introduced();
  try {
    await until(() => b.has('connected', ({ direction }) => direction === 'out'), 'the link');
    b.transport.addPeer('a', '');
    assert.equal(b.transport.peers(), ['a']);
    let sent = 0;
    await until(() => {
      b.transport.send(heartbeat('b', 'a', ++sent));
      return a.recorder.messages.length > 0;
    }, 'a message to the member at the address that it gave');
    b.transport.removePeer('a');
    await until(() => b.has('refused', ({ status }) => status === 'UNKNOWN_SENDER'), 'the refusal');
  } finally {
    await stopAll([a, b]);
  }
});

test('who does not say where it is reached is refused as ever', async () => {
  const [a, b] = await strangers();
  try {
    await a.start();
    await until(() => b.has('refused', ({ status }) => status === 'UNKNOWN_SENDER'), 'the refusal');
  } finally {
    await stopAll([a, b]);
  }
});

test('an address of the log is dialed as the transport is told to read it', async () => {
  const [a, b] = await strangers({ urlOf: (address) => address.split(' ')[0] ?? '' });
  try {
    await a.start();
    const c = await new Member('c', { a: 'http://127.0.0.1:1' }).start();
    a.transport.addPeer('c', `http://127.0.0.1:${await c.transport.listen()} and more`);
    await until(() => a.has('connected', ({ peer, direction }) => peer === 'c' && direction === 'out'), 'c');
    await c.transport.stop();
  } finally {
    await stopAll([a, b]);
  }
});

test('unknown peers are bounded, and so is the memory of who was removed', () => {
  const unknownPeers = new UnknownPeers();
  for (let n = 0; n < 15; n += 1) unknownPeers.add(`g${n}`, 'http://x');
  assert.not.ok(unknownPeers.isWelcome('one-more', 'http://x'));
  assert.ok(unknownPeers.isWelcome('g3', 'http://x'), 'one that is known already may come again');
  assert.ok(unknownPeers.delete('g3'));
  assert.not.ok(unknownPeers.delete('g3'));
  for (let n = 0; n < 257; n += 1) unknownPeers.removed(`r${n}`);
  assert.not.ok(unknownPeers.isWelcome('r1', 'http://x'));
  assert.ok(unknownPeers.isWelcome('r0', 'http://x'), 'the oldest is forgotten');
  assert.is(unknownPeers.known('r1'), null);
  assert.ok(unknownPeers.isWelcome('r1', 'http://x'));
});

test('only a url that could be dialed is one', () => {
  for (const bad of [undefined, 7, '', 'x', 'ftp://x', `http://${'x'.repeat(512)}`])
    assert.is(unknownPeerUrl(bad), null);
  assert.is(unknownPeerUrl('http://127.0.0.1:8201'), 'http://127.0.0.1:8201');
});

test.run();
