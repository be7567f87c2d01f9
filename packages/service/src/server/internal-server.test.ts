import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TriremeError } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkListener } from '../link/listener.js';
import { LinkDialer } from '../link/dialer.js';
import type { Log } from '../log.js';
import { Metrics } from '../metrics/metrics.js';
import { UsageError } from '../rules/usage-error.js';
import { LinkRecorder, captureLog, until } from '../testing/links.js';
import { InternalServer, type InternalServerOptions } from './internal-server.js';

const SECRET = 'a shared secret';
const IDENTITY = { name: 'server', cluster: 'test', secret: SECRET };

const BARE = {
  listeners: [],
  status: () => ({}),
  checks: () => [],
  metrics: new Metrics({ service: 'test', id: 'test' }),
};

interface HttpResponse {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', method, path, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ code: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** A listener for links of front-ends, with its handler and its log. */
function linkListener(): { listener: LinkListener; handler: LinkRecorder; log: Log } {
  const handler = new LinkRecorder();
  const { log } = captureLog();
  const listener = new LinkListener({
    path: '/links/test',
    clientRole: 'frontend',
    identity: IDENTITY,
    handler,
    log,
  });
  return { listener, handler, log };
}

/** Sends `text` over a raw socket. Returns all that the server sends until it closes the socket. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

function statusOf(text: string): string {
  return (JSON.parse(text) as { error: { status: string } }).error.status;
}

async function withServer(
  options: Partial<InternalServerOptions>,
  run: (port: number, server: InternalServer, lines: readonly string[]) => Promise<void>,
): Promise<void> {
  const { log, lines } = captureLog();
  const server = new InternalServer({
    host: '127.0.0.1',
    port: 0,
    identity: IDENTITY,
    log,
    listeners: [],
    status: () => ({ role: 'test' }),
    checks: () => [],
    metrics: new Metrics({ service: 'test', id: 'test' }),
    ...options,
  });
  const port = await server.listen();
  try {
    await run(port, server, lines);
  } finally {
    await server.close();
  }
}

test('health and status require no secret', async () => {
  let reason: string | null = null;
  await withServer({ checks: () => [{ name: 'leader', problem: reason }] }, async (port) => {
    for (const path of ['/livez', '/readyz', '/readyz/']) {
      const answer = await ask(port, 'GET', path);
      assert.is(answer.code, 200, path);
      assert.equal(JSON.parse(answer.text), { status: 'ok' });
    }
    const status = await ask(port, 'GET', '/status');
    assert.equal(JSON.parse(status.text), { role: 'test' });
    assert.is(status.headers['content-type'], 'application/json');
    assert.is(status.headers['x-served-by'], 'server');
    reason = 'no leader';
    const unready = await ask(port, 'GET', '/readyz');
    assert.is(unready.code, 503);
    assert.equal(JSON.parse(unready.text), {
      error: { code: 503, message: 'no leader', status: 'UNAVAILABLE' },
    });
    assert.is((await ask(port, 'GET', '/livez')).code, 200);
    const head = await ask(port, 'HEAD', '/status');
    assert.is(head.code, 200);
    assert.is(head.text, '');
  });
});

test('readyz?verbose lists every check', async () => {
  const checks = [
    { name: 'running', problem: null },
    { name: 'leader', problem: 'no leader' },
  ];
  await withServer({ checks: () => checks }, async (port) => {
    const answer = await ask(port, 'GET', '/readyz?verbose');
    assert.is(answer.code, 503);
    const body = JSON.parse(answer.text) as { error: { message: string }; checks: unknown };
    assert.is(body.error.message, 'no leader');
    assert.equal(body.checks, [
      { name: 'running', ok: true, problem: null },
      { name: 'leader', ok: false, problem: 'no leader' },
    ]);
  });
});

test('metrics require no secret, and count links and refusals', async () => {
  const { listener } = linkListener();
  const metrics = new Metrics({ service: 'test', id: 'test' });
  await withServer({ listeners: [listener], metrics }, async (port) => {
    await say(
      port,
      'GET /links/test HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\n\r\n',
    );
    const answer = await ask(port, 'GET', '/metrics');
    assert.is(answer.code, 200);
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(answer.text, 'trireme_links_open{path="/links/test"} 0');
    assert.match(answer.text, 'trireme_links_refused_total{path="/links/test",status="UNAUTHORIZED"} 1');
    assert.not.match(answer.text, SECRET);
  });
});

test('routes require the secret', async () => {
  const routes: InternalServerOptions['routes'] = {
    '/export': async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' }).end('number,name\n');
    },
  };
  await withServer({ routes }, async (port) => {
    assert.is(statusOf((await ask(port, 'GET', '/export')).text), 'UNAUTHORIZED');
    assert.is((await ask(port, 'GET', '/export', { 'x-trireme-secret': 'wrong' })).code, 401);
    const answer = await ask(port, 'GET', '/export', { 'x-trireme-secret': SECRET });
    assert.is(answer.code, 200);
    assert.is(answer.text, 'number,name\n');
  });
});

test('unknown paths and methods that are not allowed get a JSON error', async () => {
  await withServer({}, async (port) => {
    const unknown = await ask(port, 'GET', '/constructor');
    assert.is(unknown.code, 404);
    assert.is(statusOf(unknown.text), 'ROUTE_NOT_FOUND');
    const posted = await ask(port, 'POST', '/status');
    assert.is(posted.code, 405);
    assert.is(posted.headers.allow, 'GET, HEAD');
    assert.is(statusOf(posted.text), 'METHOD_NOT_ALLOWED');
  });
});

const RAW: readonly [string, string, number, string][] = [
  ['garbage', 'garbage\r\n\r\n', 400, 'INVALID_REQUEST'],
  [
    'headers too large',
    `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    'an upgrade at an unknown path',
    'GET /links/none HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\n\r\n',
    404,
    'ROUTE_NOT_FOUND',
  ],
];

for (const [name, text, code, status] of RAW) {
  test(`answers ${name} with ${status}`, async () => {
    await withServer({}, async (port) => {
      const answer = await say(port, text);
      assert.match(answer, `HTTP/1.1 ${code} `);
      assert.is(statusOf(answer.split('\r\n\r\n')[1] ?? ''), status);
    });
  });
}

test('a route that throws gives its TriremeError, or 500 without the reason', async () => {
  const routes: InternalServerOptions['routes'] = {
    '/known': async () => {
      throw new TriremeError('UNAVAILABLE', 'not now');
    },
    '/unknown': async () => {
      throw new Error('the path of a secret file');
    },
    '/late': async (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('some of it');
      throw new Error('failed after the headers');
    },
  };
  await withServer({ routes }, async (port, _server, lines) => {
    const headers = { 'x-trireme-secret': SECRET };
    assert.is(statusOf((await ask(port, 'GET', '/known', headers)).text), 'UNAVAILABLE');
    const unknown = await ask(port, 'GET', '/unknown', headers);
    assert.is(unknown.code, 500);
    assert.not.match(unknown.text, 'secret file');
    assert.ok(lines.some((line) => line.includes('secret file')));
    const late: unknown = await ask(port, 'GET', '/late', headers).catch((error: unknown) => error);
    assert.instance(late, Error);
  });
});

test('an action receives the JSON body, and its result or error is the response', async () => {
  const actions: InternalServerOptions['actions'] = {
    '/echo': async (body) => ({ body }),
    '/refuse': async () => {
      throw new TriremeError('NOT_LEADER', '2 leads');
    },
  };
  await withServer({ actions }, async (port) => {
    const post = async (path: string, body: string, secret = SECRET): Promise<HttpResponse> =>
      ask(port, 'POST', path, { 'x-trireme-secret': secret }, body);
    const answer = await post('/echo', '{"a":[1]}');
    assert.equal([answer.code, JSON.parse(answer.text)], [200, { body: { a: [1] } }]);
    assert.is((await post('/echo', '{}', 'wrong')).code, 401);
    assert.is(statusOf((await post('/echo', '{')).text), 'INVALID_REQUEST');
    assert.is(statusOf((await post('/echo', `"${'x'.repeat(17_000)}"`)).text), 'BODY_TOO_LARGE');
    const refused = await post('/refuse', '{}');
    assert.equal([refused.code, statusOf(refused.text)], [421, 'NOT_LEADER']);
  });
});

test('pipelined requests close the connection and are not handled', async () => {
  const state = { begun: 0 };
  const routes: InternalServerOptions['routes'] = {
    '/export': async () => {
      state.begun += 1;
      await new Promise(() => undefined);
    },
  };
  await withServer({ routes }, async (port) => {
    const request = `GET /export HTTP/1.1\r\nhost: x\r\nx-trireme-secret: ${SECRET}\r\n\r\n`;
    assert.is(await say(port, request.repeat(500)), '');
    assert.is(state.begun, 1);
  });
});

test('an upgrade or malformed bytes after an open request close the connection and are not answered', async () => {
  const state = { begun: 0 };
  const actions: InternalServerOptions['actions'] = {
    '/members': async () => {
      state.begun += 1;
      return new Promise(() => undefined);
    },
  };
  await withServer({ actions, listeners: [linkListener().listener] }, async (port) => {
    const request = `POST /members HTTP/1.1\r\nhost: x\r\nx-trireme-secret: ${SECRET}\r\ncontent-length: 2\r\n\r\n{}`;
    const upgrade = 'host: x\r\nconnection: Upgrade\r\nupgrade: trireme-frames\r\n\r\n';
    const others = [
      `GET /links/test HTTP/1.1\r\n${upgrade}`,
      `GET /nothing HTTP/1.1\r\n${upgrade}`,
      'nonsense\r\n\r\n',
    ];
    for (const [i, other] of [...others, 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'].entries()) {
      const socket = connect(port, '127.0.0.1');
      socket.write(request);
      await until(() => state.begun === i + 1, 'the request');
      socket.write(other);
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      assert.is(answer, '', other);
    }
  });
});

test('data after a request with Connection: close is ignored, and the request is answered', async () => {
  await withServer({}, async (port) => {
    const last = 'GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const answer = await say(port, `${last}GET /status HTTP/1.1\r\nhost: x\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 200 [^]*"ok"}$/);
  });
});

test('a client that disconnects during its response is not logged as an error', async () => {
  const routes: InternalServerOptions['routes'] = {
    '/export': async (_request, response) => {
      const part = Buffer.alloc(65_536);
      const endless = new Readable({ read: () => void endless.push(part) });
      await pipeline(endless, response);
    },
  };
  await withServer({ routes }, async (port, _server, lines) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET /export HTTP/1.1\r\nhost: x\r\nx-trireme-secret: ${SECRET}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await until(() => lines.some((line) => line.includes('client disconnected')), 'the log line');
    assert.not.ok(lines.some((line) => line.includes('stack')));
  });
});

test('listen rejects with EADDRINUSE for a port in use', async () => {
  await withServer({}, async (port) => {
    const { log } = captureLog();
    const options = { ...BARE, identity: IDENTITY, log };
    const second = new InternalServer({ host: '127.0.0.1', port, ...options });
    const error: unknown = await second.listen().catch((reason: unknown) => reason);
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
    await second.close();
  });
});

test('the constructor rejects a host beyond loopback without a secret', () => {
  const { log } = captureLog();
  const identity = { ...IDENTITY, secret: null };
  const options = { ...BARE, identity, log };
  assert.throws(
    () => new InternalServer({ host: '0.0.0.0', port: 0, ...options }),
    (error: unknown) => error instanceof UsageError,
  );
});

test('close ends idle sockets, links and open requests', async () => {
  const { listener, handler, log } = linkListener();
  let isAsked = false;
  const routes: InternalServerOptions['routes'] = {
    '/never': async () => {
      isAsked = true;
      await new Promise(() => undefined);
    },
  };
  await withServer({ listeners: [listener], routes }, async (port, server) => {
    const idle = connect(port, '127.0.0.1');
    idle.on('error', () => undefined);
    const answered = new Promise<void>((resolve) => idle.once('data', () => resolve()));
    idle.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    await answered;
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    const client = new LinkRecorder();
    const identity = { ...IDENTITY, name: 'dialer' };
    const dialer = new LinkDialer({
      url: `http://127.0.0.1:${port}`,
      path: '/links/test',
      identity,
      serverRole: 'replica',
      handler: client,
      log,
    });
    dialer.start();
    const hanging = ask(port, 'GET', '/never', { 'x-trireme-secret': SECRET }).catch(
      (error: unknown) => error,
    );
    await until(() => isAsked && handler.opens.length === 1, 'a link and an open request');
    await server.close();
    assert.instance(await hanging, Error);
    assert.equal(handler.closes, ['this process is stopping']);
    await until(() => client.closes.length === 1, 'the other end of the link');
    await dialer.stop();
    const refused: unknown = await ask(port, 'GET', '/livez').catch((error: unknown) => error);
    assert.is((refused as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    idle.destroy();
    silent.destroy();
  });
});

test.run();
