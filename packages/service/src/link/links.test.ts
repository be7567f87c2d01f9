import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { PREVIOUS_PROTOCOL_VERSION, PROTOCOL_VERSION } from '@trireme/domain';
import { FrameError, dialFrames, encodeFrame, type FrameConnection } from '@trireme/raft/frames';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Metrics } from '../metrics/metrics.js';
import { InternalServer } from '../server/internal-server.js';
import { LinkRecorder, captureLog, until, type CapturedLog } from '../testing/links.js';
import { handshakeHeaders, type LinkIdentity } from './handshake.js';
import { LinkDialer, type LinkDialerOptions } from './dialer.js';
import { LinkListener, type LinkListenerOptions } from './listener.js';

const PATH = '/links/test';

function identity(name: string, more: Partial<LinkIdentity> = {}): LinkIdentity {
  return { name, cluster: 'test', secret: 'a shared secret', ...more };
}

class ListenerFixture {
  readonly handler = new LinkRecorder();
  readonly captured: CapturedLog = captureLog();
  readonly listener: LinkListener;
  readonly server: InternalServer;
  url = '';

  constructor(options: Partial<LinkListenerOptions> = {}, port = 0) {
    const self = identity('server');
    const { log } = this.captured;
    this.listener = new LinkListener({
      path: PATH,
      clientRole: 'frontend',
      identity: self,
      handler: this.handler,
      log,
      ...options,
    });
    this.server = new InternalServer({
      host: '127.0.0.1',
      port,
      identity: self,
      log,
      listeners: [this.listener],
      status: () => ({}),
      checks: () => [],
      metrics: new Metrics({ service: 'test', id: 'test' }),
    });
  }

  async listen(): Promise<number> {
    const port = await this.server.listen();
    this.url = `http://127.0.0.1:${port}`;
    return port;
  }
}

class DialerFixture {
  readonly handler = new LinkRecorder();
  readonly captured: CapturedLog = captureLog();
  readonly dialer: LinkDialer;

  constructor(url: string, options: Partial<LinkDialerOptions> = {}) {
    const { log } = this.captured;
    const self = identity('dialer');
    this.dialer = new LinkDialer({
      url,
      path: PATH,
      serverRole: 'replica',
      identity: self,
      handler: this.handler,
      log,
      ...options,
    });
    this.dialer.start();
  }
}

async function withPair(
  run: (served: ListenerFixture, dialing: DialerFixture) => Promise<void>,
  options: { served?: Partial<LinkListenerOptions>; dialer?: Partial<LinkDialerOptions> } = {},
): Promise<void> {
  const served = new ListenerFixture(options.served);
  await served.listen();
  const dialing = new DialerFixture(served.url, options.dialer);
  try {
    await run(served, dialing);
  } finally {
    await dialing.dialer.stop();
    await served.server.close();
  }
}

test('messages arrive in order in both directions, and each side knows the name of the other', async () => {
  await withPair(async (served, dialing) => {
    served.handler.afterMessage = (link, message) => link.send({ echo: message });
    await until(() => dialing.dialer.link !== null, 'the link');
    const messages = [{ t: 'first', bytes: Buffer.from('bytes') }, [1, 'two', null, 2 ** 40], 'text'];
    for (const message of messages) assert.ok(dialing.dialer.link?.send(message));
    await until(() => dialing.handler.messages.length === 3, 'the answers');
    assert.equal(served.handler.messages, messages);
    assert.equal(
      dialing.handler.messages,
      messages.map((echo) => ({ echo })),
    );
    assert.is(dialing.handler.opens[0]?.peer, 'server');
    assert.is(served.handler.opens[0]?.peer, 'dialer');
    assert.is.not(served.handler.opens[0]?.id, dialing.handler.opens[0]?.id);
  });
});

