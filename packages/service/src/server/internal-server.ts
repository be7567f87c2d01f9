/**
 * The internal port of a process: links by HTTP Upgrade, health and status for anyone who can reach it, and routes of
 * its operator, who knows the cluster's secret and, where there are certificates, has an operator's. Every answer is JSON in the contract's form, but for what a route itself sends.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TriremeError, type ErrorStatus } from '@trireme/domain';
import { certificateOf, createTlsServer, refuseSocket, type FrameRefusal } from '@trireme/raft/frames';
import type { LinkListener } from '../link/listener.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import { refuseOperator, type LinkIdentity } from '../rules/handshake.js';
import { requireGuardBeyondLoopback } from '../rules/loopback.js';
import { isVerbose, problemOf, verboseChecks, type Check } from '../rules/readiness.js';
import { pathOf, route, type OpenPath } from '../rules/routing.js';
import { Throttle } from '../rules/throttle.js';
import { AFTER_LAST_REQUEST, refusePipelined } from './pipelining.js';
import { readJson } from './read-json.js';

/** Answers one request with method GET or HEAD. What it throws becomes an error answer, if none was begun. */
export type InternalRoute = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Does what one POST asks for, given its body as JSON, and gives the body of the answer 200. What it throws becomes an
 * error answer.
 */
export type InternalAction = (body: unknown) => Promise<object>;

export interface InternalServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly identity: LinkIdentity;
  readonly log: Log;
  readonly listeners: readonly LinkListener[];
  /** Body of `GET /status`. */
  readonly status: () => object;
  /** `GET /readyz` answers 503 with the first problem among them, or 200; with `?verbose` it names each. */
  readonly checks: () => readonly Check[];
  /** Page of `GET /metrics`; the server adds what it knows of its links. */
  readonly metrics: Metrics;
  /** By path, such as `/export`; each needs the header `x-trireme-secret` where the cluster has a secret. */
  readonly routes?: Readonly<Record<string, InternalRoute>>;
  /** By path, such as `/members`; as guarded as `routes`. */
  readonly actions?: Readonly<Record<string, InternalAction>>;
}

/** Sockets open at once, links included; the system's queue and then a reset await further ones. */
const SOCKETS_MAX = 1_024;
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 10_000;
/** Milliseconds between two checks of an answer; if its client took nothing in between, the connection is closed. */
const LOOK_MS = 10_000;
/** Requests under way when the server closes have this long to be answered, in milliseconds. */
const CLOSE_MS_MAX = 1_000;

export class InternalServer {
  readonly #options: InternalServerOptions;
  readonly #server: Server;
  readonly #paths: readonly string[];
  readonly #actions: readonly string[];
  /** Whoever can reach the port can cause these lines. */
  readonly #throttle = new Throttle();

