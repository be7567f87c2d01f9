import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initialMembership } from '../core/membership.js';
import { FrameError, dialFrames, staticTlsSource, type TlsMaterial } from '../frames/index.js';
import { makeCertificates } from '../frames/testing/certificates.js';
import { transportConformance, transportSnapshotConformance } from './conformance.js';
import { RAFT_PATH, handshakeHeaders } from './handshake.js';
import { postSnapshot } from './snapshot-sender.js';
import { TestTransport, SECRET, waitUntil } from './testing/test-transport.js';

const LIMITS = { frameBytesMax: 65_536, queueBytesMax: 131_072, silenceMsMax: 3_000 };

const ours = makeCertificates(['member-a', 'member-b', 'member-c']);
const theirs = makeCertificates(['member-b']);

const nameOf = (id: string): string => `member-${id}`;

function material(authority: typeof ours, id: string): TlsMaterial {
  const found = authority?.[nameOf(id)];
  if (found === undefined) throw new Error(`there is no certificate for ${id}`);
  return found;
}

async function member(id: string): Promise<{ member: TestTransport; url: string }> {
  const made = new TestTransport(id, {}, { tls: { source: staticTlsSource(material(ours, id)), nameOf } });
  return { member: made, url: `https://127.0.0.1:${await made.transport.listen()}` };
}

if (ours === null || theirs === null) {
  console.log('SKIPPED members over TLS: openssl is not installed (Debian: openssl)');
  test.skip('members over TLS', () => undefined);
} else {
  const conformance = {
    test,
    until: waitUntil,
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
  const refused: readonly (readonly [string, TlsMaterial, RegExp])[] = [
    ['no certificate', { ...material(ours, 'b'), cert: '', key: '' }, /no certificate was sent/],
    [
      'a certificate of another authority',
      { ...material(theirs, 'b'), ca: material(ours, 'a').ca },
      /not valid for this cluster: \w+/,
    ],
    ['the certificate of another member', material(ours, 'c'), /the certificate belongs to another process/],
  ];
  for (const [name, tls, why] of refused) {
    test(`the transport refuses a peer with ${name} despite a correct secret, and reports the reason on both sides`, async () => {
      const { member: a, url } = await member('a');
      await a.start();
      a.transport.addPeer('b', 'https://127.0.0.1:1');
      const dialed: unknown = await dialFrames({
        url,
        path: RAFT_PATH,
        headers,
        timeoutMs: 2_000,
        limits: LIMITS,
        tls: { source: staticTlsSource(tls) },
      }).catch((error: unknown) => error);
      assert.ok(dialed instanceof FrameError && dialed.refusal?.status === 'WRONG_CERTIFICATE');
      assert.match(dialed.message, why);
      assert.ok(
        a.hasEvent('refused', ({ status, message }) => status === 'WRONG_CERTIFICATE' && why.test(message)),
      );

      const chunks = (async function* () {
        yield Buffer.from('x');
      })();
      const base = { index: 1, term: 1, membership: initialMembership(['a', 'b']) };
      const transfer = { from: 'b', to: 'a', term: 1, base, chunks };
      const options = {
        url,
        headers,
        tls: { source: staticTlsSource(tls) },
        stallMsMax: 2_000,
        signal: new AbortController().signal,
      };
      const posted: unknown = await postSnapshot(transfer, options).catch((error: unknown) => error);
      assert.match(String(posted), /WRONG_CERTIFICATE|ECONNRESET|EPIPE/);
      await a.transport.stop();
    });
  }

  test('dialFrames refuses a server with a certificate of another authority', async () => {
    const b = new TestTransport('b', {}, { tls: { source: staticTlsSource(material(theirs, 'b')), nameOf } });
    const url = `https://127.0.0.1:${await b.transport.listen()}`;
    const tls = { source: staticTlsSource(material(ours, 'a')) };
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

  test('the transport refuses a server at a peer’s address with the certificate of another member', async () => {
    const { member: c, url } = await member('c');
    await c.start();
    const { member: a } = await member('a');
    await a.start();
    a.transport.addPeer('b', url);
    await waitUntil(
      () =>
        a.hasEvent(
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
      c.hasEvent('refused', () => true),
      'the server receives no request',
    );
    await Promise.all([a.transport.stop(), c.transport.stop()]);
  });

  test('server and clients use new TLS material from the next handshake on', async () => {
    const listeners = new Set<() => void>();
    const source = {
      current: material(theirs, 'b'),
      onChange: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const b = new TestTransport('b', {}, { tls: { source, nameOf } });
    const url = `https://127.0.0.1:${await b.transport.listen()}`;
    const { member: a, url: urlOfA } = await member('a');
    await Promise.all([a.start(), b.start()]);
    a.transport.addPeer('b', url);
    b.transport.addPeer('a', urlOfA);
    await waitUntil(
      () =>
        a.hasEvent('dialFailed', ({ peer }) => peer === 'b') &&
        b.hasEvent('dialFailed', ({ peer }) => peer === 'a'),
      'both to be refused',
    );
    source.current = material(ours, 'b');
    for (const listener of listeners) listener();
    await waitUntil(
      () => ['in', 'out'].every((wanted) => a.hasEvent('connected', ({ direction }) => direction === wanted)),
      'links both ways',
    );
    await Promise.all([a.transport.stop(), b.transport.stop()]);
    assert.is(listeners.size, 0, 'a closed server has removed its listener');
  });

  test('addPeer refuses http URLs with TLS and https URLs without it', async () => {
    const { member: a } = await member('a');
    await a.start();
    a.transport.addPeer('b', 'http://127.0.0.1:1');
    assert.ok(
      a.hasEvent('dialFailed', ({ code, message }) => code === 'BAD_OPTION' && /must be https/.test(message)),
    );
    await a.transport.stop();
    const plain = await new TestTransport('a', { b: 'https://127.0.0.1:1' }).start();
    assert.ok(
      plain.hasEvent('dialFailed', ({ message }) => message.includes('an https URL needs TLS certificates')),
    );
    await plain.transport.stop();
  });

  test('a TLS port closes a plain HTTP connection', async () => {
    const { member: a, url } = await member('a');
    await a.start();
    const answer: unknown = await fetch(url.replace('https', 'http')).catch((error: unknown) => error);
    assert.instance(answer, Error);
    await a.transport.stop();
  });
}

test.run();
