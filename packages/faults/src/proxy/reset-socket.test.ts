/** Resetting a connection closes it in any state. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { resetSocket } from './reset-socket.js';

/** Opens a connection and runs `work` with its two ends. */
async function connected(work: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  await once(near, 'connect');
  const [far] = await accepted;
  await work(near, far);
  far.destroy();
  server.close();
  await once(server, 'close');
}

test('resetSocket resets the connection at the other end', async () => {
  await connected(async (near, far) => {
    const failed = once(far.resume(), 'error') as Promise<[NodeJS.ErrnoException]>;
    resetSocket(near);
    const [error] = await failed;
    assert.is(error.code, 'ECONNRESET');
  });
});

test('resetSocket closes a connection whose end is in flight, without an error', async () => {
  await connected(async (near) => {
    const closed = once(near, 'close') as Promise<[boolean]>;
    near.end('last words');
    resetSocket(near);
    assert.equal(await closed, [false]);
  });
});

test('resetSocket closes a connection that has ended', async () => {
  await connected(async (near, far) => {
    far.on('error', () => undefined).resume();
    const finished = once(near, 'finish');
    near.end();
    await finished;
    const closed = once(near, 'close');
    resetSocket(near);
    await closed;
  });
});

test.run();
