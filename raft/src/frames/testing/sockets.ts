/** Connected sockets for the tests of connections. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A connected pair of sockets; `stop` destroys both. */
async function socketPair(): Promise<{ near: Socket; far: Socket; stop: () => Promise<void> }> {
  // As in an HTTP server: half-open sockets stay open until they are ended.
  const server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const near = await accepted;
  far.on('error', () => undefined);
  const stop = async (): Promise<void> => {
    near.destroy();
    far.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { near, far, stop };
}

/** Runs a test on a connected pair of sockets. */
export async function withSocketPair(run: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const { near, far, stop } = await socketPair();
  try {
    await run(near, far);
  } finally {
    await stop();
  }
}
