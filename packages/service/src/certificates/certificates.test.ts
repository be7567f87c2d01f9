import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { staticTlsSource, type TlsMaterial } from '@trireme/raft/frames';
import { LinkDialer } from '../link/dialer.js';
import { LinkListener } from '../link/listener.js';
import { Metrics } from '../metrics/metrics.js';
import { readIdentity } from '../process/identity.js';
import type { LinkIdentity } from '../link/handshake.js';
import { checkCertificate } from '../rules/certificate.js';
import type { CertificateRole } from '../rules/roles.js';
import { UsageError } from '../rules/usage-error.js';
import { InternalServer } from '../server/internal-server.js';
import { LinkRecorder, captureLog, until } from '../testing/links.js';
import { hasOpenssl, createCertificate, readCertificateFiles, renewCertificate } from './certificates.js';

const test = suite<{ folder: string }>('certificates');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-certificates-'));
});

test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

function identityOf(folder: string, name: string): LinkIdentity {
  const { ca, cert, key } = createCertificate(folder, name, ['127.0.0.1']);
  const flags = { id: name, cluster: 'test', host: '10.0.0.1', tlsCa: ca, tlsCert: cert, tlsKey: key };
  return readIdentity(flags, captureLog().log, new Metrics({ service: 'test', id: name }));
}

function materialOf({ tls }: LinkIdentity): TlsMaterial {
  if (tls === undefined || tls === null) throw new Error('the identity has no certificates');
  return tls.current;
}

interface Side {
  readonly server: InternalServer;
  readonly url: string;
  readonly handler: LinkRecorder;
  readonly lines: readonly string[];
}

async function withServer(identity: LinkIdentity, run: (side: Side) => Promise<void>): Promise<void> {
  const { log, lines } = captureLog();
  const handler = new LinkRecorder();
  const listener = new LinkListener({ path: '/links/test', clientRole: 'frontend', identity, handler, log });
  const server = new InternalServer({
    host: '127.0.0.1',
    port: 0,
    identity,
    log,
    listeners: [listener],
    status: () => ({ role: 'test' }),
    checks: () => [],
    metrics: new Metrics({ service: 'test', id: 'test' }),
    routes: { '/export': async (_, response) => void response.end('the book') },
  });
  const url = `https://127.0.0.1:${await server.listen()}`;
  try {
    await run({ server, url, handler, lines });
  } finally {
    await server.close();
  }
}

async function codeOf(url: string, path: string, options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { agent: false, ...options }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject).end();
  });
}

/** Log lines of either side about a dial that opened no link. */
const DIAL_FAILED = /link refused|cannot open link/;

/** Dials until the link opens or a side logs why it does not. Returns the dialer's log lines. */
async function dial(
  url: string,
  identity: LinkIdentity,
  side: Side,
  expects: CertificateRole = 'replica',
): Promise<readonly string[]> {
  const { log, lines } = captureLog();
  const dialer = new LinkDialer({
    url,
    path: '/links/test',
    identity,
    handler: new LinkRecorder(),
    log,
    serverRole: expects,
  });
  dialer.start();
  await until(
    () => side.handler.opens.length > 0 || [...side.lines, ...lines].some((line) => DIAL_FAILED.test(line)),
    'the end of the handshake',
  );
  await dialer.stop();
  return lines;
}

