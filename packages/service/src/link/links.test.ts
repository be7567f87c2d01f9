import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { PROTOCOL_VERSION } from '@trireme/domain';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '@trireme/raft/frames';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Metrics } from '../metrics/metrics.js';
import { InternalServer } from '../server/internal-server.js';
import { LinkRecorder, capturedLog, until, type CapturedLog } from '../testing/links.js';
import type { LinkIdentity } from '../rules/handshake.js';
import { LinkDialer, type LinkDialerOptions } from './dialer.js';
import { LinkListener, type LinkListenerOptions } from './listener.js';

const PATH = '/links/test';

function identity(name: string, more: Partial<LinkIdentity> = {}): LinkIdentity {
  return { name, cluster: 'test', secret: 'a shared secret', ...more };
}

class Served {
  readonly handler = new LinkRecorder();
  readonly captured: CapturedLog = capturedLog();
  readonly listener: LinkListener;
  readonly server: InternalServer;
  url = '';

  constructor(options: Partial<LinkListenerOptions> = {}, port = 0) {
    const self = identity('server');
    const { log } = this.captured;
    this.listener = new LinkListener({
      path: PATH,
      admits: 'frontend',
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

class Dialing {
  readonly handler = new LinkRecorder();
  readonly captured: CapturedLog = capturedLog();
  readonly dialer: LinkDialer;

  constructor(url: string, options: Partial<LinkDialerOptions> = {}) {
    const { log } = this.captured;
    const self = identity('dialer');
    this.dialer = new LinkDialer({
      url,
      path: PATH,
      expects: 'replica',
      identity: self,
      handler: this.handler,
      log,
      ...options,
    });
    this.dialer.start();
  }
}

async function withPair(
  run: (served: Served, dialing: Dialing) => Promise<void>,
  options: { served?: Partial<LinkListenerOptions>; dialer?: Partial<LinkDialerOptions> } = {},
): Promise<void> {
  const served = new Served(options.served);
  await served.listen();
  const dialing = new Dialing(served.url, options.dialer);
  try {
    await run(served, dialing);
  } finally {
    await dialing.dialer.stop();
    await served.server.close();
  }
}

test('messages go both ways in order, and each side knows the name of the other', async () => {
  await withPair(async (served, dialing) => {
    served.handler.onMessage = (link, message) => link.send({ echo: message });
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

test('nothing is called back from inside send or close, and closing twice tells once', async () => {
  await withPair(async (served, dialing) => {
    await until(() => served.handler.opens.length === 1 && dialing.handler.opens.length === 1, 'the link');
    const link = dialing.dialer.link;
    assert.ok(link?.send('hello'));
    assert.equal(served.handler.messages, []);
    link?.close('first');
    link?.close('second');
    assert.is(link?.closed, true);
    assert.is(link?.send('late'), false);
    assert.is(dialing.dialer.link, null);
    assert.equal(dialing.handler.closes, []);
    await until(() => dialing.handler.closes.length > 0 && served.handler.closes.length > 0, 'both told');
    assert.equal(dialing.handler.closes, ['first']);
  });
});

test('a broken link is dialed again as a new link', async () => {
  await withPair(async (served, dialing) => {
    await until(() => served.handler.opens.length === 1, 'the first link');
    served.handler.opens[0]?.close('away with it');
    await until(
      () => served.handler.opens.length === 2 && dialing.handler.opens.length === 2,
      'the second link',
    );
    assert.is.not(dialing.handler.opens[0]?.id, dialing.handler.opens[1]?.id);
    assert.equal(served.handler.closes, ['away with it']);
    assert.is(dialing.handler.closes.length, 1);
  });
});

test('a server that comes up later, or again on its port, is found', async () => {
  const first = new Served();
  const port = await first.listen();
  await first.server.close();
  const dialing = new Dialing(first.url);
  const isTold = (): boolean => dialing.captured.lines.some((line) => line.includes('cannot be opened'));
  await until(isTold, 'a failed dial in the log');
  const second = new Served({}, port);
  await second.listen();
  try {
    await until(() => dialing.dialer.link !== null, 'the link');
  } finally {
    await dialing.dialer.stop();
    await second.server.close();
  }
  assert.is(dialing.captured.lines.filter((line) => line.includes('cannot be opened')).length, 1);
});

const THROWS: readonly [string, (handler: LinkRecorder) => void][] = [
  ['opened', (handler) => (handler.onOpened = () => fail())],
  ['message', (handler) => (handler.onMessage = () => fail())],
];

function fail(): never {
  throw new Error('the handler does not like it');
}

for (const [name, arrange] of THROWS) {
  test(`a handler that throws in ${name} closes the link with its message`, async () => {
    await withPair(async (served, dialing) => {
      arrange(served.handler);
      dialing.handler.onOpened = (link) => link.send('hello');
      const isTold = (): boolean => served.handler.closes.includes('the handler does not like it');
      await until(isTold, 'the close');
    });
  });
}

test('a frame that is no MessagePack closes the link', async () => {
  const served = new Served();
  const port = await served.listen();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `GET ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\nx-trireme-cluster: test\r\n` +
      `x-trireme-version: ${PROTOCOL_VERSION}\r\n` +
      'x-trireme-name: raw\r\nx-trireme-secret: a shared secret\r\n\r\n',
  );
  const payload = Buffer.from([0x92, 1]);
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  writeFrameHeader(header, 0, payload);
  socket.write(Buffer.concat([header, payload]));
  await until(() => served.handler.closes.length === 1, 'the close');
  assert.equal(served.handler.closes, ['bytes are not MessagePack']);
  assert.equal(served.handler.messages, []);
  socket.destroy();
  await served.server.close();
});

test('a full queue closes the link rather than leave a hole', async () => {
  const sockets: Socket[] = [];
  // Shakes hands and never reads again.
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
  const dialing = new Dialing(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    frameBytesMax: 1_000_000,
    queueBytesMax: 2_000_000,
  });
  await until(() => dialing.dialer.link !== null, 'the link');
  const link = dialing.dialer.link;
  await until(() => link?.send(Buffer.alloc(500_000)) === false, 'a full queue');
  assert.is(link?.closed, true);
  await until(() => dialing.handler.closes.length > 0, 'the close');
  assert.match(dialing.handler.closes[0] ?? '', 'queue of the link was full');
  await until(() => dialing.dialer.link !== null, 'another link');
  assert.is(dialing.dialer.link?.send(Buffer.alloc(1_000_001)), false);
  await until(() => dialing.handler.closes.length > 1, 'the second close');
  assert.match(dialing.handler.closes[1] ?? '', 'too long to send');
  await dialing.dialer.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('who is not let in dials on and tells it once', async () => {
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

test('links beyond the bound are refused, and room that is made is given', async () => {
  await withPair(
    async (served, dialing) => {
      await until(() => dialing.dialer.link !== null, 'the first link');
      const second = new Dialing(served.url);
      const isRefused = (): boolean => second.captured.lines.some((line) => line.includes('TOO_MANY_LINKS'));
      await until(isRefused, 'a refusal');
      await dialing.dialer.stop();
      await until(() => second.dialer.link !== null, 'the second link');
      await second.dialer.stop();
    },
    { served: { linksMax: 1 } },
  );
});

test('a listener that is closed tells its handler of each link, and takes no more', async () => {
  await withPair(async (served, dialing) => {
    await until(() => served.handler.opens.length === 1, 'the link');
    await served.listener.close('enough');
    assert.equal(served.handler.closes, ['enough']);
    const isRefused = (): boolean => dialing.captured.lines.some((line) => line.includes('UNAVAILABLE'));
    await until(isRefused, 'a refusal');
  });
});

test('a server whose answer has no name is no peer', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 X\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dialing = new Dialing(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await until(() => sockets.length >= 2, 'a second dial');
  assert.equal(dialing.handler.opens, []);
  await dialing.dialer.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('a dialer that was never started stops, and a bad url is refused at once', async () => {
  const { log } = capturedLog();
  const expects = 'replica' as const;
  const options = { path: PATH, identity: identity('x'), expects, handler: new LinkRecorder(), log };
  await new LinkDialer({ ...options, url: 'http://127.0.0.1:1' }).stop();
  assert.throws(() => new LinkDialer({ ...options, url: 'nowhere' }), /no url/);
});

test.run();
