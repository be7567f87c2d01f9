import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { createServer as createPlainServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasOpenssl, readCertificate } from '@trireme/service';
import { ClusterError } from './errors.js';
import { InternalCalls } from './internal-calls.js';
import { certifying, operatorTls } from './tls-folder.js';

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

test('a cluster that began without certificates has none, and is not given any', ({ folder }) => {
  assert.is(certifying(folder, false), null);
  assert.is(operatorTls(folder), null);
  mkdirSync(join(folder, 'replica-1', 'log'), { recursive: true });
  assert.throws(
    () => certifying(folder, true),
    (error: unknown) => error instanceof ClusterError && error.code === 'BAD_OPTION',
  );
  assert.is(certifying(folder, false), null);
});

test('calls with a secret go out in the clear only where there are no certificates at all', async () => {
  const server = createPlainServer((request, response) =>
    response.end(JSON.stringify({ secret: request.headers['x-trireme-secret'] ?? null })),
  );
  await withServer(server, async (at) => {
    const plain = new InternalCalls({ secret: 'a shared secret', tls: null });
    assert.equal(await plain.ask(`http://${at}/`, 5_000), {
      status: 200,
      body: { secret: 'a shared secret' },
    });
    await plain.ask(`https://${at}/`, 5_000).then(
      () => assert.unreachable(),
      (error: unknown) => {
        assert.match(String(error), /needs certificates/);
      },
    );
    const guarded = new InternalCalls({ secret: 'a shared secret', tls: { ca: '', cert: '', key: '' } });
    for (const call of [guarded.ask(`http://${at}/`, 5_000), guarded.open(`http://${at}/`)]) {
      await call.then(
        () => assert.unreachable(),
        (error: unknown) => assert.match(String(error), /is to be https/),
      );
    }
    await Promise.all([plain.close(), guarded.close()]);
  });
});

test('no answer, one that is late, and one that is no JSON are none', async () => {
  const server = createPlainServer((request, response) => {
    if (request.url === '/text') response.end('text');
  });
  const calls = new InternalCalls({ secret: null, tls: null });
  await withServer(server, async (at) => {
    assert.is(await calls.ask(`http://${at}/text`, 5_000), null);
    assert.is(await calls.ask(`http://${at}/never`, 50), null);
  });
  assert.is(await calls.ask('http://127.0.0.1:1/', 5_000), null);
  await calls.close();
});

if (!hasOpenssl()) {
  console.log('SKIPPED certificates of a data folder: openssl is not installed (Debian: openssl)');
} else {
  test('a new cluster gets them when asked, and keeps them unasked', async ({ folder }) => {
    const certify = certifying(folder, true);
    assert.ok(certify);
    const files = certify('replica-1');
    assert.equal(certifying(folder, false)?.('replica-1'), files);
    const operator = operatorTls(folder);
    assert.ok(operator);
    const server = createServer(
      { ...readCertificate(files), requestCert: true, rejectUnauthorized: true },
      (_, response) => response.end('{"ok":true}'),
    );
    await withServer(server, async (at) => {
      const calls = new InternalCalls({ secret: 'a shared secret', tls: operator });
      assert.equal(await calls.ask(`https://${at}/`, 5_000), { status: 200, body: { ok: true } });
      await calls.close();
      const stranger = new InternalCalls({ secret: null, tls: { ca: operator.ca, cert: '', key: '' } });
      assert.is(await stranger.ask(`https://${at}/`, 5_000), null);
      await stranger.close();
    });
  });
}

test.run();
