/** Snapshots over HTTP: authorization, damage, and transfers without progress. */
import { request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeBase } from '../core/testing/messages.js';
import { readContent, numberedChunks, snapshotOf } from './conformance-snapshots.js';
import { SNAPSHOT_PATH, handshakeHeaders } from './handshake.js';
import { encodeSnapshot } from './snapshot-frames.js';
import { TestTransport, SECRET, waitUntil } from './testing/test-transport.js';

const GOOD = handshakeHeaders({ id: 'x', cluster: 'test', secret: SECRET }, 'a');
const HEAD = { term: 7, base: makeBase(70, 6) };
const STALL_MS = 150;

async function withMember(run: (member: TestTransport, port: number) => Promise<void>): Promise<void> {
  const peers = { x: 'http://127.0.0.1:1' };
  const member = await new TestTransport('a', peers, { snapshotStallMsMax: STALL_MS }).start();
  try {
    await run(member, await member.transport.listen());
  } finally {
    await member.transport.stop();
  }
}

interface Answer {
  readonly code: number;
  readonly status: string;
}

/** Posts a body as a snapshot. */
async function post(
  port: number,
  headers: Record<string, string>,
  body: Buffer,
  path = SNAPSHOT_PATH,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const { error } = (text === '' ? {} : JSON.parse(text)) as { error?: { status: string } };
        resolve({ code: response.statusCode ?? 0, status: error?.status ?? 'OK' });
      });
    });
    request.end(body);
  });
}

async function bytesOf(count: number): Promise<Buffer> {
  const frames: Buffer[] = [];
  for await (const frame of encodeSnapshot(HEAD, numberedChunks(count))) frames.push(frame);
  return Buffer.concat(frames);
}

const REFUSALS: readonly [status: string, code: number, headers: Record<string, string>][] = [
  ['WRONG_CLUSTER', 403, { ...GOOD, 'x-raft-cluster': 'other' }],
  ['WRONG_VERSION', 426, { ...GOOD, 'x-raft-version': '0' }],
  ['WRONG_RECIPIENT', 421, { ...GOOD, 'x-raft-to': 'b' }],
  ['UNKNOWN_SENDER', 403, { ...GOOD, 'x-raft-from': 'stranger' }],
  ['WRONG_SECRET', 401, { ...GOOD, 'x-raft-secret': 'wrong' }],
];

for (const [status, code, headers] of REFUSALS) {
  test(`the transport refuses a snapshot with ${status}, like a handshake`, async () => {
    await withMember(async (member, port) => {
      let calls = 0;
      member.recorder.receiveSnapshot = async () => void (calls += 1);
      assert.equal(await post(port, headers, await bytesOf(3)), { code, status });
      assert.is(calls, 0);
      assert.ok(member.hasEvent('refused', (event) => event.status === status));
    });
  });
}

test('a snapshot is accepted only as POST on its own path', async () => {
  await withMember(async (member, port) => {
    member.recorder.receiveSnapshot = async (snapshot) => {
      await readContent(snapshot);
    };
    assert.equal(await post(port, GOOD, await bytesOf(3)), { code: 200, status: 'OK' });
    assert.equal(await post(port, GOOD, await bytesOf(3), '/raft'), { code: 404, status: 'ROUTE_NOT_FOUND' });
    const got = await fetch(`http://127.0.0.1:${port}${SNAPSHOT_PATH}`, { headers: GOOD });
    assert.is(got.status, 404);
  });
});

