/** A cluster with mutual TLS: orders, refused peers and operators, joining replicas, renewed certificates. */
import { spawn, type ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort, parseGroupState, readClusterFile } from '@trireme/cluster';
import {
  hasOpenssl,
  createCertificate,
  readCertificateFiles,
  renewCertificate,
  type TlsMaterial,
} from '@trireme/service';
import { ROOT } from './root.js';

interface Context {
  dataDir: string;
  port: number;
  cluster: ChildProcess;
  output: () => string;
}

const test = suite<Context>('mutual TLS');

async function start(context: Context, ...flags: string[]): Promise<void> {
  const { dataDir, port } = context;
  const argv = [
    join(ROOT, 'scripts/dist/start.js'),
    '--data',
    dataDir,
    '--port',
    String(port),
    '--verbose',
    ...flags,
  ];
  const cluster = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [cluster.stdout, cluster.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => (text += more));
  context.cluster = cluster;
  context.output = () => text;
  await printed(context, /^ready http:/m);
}

async function stop(cluster: ChildProcess): Promise<void> {
  if (cluster.exitCode !== null) return;
  cluster.kill('SIGTERM');
  await once(cluster, 'close');
}

async function printed({ cluster, output }: Context, what: RegExp): Promise<void> {
  while (!what.test(output())) {
    assert.is(cluster.exitCode, null, output());
    await delay(20);
  }
}

async function trireme(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const argv = [join(ROOT, 'packages/cli/bin/trireme.js'), ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

async function order({ port }: Context): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"AAPL","type":"sell","quantity":1}',
  });
  await response.arrayBuffer();
  return response.status;
}

/** Answer of the peer port of replica 1 to a handshake from `from`. */
async function handshakeAnswer(
  { dataDir }: Context,
  tls: Partial<TlsMaterial>,
  from: string,
): Promise<string> {
  const { peerUrl = '' } = readClusterFile(dataDir)?.processes.find(({ id }) => id === 'replica-1') ?? {};
  const headers = { connection: 'Upgrade', upgrade: 'trireme-frames', 'x-raft-from': from, 'x-raft-to': '1' };
  return new Promise((resolve, reject) => {
    const asking = request(new URL('/raft', peerUrl), { ...tls, agent: false, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => (text += more));
      response.on('end', () => resolve(text));
    });
    asking.on('upgrade', () => reject(new Error('the handshake was accepted')));
    asking.on('error', reject).end();
  });
}

