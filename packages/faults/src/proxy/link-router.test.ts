/**
 * Connections are routed by the name in their handshake, and each is affected only by the faults of its own
 * link.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultNetwork } from './fault-network.js';

interface Context {
  server: Server;
  /** Text received on each connection, in the order of connections. */
  received: string[];
  network: FaultNetwork;
  url: string;
  clients: Socket[];
}

const test = suite<Context>('door');

test.before.each(async (context) => {
  context.received = [];
  context.clients = [];
  context.server = createServer((socket) => {
    const index = context.received.push('') - 1;
    socket.on('error', () => undefined).setEncoding('utf8');
    socket.on('data', (text: string) => {
      context.received[index] = `${context.received[index] ?? ''}${text}`;
      if (text.endsWith('?')) socket.write('!');
    });
  }).listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  context.network = await FaultNetwork.open({ replicas: 1, frontends: 2, catalogs: 1 }, 1);
  const { port } = context.server.address() as AddressInfo;
  context.url = context.network.advertise('catalog-1', `http://127.0.0.1:${port}`);
});

test.after.each(async ({ server, network, clients }) => {
  for (const client of clients) client.destroy();
  await network.close();
  server.close();
});

/** Dials as the process with this name does; null for a client that is not a process of the cluster. */
function dial(context: Context, name: string | null): Socket {
  const client = connect(Number(new URL(context.url).port), '127.0.0.1').on('error', () => undefined);
  context.clients.push(client);
  client.setEncoding('utf8');
  client.write(`GET /links/frontend HTTP/1.1\r\nhost: x\r\n`);
  client.write(name === null ? '\r\n' : `X-Trireme-Name: ${name}\r\n\r\n`);
  return client;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}

test('forwards all bytes unchanged in both directions', async (context) => {
  for (const name of ['frontend-1', null, 'unknown']) {
    const client = dial(context, name);
    client.write('?');
    assert.equal(await once(client, 'data'), ['!']);
  }
  assert.match(
    context.received[0] ?? '',
    /^GET \/links\/frontend HTTP\/1\.1\r\nhost: x\r\nX-Trireme-Name: frontend-1\r\n\r\n\?$/,
  );
});

test('cut blocks open and new connections of the named process, and no others', async (context) => {
  const before = dial(context, 'frontend-1');
  await until(() => context.received.length === 1);
  context.network.cut(['frontend-1'], ['catalog-1']);
  before.write('late');
  const after = dial(context, 'frontend-1');
  for (const name of ['frontend-2', null]) {
    const client = dial(context, name);
    client.write('?');
    await once(client, 'data');
  }
  assert.is(context.received.length, 3, 'the new connection of the blocked process is not forwarded');
  assert.not.match(context.received[0] ?? '', /late/);
  context.network.heal();
  after.write('?');
  await once(after, 'data');
  await until(() => context.received[0]?.endsWith('late') === true);
});

test('silent and short connections are not forwarded, and one with an oversized handshake is', async (context) => {
  const port = Number(new URL(context.url).port);
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  const short = connect(port, '127.0.0.1').on('error', () => undefined);
  context.clients.push(silent, short);
  const ended = new Promise((resolve) => short.once('close', resolve));
  short.end('GET / HT');
  await ended;
  assert.is(context.received.length, 0);
  const long = connect(port, '127.0.0.1').on('error', () => undefined);
  context.clients.push(long);
  long.write('x'.repeat(20_000));
  await until(() => context.received[0]?.length === 20_000);
});

test.run();