  /** @throws UsageError if the host is beyond loopback and the identity has no secret. */
  constructor(options: InternalServerOptions) {
    requireGuardBeyondLoopback(options.host, options.identity);
    this.#options = options;
    this.#paths = Object.keys(options.routes ?? {});
    this.#describeLinks();
    this.#actions = Object.keys(options.actions ?? {});
    const limits = {
      headersTimeout: HEADERS_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
    };
    this.#server = createTlsServer(limits, options.identity.tls ?? null);
    this.#server.maxConnections = SOCKETS_MAX;
    this.#server.on('request', (request, response) => void this.#request(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    // A connection that cannot be accepted, for example for lack of descriptors, must not end this process.
    this.#server.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
      const untold = this.#server.listening ? this.#throttle.due(code, performance.now()) : null;
      if (untold !== null) options.log.warn({ code, reason: message, untold }, 'connection not accepted');
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // The answer to the last request is on its way.
      if (error.code !== AFTER_LAST_REQUEST) refuseSocket(socket, clientErrorRefusal(error.code));
    });
  }

  /**
   * Begins to listen.
   * @returns the port
   * @throws the system's error, such as EADDRINUSE.
   */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Closes links and idle sockets at once, and what is left within a second. Closing twice does nothing. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS_MAX);
    await Promise.all(
      this.#options.listeners.map(async (listener) => listener.close('this process is stopping')),
    );
    await closed;
    clearTimeout(cut);
  }

  #describeLinks(): void {
    const { metrics, listeners } = this.#options;
    const open = listeners.map((listener) => [{ path: listener.path }, listener] as const);
    metrics.gauge('links_open', 'Links that other processes hold open to this one.', () =>
      open.map(([labels, { open: count }]) => [labels, count] as const),
    );
    metrics.counter('links_refused_total', 'Handshakes of links that were refused, by reason.', () =>
      listeners.flatMap((listener) => [...listener.refused]),
    );
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { identity, routes, actions, log } = this.#options;
    if (refusePipelined(request, response)) return;
    boundAnswer(response);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('x-served-by', identity.name);
    // A draining server ends each socket with its answer: an idle one would hold it open.
    if (!this.#server.listening) response.setHeader('connection', 'close');
    const { method = '', url = '' } = request;
    const certificate = (identity.tls ?? null) === null ? null : certificateOf(request.socket);
    const refused = refuseOperator(identity, request.headers, certificate);
    const routing = route(method, url, this.#paths, refused, this.#actions);
    if (routing.kind === 'refused' && routing.error === refused) this.#tellRefused(request, refused);
    try {
      if (routing.kind === 'open') await this.#answerOpen(routing.path, request, response);
      else if (routing.kind === 'guarded') {
        await routes?.[routing.path]?.(request, response);
      } else if (routing.kind === 'action') {
        const done = await actions?.[routing.path]?.(await readJson(request));
        answerJson(response, 200, done ?? {});
      } else answerError(response, routing.error, routing.headers);
    } catch (error) {
      if (response.destroyed) log.info({ url }, 'the client left before the end of its answer');
      else if (error instanceof TriremeError)
        log.warn({ url, status: error.status, reason: error.message }, 'refused');
      else log.error({ error, url }, 'request failed');
      if (response.headersSent) response.destroy();
      else if (!response.destroyed) answerError(response, asTriremeError(error));
    }
  }

  #tellRefused({ url, socket }: IncomingMessage, { status, message }: TriremeError): void {
    const untold = this.#throttle.due(status, performance.now());
    const from = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    if (untold !== null)
      this.#options.log.warn({ url, from, status, reason: message, untold }, 'call refused');
  }

  async #answerOpen(path: OpenPath, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (path) {
      case '/livez':
        answerJson(response, 200, { status: 'ok' });
        return;
      case '/status':
        answerJson(response, 200, this.#options.status());
        return;
      case '/metrics': {
        const { contentType, text } = await this.#options.metrics.page();
        answerText(response, 200, contentType, text);
        return;
      }
      case '/readyz': {
        const checks = this.#options.checks();
        const problem = problemOf(checks);
        const more = isVerbose(request.url ?? '') ? verboseChecks(checks) : {};
        if (problem === null) answerJson(response, 200, { status: 'ok', ...more });
        else answerError(response, new TriremeError('UNAVAILABLE', problem), { 'retry-after': '1' }, more);
      }
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = pathOf(request.url ?? '');
    const listener = this.#options.listeners.find((known) => known.path === path);
    if (listener === undefined)
      refuseSocket(socket, refusal('ROUTE_NOT_FOUND', 'no links are accepted here'));
    else listener.upgrade(request, socket, head);
  }
}

function answerJson(
  response: ServerResponse,
  code: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  answerText(response, code, 'application/json', JSON.stringify(body), headers);
}

/** Closes the connection if its client takes nothing of the answer for too long, whatever it sends. */
function boundAnswer(response: ServerResponse): void {
  const { socket } = response;
  let taken = -1;
  const look = setInterval(() => {
    const written = socket?.bytesWritten ?? 0;
    if (response.writableLength > 0 && written === taken) response.destroy();
    taken = written;
  }, LOOK_MS).unref();
  response.once('close', () => clearInterval(look));
}

function answerText(
  response: ServerResponse,
  code: number,
  contentType: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}

function answerError(
  response: ServerResponse,
  error: TriremeError,
  headers: Readonly<Record<string, string>> = {},
  more: object = {},
): void {
  answerJson(response, error.httpStatus, { ...error.toBody(), ...more }, headers);
}

/** An error's own words are for the log: whoever asks learns only what the contract has a word for. */
function asTriremeError(error: unknown): TriremeError {
  return error instanceof TriremeError
    ? error
    : new TriremeError('INTERNAL', 'something went wrong; see the log');
}

function refusal(status: ErrorStatus, message: string): FrameRefusal {
  const error = new TriremeError(status, message);
  return { httpStatus: error.httpStatus, status, message };
}

function clientErrorRefusal(code: string | undefined): FrameRefusal {
  if (code === 'HPE_HEADER_OVERFLOW') return refusal('HEADERS_TOO_LARGE', 'the headers are too large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refusal('REQUEST_TIMEOUT', 'the request took too long');
  return refusal('INVALID_REQUEST', 'the request is not HTTP');
}
