/** Snapshots over HTTP: who may send one, and transfers that do not go on. */
import { request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { baseAt } from '../core/testing/messages.js';
import { contentOf, numbered, snapshotOf } from './conformance-snapshots.js';
import { SNAPSHOT_PATH, handshakeHeaders } from './handshake.js';
import { encodeSnapshot } from './snapshot-frames.js';
import { Member, SECRET, until } from './testing/member.js';

const GOOD = handshakeHeaders({ id: 'x', cluster: 'test', secret: SECRET }, 'a');
const HEAD = { term: 7, base: baseAt(70, 6) };
const STALL_MS = 150;

async function withMember(run: (member: Member, port: number) => Promise<void>): Promise<void> {
  const peers = { x: 'http://127.0.0.1:1' };
  const member = await new Member('a', peers, { snapshotStallMsMax: STALL_MS }).start();
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

/** Posts bytes as a snapshot. */
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
  for await (const frame of encodeSnapshot(HEAD, numbered(count))) frames.push(frame);
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
  test(`a snapshot is refused as a handshake is: ${status}`, async () => {
    await withMember(async (member, port) => {
      let calls = 0;
      member.recorder.onSnapshot = async () => void (calls += 1);
      assert.equal(await post(port, headers, await bytesOf(3)), { code, status });
      assert.is(calls, 0);
      assert.ok(member.has('refused', (event) => event.status === status));
    });
  });
}

test('it is taken on its own path and with POST only', async () => {
  await withMember(async (member, port) => {
    member.recorder.onSnapshot = async (snapshot) => {
      await contentOf(snapshot);
    };
    assert.equal(await post(port, GOOD, await bytesOf(3)), { code: 200, status: 'OK' });
    assert.equal(await post(port, GOOD, await bytesOf(3), '/raft'), { code: 404, status: 'ROUTE_NOT_FOUND' });
    const got = await fetch(`http://127.0.0.1:${port}${SNAPSHOT_PATH}`, { headers: GOOD });
    assert.is(got.status, 404);
  });
});

test('a snapshot that is damaged on the way is refused, before its head and behind it', async () => {
  await withMember(async (member, port) => {
    member.recorder.onSnapshot = async (snapshot) => {
      await contentOf(snapshot);
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

test('a sender that does not go on is given up by the receiver', async () => {
  await withMember(async (member, port) => {
    let failure: unknown = null;
    member.recorder.onSnapshot = async (snapshot) => {
      failure = await contentOf(snapshot).catch((error: unknown) => error);
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
    await until(() => failure !== null, 'the end of the transfer');
    assert.match(String(failure), /no progress/);
    await closed;
  });
});

/**
 * A proxy that takes all that it is given at once, and hands it on `bytesPerTurn` at a time, one turn every `turnMs`: what lies
 * before it has nothing left to do for most of the time. @returns its port, and what closes it
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

/** Sends `bytes` to a member behind a proxy. @returns why it failed, or null, and how long it took */
async function sendBehindProxy(
  port: number,
  bytes: number,
  slowness: { readonly bytesPerTurn: number; readonly turnMs: number },
): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  const proxy = await bufferingProxy(port, slowness);
  const sender = new Member('x', { a: `http://127.0.0.1:${proxy.port}` }, { snapshotStallMsMax: STALL_MS });
  await sender.start();
  const startedAt = performance.now();
  const snapshot = { ...snapshotOf(numbered(bytes / 1_000), 'a'), from: 'x' };
  const error: unknown = await sender.transport.sendSnapshot(snapshot, new AbortController().signal).then(
    () => null,
    (reason: unknown) => reason,
  );
  proxy.close();
  await sender.transport.stop();
  return { error, tookMs: performance.now() - startedAt };
}

test('a snapshot that moves slowly behind a proxy that holds all of it is not given up', async () => {
  await withMember(async (member, port) => {
    let received = 0;
    member.recorder.onSnapshot = async (snapshot) => {
      received = (await contentOf(snapshot)).length;
    };
    // Each turn comes well within a stall; all of them take many.
    const { error, tookMs } = await sendBehindProxy(port, 40_000, { bytesPerTurn: 1_000, turnMs: 20 });
    assert.is(error, null);
    assert.is(received, 40_000);
    assert.ok(tookMs > 4 * STALL_MS, `${tookMs} ms`);
  });
});

test('a receiver that works on all of a snapshot for some stalls is waited for; one that hangs before is not', async () => {
  await withMember(async (member, port) => {
    member.recorder.onSnapshot = async (snapshot) => {
      await contentOf(snapshot);
      await new Promise((resolve) => setTimeout(resolve, 4 * STALL_MS));
    };
    const fast = { bytesPerTurn: 1e9, turnMs: 1 };
    assert.is((await sendBehindProxy(port, 40_000, fast)).error, null);
    member.recorder.onSnapshot = async () => new Promise(() => undefined);
    assert.match(String((await sendBehindProxy(port, 40_000, fast)).error), /not taken/);
  });
});

test('a receiver that does not go on is given up by the sender', async () => {
  await withMember(async (stuck, port) => {
    stuck.recorder.onSnapshot = async () => new Promise(() => undefined);
    const sender = new Member('x', { a: `http://127.0.0.1:${port}` }, { snapshotStallMsMax: STALL_MS });
    await sender.start();
    const snapshot = { ...snapshotOf(numbered(1_000, 100_000), 'a'), from: 'x' };
    const error: unknown = await sender.transport
      .sendSnapshot(snapshot, new AbortController().signal)
      .catch((reason: unknown) => reason);
    assert.match(String(error), /SNAPSHOT_REFUSED|not taken/);
    await sender.transport.stop();
  });
});

test.run();
