/** A connection that is broken off is closed, whatever it was doing. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { breakOff } from './break-off.js';

/** Runs `work` over a connection's two ends. */
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

test('the other end learns that it is broken', async () => {
  await connected(async (near, far) => {
    const failed = once(far.resume(), 'error') as Promise<[NodeJS.ErrnoException]>;
    breakOff(near);
    const [error] = await failed;
    assert.is(error.code, 'ECONNRESET');
  });
});

test('one whose end is on its way is closed all the same, and fails with nothing', async () => {
  await connected(async (near) => {
    const closed = once(near, 'close') as Promise<[boolean]>;
    near.end('last words');
    breakOff(near);
    assert.equal(await closed, [false]);
  });
});

test('so is one that has ended', async () => {
  await connected(async (near, far) => {
    far.on('error', () => undefined).resume();
    const finished = once(near, 'finish');
    near.end();
    await finished;
    const closed = once(near, 'close');
    breakOff(near);
    await closed;
  });
});

test.run();
