import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDialer } from '../link/dialer.js';
import { LinkListener } from '../link/listener.js';
import { Metrics } from '../metrics/metrics.js';
import { expiryOf, checkCertificate } from '../rules/certificate.js';
import { InternalServer } from '../server/internal-server.js';
import { LinkRecorder, captureLog, until } from '../testing/links.js';
import {
  hasOpenssl,
  createCertificate,
  readCertificateFiles,
  renewCertificate,
  type CertificateFiles,
} from './certificates.js';
import { CertificateReloader } from './certificate-watch.js';

const DAY_MS = 86_400_000;
const HOSTS = ['127.0.0.1'];

const test = suite<{ folder: string }>('renewed certificates');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-renewal-'));
});

test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

interface Watched {
  readonly watch: CertificateReloader;
  readonly files: CertificateFiles;
  readonly lines: readonly string[];
  readonly page: () => Promise<string>;
}

function watched(files: CertificateFiles, now?: () => number): Watched {
  const { log, lines } = captureLog();
  let time = 0;
  const metrics = new Metrics({ service: 'test', id: 'test' }, () => (time += 1_000));
  const options = { files, material: readCertificateFiles(files), log, metrics };
  const watch = new CertificateReloader({ ...options, now });
  return { watch, files, lines, page: async () => (await metrics.page()).text };
}

/** The fingerprint of the certificate that a server shows to a new connection. */
async function shownBy(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function fingerprint({ cert }: CertificateFiles): string {
  return new X509Certificate(readFileSync(cert)).fingerprint256;
}

if (!hasOpenssl()) {
  console.log('SKIPPED renewed certificates: openssl is not installed (Debian: openssl)');
  test.skip('renewed certificates', () => undefined);
} else {
  test('server and dialer use renewed files at the next handshake, and open links stay open', async ({
    folder,
  }) => {
    const server = watched(createCertificate(folder, 'replica-1', HOSTS));
    const client = watched(createCertificate(folder, 'frontend-1', HOSTS));
    const handler = new LinkRecorder();
    const identity = { name: 'replica-1', cluster: 'test', secret: null, tls: server.watch };
    const { log } = captureLog();
    const internal = new InternalServer({
      host: '127.0.0.1',
      port: 0,
      identity,
      log,
      listeners: [new LinkListener({ path: '/links/test', clientRole: 'frontend', identity, handler, log })],
      status: () => ({}),
      checks: () => [],
      metrics: new Metrics({ service: 'test', id: 'test' }),
    });
    const port = await internal.listen();
    const dialer = new LinkDialer({
      url: `https://127.0.0.1:${port}`,
      path: '/links/test',
      handler: new LinkRecorder(),
      log,
      identity: { name: 'frontend-1', cluster: 'test', secret: null, tls: client.watch },
      serverRole: 'replica',
    });
    dialer.start();
    try {
      await until(() => handler.opens.length === 1, 'a link');
      const { ca } = server.watch.current;
      assert.is(await shownBy(port, ca), fingerprint(server.files));
      // The authority is new too, so the old certificates are not accepted any more.
      const elsewhere = join(folder, 'new');
      for (const [name, { files }] of [
        ['replica-1', server],
        ['frontend-1', client],
      ] as const) {
        const made = createCertificate(elsewhere, name, HOSTS);
        for (const part of ['ca', 'cert', 'key'] as const) copyFileSync(made[part], files[part]);
      }
      await Promise.all([server.watch.poll(), client.watch.poll()]);
      assert.match(server.lines.join(), /certificates renewed/);
      assert.is(await shownBy(port, server.watch.current.ca), fingerprint(server.files));
      await shownBy(port, ca).then(
        () => assert.unreachable('the old authority must not verify the new certificate'),
        () => undefined,
      );
      assert.is(handler.closes.length, 0, 'the open link stays open');
      handler.opens[0]?.close('reconnect');
      await until(() => handler.opens.length === 2, 'a link with the renewed certificates');
    } finally {
      await dialer.stop();
      await internal.close();
    }
  });

  test('files that do not belong together are logged once and not used until all are renewed', async ({
    folder,
  }) => {
    const { watch, files, lines, page } = watched(createCertificate(folder, 'replica-1', HOSTS));
    const before = watch.current;
    const made = createCertificate(join(folder, 'new'), 'replica-1', HOSTS);
    const warnings = (): number =>
      lines.filter((line) => line.includes('cannot use the renewed certificates')).length;
    const steps = [
      ['cert', /the key does not belong to the certificate/],
      ['key', /the certificate was not issued by the authority/],
    ] as const;
    for (const [i, [part, why]] of steps.entries()) {
      copyFileSync(made[part], files[part]);
      await watch.poll();
      await watch.poll();
      assert.equal(watch.current, before);
      assert.match(lines.at(-1) ?? '', why);
      assert.is(warnings(), i + 1);
    }
    assert.match(await page(), /\ntrireme_tls_renewal_refused 1\n/);
    rmSync(files.ca);
    await watch.poll();
    assert.match(lines.at(-1) ?? '', /ENOENT/);
    copyFileSync(made.ca, files.ca);
    await watch.poll();
    assert.equal(watch.current, readCertificateFiles(made));
    assert.match(await page(), /\ntrireme_tls_renewal_refused 0\n/);
  });

  test('expiry is logged once a day from 30 days before it, and exported as metrics', async ({ folder }) => {
    const files = createCertificate(folder, 'replica-1', HOSTS);
    const end = expiryOf(checkCertificate(readCertificateFiles(files)));
    let now = end - 31 * DAY_MS;
    const { watch, lines, page } = watched(files, () => now);
    await watch.poll();
    assert.equal(lines, []);
    now = end - 29 * DAY_MS;
    await watch.poll();
    await watch.poll();
    assert.is(lines.length, 1);
    assert.match(lines[0] ?? '', /"warn".*expires soon/);
    now = end + 1;
    await watch.poll();
    assert.match(lines[1] ?? '', /"error".*certificate expired/);
    assert.match(await page(), `trireme_tls_not_after_timestamp_seconds{kind="process"} ${end / 1000}\n`);
    assert.match(await page(), /not_after_timestamp_seconds{kind="authority"} \d+\n/);
    renewCertificate(folder, 'replica-1', HOSTS);
    now = Date.now();
    await watch.poll();
    assert.match(lines.at(-1) ?? '', /certificates renewed/);
  });
}

test.run();
