/** Each fault of a link, seen from both ends of a connection through a proxy. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rules/random.js';
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
  if (served === undefined) throw new Error('nobody was accepted');
  return { client, served };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(2);
}

/** Unlike `once`, does not mind how. */
async function closed(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve));
}

function collect(socket: Socket): { text: string } {
  const got = { text: '' };
  socket.on('data', (chunk: Buffer) => (got.text += chunk.toString('latin1')));
  return got;
}

test('what is sent arrives, both ways, and so does the end', async (context) => {
  const { client, served } = await dial(context);
  const [up, down] = [collect(served), collect(client)];
  client.end('question');
  await once(served, 'end');
  served.end('answer');
  await once(client, 'end');
  assert.equal([up.text, down.text], ['question', 'answer']);
});

test('one direction is blocked and the other is not; what was held back arrives when it is healed', async (context) => {
  const { client, served } = await dial(context);
  const [up, down] = [collect(served), collect(client)];
  context.proxy.set('up', { blocked: true });
  client.write('held');
  served.write('free');
  await until(() => down.text === 'free');
  await delay(30);
  assert.is(up.text, '');
  context.proxy.heal();
  await until(() => up.text === 'held');
});

test('a blocked link lets no connection through, nor the news that one broke', async (context) => {
  const { client, served } = await dial(context);
  let isBroken = false;
  served.on('error', () => (isBroken = true)).on('close', () => (isBroken = true));
  context.proxy.set('up', { blocked: true });
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

test('what is delayed comes late and in order', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.set('up', { delayMs: 40, jitterMs: 20 });
  const startedAt = performance.now();
  for (const piece of ['1', '2', '3', '4', '5']) {
    client.write(piece);
    await delay(3);
  }
  await until(() => up.text.length === 5);
  assert.is(up.text, '12345');
  assert.ok(performance.now() - startedAt >= 40);
});

test('a limited rate is kept', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.set('up', { bytesPerSecond: 100_000 });
  const startedAt = performance.now();
  for (let i = 0; i < 10; i += 1) {
    client.write(Buffer.alloc(1_000, 'x'));
    await delay(1);
  }
  await until(() => up.text.length === 10_000);
  assert.ok(performance.now() - startedAt >= 95);
});

test('what a slow link still holds arrives at once when it is healed', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.set('up', { bytesPerSecond: 1, delayMs: 60_000 });
  client.write('late');
  await delay(20);
  context.proxy.heal();
  client.write(' and next');
  await until(() => up.text === 'late and next');
});

test('a swallowed reply is lost, and its connection breaks', async (context) => {
  const { client, served } = await dial(context);
  const [up, down] = [collect(served), collect(client)];
  context.proxy.set('down', { swallowed: true });
  client.write('do it');
  await until(() => up.text === 'do it');
  served.write('done');
  await closed(client);
  assert.is(down.text, '');
});

test('a corrupted piece differs in one bit', async (context) => {
  const { client, served } = await dial(context);
  const up = collect(served);
  context.proxy.set('up', { corruption: 1 });
  client.write('\0\0\0\0');
  await until(() => up.text.length === 4);
  const bits = [...Buffer.from(up.text, 'latin1')].map((byte) => byte.toString(2).replaceAll('0', '').length);
  assert.is(
    bits.reduce((sum, count) => sum + count, 0),
    1,
  );
});

test('a reset breaks both ends; one that refuses lets nobody in until it is healed', async (context) => {
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

test('a receiver that does not read makes the sender wait', async (context) => {
  const { client, served } = await dial(context);
  context.proxy.set('up', { blocked: true });
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
