/** Tests the generators against a local server that can stall, refuse requests and break connections. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { countFailed } from '../rules/outcomes.js';
import { numberedRequests, type HttpAnswer, type HttpRequest } from '../rules/requests.js';
import { findTool, hasWrk, measurePeak } from './peak.js';
import { closedLoop, Connection, openLoop } from './undici.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Context {
  server: Server;
  url: string;
  handle: Handler;
  seen: string[];
}

const test = suite<Context>('generator');

const next = (): HttpRequest => ({ path: '/x' });

function ok(response: ServerResponse, body = '{}'): void {
  response.writeHead(200, { 'content-length': body.length }).end(body);
}

function refuse(response: ServerResponse): void {
  response.writeHead(503, { 'content-length': 0 }).end();
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
  context.url = `http://127.0.0.1:${address.port}`;
});

test.after.each(async ({ server }) => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Sends requests one after the other over one connection. */
async function ask(url: string, ...requests: readonly HttpRequest[]): Promise<readonly HttpAnswer[]> {
  const connection = new Connection(url);
  const answers: HttpAnswer[] = [];
  for (const request of requests) answers.push(await connection.send(request));
  await connection.close();
  return answers;
}

test('send after the connection broke opens a new one', async (context) => {
  context.handle = (request, response) => {
    if (context.seen.length === 1) request.socket.destroy();
    else ok(response);
  };
  const [broken, answered] = await ask(context.url, next(), next());
  assert.equal([broken?.status, answered?.status], [0, 200]);
});

test('a malformed answer has status 0 and a reason', async (context) => {
  context.handle = (request) => void request.socket.end('SSH-2.0-x\r\n\r\n');
  const [answer] = await ask(context.url, next());
  assert.is(answer?.status, 0);
  assert.ok((answer?.body.length ?? 0) > 0);
});

test('a request with a body is a POST of JSON; answers in chunks are read whole', async (context) => {
  let received = '';
  context.handle = (request, response) => {
    request.on('data', (chunk) => (received += String(chunk)));
    request.on('end', () => {
      received += ` ${request.headers['content-type'] ?? ''}`;
      response.write('a');
      response.end('b');
    });
  };
  assert.equal(await ask(context.url, { path: '/y', body: '{"a":1}' }), [{ status: 200, body: 'ab' }]);
  assert.equal([received, context.seen], ['{"a":1} application/json', ['POST /y']]);
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
  const { counter, perSecond } = await closedLoop({
    url: context.url,
    connections: 7,
    warmupMs: 20,
    countedMs: 200,
    next,
  });
  assert.is(openMax, 7);
  assert.equal(counter.failures, {});
  assert.is(perSecond, counter.latency.count * 5);
  // The server's timer may be up to a millisecond early.
  assert.ok(counter.latency.at(0) >= 4, `${counter.latency.at(0)}`);
});

test('closedLoop counts refusals as failures, not as throughput', async (context) => {
  context.handle = (_, response) => refuse(response);
  const { counter, perSecond } = await closedLoop({
    url: context.url,
    connections: 1,
    warmupMs: 0,
    countedMs: 50,
    next,
  });
  assert.is(perSecond, 0);
  assert.equal(Object.keys(counter.failures), ['status 503']);
});

test('closedLoop counts a request that fails after the window', async (context) => {
  context.handle = (_, response) => void setTimeout(() => refuse(response), 100);
  const options = { url: context.url, connections: 2, warmupMs: 0, countedMs: 20, next };
  assert.equal((await closedLoop(options)).counter.failures, { 'status 503': 2 });
  context.handle = (_, response) => void setTimeout(() => ok(response), 100);
  const { counter } = await closedLoop(options);
  assert.equal([counter.latency.count, counter.failures], [0, {}]);
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
  const { counter } = await openLoop({
    url: context.url,
    connections: 1,
    perSecond: 100,
    count: 40,
    next,
  });
  assert.is(counter.latency.count, 40);
  assert.is(context.seen.length, 40);
  assert.ok(counter.latency.at(100) >= stallMs - 1);
  // A quarter of all intended starts fall into the first half of the stall.
  assert.ok(counter.latency.at(75) >= stallMs / 2 - 20, `${counter.latency.at(75)}`);
});