test('a damaged or truncated snapshot is refused, whether its header or its contents are damaged', async () => {
  await withMember(async (member, port) => {
    member.recorder.receiveSnapshot = async (snapshot) => {
      await readContent(snapshot);
    };
    const bytes = await bytesOf(3);
    for (const at of [9, bytes.length - 1_500, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      assert.equal(await post(port, GOOD, damaged), { code: 400, status: 'SNAPSHOT_FAILED' });
    }
    assert.equal(await post(port, GOOD, bytes.subarray(0, -16)), { code: 400, status: 'SNAPSHOT_FAILED' });
  });
});

test('the receiver aborts a snapshot when the sender makes no progress', async () => {
  await withMember(async (member, port) => {
    let failure: unknown = null;
    member.recorder.receiveSnapshot = async (snapshot) => {
      failure = await readContent(snapshot).catch((error: unknown) => error);
      throw failure;
    };
    const lines = Object.entries(GOOD).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.write(
      `POST ${SNAPSHOT_PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n${lines.join('')}\r\n`,
    );
    socket.write((await bytesOf(3)).subarray(0, 500));
    socket.resume();
    await waitUntil(() => failure !== null, 'the end of the transfer');
    assert.match(String(failure), /no progress/);
    await closed;
  });
});

/**
 * A proxy that reads everything immediately, and forwards `bytesPerTurn` bytes every `turnMs` milliseconds:
 * the socket of its client is idle most of the time.
 */
async function bufferingProxy(
  target: number,
  { bytesPerTurn, turnMs }: { readonly bytesPerTurn: number; readonly turnMs: number },
): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let held = Buffer.alloc(0);
    const ticker = setInterval(() => {
      upstream.write(held.subarray(0, bytesPerTurn));
      held = held.subarray(bytesPerTurn);
    }, turnMs);
    client.on('data', (chunk: Buffer) => (held = Buffer.concat([held, chunk])));
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(ticker);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** Sends a snapshot to a member behind a proxy. @returns the error or null, and the duration */
async function sendBehindProxy(
  port: number,
  bytes: number,
  slowness: { readonly bytesPerTurn: number; readonly turnMs: number },
): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  const proxy = await bufferingProxy(port, slowness);
  const sender = new TestTransport(
    'x',
    { a: `http://127.0.0.1:${proxy.port}` },
    { snapshotStallMsMax: STALL_MS },
  );
  await sender.start();
  const startedAt = performance.now();
  const snapshot = { ...snapshotOf(numberedChunks(bytes / 1_000), 'a'), from: 'x' };
  const error: unknown = await sender.transport.sendSnapshot(snapshot, new AbortController().signal).then(
    () => null,
    (reason: unknown) => reason,
  );
  proxy.close();
  await sender.transport.stop();
  return { error, tookMs: performance.now() - startedAt };
}

test('a slow snapshot behind a buffering proxy is not aborted', async () => {
  await withMember(async (member, port) => {
    let received = 0;
    member.recorder.receiveSnapshot = async (snapshot) => {
      received = (await readContent(snapshot)).length;
    };
    // Each turn is much shorter than the stall limit, all turns together are much longer.
    const { error, tookMs } = await sendBehindProxy(port, 40_000, { bytesPerTurn: 1_000, turnMs: 20 });
    assert.is(error, null);
    assert.is(received, 40_000);
    assert.ok(tookMs > 4 * STALL_MS, `${tookMs} ms`);
  });
});

test('the sender waits longer than the stall limit for the installation, but not for a receiver that does not read', async () => {
  await withMember(async (member, port) => {
    member.recorder.receiveSnapshot = async (snapshot) => {
      await readContent(snapshot);
      await new Promise((resolve) => setTimeout(resolve, 4 * STALL_MS));
    };
    const fast = { bytesPerTurn: 1e9, turnMs: 1 };
    assert.is((await sendBehindProxy(port, 40_000, fast)).error, null);
    member.recorder.receiveSnapshot = async () => new Promise(() => undefined);
    assert.match(String((await sendBehindProxy(port, 40_000, fast)).error), /transfer failed/);
  });
});

test('the sender aborts a snapshot when the receiver makes no progress', async () => {
  await withMember(async (stuck, port) => {
    stuck.recorder.receiveSnapshot = async () => new Promise(() => undefined);
    const sender = new TestTransport(
      'x',
      { a: `http://127.0.0.1:${port}` },
      { snapshotStallMsMax: STALL_MS },
    );
    await sender.start();
    const snapshot = { ...snapshotOf(numberedChunks(1_000, 100_000), 'a'), from: 'x' };
    const error: unknown = await sender.transport
      .sendSnapshot(snapshot, new AbortController().signal)
      .catch((reason: unknown) => reason);
    assert.match(String(error), /SNAPSHOT_REFUSED|transfer failed/);
    await sender.transport.stop();
  });
});

test.run();
