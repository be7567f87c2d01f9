import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameConnection, type FrameClose, type FrameLimits } from './connection.js';
import { FrameError } from './errors.js';
import { framed as framedBytes } from './testing/frames.js';
import { withPair } from './testing/sockets.js';

const LIMITS: FrameLimits = { frameBytesMax: 1_000_000, queueBytesMax: 4_000_000, silenceMsMax: 60_000 };
const NOTHING = Buffer.alloc(0);

interface Seen {
  readonly frames: string[];
  readonly closed: Promise<FrameClose>;
}

function begin(connection: FrameConnection, onFrame: (text: string) => void = () => undefined): Seen {
  const frames: string[] = [];
  const closed = new Promise<FrameClose>((resolve) => {
    connection.start({
      frame: (payload) => {
        frames.push(payload.toString());
        onFrame(payload.toString());
      },
      closed: resolve,
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
  return framedBytes(Buffer.from(text));
}

test('what is sent in one turn leaves in one write', async () => {
  await withPair(async (near, far) => {
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

test('frames that are too large to be joined arrive as they were sent', async () => {
  await withPair(async (near, far) => {
    const [sender, receiver] = [
      new FrameConnection(near, NOTHING, LIMITS),
      new FrameConnection(far, NOTHING, LIMITS),
    ];
    const texts = ['x'.repeat(900_000), 'y', 'z'.repeat(100_000)];
    begin(sender);
    const all = new Promise<void>((resolve) => {
      const seen = begin(receiver, () => {
        if (seen.frames.length < 3) return;
        assert.equal(seen.frames, texts);
        resolve();
      });
    });
    for (const text of texts) assert.ok(sender.send(Buffer.from(text)));
    await all;
    sender.close('done');
    receiver.close('done');
  });
});

test('bytes that came with the handshake are read first', async () => {
  await withPair(async (near, far) => {
    const stream = framed('hello');
    const connection = new FrameConnection(near, stream.subarray(0, 6), LIMITS);
    const got = new Promise<string>((resolve) => begin(connection, resolve));
    far.write(stream.subarray(6));
    assert.is(await got, 'hello');
    connection.close('done');
  });
});

test('a frame at the bound of the queue is refused, and nothing of it is queued', async () => {
  await withPair(async (near) => {
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

test('bytes that a reader does not take count as queued', async () => {
  await withPair(async (near) => {
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

test('empty and oversized frames are mistakes of the caller', async () => {
  await withPair(async (near) => {
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

test('an oversized frame of the other side closes', async () => {
  await withPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const { closed } = begin(connection);
    far.write(framedBytes(Buffer.alloc(1_000_001)));
    assert.is((await closed).code, 'BAD_FRAME');
  });
});

test('a frame that was damaged on its way closes, and is not handed out', async () => {
  await withPair(async (near, far) => {
    const { closed, frames } = begin(new FrameConnection(near, NOTHING, LIMITS));
    const damaged = framed('hello');
    damaged[14] = (damaged[14] ?? 0) ^ 1;
    far.write(Buffer.concat([framed('sound'), damaged, framed('late')]));
    assert.is((await closed).code, 'BAD_FRAME');
    assert.equal(frames, ['sound']);
  });
});

test('close lets no more frames through', async () => {
  await withPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const { frames, closed } = begin(connection, () => connection.close('enough'));
    far.write(Buffer.concat([framed('one'), framed('two')]));
    assert.equal(await closed, { code: 'CLOSED_HERE', message: 'enough' });
    connection.close('again');
    assert.ok(connection.closed);
    assert.equal(frames, ['one']);
  });
});

test('close does not call back from inside itself', async () => {
  await withPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    let calls = 0;
    const told = new Promise<void>((resolve) => {
      connection.start({
        frame: () => undefined,
        closed: () => {
          calls++;
          resolve();
        },
      });
    });
    connection.close('done');
    assert.is(calls, 0);
    await told;
    assert.is(calls, 1);
  });
});

const ENDS: readonly [string, (far: Socket) => void, string][] = [
  ['FIN', (far) => far.end(), 'ENDED'],
  ['RST', (far) => far.resetAndDestroy(), 'SOCKET_FAILED'],
  ['FIN in the middle of a frame', (far) => far.end(framed('hello').subarray(0, 6)), 'ENDED'],
];

for (const [name, end, code] of ENDS) {
  test(`the other side ends by ${name}: ${code}`, async () => {
    await withPair(async (near, far) => {
      const { closed, frames } = begin(new FrameConnection(near, NOTHING, LIMITS));
      end(far);
      assert.is((await closed).code, code);
      assert.equal(frames, []);
    });
  });
}

test('a connection that broke before its start tells so after it', async () => {
  await withPair(async (near, far) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const gone = new Promise((resolve) => near.once('close', resolve));
    near.destroy(new Error('broken'));
    await gone;
    assert.is((await begin(connection).closed).code, 'SOCKET_FAILED');
    far.destroy();
  });
});

test('a silent other side is closed', async () => {
  await withPair(async (near) => {
    const { closed } = begin(new FrameConnection(near, NOTHING, { ...LIMITS, silenceMsMax: 30 }));
    // The pair's far socket reads nothing and sends nothing, and the timer alone does not hold a process.
    const holding = setInterval(() => undefined, 1_000);
    assert.is((await closed).code, 'SILENT');
    clearInterval(holding);
  });
});

test('two idle sides keep each other alive with empty frames that nobody sees', async () => {
  await withPair(async (near, far) => {
    const limits = { ...LIMITS, silenceMsMax: 300 };
    const [a, b] = [new FrameConnection(near, NOTHING, limits), new FrameConnection(far, NOTHING, limits)];
    const [seenA, seenB] = [begin(a), begin(b)];
    const closes: FrameClose[] = [];
    void Promise.race([seenA.closed, seenB.closed]).then((close) => closes.push(close));
    // Eight keep-alives in a row are longer than the silence that would have closed either.
    while (near.bytesRead < 32 && closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(closes, []);
    assert.equal([...seenA.frames, ...seenB.frames], []);
    a.close('done');
    await seenB.closed;
  });
});

test('finish hands over what is queued, and the other side sees an orderly end', async () => {
  await withPair(async (near, far) => {
    const [a, b] = [new FrameConnection(near, NOTHING, LIMITS), new FrameConnection(far, NOTHING, LIMITS)];
    const [seenA, seenB] = [begin(a), begin(b)];
    a.send(Buffer.from('last words'));
    await a.finish(5_000);
    assert.is(a.send(Buffer.from('too late')), false);
    assert.is((await seenB.closed).code, 'ENDED');
    assert.equal(seenB.frames, ['last words']);
    assert.is((await seenA.closed).code, 'CLOSED_HERE');
    await a.finish(5_000);
  });
});

test('finish does not wait for a reader that stopped beyond its bound', async () => {
  await withPair(async (near) => {
    const connection = new FrameConnection(near, NOTHING, LIMITS);
    const { closed } = begin(connection);
    connection.send(Buffer.alloc(1_000_000));
    await connection.finish(20);
    assert.is((await closed).code, 'CLOSED_HERE');
  });
});

test('limits are checked', async () => {
  await withPair(async (near) => {
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
