/**
 * The internal port of a process: links by HTTP Upgrade, health and status for every client, and routes for operators,
 * who need the cluster's secret and, if the cluster uses certificates, an operator certificate. Responses are JSON as in
 * the HTTP contract, except for those that a route sends itself.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TriremeError, type ErrorStatus } from '@trireme/domain';
import {
  acceptedSecrets,
  checkPeerCertificate,
  clientAddress,
  createTlsServer,
  listenOn,
  refuseSocket,
  type FrameRefusal,
} from '@trireme/raft/frames';
import type { LinkListener } from '../link/listener.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import { checkOperator, type LinkIdentity } from '../link/handshake.js';
import { requireSecretBeyondLoopback } from '../rules/loopback.js';
import { isVerbose, firstProblem, verboseChecks, type ReadinessCheck } from '../rules/readiness.js';
import { pathOf, route, type OpenPath } from '../rules/routing.js';
import { secretReport } from '../rules/secret.js';
import { LogThrottle } from '../rules/throttle.js';
import { answerError, answerJson, answerText, asTriremeError, readJson } from './http-json.js';
import { HTTP_CLOSED_CONNECTION, closeIfPipelined } from './pipelining.js';

/** Handles a GET or HEAD request. If it throws before it has sent headers, the error becomes the response. */
export type InternalRoute = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Handles a POST with a JSON body, and returns the body of the 200 response. An error becomes the response. */
export type InternalAction = (body: unknown) => Promise<object>;

/** Options of an `InternalServer`. */
export interface InternalServerOptions {
  readonly host: string;
  /** 0 for a free port. */
  readonly port: number;
  readonly identity: LinkIdentity;
  readonly log: Log;
  readonly listeners: readonly LinkListener[];
  /** Body of `GET /status`. Operators also get `credentials`: the fingerprints of the secret in use. */
  readonly status: () => object;
  /** Checks of `GET /readyz`, which answers 503 with the first problem, or 200. With `?verbose` it lists all checks. */
  readonly checks: () => readonly ReadinessCheck[];
  /** Page of `GET /metrics`. The server adds the metrics of its links. */
  readonly metrics: Metrics;
  /** By path, such as `/export`. They require the header `x-trireme-secret` if the cluster has a secret. */
  readonly routes?: Readonly<Record<string, InternalRoute>>;
  /** By path, such as `/members`. They require the same header. */
  readonly actions?: Readonly<Record<string, InternalAction>>;
}

/** Maximum number of open sockets, including links. Further connections are dropped. */
const SOCKETS_MAX = 1_024;
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 10_000;
/** A connection is closed if its client reads nothing of a response for this many milliseconds. */
const STALL_MS_MAX = 10_000;
/** Milliseconds that open requests have to finish when the server closes. */
const CLOSE_MS_MAX = 1_000;

/** The HTTP server of an internal port. */
export class InternalServer {
  readonly #options: InternalServerOptions;
  readonly #server: Server;
  readonly #paths: readonly string[];
  readonly #actions: readonly string[];
  /** Limits the log lines that anyone who can reach the port can cause. */
  readonly #throttle = new LogThrottle();
  /** The open request of each connection. */
  readonly #open = new WeakMap<Duplex, IncomingMessage>();

