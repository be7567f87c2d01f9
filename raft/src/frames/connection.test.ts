import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameConnection, type CloseReason, type FrameLimits } from './connection.js';
import { encodeFrame } from './header.js';
import { FrameError } from './errors.js';

const LIMITS: FrameLimits = { frameBytesMax: 1_000_000, queueBytesMax: 4_000_000, silenceMsMax: 60_000 };
const NOTHING = Buffer.alloc(0);

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
async function withSocketPair(run: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const { near, far, stop } = await socketPair();
  try {
    await run(near, far);
  } finally {
    await stop();
  }
}

interface Received {
  readonly frames: string[];
  readonly closed: Promise<CloseReason>;
}

function begin(connection: FrameConnection, onFrame: (text: string) => void = () => undefined): Received {
  const frames: string[] = [];
  const closed = new Promise<CloseReason>((resolve) => {
    connection.start({
      onFrame: (payload) => {
        frames.push(payload.toString());
        onFrame(payload.toString());
      },
      onClose: resolve,
    });
  });
  return { frames, closed };
}

async function bytesOf(socket: Socket, count: number): Promise<{ bytes: Buffer; chunks: number }> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length >= count) resolve({ bytes, chunks: chunks.length });
    });
  });
}

function framed(text: string): Buffer {
  return encodeFrame(Buffer.from(text));
}

test('send writes all frames of one turn in one write', async () => {
  await withSocketPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    begin(connection);
    for (const text of ['one', 'two', 'three']) assert.ok(connection.send(Buffer.from(text)));
    assert.is(near.bytesWritten, 0);
    assert.is(connection.queuedBytes, 47);
    const { bytes, chunks } = await bytesOf(far, 47);
    assert.equal(bytes, Buffer.concat([framed('one'), framed('two'), framed('three')]));
    assert.is(chunks, 1);
    connection.close('done');
  });
});

test('send delivers frames that are too large to be coalesced, in order', async () => {
  await withSocketPair(async (near, far) => {
    const [sender, receiver] = [
      new FrameConnection(near, NOTHING, LIMITS),
      new FrameConnection(far, NOTHING, LIMITS),
    ];
    const texts = ['x'.repeat(900_000), 'y', 'z'.repeat(100_000)];
    begin(sender);
    const all = new Promise<void>((resolve) => {
      const received = begin(receiver, () => {
        if (received.frames.length < 3) return;
        assert.equal(received.frames, texts);
        resolve();
      });
    });
    for (const text of texts) assert.ok(sender.send(Buffer.from(text)));
    await all;
    sender.close('done');
    receiver.close('done');
  });
});

test('start reads the bytes that arrived with the handshake first', async () => {
  await withSocketPair(async (near, far) => {
    const stream = framed('hello');
    const connection = new FrameConnection(near, stream.subarray(0, 6), LIMITS);
    const got = new Promise<string>((resolve) => begin(connection, resolve));
    far.write(stream.subarray(6));
    assert.is(await got, 'hello');
    connection.close('done');
  });
});

test('send refuses a frame that exceeds the queue limit, and queues nothing of it', async () => {
  await withSocketPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, {
      ...LIMITS,
      frameBytesMax: 100,
      queueBytesMax: 200,
    });
    begin(connection);
    assert.ok(connection.send(Buffer.alloc(100)));
    assert.is(connection.send(Buffer.alloc(77)), false);
    assert.is(connection.queuedBytes, 112);
    assert.ok(connection.send(Buffer.alloc(76)));
    connection.close('done');
    assert.is(connection.send(Buffer.alloc(1)), false);
  });
});

test('queuedBytes includes bytes that the peer does not read', async () => {
  await withSocketPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    begin(connection);
    let sent = 0;
    while (connection.send(Buffer.alloc(500_000))) {
      sent++;
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(sent < 1_000, 'the queue has a bound');
    }
    assert.ok(connection.queuedBytes > LIMITS.queueBytesMax - 500_012);
    connection.close('done');
  });
});

test('send throws for empty and oversized frames', async () => {
  await withSocketPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const codeOf = (payload: Buffer): string | null => {
      try {
        connection.send(payload);
        return null;
      } catch (error) {
        return error instanceof FrameError ? error.code : 'another error';
      }
    };
    assert.is(codeOf(NOTHING), 'FRAME_EMPTY');
    assert.is(codeOf(Buffer.alloc(1_000_001)), 'FRAME_TOO_LARGE');
    connection.close('done');
  });
});

test('the connection closes after an oversized frame of the peer', async () => {
  await withSocketPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const { closed } = begin(connection);
    far.write(encodeFrame(Buffer.alloc(1_000_001)));
    assert.is((await closed).code, 'BAD_FRAME');
  });
});

