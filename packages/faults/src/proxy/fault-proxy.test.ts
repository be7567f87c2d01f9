/** Each fault of a link, observed at both ends of a connection through a proxy. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '@trireme/client';
import { FaultProxy } from './fault-proxy.js';

interface Context {
  proxy: FaultProxy;
  port: number;
  server: Server;
  accepted: Socket[];
  sockets: Socket[];
}

const test = suite<Context>('fault proxy');

test.before.each(async (context) => {
  context.accepted = [];
  context.sockets = [];
  context.server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    context.accepted.push(socket);
  }).listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  context.proxy = new FaultProxy(new SeededRandom(1));
  context.port = await context.proxy.listen();
  context.proxy.setTarget(`http://127.0.0.1:${(context.server.address() as AddressInfo).port}`);
});

test.after.each(async ({ proxy, server, accepted, sockets }) => {
  for (const socket of [...accepted, ...sockets]) socket.destroy();
  await proxy.close();
  server.close();
});

async function dial(context: Context): Promise<{ client: Socket; served: Socket }> {
  const client = connect({ port: context.port, host: '127.0.0.1', allowHalfOpen: true }).on(
    'error',
    () => undefined,
  );
  context.sockets.push(client);
  const before = context.accepted.length;
  await until(() => context.accepted.length > before);
  const served = context.accepted.at(-1);
  if (served === undefined) throw new Error('no connection was accepted');
  return { client, served };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}

/** Waits for `close`. Unlike `once` of node:events, it does not reject on an error. */
async function closed(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve));
}

function collect(socket: Socket): { text: string } {
  const got = { text: '' };
  socket.on('data', (chunk: Buffer) => (got.text += chunk.toString('latin1')));
  return got;
}

test('forwards bytes and the end of the stream in both directions', async (context) => {
  const { client, served } = await dial(context);
  const [up, down] = [collect(served), collect(client)];
  client.end('question');
  await once(served, 'end');
  served.end('answer');
  await once(client, 'end');
  assert.equal([up.text, down.text], ['question', 'answer']);
});

test('blocked affects one direction only, and held bytes arrive after heal', async (context) => {
  const { client, served } = await dial(context);
  const [up, down] = [collect(served), collect(client)];
  context.proxy.setConditions('up', { blocked: true });
  client.write('held');
  served.write('free');
  await until(() => down.text === 'free');
  await delay(30);
  assert.is(up.text, '');
  context.proxy.heal();
  await until(() => up.text === 'held');
});

test('blocked link forwards neither new connections nor resets', async (context) => {
  const { client, served } = await dial(context);
  let isBroken = false;
  served.on('error', () => (isBroken = true)).on('close', () => (isBroken = true));
  context.proxy.setConditions('up', { blocked: true });
  client.resetAndDestroy();
  const late = connect(context.port, '127.0.0.1');
  context.sockets.push(late);
  await once(late, 'connect');
  late.write('hello');
  await delay(30);
  assert.is(context.accepted.length, 1);
  assert.not(isBroken);
  context.proxy.heal();
  await until(() => isBroken && context.accepted.length === 2);
});

test('delayed bytes arrive late and in order', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.setConditions('up', { delayMs: 40, jitterMs: 20 });
  const startedAt = performance.now();
  for (const piece of ['1', '2', '3', '4', '5']) {
    client.write(piece);
    await delay(3);
  }
  await until(() => up.text.length === 5);
  assert.is(up.text, '12345');
  assert.ok(performance.now() - startedAt >= 40);
});

test('bytesPerSecond limits the rate', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.setConditions('up', { bytesPerSecond: 100_000 });
  const startedAt = performance.now();
  for (let i = 0; i < 10; i += 1) {
    client.write(Buffer.alloc(1_000, 'x'));
    await delay(1);
  }
  await until(() => up.text.length === 10_000);
  assert.ok(performance.now() - startedAt >= 95);
});

test('heal delivers all bytes that a slow link holds at once', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.setConditions('up', { bytesPerSecond: 1, delayMs: 60_000 });
  client.write('late');
  await delay(20);
  context.proxy.heal();
  client.write(' and next');
  await until(() => up.text === 'late and next');
});

test('swallowed reply is lost, and its connection breaks', async (context) => {
  const { client, served } = await dial(context);
  const [up, down] = [collect(served), collect(client)];
  context.proxy.setConditions('down', { dropped: true });
  client.write('do it');
  await until(() => up.text === 'do it');
  served.write('done');
  await closed(client);
  assert.is(down.text, '');
});

test('corruption flips one bit of a piece', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.setConditions('up', { corruption: 1 });
  client.write('\0\0\0\0');
  await until(() => up.text.length === 4);
  const bits = [...Buffer.from(up.text, 'latin1')].map((byte) => byte.toString(2).replaceAll('0', '').length);
  assert.is(
    bits.reduce((sum, count) => sum + count, 0),
    1,
  );
});

test('reset breaks both ends, and with refuse rejects new connections until heal', async (context) => {
  const { client, served } = await dial(context);
  const bothClosed = Promise.all([closed(client), closed(served)]);
  context.proxy.reset(true);
  await bothClosed;
  const refused = connect(context.port, '127.0.0.1').on('error', () => undefined);
  context.sockets.push(refused);
  await closed(refused);
  assert.is(context.accepted.length, 1);
  context.proxy.heal();
  await dial(context);
});

test('blocked link applies backpressure to the sender', async (context) => {
  const { client, served } = await dial(context);
  context.proxy.setConditions('up', { blocked: true });
  let isTaken = false;
  client.write(Buffer.alloc(64 * 1024 * 1024), () => (isTaken = true));
  await delay(100);
  assert.not(isTaken);
  let received = 0;
  served.on('data', (chunk: Buffer) => (received += chunk.length));
  context.proxy.heal();
  await until(() => isTaken && received === 64 * 1024 * 1024);
});

test.run();