  /** @throws UsageError if the host is not loopback and the identity has neither a secret nor a certificate. */
  constructor(options: InternalServerOptions) {
    requireSecretBeyondLoopback(options.host, options.identity);
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
    // A failure to accept a connection, for example for lack of descriptors, must not end this process.
    this.#server.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
      const suppressed = this.#server.listening
        ? this.#throttle.suppressedIfDue(code, performance.now())
        : null;
      if (suppressed !== null)
        options.log.warn({ code, reason: message, suppressed }, 'cannot accept a connection');
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // The response to the last request is being sent.
      if (error.code === HTTP_CLOSED_CONNECTION) return;
      if (!this.#closeIfOpen(socket)) refuseSocket(socket, clientErrorRefusal(error.code));
    });
  }

  /**
   * Starts listening.
   * @returns the port
   * @throws the system's error, such as EADDRINUSE.
   */
  async listen(): Promise<number> {
    return listenOn(this.#server, this.#options);
  }

  /** Closes links and idle sockets at once, and the others within a second. A second call does nothing. */
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
    metrics.addGauge('links_open', 'Number of open links from other processes.', () =>
      open.map(([labels, { openCount: count }]) => [labels, count] as const),
    );
    metrics.addCounter('links_refused_total', 'Number of refused link handshakes, by path and status.', () =>
      listeners.flatMap((listener) => [...listener.refusals]),
    );
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { identity, routes, actions, log } = this.#options;
    if (closeIfPipelined(request, response)) return;
    this.#open.set(request.socket, request);
    response.once('close', () => this.#open.delete(request.socket));
    closeIfStalled(response);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('x-served-by', identity.name);
    // A closing server closes each socket after its response: an idle socket would delay the close.
    if (!this.#server.listening) response.setHeader('connection', 'close');
    const { method = '', url = '' } = request;
    const certificate = (identity.tls ?? null) === null ? null : checkPeerCertificate(request.socket);
    const refused = checkOperator(identity, request.headers, certificate);
    const routing = route(method, url, this.#paths, refused, this.#actions);
    if (routing.kind === 'refused' && routing.error === refused) this.#logRefusal(request, refused);
    try {
      if (routing.kind === 'open') {
        // Only who may operate the cluster learns which secret a process uses.
        const secret = refused === null ? secretReport(acceptedSecrets(identity.secret)) : null;
        await this.#answerOpen(
          routing.path,
          request,
          response,
          secret === null ? {} : { credentials: { secret } },
        );
      } else if (routing.kind === 'guarded') {
        await routes?.[routing.path]?.(request, response);
      } else if (routing.kind === 'action') {
        const result = await actions?.[routing.path]?.(await readJson(request));
        answerJson(response, 200, result ?? {});
      } else answerError(response, routing.error, routing.headers);
    } catch (error) {
      if (response.destroyed) log.info({ url }, 'client disconnected before the end of the response');
      else if (error instanceof TriremeError)
        log.warn({ url, status: error.status, reason: error.message }, 'request refused');
      else log.error({ error, url }, 'request failed');
      if (response.headersSent) response.destroy();
      else if (!response.destroyed) answerError(response, asTriremeError(error));
    }
  }

  #logRefusal({ url, socket }: IncomingMessage, { status, message }: TriremeError): void {
    const suppressed = this.#throttle.suppressedIfDue(status, performance.now());
    const from = clientAddress(socket);
    if (suppressed !== null)
      this.#options.log.warn({ url, from, status, reason: message, suppressed }, 'operator request refused');
  }

  async #answerOpen(
    path: OpenPath,
    request: IncomingMessage,
    response: ServerResponse,
    credentials: object,
  ): Promise<void> {
    switch (path) {
      case '/livez':
        answerJson(response, 200, { status: 'ok' });
        return;
      case '/status':
        answerJson(response, 200, { ...this.#options.status(), ...credentials });
        return;
      case '/metrics': {
        const { contentType, text } = await this.#options.metrics.page();
        answerText(response, 200, contentType, text);
        return;
      }
      case '/readyz': {
        const checks = this.#options.checks();
        const problem = firstProblem(checks);
        const more = isVerbose(request.url ?? '') ? verboseChecks(checks) : {};
        if (problem === null) answerJson(response, 200, { status: 'ok', ...more });
        else answerError(response, new TriremeError('UNAVAILABLE', problem), { 'retry-after': '1' }, more);
      }
    }
  }

  /**
   * Closes the connection if a request that was read completely is open: anything written would be taken for its
   * response. Returns whether it did.
   */
  #closeIfOpen(socket: Duplex): boolean {
    if (this.#open.get(socket)?.complete !== true) return false;
    socket.destroy();
    return true;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#closeIfOpen(socket)) return;
    const path = pathOf(request.url ?? '');
    const listener = this.#options.listeners.find((known) => known.path === path);
    if (listener === undefined)
      refuseSocket(socket, refusal('ROUTE_NOT_FOUND', 'no links are accepted at this path'));
    else listener.onUpgrade(request, socket, head);
  }
}

/** Closes the connection if the client reads nothing of the response for too long, even if it sends data. */
function closeIfStalled(response: ServerResponse): void {
  const { socket } = response;
  let writtenBefore = -1;
  const check = setInterval(() => {
    const written = socket?.bytesWritten ?? 0;
    if (response.writableLength > 0 && written === writtenBefore) response.destroy();
    writtenBefore = written;
  }, STALL_MS_MAX).unref();
  response.once('close', () => clearInterval(check));
}

function refusal(status: ErrorStatus, message: string): FrameRefusal {
  const error = new TriremeError(status, message);
  return { httpStatus: error.httpStatus, status, message };
}

function clientErrorRefusal(code: string | undefined): FrameRefusal {
  if (code === 'HPE_HEADER_OVERFLOW') return refusal('HEADERS_TOO_LARGE', 'the headers are too large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refusal('REQUEST_TIMEOUT', 'the request took too long');
  return refusal('INVALID_REQUEST', 'the request is not valid HTTP');
}