test('openLoop reports the intended start, the end and the outcome of each request', async (context) => {
  context.handle = (_, response) => {
    if (context.seen.length % 2 === 0) ok(response);
    else refuse(response);
  };
  const seen: { readonly intendedMs: number; readonly acknowledged: boolean }[] = [];
  const { counter, lateness } = await openLoop({
    url: context.url,
    connections: 4,
    perSecond: 1000,
    count: 50,
    next,
    onDone: (intendedMs, doneMs, acknowledged) => {
      assert.ok(doneMs >= intendedMs);
      seen.push({ intendedMs, acknowledged });
    },
  });
  const intended = seen.map(({ intendedMs }) => intendedMs).sort((a, b) => a - b);
  assert.ok(Math.abs((intended.at(-1) ?? 0) - (intended[0] ?? 0) - 49) < 1e-6);
  assert.is(seen.filter(({ acknowledged }) => acknowledged).length, 25);
  assert.is(countFailed(counter.failures), 25);
  assert.is(lateness.count, 50);
});

test('openLoop rejects a rate that is not above 0', async ({ url }) => {
  for (const perSecond of [0, -1, Number.NaN]) {
    let error: unknown;
    await openLoop({ url, connections: 1, perSecond, count: 1, next }).catch(
      (reason: unknown) => (error = reason),
    );
    assert.instance(error, RangeError);
  }
});

test('closedLoop and openLoop count failures when nothing listens on the port', async () => {
  const options = { url: 'http://127.0.0.1:1', connections: 2, next };
  for (const { counter } of [
    await closedLoop({ ...options, warmupMs: 0, countedMs: 30 }),
    await openLoop({ ...options, perSecond: 1000, count: 3 }),
  ]) {
    assert.is(counter.latency.count, 0);
    assert.match(Object.keys(counter.failures).join(), 'ECONNREFUSED');
  }
});

test('measurePeak measures throughput with each tool, and rejects when no request is answered', async (context) => {
  const tools = (await hasWrk()) ? (['undici', 'wrk'] as const) : (['undici'] as const);
  if (tools.length === 1) console.log('SKIPPED for wrk: it is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'trireme-bench-'));
  const requests = numberedRequests(
    { path: '/put', body: '{"key":"########"}' },
    { kind: 'ascending', from: 7 },
  );
  for (const tool of tools) {
    const bodies: string[] = [];
    context.handle = (request, response) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => ok(response));
    };
    const options = { url: context.url, connections: 2, warmupSeconds: 0, folder, requests };
    const { perSecond, latency, failures } = await measurePeak(tool, { ...options, seconds: 1 });
    assert.ok(perSecond > 10 && latency.p50 > 0 && latency.max >= latency.p99, `${tool}: ${perSecond}`);
    assert.equal(failures, {}, tool);
    // wrk makes one request that it does not send.
    assert.match([...bodies].sort()[0] ?? '', /^\{"key":"0000000[78]"\}$/, tool);
    assert.is(new Set(bodies).size, bodies.length, tool);
    context.handle = (_, response) => refuse(response);
    let message = '';
    await measurePeak(tool, { ...options, seconds: 1 }).catch((error: unknown) => (message = String(error)));
    assert.match(message, 'answered no request', tool);
  }
  rmSync(folder, { recursive: true });
});

test('findTool takes wrk if it is installed', async () => {
  assert.is(await findTool('undici'), 'undici');
  assert.is(await findTool('auto'), (await hasWrk()) ? 'wrk' : 'undici');
});

test.run();