/** Fingerprint of the certificate that the process at `url` presents to a new connection. */
async function certificateShownBy(url: string, folder: string): Promise<string> {
  const ca = readFileSync(join(folder, 'authority.pem'), 'utf8');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function equalBooks({ dataDir }: Context, replicas: readonly string[]): Promise<string> {
  for (let areEqual = false; !areEqual;) {
    const { stdout } = await trireme('status', '--json', '--data', dataDir);
    const status = JSON.parse(stdout) as { replicas: { applied: number | null; pending: number | null }[] };
    const states = status.replicas.map(({ applied, pending }) => `${applied} ${pending}`);
    areEqual = new Set(states).size === 1 && status.replicas.every(({ pending }) => pending === 0);
  }
  const books: string[] = [];
  for (const name of replicas) {
    const { code, stdout, stderr } = await trireme('export', name, '--data', dataDir);
    assert.is(code, 0, stderr);
    books.push(stdout);
  }
  assert.is(new Set(books).size, 1, 'the books are equal');
  return books[0] ?? '';
}

if (!hasOpenssl()) {
  console.log('SKIPPED a cluster over TLS: openssl is not installed (Debian: openssl)');
  test.skip('a cluster over TLS', () => undefined);
} else {
  test.before(async (context) => {
    context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-tls-'));
    context.port = await findFreeBasePort(3, 1);
    await start(context, '--tls');
  });

  test.after(async ({ cluster, dataDir }) => {
    await stop(cluster);
    rmSync(dataDir, { recursive: true });
  });

  test('fills orders, and every internal URL is https', async (context) => {
    assert.is(await order(context), 200);
    const { processes = [] } = readClusterFile(context.dataDir) ?? {};
    for (const { role, url, peerUrl = '' } of processes.filter((one) => one.role !== 'frontend'))
      assert.ok(url.startsWith('https:') && (role === 'catalog' || peerUrl.startsWith('https:')), url);
    const { code, stdout } = await trireme('status', '--json', '--data', context.dataDir);
    assert.is(code, 0);
    assert.ok((JSON.parse(stdout) as { leader: string | null }).leader);
  });

  test('refuses a peer without certificate, of another authority or of another process', async (context) => {
    const ours = join(context.dataDir, 'certificates');
    const theirs = mkdtempSync(join(tmpdir(), 'trireme-theirs-'));
    try {
      const other = readCertificateFiles(createCertificate(theirs, 'replica-2', ['127.0.0.1']));
      const frontend = readCertificateFiles(createCertificate(ours, 'frontend-1', ['127.0.0.1']));
      const { ca } = frontend;
      const cases = [
        [{ ca }, /no certificate was sent/],
        [{ ...other, ca }, /not valid for this cluster/],
        [frontend, /the certificate belongs to another process/],
      ] as const;
      for (const [tls, why] of cases) {
        const answer = await handshakeAnswer(context, tls, '2');
        assert.match(answer, /WRONG_CERTIFICATE/);
        assert.match(answer, why);
      }
      // Repeated lines are limited to one per second; the first is logged at once.
      await printed(context, /\[replica-1\].*peer handshake refused.*WRONG_CERTIFICATE/);
    } finally {
      rmSync(theirs, { recursive: true });
    }
    assert.is(await order(context), 200);
  });

  test('refuses operator requests without an operator certificate', async (context) => {
    const { dataDir } = context;
    const replica = readClusterFile(dataDir)?.processes.find(({ id }) => id === 'replica-1')?.url ?? '';
    const elsewhere = ['--replicas', replica, '--secret-file', join(dataDir, 'secret')];
    const as = (name: string): string[] => {
      const { ca, cert, key } = createCertificate(join(dataDir, 'certificates'), name, ['127.0.0.1']);
      return ['--tls-ca', ca, '--tls-cert', cert, '--tls-key', key];
    };
    const without = await trireme('members', 'list', ...elsewhere);
    assert.is(without.code, 64, without.stderr);
    const wrong = await trireme('members', 'list', ...elsewhere, ...as('frontend-1'));
    assert.is(wrong.code, 77, wrong.stderr);
    assert.match(wrong.stderr, /"frontend-1".*role operator/);
    await printed(context, /\[replica-1\].*operator request refused.*WRONG_ROLE/);
    const right = await trireme('members', 'list', ...elsewhere, ...as('operator'));
    assert.is(right.code, 0, right.stderr);
  });

  test('a rebuilt replica and a fourth replica join with their own certificates', async (context) => {
    const { dataDir } = context;
    for (const command of [
      ['rejoin', '2', '--force'],
      ['add', '4'],
    ]) {
      const { code, stderr } = await trireme('members', ...command, '--data', dataDir);
      assert.is(code, 0, stderr);
    }
    const listed = await trireme('members', 'list', '--json', '--data', dataDir);
    const group = parseGroupState(JSON.parse(listed.stdout));
    assert.equal(group?.members.map(({ name, role }) => [name, role]).sort(), [
      ['1', 'voter'],
      ['2', 'voter'],
      ['3', 'voter'],
      ['4', 'voter'],
    ]);
    assert.is(await order(context), 200);
    const book = await equalBooks(context, ['1', '2', '3', '4']);
    assert.is(book.trim().split('\n').length, 4);
  });

  test('uses a renewed certificate without a restart', async (context) => {
    const { dataDir } = context;
    const folder = join(dataDir, 'certificates');
    const url = readClusterFile(dataDir)?.processes.find(({ id }) => id === 'replica-1')?.url ?? '';
    const before = await certificateShownBy(url, folder);
    const files = renewCertificate(folder, 'replica-1', ['127.0.0.1', 'localhost']);
    await printed(context, /\[replica-1\].*certificates renewed/);
    const shown = await certificateShownBy(url, folder);
    assert.is.not(shown, before);
    assert.is(shown, new X509Certificate(readFileSync(files.cert)).fingerprint256);
    assert.is(await order(context), 200);
  });

  test('a restart without --tls uses TLS as before', async (context) => {
    await stop(context.cluster);
    const before = readFileSync(join(context.dataDir, 'certificates', 'authority.pem'), 'utf8');
    await start(context);
    assert.is(readFileSync(join(context.dataDir, 'certificates', 'authority.pem'), 'utf8'), before);
    assert.is(await order(context), 200);
    await equalBooks(context, ['1', '2', '3', '4']);
  });
}

test.run();
