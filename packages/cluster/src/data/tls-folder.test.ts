import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { createServer as createPlainServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasOpenssl, readCertificateFiles } from '@trireme/service';
import { ClusterError } from '../errors.js';
import { InternalClient } from '../ports/internal-client.js';
import { openCertificateProvider, operatorTls } from './tls-folder.js';

const test = suite<{ folder: string }>('certificates of a data folder');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-tls-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

async function withServer(server: Server, run: (url: string) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await run(`127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('an existing cluster without certificates gets none, and rejects --tls', ({ folder }) => {
  assert.is(openCertificateProvider(folder, false), null);
  assert.is(operatorTls(folder), null);
  mkdirSync(join(folder, 'replica-1', 'log'), { recursive: true });
  assert.throws(
    () => openCertificateProvider(folder, true),
    (error: unknown) => error instanceof ClusterError && error.code === 'BAD_OPTION',
  );
  assert.is(openCertificateProvider(folder, false), null);
});

test('requests with a secret use plain HTTP only without certificates', async () => {
  const server = createPlainServer((request, response) =>
    response.end(JSON.stringify({ secret: request.headers['x-trireme-secret'] ?? null })),
  );
  await withServer(server, async (at) => {
    const plain = new InternalClient({ secret: 'a shared secret', tls: null });
    assert.equal(await plain.requestJson(`http://${at}/`, 5_000), {
      status: 200,
      body: { secret: 'a shared secret' },
    });
    await plain.requestJson(`https://${at}/`, 5_000).then(
      () => assert.unreachable(),
      (error: unknown) => {
        assert.match(String(error), /requires certificates/);
      },
    );
    const guarded = new InternalClient({ secret: 'a shared secret', tls: { ca: '', cert: '', key: '' } });
    for (const call of [guarded.requestJson(`http://${at}/`, 5_000), guarded.openStream(`http://${at}/`)]) {
      await call.then(
        () => assert.unreachable(),
        (error: unknown) => assert.match(String(error), /must be an https URL/),
      );
    }
    await Promise.all([plain.close(), guarded.close()]);
  });
});

test('ask returns null without an answer, after its time limit, and for an answer that is not JSON', async () => {
  const server = createPlainServer((request, response) => {
    if (request.url === '/text') response.end('text');
  });
  const calls = new InternalClient({ secret: null, tls: null });
  await withServer(server, async (at) => {
    assert.is(await calls.requestJson(`http://${at}/text`, 5_000), null);
    assert.is(await calls.requestJson(`http://${at}/never`, 50), null);
  });
  assert.is(await calls.requestJson('http://127.0.0.1:1/', 5_000), null);
  await calls.close();
});

if (!hasOpenssl()) {
  console.log(
    'SKIPPED certificates of a data folder: openssl is not installed (Debian: apt-get install openssl)',
  );
} else {
  test('a new cluster gets certificates on request, and keeps them afterwards', async ({ folder }) => {
    const certify = openCertificateProvider(folder, true);
    assert.ok(certify);
    const files = certify('replica-1');
    assert.equal(openCertificateProvider(folder, false)?.('replica-1'), files);
    const operator = operatorTls(folder);
    assert.ok(operator);
    const server = createServer(
      { ...readCertificateFiles(files), requestCert: true, rejectUnauthorized: true },
      (_, response) => response.end('{"ok":true}'),
    );
    await withServer(server, async (at) => {
      const calls = new InternalClient({ secret: 'a shared secret', tls: operator });
      assert.equal(await calls.requestJson(`https://${at}/`, 5_000), { status: 200, body: { ok: true } });
      await calls.close();
      const stranger = new InternalClient({ secret: null, tls: { ca: operator.ca, cert: '', key: '' } });
      assert.is(await stranger.requestJson(`https://${at}/`, 5_000), null);
      await stranger.close();
    });
  });
}

test.run();
