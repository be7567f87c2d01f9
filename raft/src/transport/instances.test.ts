/** Two processes of one member: the one at the member's address is heard, the other one refused by name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { heartbeat } from './conformance.js';
import { Member, until } from './testing/member.js';

const A = { instance: 'folder-a' };

/** `a` reaches `b` at the address of the original, and both know each other. */
async function pair(): Promise<{ a: Member; original: Member; url: string; port: number }> {
  const a = new Member('a', {}, A);
  const url = `http://127.0.0.1:${await a.transport.listen()}`;
  const original = new Member('b', { a: url }, { instance: 'folder-b' });
  const port = await original.transport.listen();
  a.transport.addPeer('b', `http://127.0.0.1:${port}`);
  return { a, original, url, port };
}

const isLinked = (member: Member, peer: string, way: 'in' | 'out'): boolean =>
  member.has('connected', (event) => event.peer === peer && event.direction === way);

const isRefused = (member: Member): boolean =>
  member.has('dialFailed', ({ status }) => status === 'DUPLICATE_MEMBER');

test('a process on a copy is refused while the original answers, and both addresses are named', async () => {
  const { a, original, url, port } = await pair();
  await Promise.all([a.start(), original.start()]);
  const copy = new Member('b', { a: url }, { instance: 'folder-copy', advertise: 'http://127.0.0.1:7777' });
  try {
    await until(() => isLinked(a, 'b', 'in') && isLinked(a, 'b', 'out'), 'both links of the original');
    await copy.start();
    await until(() => isRefused(copy), 'the refusal');
    const named = new RegExp(`member b: the one at http://127.0.0.1:${port}, .* at http://127.0.0.1:7777; `);
    assert.ok(copy.has('dialFailed', ({ message }) => named.test(message)));
    assert.ok(
      a.has('refused', ({ status, message }) => status === 'DUPLICATE_MEMBER' && named.test(message)),
    );
    assert.not.ok(
      a.has('disconnected', () => true),
      'the original lost nothing',
    );
    original.transport.send(heartbeat('b', 'a', 1));
    await until(() => a.recorder.messages.length === 1, 'a message of the original');
  } finally {
    await Promise.all([copy, a, original].map(async ({ transport }) => transport.stop()));
  }
});

test('a copy that came while the original was down gives way to it', async () => {
  const { a, original, url, port } = await pair();
  await original.transport.stop();
  const copy = new Member('b', { a: url }, { instance: 'folder-copy' });
  await a.start();
  await copy.start();
  const listen = { host: '127.0.0.1', port };
  const again = new Member('b', { a: url }, { instance: 'folder-b', listen });
  try {
    await until(() => isLinked(a, 'b', 'in'), 'the link of the copy');
    await again.start();
    await until(() => isRefused(copy), 'the refusal');
    await until(() => {
      again.transport.send(heartbeat('b', 'a', 7));
      return a.recorder.messages.some((message) => message.type === 'heartbeat' && message.round === 7);
    }, 'a message of the original');
    assert.not.ok(isRefused(again));
  } finally {
    await Promise.all([copy, a, again].map(async ({ transport }) => transport.stop()));
  }
});

test('a member that starts anew on its folder is taken at once, while its last link still seems to be open', async () => {
  const { a, original, url } = await pair();
  await Promise.all([a.start(), original.start()]);
  const again = new Member('b', { a: url }, { instance: 'folder-b' });
  try {
    await until(() => isLinked(a, 'b', 'in') && isLinked(a, 'b', 'out'), 'both links');
    await again.start();
    await until(() => isLinked(again, 'a', 'out'), 'its link');
    assert.not.ok(isRefused(again));
  } finally {
    await Promise.all([again, a, original].map(async ({ transport }) => transport.stop()));
  }
});

test('a question is answered to processes of the cluster from when the port listens, and to no one else', async () => {
  const questions = { '/raft/founding': () => ({ state: 'empty' }) };
  const b = new Member('b', {}, { questions });
  const url = `http://127.0.0.1:${await b.transport.listen()}`;
  const [a, other] = [new Member('a', { b: url }), new Member('a', { b: url }, { secret: 'another' })];
  const why = async (asking: Member, path: string): Promise<string> =>
    asking.transport.ask('b', path).then(
      () => '',
      (error: unknown) => String(error),
    );
  try {
    assert.equal(await a.transport.ask('b', '/raft/founding'), { state: 'empty' });
    assert.match(await why(a, '/raft/else'), 'ROUTE_NOT_FOUND');
    assert.match(await why(a, '/toString'), 'ROUTE_NOT_FOUND');
    assert.match(await why(other, '/raft/founding'), 'WRONG_SECRET');
    await b.transport.stop();
    assert.match(await why(a, '/raft/founding'), 'ECONNREFUSED');
  } finally {
    await b.transport.stop();
  }
});

test.run();
