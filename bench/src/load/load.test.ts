/** Both loops against a server of the test's own, which stalls, refuses and breaks off when told to. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { constantRequests } from '../rules/numbered.js';
import { getRequest } from '../rules/requests.js';
import { Trip } from '../rules/trip.js';
import { closedLoop } from './closed-loop.js';
import { Connection, hostOf, type Target } from './connection.js';
import { Metronome } from './metronome.js';
import { openLoop } from './open-loop.js';
import { findPeak, hasWrk } from './peak.js';
import { runShoppers } from './shoppers.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Context {
  server: Server;
  target: Target;
  handle: Handler;
  seen: string[];
}

const test = suite<Context>('load');

function ok(response: ServerResponse, body = '{}'): void {
  response.writeHead(200, { 'content-length': body.length }).end(body);
}

test.before.each(async (context) => {
  context.handle = (_, response) => ok(response);
  context.seen = [];
  context.server = createServer((request, response) => {
    context.seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    context.handle(request, response);
  });
  context.server.listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  const address = context.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  context.target = { host: '127.0.0.1', port: address.port };
});

test.after.each(async ({ server }) => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function nextOf(target: Target): () => Buffer {
  const bytes = getRequest(hostOf(target), '/x');
  return () => bytes;
}

async function ask(connection: Connection, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => connection.send(bytes, ({ status }) => resolve(status)));
}

test('a connection that broke answers 0, and the next request gets a new one', async (context) => {
  const connection = new Connection(context.target);
  const next = nextOf(context.target);
  context.handle = (request) => request.socket.destroy();
  assert.is(await ask(connection, next()), 0);
  context.handle = (_, response) => ok(response);
  assert.is(await ask(connection, next()), 200);
  connection.close();
  assert.throws(() => connection.send(next(), () => undefined), /closed/);
});

test('an answer that cannot be read is none', async (context) => {
  context.handle = (request) => void request.socket.write('HTTP/1.1 200 OK\r\n\r\nno length');
  const connection = new Connection(context.target);
  assert.is(await ask(connection, nextOf(context.target)()), 0);
  connection.close();
});

test('a closed loop keeps as many requests open as it has connections', async (context) => {
  let open = 0;
  let most = 0;
  context.handle = (_, response) => {
    most = Math.max(most, (open += 1));
    setTimeout(() => {
      open -= 1;
      ok(response);
    }, 5);
  };
  const { tally, perSecond } = await closedLoop({
    ...{ target: context.target, connections: 7, warmupMs: 20, countedMs: 200 },
    next: nextOf(context.target),
  });
  assert.is(most, 7);
  assert.is(tally.failed, 0);
  assert.is(perSecond, tally.latency.count * 5);
  // The server's timer may be up to a millisecond early.
  assert.ok(tally.latency.at(0) >= 4, `${tally.latency.at(0)}`);
});

test('a closed loop counts refusals apart', async (context) => {
  context.handle = (_, response) => void response.writeHead(503, { 'content-length': 0 }).end();
  const { tally, perSecond } = await closedLoop({
    ...{ target: context.target, connections: 1, warmupMs: 0, countedMs: 50 },
    next: nextOf(context.target),
  });
  assert.is(perSecond, 0);
  assert.equal(Object.keys(tally.failures), ['status 503']);
});

test('an open loop charges a stall to every request that it delays', async (context) => {
  const stallMs = 200;
  let first = true;
  context.handle = (_, response) => {
    if (!first) {
      ok(response);
      return;
    }
    first = false;
    setTimeout(() => ok(response), stallMs);
  };
  // One connection, a request every 10 ms: 20 are meant to start during the stall.
  const { tally } = await openLoop({
    ...{ target: context.target, connections: 1, perSecond: 100, count: 40 },
    next: nextOf(context.target),
  });
  assert.is(tally.latency.count, 40);
  assert.is(context.seen.length, 40);
  assert.ok(tally.latency.at(100) >= stallMs - 1);
  // A quarter of all were meant to start in the first half of the stall.
  assert.ok(tally.latency.at(75) >= stallMs / 2 - 20, `${tally.latency.at(75)}`);
});

test('an open loop tells of each request when it was meant, when it ended and how', async (context) => {
  context.handle = (_, response) => {
    if (context.seen.length % 2 === 0) ok(response);
    else response.writeHead(503, { 'content-length': 0 }).end();
  };
  const seen: { readonly intendedMs: number; readonly acknowledged: boolean }[] = [];
  const { tally, lateness } = await openLoop({
    ...{ target: context.target, connections: 4, perSecond: 1000, count: 50 },
    next: nextOf(context.target),
    onDone: (intendedMs, doneMs, acknowledged) => {
      assert.ok(doneMs >= intendedMs);
      seen.push({ intendedMs, acknowledged });
    },
  });
  const intended = seen.map(({ intendedMs }) => intendedMs).sort((a, b) => a - b);
  assert.ok(Math.abs((intended.at(-1) ?? 0) - (intended[0] ?? 0) - 49) < 1e-6);
  assert.is(seen.filter(({ acknowledged }) => acknowledged).length, 25);
  assert.is(tally.failed, 25);
  assert.ok(lateness.count > 0);
});

test('loops reject where nobody listens', async ({ target }) => {
  const nobody = { host: target.host, port: 1 };
  const options = { target: nobody, connections: 2, next: nextOf(nobody) };
  for (const loop of [
    closedLoop({ ...options, warmupMs: 0, countedMs: 10 }),
    openLoop({ ...options, perSecond: 10, count: 1 }),
  ]) {
    let code: unknown;
    await loop.catch((error: unknown) => (code = (error as NodeJS.ErrnoException).code));
    assert.is(code, 'ECONNREFUSED');
  }
});

test('a metronome beats in its period, and a deaf listener finds one beat waiting', async () => {
  let beats = 0;
  const startMs = performance.now();
  const heard = new Promise<void>((resolve) => {
    const metronome = new Metronome(0.5, () => {
      beats += 1;
      if (beats === 1) {
        // Deaf for 40 beats.
        const untilMs = performance.now() + 20;
        while (performance.now() < untilMs);
      }
      if (beats === 20) void metronome.stop().then(resolve);
    });
  });
  await heard;
  // 18 periods and the deafness at least: the beats that were missed have not come in a heap.
  assert.ok(performance.now() - startMs >= 20 + 18 * 0.5 - 1);
  assert.throws(() => new Metronome(0, () => undefined), RangeError);
});

test('shoppers ask what their trips say, and wrong answers are failures', async (context) => {
  context.handle = (request, response) => {
    if (request.method === 'POST') ok(response, '{"data":{"transaction_number":4}}');
    else if (request.url === '/orders/4') ok(response, '{"data":{"number":5}}');
    else ok(response, '{"data":{"name":"AAPL","price":1,"quantity":1}}');
  };
  const trip = new Trip({ lookups: 1, orderProbability: 1, chooseStock: () => 'AAPL', random: () => 0 });
  const { tallies } = await runShoppers(context.target, [trip]);
  assert.equal(context.seen, ['GET /stocks/AAPL', 'POST /orders', 'GET /orders/4']);
  assert.equal([tallies.lookup.failed, tallies.order.failed], [0, 0]);
  assert.equal(tallies['order read'].failures, { 'not the order read that was asked for': 1 });
});

test('both tools find a peak, and say when nothing answers', async (context) => {
  const tools = (await hasWrk()) ? (['own', 'wrk'] as const) : (['own'] as const);
  if (tools.length === 1) console.log('SKIPPED for wrk: it is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'trireme-bench-'));
  const options = {
    ...{ target: context.target, connections: 2, warmupSeconds: 0, folder },
    requests: constantRequests(nextOf(context.target)()),
  };
  for (const tool of tools) {
    context.handle = (_, response) => ok(response);
    const { perSecond, p50, failed } = await findPeak(tool, {
      ...options,
      seconds: tool === 'own' ? 0.2 : 1,
    });
    assert.ok(perSecond > 10 && p50 > 0 && failed === 0, `${tool}: ${perSecond}`);
    context.handle = (_, response) => void response.writeHead(503, { 'content-length': 0 }).end();
    let message = '';
    await findPeak(tool, { ...options, seconds: tool === 'own' ? 0.1 : 1 }).catch(
      (error: unknown) => (message = String(error)),
    );
    assert.match(message, 'answered no request', tool);
  }
  rmSync(folder, { recursive: true });
});

test.run();
