import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initialMembership } from '../core/membership.js';
import { FrameError, dialFrames, fixedTls, type TlsMaterial } from '../frames/index.js';
import { makeAuthority } from '../frames/testing/certificates.js';
import { transportConformance, transportSnapshotConformance } from './conformance.js';
import { RAFT_PATH, handshakeHeaders } from './handshake.js';
import { postSnapshot } from './snapshot-sender.js';
import { Member, SECRET, until } from './testing/member.js';

const LIMITS = { frameBytesMax: 65_536, queueBytesMax: 131_072, silenceMsMax: 3_000 };

const ours = makeAuthority(['member-a', 'member-b', 'member-c']);
const theirs = makeAuthority(['member-b']);

const nameOf = (id: string): string => `member-${id}`;

function material(authority: typeof ours, id: string): TlsMaterial {
  const found = authority?.[nameOf(id)];
  if (found === undefined) throw new Error(`there is no certificate of ${id}`);
  return found;
}

async function member(id: string): Promise<{ member: Member; url: string }> {
  const made = new Member(id, {}, { tls: { source: fixedTls(material(ours, id)), nameOf } });
  return { member: made, url: `https://127.0.0.1:${await made.transport.listen()}` };
}

if (ours === null || theirs === null) {
  console.log('SKIPPED members over TLS: openssl is not installed (Debian: openssl)');
  test.skip('members over TLS', () => undefined);
} else {
  const conformance = {
    test,
    until,
    makePair: async () => {
      const [a, b] = [await member('a'), await member('b')];
      a.member.transport.addPeer('b', b.url);
      b.member.transport.addPeer('a', a.url);
      a.member.transport.addPeer('c', 'https://127.0.0.1:1');
      return { a: a.member.transport, b: b.member.transport };
    },
  };
  transportConformance(conformance);
  transportSnapshotConformance(conformance);

  const headers = handshakeHeaders({ id: 'b', cluster: 'test', secret: SECRET }, 'a');
  const asking: readonly (readonly [string, TlsMaterial, RegExp])[] = [
    ['no certificate', { ...material(ours, 'b'), cert: '', key: '' }, /no certificate was sent/],
    [
      'a certificate of another authority',
      { ...material(theirs, 'b'), ca: material(ours, 'a').ca },
      /not of this cluster: \w+/,
    ],
    ['the certificate of another member', material(ours, 'c'), /that of another process/],
  ];
  for (const [name, tls, why] of asking) {
    test(`a peer with ${name} is refused, whatever secret it knows, and both sides are told why`, async () => {
      const { member: a, url } = await member('a');
      await a.start();
      a.transport.addPeer('b', 'https://127.0.0.1:1');
      const dialed: unknown = await dialFrames({
        url,
        path: RAFT_PATH,
        headers,
        timeoutMs: 2_000,
        limits: LIMITS,
        tls: { source: fixedTls(tls) },
      }).catch((error: unknown) => error);
      assert.ok(dialed instanceof FrameError && dialed.refusal?.status === 'WRONG_CERTIFICATE');
      assert.match(dialed.message, why);
      assert.ok(
        a.has('refused', ({ status, message }) => status === 'WRONG_CERTIFICATE' && why.test(message)),
      );

      const chunks = (async function* () {
        yield Buffer.from('x');
      })();
      const base = { index: 1, term: 1, membership: initialMembership(['a', 'b']) };
      const transfer = { from: 'b', to: 'a', term: 1, base, chunks };
      const options = {
        url,
        headers,
        tls: { source: fixedTls(tls) },
        stallMsMax: 2_000,
        signal: new AbortController().signal,
      };
      const posted: unknown = await postSnapshot(transfer, options).catch((error: unknown) => error);
      assert.match(String(posted), /WRONG_CERTIFICATE|ECONNRESET|EPIPE/);
      await a.transport.stop();
    });
  }

  test('a server with a certificate of another authority is not spoken to', async () => {
    const b = new Member('b', {}, { tls: { source: fixedTls(material(theirs, 'b')), nameOf } });
    const url = `https://127.0.0.1:${await b.transport.listen()}`;
    const tls = { source: fixedTls(material(ours, 'a')) };
    const dialed: unknown = await dialFrames({
      url,
      path: RAFT_PATH,
      headers,
      timeoutMs: 2_000,
      limits: LIMITS,
      tls,
    }).catch((error: unknown) => error);
    assert.ok(dialed instanceof FrameError && dialed.code === 'DIAL_FAILED');
    assert.match(dialed.message, /certificate|self-signed/);
    await b.transport.stop();
  });

  test('who answers at a peer’s address with the certificate of another member is not spoken to', async () => {
    const { member: c, url } = await member('c');
    await c.start();
    const { member: a } = await member('a');
    await a.start();
    a.transport.addPeer('b', url);
    await until(
      () =>
        a.has(
          'dialFailed',
          ({ peer, message }) => peer === 'b' && /"member-c", not of member-b/.test(message),
        ),
      'the refusal of the server',
    );
    const chunks = (async function* () {
      yield Buffer.from('x');
    })();
    const base = { index: 1, term: 1, membership: initialMembership(['a', 'b']) };
    const sent: unknown = await a.transport
      .sendSnapshot({ from: 'a', to: 'b', term: 1, base, chunks }, new AbortController().signal)
      .catch((error: unknown) => error);
    assert.match(String(sent), /"member-c", not of member-b/);
    assert.not.ok(
      c.has('refused', () => true),
      'it does not even learn what was asked',
    );
    await Promise.all([a.transport.stop(), c.transport.stop()]);
  });

  test('new material is used from the next handshake on, by the server and by who dials', async () => {
    const listeners = new Set<() => void>();
    const source = {
      current: material(theirs, 'b'),
      onChange: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const b = new Member('b', {}, { tls: { source, nameOf } });
    const url = `https://127.0.0.1:${await b.transport.listen()}`;
    const { member: a, url: urlOfA } = await member('a');
    await Promise.all([a.start(), b.start()]);
    a.transport.addPeer('b', url);
    b.transport.addPeer('a', urlOfA);
    await until(
      () =>
        a.has('dialFailed', ({ peer }) => peer === 'b') && b.has('dialFailed', ({ peer }) => peer === 'a'),
      'both to be refused',
    );
    source.current = material(ours, 'b');
    for (const listener of listeners) listener();
    await until(
      () => ['in', 'out'].every((way) => a.has('connected', ({ direction }) => direction === way)),
      'links both ways',
    );
    await Promise.all([a.transport.stop(), b.transport.stop()]);
    assert.is(listeners.size, 0, 'a server that is closed listens no more');
  });

  test('nothing goes out in the clear by a slip of a letter', async () => {
    const { member: a } = await member('a');
    await a.start();
    a.transport.addPeer('b', 'http://127.0.0.1:1');
    assert.ok(
      a.has('dialFailed', ({ code, message }) => code === 'BAD_OPTION' && /must be https/.test(message)),
    );
    await a.transport.stop();
    const plain = await new Member('a', { b: 'https://127.0.0.1:1' }).start();
    assert.ok(plain.has('dialFailed', ({ message }) => message.includes('no certificates for it')));
    await plain.transport.stop();
  });

  test('plain HTTP and nonsense on a TLS port end at once, and do no harm', async () => {
    const { member: a, url } = await member('a');
    await a.start();
    const answer: unknown = await fetch(url.replace('https', 'http')).catch((error: unknown) => error);
    assert.instance(answer, Error);
    await a.transport.stop();
  });
}

test.run();
