/** Tests both loops against a local server that can stall, refuse requests and break connections. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { constantRequests } from '../rules/numbered-requests.js';
import { getRequest } from '../rules/requests.js';
import { ClientPlan } from '../rules/client-plan.js';
import { closedLoop } from './closed-loop.js';
import { Connection, hostOf, type Target } from './connection.js';
import { PreciseTimer } from './precise-timer.js';
import { openLoop } from './open-loop.js';
import { measurePeak, hasWrk } from './peak.js';
import { runSweepClients } from './sweep-clients.js';

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

test('send after the connection broke opens a new connection', async (context) => {
  const connection = new Connection(context.target);
  const next = nextOf(context.target);
  context.handle = (request) => request.socket.destroy();
  assert.is(await ask(connection, next()), 0);
  context.handle = (_, response) => ok(response);
  assert.is(await ask(connection, next()), 200);
  connection.close();
  assert.throws(() => connection.send(next(), () => undefined), /closed/);
});

test('send reports status 0 for a malformed answer', async (context) => {
  context.handle = (request) => void request.socket.write('HTTP/1.1 200 OK\r\n\r\nno length');
  const connection = new Connection(context.target);
  assert.is(await ask(connection, nextOf(context.target)()), 0);
  connection.close();
});

test('closedLoop keeps one request in flight per connection', async (context) => {
  let open = 0;
  let openMax = 0;
  context.handle = (_, response) => {
    openMax = Math.max(openMax, (open += 1));
    setTimeout(() => {
      open -= 1;
      ok(response);
    }, 5);
  };
  const { tally, perSecond } = await closedLoop({
    ...{ target: context.target, connections: 7, warmupMs: 20, countedMs: 200 },
    next: nextOf(context.target),
  });
  assert.is(openMax, 7);
  assert.is(tally.failed, 0);
  assert.is(perSecond, tally.latency.count * 5);
  // The server's timer may be up to a millisecond early.
  assert.ok(tally.latency.at(0) >= 4, `${tally.latency.at(0)}`);
});

test('closedLoop counts refusals as failures, not as throughput', async (context) => {
  context.handle = (_, response) => void response.writeHead(503, { 'content-length': 0 }).end();
  const { tally, perSecond } = await closedLoop({
    ...{ target: context.target, connections: 1, warmupMs: 0, countedMs: 50 },
    next: nextOf(context.target),
  });
  assert.is(perSecond, 0);
  assert.equal(Object.keys(tally.failures), ['status 503']);
});

test('openLoop charges a stall to every request that it delays', async (context) => {
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
  // One connection and a request every 10 ms: 20 intended starts fall into the stall.
  const { tally } = await openLoop({
    ...{ target: context.target, connections: 1, perSecond: 100, count: 40 },
    next: nextOf(context.target),
  });
  assert.is(tally.latency.count, 40);
  assert.is(context.seen.length, 40);
  assert.ok(tally.latency.at(100) >= stallMs - 1);
  // A quarter of all intended starts fall into the first half of the stall.
  assert.ok(tally.latency.at(75) >= stallMs / 2 - 20, `${tally.latency.at(75)}`);
});

test('openLoop reports the intended start, the end and the outcome of each request', async (context) => {
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

test('closedLoop and openLoop reject when nothing listens on the port', async ({ target }) => {
  const closedPort = { host: target.host, port: 1 };
  const options = { target: closedPort, connections: 2, next: nextOf(closedPort) };
  for (const loop of [
    closedLoop({ ...options, warmupMs: 0, countedMs: 10 }),
    openLoop({ ...options, perSecond: 10, count: 1 }),
  ]) {
    let code: unknown;
    await loop.catch((error: unknown) => (code = (error as NodeJS.ErrnoException).code));
    assert.is(code, 'ECONNREFUSED');
  }
});

test('metronome ticks with its period, and a blocked listener gets at most one late tick', async () => {
  let ticks = 0;
  const startMs = performance.now();
  const done = new Promise<void>((resolve) => {
    const metronome = new PreciseTimer(0.5, () => {
      ticks += 1;
      if (ticks === 1) {
        // Blocks the event loop for 40 ticks.
        const untilMs = performance.now() + 20;
        while (performance.now() < untilMs);
      }
      if (ticks === 20) void metronome.stop().then(resolve);
    });
  });
  await done;
  // At least 18 periods plus the block: the missed ticks did not arrive all at once.
  assert.ok(performance.now() - startMs >= 20 + 18 * 0.5 - 1);
  assert.throws(() => new PreciseTimer(0, () => undefined), RangeError);
});

test('runShoppers sends the requests of its trips and counts a wrong answer as a failure', async (context) => {
  context.handle = (request, response) => {
    if (request.method === 'POST') ok(response, '{"data":{"transaction_number":4}}');
    else if (request.url === '/orders/4') ok(response, '{"data":{"number":5}}');
    else ok(response, '{"data":{"name":"AAPL","price":1,"quantity":1}}');
  };
  const trip = new ClientPlan({
    lookups: 1,
    orderProbability: 1,
    chooseStock: () => 'AAPL',
    random: () => 0,
  });
  const { tallies } = await runSweepClients(context.target, [trip]);
  assert.equal(context.seen, ['GET /stocks/AAPL', 'POST /orders', 'GET /orders/4']);
  assert.equal([tallies.lookup.failed, tallies.order.failed], [0, 0]);
  assert.equal(tallies['order read'].failures, { 'order read returned wrong content': 1 });
});

test('findPeak measures throughput with each tool, and rejects when no request is answered', async (context) => {
  const tools = (await hasWrk()) ? (['own', 'wrk'] as const) : (['own'] as const);
  if (tools.length === 1) console.log('SKIPPED for wrk: it is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'trireme-bench-'));
  const options = {
    ...{ target: context.target, connections: 2, warmupSeconds: 0, folder },
    requests: constantRequests(nextOf(context.target)()),
  };
  for (const tool of tools) {
    context.handle = (_, response) => ok(response);
    const { perSecond, p50, failed } = await measurePeak(tool, {
      ...options,
      seconds: tool === 'own' ? 0.2 : 1,
    });
    assert.ok(perSecond > 10 && p50 > 0 && failed === 0, `${tool}: ${perSecond}`);
    context.handle = (_, response) => void response.writeHead(503, { 'content-length': 0 }).end();
    let message = '';
    await measurePeak(tool, { ...options, seconds: tool === 'own' ? 0.1 : 1 }).catch(
      (error: unknown) => (message = String(error)),
    );
    assert.match(message, 'answered no request', tool);
  }
  rmSync(folder, { recursive: true });
});

test.run();