test('send and close call no handler synchronously, and a second close has no effect', async () => {
  await withPair(async (served, dialing) => {
    await until(() => served.handler.opens.length === 1 && dialing.handler.opens.length === 1, 'the link');
    const link = dialing.dialer.link;
    assert.ok(link?.send('hello'));
    assert.equal(served.handler.messages, []);
    link?.close('first');
    link?.close('second');
    assert.is(link?.isClosed, true);
    assert.is(link?.send('late'), false);
    assert.is(dialing.dialer.link, null);
    assert.equal(dialing.handler.closes, []);
    await until(() => dialing.handler.closes.length > 0 && served.handler.closes.length > 0, 'both closes');
    assert.equal(dialing.handler.closes, ['first']);
  });
});

test('a broken link is replaced by a new one', async () => {
  await withPair(async (served, dialing) => {
    await until(() => served.handler.opens.length === 1, 'the first link');
    served.handler.opens[0]?.close('closed by the test');
    await until(
      () => served.handler.opens.length === 2 && dialing.handler.opens.length === 2,
      'the second link',
    );
    assert.is.not(dialing.handler.opens[0]?.id, dialing.handler.opens[1]?.id);
    assert.equal(served.handler.closes, ['closed by the test']);
    assert.is(dialing.handler.closes.length, 1);
  });
});

test('the dialer connects to a server that starts later, and logs its failed dials once', async () => {
  const first = new ListenerFixture();
  const port = await first.listen();
  await first.server.close();
  const dialing = new DialerFixture(first.url);
  const isLogged = (): boolean => dialing.captured.lines.some((line) => line.includes('cannot open link'));
  await until(isLogged, 'a failed dial in the log');
  const second = new ListenerFixture({}, port);
  await second.listen();
  try {
    await until(() => dialing.dialer.link !== null, 'the link');
  } finally {
    await dialing.dialer.stop();
    await second.server.close();
  }
  assert.is(dialing.captured.lines.filter((line) => line.includes('cannot open link')).length, 1);
});

test('a link to a process of the previous release speaks its version until the switch', async () => {
  const served = new ListenerFixture();
  await served.listen();
  const dial = async (version: number): Promise<FrameConnection> => {
    const limits = { frameBytesMax: 1_000, queueBytesMax: 10_000, silenceMsMax: 60_000 };
    const headers = handshakeHeaders(identity('old'), version);
    return (await dialFrames({ url: served.url, path: PATH, headers, timeoutMs: 5_000, limits })).connection;
  };
  try {
    const connection = await dial(PREVIOUS_PROTOCOL_VERSION);
    await until(() => served.handler.opens.length === 1, 'the link');
    assert.is(served.handler.opens[0]?.version, PREVIOUS_PROTOCOL_VERSION);
    const closed = new Promise((resolve) => connection.start({ onFrame: () => undefined, onClose: resolve }));
    (await dial(PROTOCOL_VERSION)).start({ onFrame: () => undefined, onClose: () => undefined });
    await until(() => served.handler.opens.length === 2, 'the second link');
    served.listener.requireNewestVersion();
    await closed;
    assert.equal(served.handler.closes, ['the cluster has switched to a newer version']);
    const refused: unknown = await dial(PREVIOUS_PROTOCOL_VERSION).catch((error: unknown) => error);
    assert.is(refused instanceof FrameError && refused.refusal?.status, 'WRONG_VERSION');
  } finally {
    await served.server.close();
  }
});

const THROWS: readonly [string, (handler: LinkRecorder) => void][] = [
  ['opened', (handler) => (handler.afterOpen = () => fail())],
  ['message', (handler) => (handler.afterMessage = () => fail())],
];

function fail(): never {
  throw new Error('the handler failed');
}

for (const [name, arrange] of THROWS) {
  test(`a handler that throws in ${name} closes the link with its message`, async () => {
    await withPair(async (served, dialing) => {
      arrange(served.handler);
      dialing.handler.afterOpen = (link) => link.send('hello');
      await until(() => served.handler.closes.includes('the handler failed'), 'the close');
    });
  });
}