test('the connection closes after a damaged frame, which is not delivered', async () => {
  await withSocketPair(async (near, far) => {
    const { closed, frames } = begin(new FrameConnection(near, NOTHING, LIMITS));
    const damaged = framed('hello');
    damaged[14] = (damaged[14] ?? 0) ^ 1;
    far.write(Buffer.concat([framed('sound'), damaged, framed('late')]));
    assert.is((await closed).code, 'BAD_FRAME');
    assert.equal(frames, ['sound']);
  });
});

test('close delivers no more frames', async () => {
  await withSocketPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const { frames, closed } = begin(connection, () => connection.close('enough'));
    far.write(Buffer.concat([framed('one'), framed('two')]));
    assert.equal(await closed, { code: 'CLOSED_HERE', message: 'enough' });
    connection.close('again');
    assert.ok(connection.isClosed);
    assert.equal(frames, ['one']);
  });
});

test('close does not call back synchronously', async () => {
  await withSocketPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    let calls = 0;
    const notified = new Promise<void>((resolve) => {
      connection.start({
        onFrame: () => undefined,
        onClose: () => {
          calls++;
          resolve();
        },
      });
    });
    connection.close('done');
    assert.is(calls, 0);
    await notified;
    assert.is(calls, 1);
  });
});

const ENDS: readonly [string, (far: Socket) => void, string][] = [
  ['FIN', (far) => far.end(), 'ENDED'],
  ['RST', (far) => far.resetAndDestroy(), 'SOCKET_FAILED'],
  ['FIN in the middle of a frame', (far) => far.end(framed('hello').subarray(0, 6)), 'ENDED'],
];

for (const [name, end, code] of ENDS) {
  test(`a peer that ends the connection by ${name} is reported as ${code}`, async () => {
    await withSocketPair(async (near, far) => {
      const { closed, frames } = begin(new FrameConnection(near, NOTHING, LIMITS));
      end(far);
      assert.is((await closed).code, code);
      assert.equal(frames, []);
    });
  });
}

test('start reports a connection that broke before it', async () => {
  await withSocketPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const closed = new Promise((resolve) => near.once('close', resolve));
    near.destroy(new Error('broken'));
    await closed;
    assert.is((await begin(connection).closed).code, 'SOCKET_FAILED');
    far.destroy();
  });
});

test('the connection closes when the peer is silent', async () => {
  await withSocketPair(async (near) => {
    const { closed } = begin(new FrameConnection(near, NOTHING, { ...LIMITS, silenceMsMax: 30 }));
    // The far socket reads and sends nothing, and the connection's own timer does not keep the process alive.
    const keepAlive = setInterval(() => undefined, 1_000);
    assert.is((await closed).code, 'SILENT');
    clearInterval(keepAlive);
  });
});

test('two idle peers keep the connection open with empty frames, which are not delivered', async () => {
  await withSocketPair(async (near, far) => {
    const limits = { ...LIMITS, silenceMsMax: 300 };
    const [a, b] = [new FrameConnection(near, NOTHING, limits), new FrameConnection(far, NOTHING, limits)];
    const [receivedA, receivedB] = [begin(a), begin(b)];
    const closes: CloseReason[] = [];
    void Promise.race([receivedA.closed, receivedB.closed]).then((close) => closes.push(close));
    // This many keep-alives take longer than the silence that closes a connection.
    while (near.bytesRead < 32 && closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(closes, []);
    assert.equal([...receivedA.frames, ...receivedB.frames], []);
    a.close('done');
    await receivedB.closed;
  });
});

test('end sends queued frames, and the peer sees an orderly end', async () => {
  await withSocketPair(async (near, far) => {
    const [a, b] = [new FrameConnection(near, NOTHING, LIMITS), new FrameConnection(far, NOTHING, LIMITS)];
    const [receivedA, receivedB] = [begin(a), begin(b)];
    a.send(Buffer.from('last frame'));
    await a.end(5_000);
    assert.is(a.send(Buffer.from('too late')), false);
    assert.is((await receivedB.closed).code, 'ENDED');
    assert.equal(receivedB.frames, ['last frame']);
    assert.is((await receivedA.closed).code, 'CLOSED_HERE');
    await a.end(5_000);
  });
});

test('end does not wait longer than its limit for a peer that does not read', async () => {
  await withSocketPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const { closed } = begin(connection);
    connection.send(Buffer.alloc(1_000_000));
    await connection.end(20);
    assert.is((await closed).code, 'CLOSED_HERE');
  });
});

test('the constructor refuses limits that are out of bounds', async () => {
  await withSocketPair(async (near) => {
    const bad: readonly Partial<FrameLimits>[] = [
      { frameBytesMax: 0 },
      { frameBytesMax: 2 ** 32 },
      { frameBytesMax: 1.5 },
      { queueBytesMax: 1_000_003 },
      { silenceMsMax: 0 },
      { silenceMsMax: NaN },
    ];
    for (const limit of bad) {
      assert.throws(
        () => new FrameConnection(near, NOTHING, { ...LIMITS, ...limit }),
        (error: unknown) => error instanceof FrameError && error.code === 'BAD_OPTION',
      );
    }
  });
});

test.run();