if (!hasOpenssl()) {
  console.log('SKIPPED certificates: openssl is not installed (Debian: openssl)');
  test.skip('certificates', () => undefined);
} else {
  test('createCertificate uses one authority, and makes key files readable by their owner only', ({
    folder,
  }) => {
    const first = createCertificate(folder, 'replica-1', ['127.0.0.1', 'replica-1.trireme']);
    const second = createCertificate(folder, 'catalog', ['127.0.0.1']);
    assert.is(first.ca, second.ca);
    const authority = new X509Certificate(readFileSync(first.ca));
    const certificate = new X509Certificate(readFileSync(first.cert));
    assert.ok(certificate.verify(authority.publicKey));
    assert.is(certificate.subject, 'CN=replica-1');
    assert.match(certificate.subjectAltName ?? '', 'IP Address:127.0.0.1');
    assert.match(certificate.subjectAltName ?? '', 'DNS:replica-1.trireme');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.key'))) {
      assert.is(statSync(join(folder, file)).mode & 0o077, 0, file);
    }
    const before = readFileSync(first.cert, 'utf8');
    createCertificate(folder, 'replica-1', ['127.0.0.1']);
    assert.is(readFileSync(first.cert, 'utf8'), before, 'an existing certificate is kept');
  });

  test('createCertificate finishes a renewal that was interrupted between key and certificate', ({
    folder,
  }) => {
    const files = createCertificate(folder, 'replica-1', ['127.0.0.1']);
    const before = readFileSync(files.cert);
    renewCertificate(folder, 'replica-1', ['127.0.0.1']);
    const renewed = readFileSync(files.cert);
    writeFileSync(`${files.cert}.new`, renewed);
    writeFileSync(files.cert, before);
    createCertificate(folder, 'replica-1', ['127.0.0.1']);
    assert.equal(readFileSync(files.cert), renewed);
    checkCertificate(readCertificateFiles(files));
    writeFileSync(`${files.cert}.new`, before);
    createCertificate(folder, 'replica-1', ['127.0.0.1']);
    assert.equal(
      readFileSync(files.cert),
      renewed,
      'a matching pair is kept, whatever the side file contains',
    );
  });

  test('createCertificate rejects invalid names and hosts', ({ folder }) => {
    for (const name of ['', 'a b', 'a/CN=b', 'authority', '../x']) {
      assert.throws(
        () => createCertificate(folder, name, ['127.0.0.1']),
        (error: unknown) => error instanceof UsageError,
      );
    }
    for (const host of ['', 'a,DNS:b', 'a\nb', 'a b']) {
      assert.throws(
        () => createCertificate(folder, 'x', [host]),
        (error: unknown) => error instanceof UsageError,
      );
    }
  });

  test('readIdentity requires all TLS options, and then accepts a host beyond loopback', ({ folder }) => {
    const { ca } = createCertificate(folder, 'x', ['127.0.0.1']);
    const { log } = captureLog();
    assert.throws(
      () =>
        readIdentity(
          { id: 'x', cluster: 'test', host: '127.0.0.1', tlsCa: ca },
          log,
          new Metrics({ service: 'test', id: 'x' }),
        ),
      (error: unknown) => error instanceof UsageError && error.message.includes('must be given together'),
    );
    assert.ok(identityOf(folder, 'replica-1').tls);
  });

  test('a process with a certificate of the cluster opens a link, and an operator calls guarded routes', async ({
    folder,
  }) => {
    await withServer(identityOf(folder, 'replica-1'), async (side) => {
      const frontend = identityOf(folder, 'frontend-1');
      await dial(side.url, frontend, side);
      assert.is(side.handler.opens[0]?.peer, 'frontend-1');
      assert.is(await codeOf(side.url, '/export', { ...materialOf(identityOf(folder, 'operator')) }), 200);
    });
  });

  test('a certificate with another role is refused with WRONG_ROLE, and its name is logged', async ({
    folder,
  }) => {
    await withServer(identityOf(folder, 'replica-1'), async (side) => {
      assert.is(await codeOf(side.url, '/export', { ...materialOf(identityOf(folder, 'frontend-1')) }), 403);
      assert.match(side.lines.join(), /WRONG_ROLE.*frontend-1/);
    });
    for (const name of ['replica-2', 'catalog', 'operator', 'unknown']) {
      await withServer(identityOf(folder, 'replica-1'), async (side) => {
        await dial(side.url, identityOf(folder, name), side);
        assert.match(side.lines.join(), new RegExp(`WRONG_ROLE.*${name}.*role frontend`));
        assert.is(side.handler.opens.length, 0);
      });
    }
  });

  test('the dialer sends neither its name nor a secret to a server with another role', async ({ folder }) => {
    await withServer(identityOf(folder, 'frontend-2'), async (side) => {
      const lines = await dial(side.url, identityOf(folder, 'frontend-1'), side, 'catalog');
      assert.match(lines.join(), /frontend-2.*role catalog/);
      assert.equal(side.lines, []);
      assert.is(side.handler.opens.length, 0);
    });
  });

  test('a client without a certificate can only read the health, and the refusal is logged', async ({
    folder,
  }) => {
    await withServer(identityOf(folder, 'replica-1'), async (side) => {
      const { ca } = materialOf(identityOf(folder, 'frontend-1'));
      assert.is(await codeOf(side.url, '/livez', { ca }), 200);
      assert.is(await codeOf(side.url, '/export', { ca }), 401);
      await dial(
        side.url,
        {
          name: 'frontend-1',
          cluster: 'test',
          secret: null,
          tls: staticTlsSource({ ca, cert: '', key: '' }),
        },
        side,
      );
      assert.match(side.lines.join(), /WRONG_CERTIFICATE.*no certificate was sent/);
      assert.is(side.handler.opens.length, 0);
    });
  });

  test('a certificate of another authority or process is refused with WRONG_CERTIFICATE, and logged', async ({
    folder,
  }) => {
    await withServer(identityOf(folder, 'replica-1'), async (side) => {
      const ours = identityOf(folder, 'frontend-1');
      const theirs = identityOf(join(folder, 'theirs'), 'frontend-1');
      const mixed = { ...materialOf(theirs), ca: materialOf(ours).ca };
      assert.is(await codeOf(side.url, '/export', mixed), 401);
      await dial(side.url, { ...ours, tls: staticTlsSource(mixed) }, side);
      assert.match(side.lines.join(), /WRONG_CERTIFICATE.*not valid for this cluster/);
    });
    await withServer(identityOf(folder, 'replica-1'), async (side) => {
      await dial(side.url, { ...identityOf(folder, 'frontend-1'), name: 'replica-2' }, side);
      assert.match(side.lines.join(), /WRONG_CERTIFICATE.*belongs to another process/);
      assert.is(side.handler.opens.length, 0);
    });
  });
}

test.run();