test('a frame that is not MessagePack closes the link', async () => {
  const served = new ListenerFixture();
  const port = await served.listen();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `GET ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\nx-trireme-cluster: test\r\n` +
      `x-trireme-version: ${PROTOCOL_VERSION}\r\n` +
      'x-trireme-name: raw\r\nx-trireme-secret: a shared secret\r\n\r\n',
  );
  socket.write(encodeFrame(Buffer.from([0x92, 1])));
  await until(() => served.handler.closes.length === 1, 'the close');
  assert.equal(served.handler.closes, ['bytes are not MessagePack']);
  assert.equal(served.handler.messages, []);
  socket.destroy();
  await served.server.close();
});

test('a full send queue or a message that is too long closes the link', async () => {
  const sockets: Socket[] = [];
  // Completes the handshake and never reads again.
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write(
        'HTTP/1.1 101 X\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\nx-trireme-name: deaf\r\n\r\n',
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dialing = new DialerFixture(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    frameBytesMax: 1_000_000,
    queueBytesMax: 2_000_000,
  });
  await until(() => dialing.dialer.link !== null, 'the link');
  const link = dialing.dialer.link;
  await until(() => link?.send(Buffer.alloc(500_000)) === false, 'a full queue');
  assert.is(link?.isClosed, true);
  await until(() => dialing.handler.closes.length > 0, 'the close');
  assert.match(dialing.handler.closes[0] ?? '', 'the send queue of the link is full');
  await until(() => dialing.dialer.link !== null, 'another link');
  assert.is(dialing.dialer.link?.send(Buffer.alloc(1_000_001)), false);
  await until(() => dialing.handler.closes.length > 1, 'the second close');
  assert.match(dialing.handler.closes[1] ?? '', 'too long to send');
  await dialing.dialer.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('a dialer with a wrong secret is refused, keeps dialing, and logs it once', async () => {
  await withPair(
    async (served, dialing) => {
      const refusals = (): number =>
        served.captured.lines.filter((line) => line.includes('UNAUTHORIZED')).length;
      await until(() => refusals() >= 3, 'three refusals');
      assert.is(dialing.handler.opens.length, 0);
      assert.is(dialing.captured.lines.filter((line) => line.includes('UNAUTHORIZED')).length, 1);
      assert.not.match([...served.captured.lines, ...dialing.captured.lines].join(''), 'the wrong secret');
    },
    { dialer: { identity: identity('dialer', { secret: 'the wrong secret' }) } },
  );
});

test('a link above the limit is refused until another one closes', async () => {
  await withPair(
    async (served, dialing) => {
      await until(() => dialing.dialer.link !== null, 'the first link');
      const second = new DialerFixture(served.url);
      const isRefused = (): boolean => second.captured.lines.some((line) => line.includes('TOO_MANY_LINKS'));
      await until(isRefused, 'a refusal');
      await dialing.dialer.stop();
      await until(() => second.dialer.link !== null, 'the second link');
      await second.dialer.stop();
    },
    { served: { linksMax: 1 } },
  );
});

test('close of a listener closes each link and refuses further ones', async () => {
  await withPair(async (served, dialing) => {
    await until(() => served.handler.opens.length === 1, 'the link');
    await served.listener.close('closed by the test');
    assert.equal(served.handler.closes, ['closed by the test']);
    const isRefused = (): boolean => dialing.captured.lines.some((line) => line.includes('UNAVAILABLE'));
    await until(isRefused, 'a refusal');
  });
});

test('the dialer closes a connection to a server that sends no name', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 X\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dialing = new DialerFixture(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await until(() => sockets.length >= 2, 'a second dial');
  assert.equal(dialing.handler.opens, []);
  await dialing.dialer.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('stop works before start, and the constructor rejects an invalid URL', async () => {
  const { log } = captureLog();
  const serverRole = 'replica' as const;
  const options = { path: PATH, identity: identity('x'), serverRole, handler: new LinkRecorder(), log };
  await new LinkDialer({ ...options, url: 'http://127.0.0.1:1' }).stop();
  assert.throws(() => new LinkDialer({ ...options, url: 'nowhere' }), /invalid URL: nowhere/);
});

test.run();
