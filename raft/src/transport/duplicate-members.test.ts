/** Two processes of one member: the one at the member's address is accepted, the other one is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { heartbeat } from './conformance.js';
import { TestTransport, waitUntil } from './testing/test-transport.js';

const A = { instance: 'folder-a' };

/** Creates `a` and the original `b`, which know each other's addresses. */
async function pair(): Promise<{ a: TestTransport; original: TestTransport; url: string; port: number }> {
  const a = new TestTransport('a', {}, A);
  const url = `http://127.0.0.1:${await a.transport.listen()}`;
  const original = new TestTransport('b', { a: url }, { instance: 'folder-b' });
  const port = await original.transport.listen();
  a.transport.addPeer('b', `http://127.0.0.1:${port}`);
  return { a, original, url, port };
}

const isLinked = (member: TestTransport, peer: string, direction: 'in' | 'out'): boolean =>
  member.hasEvent('connected', (event) => event.peer === peer && event.direction === direction);

const isRefused = (member: TestTransport): boolean =>
  member.hasEvent('dialFailed', ({ status }) => status === 'DUPLICATE_MEMBER');

test('a process on a copy is refused while the original answers, and the error names both addresses', async () => {
  const { a, original, url, port } = await pair();
  await Promise.all([a.start(), original.start()]);
  const copy = new TestTransport(
    'b',
    { a: url },
    { instance: 'folder-copy', advertise: 'http://127.0.0.1:7777' },
  );
  try {
    await waitUntil(() => isLinked(a, 'b', 'in') && isLinked(a, 'b', 'out'), 'both links of the original');
    await copy.start();
    await waitUntil(() => isRefused(copy), 'the refusal');
    const named = new RegExp(`member b: the one at http://127.0.0.1:${port}, .* at http://127.0.0.1:7777; `);
    assert.ok(copy.hasEvent('dialFailed', ({ message }) => named.test(message)));
    assert.ok(
      a.hasEvent('refused', ({ status, message }) => status === 'DUPLICATE_MEMBER' && named.test(message)),
    );
    assert.not.ok(
      a.hasEvent('disconnected', () => true),
      'the original stays connected',
    );
    original.transport.send(heartbeat('b', 'a', 1));
    await waitUntil(() => a.recorder.messages.length === 1, 'a message of the original');
  } finally {
    await Promise.all([copy, a, original].map(async ({ transport }) => transport.stop()));
  }
});

test('a copy that connected while the original was down is refused once the original is back', async () => {
  const { a, original, url, port } = await pair();
  await original.transport.stop();
  const copy = new TestTransport('b', { a: url }, { instance: 'folder-copy' });
  await a.start();
  await copy.start();
  const listen = { host: '127.0.0.1', port };
  const restarted = new TestTransport('b', { a: url }, { instance: 'folder-b', listen });
  try {
    await waitUntil(() => isLinked(a, 'b', 'in'), 'the link of the copy');
    await restarted.start();
    await waitUntil(() => isRefused(copy), 'the refusal');
    await waitUntil(() => {
      restarted.transport.send(heartbeat('b', 'a', 7));
      return a.recorder.messages.some((message) => message.type === 'heartbeat' && message.round === 7);
    }, 'a message of the original');
    assert.not.ok(isRefused(restarted));
  } finally {
    await Promise.all([copy, a, restarted].map(async ({ transport }) => transport.stop()));
  }
});

test('a member that restarts on its folder is accepted immediately, even if its last link still seems open', async () => {
  const { a, original, url } = await pair();
  await Promise.all([a.start(), original.start()]);
  const restarted = new TestTransport('b', { a: url }, { instance: 'folder-b' });
  try {
    await waitUntil(() => isLinked(a, 'b', 'in') && isLinked(a, 'b', 'out'), 'both links');
    await restarted.start();
    await waitUntil(() => isLinked(restarted, 'a', 'out'), 'its link');
    assert.not.ok(isRefused(restarted));
  } finally {
    await Promise.all([restarted, a, original].map(async ({ transport }) => transport.stop()));
  }
});

test('queries are answered as soon as the port listens, but only to processes of the cluster', async () => {
  const questions = { '/raft/founding': () => ({ state: 'empty' }) };
  const b = new TestTransport('b', {}, { queries: questions });
  const url = `http://127.0.0.1:${await b.transport.listen()}`;
  const [a, other] = [
    new TestTransport('a', { b: url }),
    new TestTransport('a', { b: url }, { secret: 'another' }),
  ];
  const failure = async (client: TestTransport, path: string): Promise<string> =>
    client.transport.query('b', path).then(
      () => '',
      (error: unknown) => String(error),
    );
  try {
    assert.equal(await a.transport.query('b', '/raft/founding'), { state: 'empty' });
    assert.match(await failure(a, '/raft/else'), 'ROUTE_NOT_FOUND');
    assert.match(await failure(a, '/toString'), 'ROUTE_NOT_FOUND');
    assert.match(await failure(other, '/raft/founding'), 'WRONG_SECRET');
    await b.transport.stop();
    assert.match(await failure(a, '/raft/founding'), 'ECONNREFUSED');
  } finally {
    await b.transport.stop();
  }
});

test.run();
