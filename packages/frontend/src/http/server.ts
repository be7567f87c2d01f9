/**
 * The server of the public port. Simple requests take the fast path, all others go to Hono. Requests that the
 * HTTP parser refuses get an error response in the same form. Headers, bodies, idle connections and shutdown
 * all have time limits.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { HTTP_CLOSED_CONNECTION } from '@trireme/service';
import { checkBodyHeaders, checkEncoding, checkHost, normalizePath, pathOf } from '../rules/requests.js';
import type { RateLimiter } from '../rules/rate-limit.js';
import { toContractError } from '../rules/parser-errors.js';
import type { SimpleRequest } from '../rules/simple-request.js';
import { ALL_METHODS, isMonitoringPath, WHOLE_SERVER, type SimpleRoute } from '../routes/routes.js';
import type { RouteServices } from '../routes/services.js';
import type { ApiResponse, ResponseHeaders } from './api-response.js';
import { createApp, type HonoEnv } from './app.js';
import { HttpCall, SimpleCall } from './call.js';
import { FastPathConnection, type FastPathServer } from './fast-path-connection.js';
import { PacedSocket } from './paced-socket.js';
import { toResponse } from './responses.js';
import { UnreadResponses } from './unread-responses.js';

/** Maximum number of connections; further ones are closed without a response. */
const CONNECTIONS_MAX = 10_000;
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS_MAX = 5_000;
/** Time limit to receive a request with its body; the request deadline is usually shorter. */
const REQUEST_MS_MAX = 15_000;
/** Time limit to receive the rest of a simple request; at most a tenth of the request deadline. */
const REST_MS_MAX = 250;
/**
 * Longer than load balancers keep connections, so that this side does not close one while a request is in
 * flight.
 */
const KEEP_ALIVE_MS = 75_000;
/** Minimum time between two log lines about dropped connections. */
const DROP_LOG_INTERVAL_MS = 1_000;
/** How often these time limits are checked. */
const CHECK_INTERVAL_MS = 500;

interface PublicServerOptions {
  readonly host: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
  readonly services: RouteServices;
  /** Null for no limit. With a limit there is no fast path, as requests are counted. */
  readonly rateLimit: RateLimiter | null;
  /** Time limit of a request, in milliseconds. */
  readonly deadlineMs: number;
  /** Time limit for a client to read each 16 KiB of a response, in milliseconds. */
  readonly writeTimeoutMs: number;
}

/** What the adapter passes with each request. Only HTTP/1 is served here. */
type Connection = Pick<HttpCall, 'incoming' | 'outgoing'>;

export class PublicServer {
  readonly #options: PublicServerOptions;
  readonly #app: Hono<HonoEnv>;
  readonly #server: Server;
  readonly #connections = new Set<FastPathConnection>();
  /** The requests `OPTIONS *`. */
  readonly #wholeServer = new WeakSet<IncomingMessage>();
  /** Request ids are this prefix and a number: unique across processes and restarts, and cheap to generate. */
  readonly #idPrefix = randomBytes(6).toString('hex');
  #lastId = 0;
  readonly #nextId = (): string => {
    this.#lastId += 1;
    return `${this.#idPrefix}-${this.#lastId.toString(36)}`;
  };
  #dropCount = 0;
  #dropsLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PublicServerOptions) {
    this.#options = options;
    this.#app = createApp(options.services);
    const listener = getRequestListener(
      (request, env): Response | Promise<Response> => this.#fetch(request, env as Connection),
      { hostname: 'localhost', errorHandler: (error) => this.#onAdapterError(error) },
    );
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
        // `checkHost` refuses a request without one, with a JSON response.
        requireHostHeader: false,
        noDelay: true,
      },
      (incoming, outgoing) => {
        const connection: unknown = incoming.socket;
        if (connection instanceof PacedSocket) connection.onRequest(outgoing);
        // `OPTIONS *` asks about the whole server (RFC 9110, section 9.3.7), but the adapter needs a path.
        if (incoming.url === '*' && incoming.method === 'OPTIONS') {
          this.#wholeServer.add(incoming);
          incoming.url = '/';
        }
        void listener(incoming, outgoing);
      },
    );
    this.#installFastPath();
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#onClientError(error, socket),
    );
    this.#server.on('connect', (_request, socket) => this.#refuseConnect(socket));
    this.#server.on('checkContinue', (request, response) => {
      if (isBodyWanted(request)) response.writeContinue();
      // The client may still send the body, so it is unknown where its next request begins.
      else response.shouldKeepAlive = false;
      this.#server.emit('request', request, response);
    });
    // Unknown expectations may be ignored (RFC 9110, section 10.1.1).
    this.#server.on('checkExpectation', (request, response) =>
      this.#server.emit('request', request, response),
    );
    this.#server.on('drop', () => this.#onDrop());
  }

  /**
   * Starts to listen.
   * @returns the port.
   * @throws the system error, such as EADDRINUSE.
   */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      // The listener stays, so that a later failure to accept, such as EMFILE, does not end the process.
      this.#server.on('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /**
   * Stops accepting connections, answers open requests, each with `Connection: close`, and after `msMax`
   * milliseconds destroys the connections that remain.
   */
  async close(msMax: number): Promise<void> {
    this.#options.services.replies.isStopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const connection of this.#connections) connection.closeIdle();
    const timer = setTimeout(() => {
      this.#server.closeAllConnections();
      for (const connection of this.#connections) connection.destroy();
    }, msMax);
    await closed;
    clearTimeout(timer);
  }

  /**
   * Reads simple requests from each connection before Node's server gets it. The server's own listeners of
   * the event `connection` accept any duplex stream (Node's documentation of `http.Server`).
   */
  #installFastPath(): void {
    const { rateLimit, deadlineMs, writeTimeoutMs } = this.#options;
    const server = this.#server;
    const listeners = server.listeners('connection');
    const limits = { writeTimeoutMs, unsent: new UnreadResponses() };
    const port: FastPathServer = {
      isEnabled: rateLimit === null,
      keepAliveMs: KEEP_ALIVE_MS,
      idleMsMax: KEEP_ALIVE_MS + 1000,
      remainderMsMax: Math.min(REST_MS_MAX, deadlineMs / 10),
      writeTimeoutMs,
      answer: (request, done) => this.#answerSimple(request, done),
      moveToServer: (socket, bytes) => {
        const paced = new PacedSocket(socket, bytes, limits);
        for (const listener of listeners) Reflect.apply(listener, server, [paced]);
      },
      onEarlyEnd: (socket) => this.#onClientError(null, socket),
    };
    server.removeAllListeners('connection');
    server.on('connection', (socket) => {
      const connection = new FastPathConnection(socket, port);
      this.#connections.add(connection);
      socket.once('close', () => this.#connections.delete(connection));
    });
  }

  #answerSimple(request: SimpleRequest<SimpleRoute>, done: (response: ApiResponse) => void): void {
    const { services } = this.#options;
    const call = new SimpleCall(request, this.#nextId);
    const response = request.route.handle(services, call);
    if (!(response instanceof Promise)) done(response);
    else void response.catch((error: unknown) => services.replies.error(call, error)).then(done);
  }

  #fetch(request: Request, { incoming, outgoing }: Connection): Response | Promise<Response> {
    const { services } = this.#options;
    const target = incoming.url ?? '/';
    // The absolute form, as sent to proxies, names the same path.
    const path = this.#wholeServer.has(incoming)
      ? WHOLE_SERVER
      : normalizePath(pathOf(target.startsWith('/') ? target : new URL(request.url).pathname));
    const call = new HttpCall(incoming, outgoing, path, this.#nextId);
    try {
      checkEncoding(target);
      checkHost(incoming.httpVersion, incoming.headers);
      this.#checkRate(call);
    } catch (error) {
      return toResponse(services.replies.error(call, error));
    }
    return this.#app.fetch(request, call);
  }

  /** @throws TriremeError `RATE_LIMITED`. */
  #checkRate({ incoming, path }: HttpCall): void {
    const { rateLimit } = this.#options;
    if (rateLimit === null || isMonitoringPath(path)) return;
    const waitS = rateLimit.take(incoming.socket.remoteAddress ?? '', performance.now());
    if (waitS > 0)
      throw new TriremeError('RATE_LIMITED', `too many requests from this address; retry in ${waitS} s`);
  }

  /** The adapter throws if target and host of a request form no valid URL. */
  #onAdapterError(error: unknown): Response {
    const known =
      error instanceof RequestError
        ? new TriremeError('INVALID_REQUEST', 'invalid request target or Host header')
        : error;
    return toResponse(this.#options.services.replies.error({ requestId: this.#nextId(), key: null }, known));
  }

  /** The request is malformed or did not arrive in time. */
  #onClientError(error: NodeJS.ErrnoException | null, socket: Duplex): void {
    if (error?.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    afterResponses(socket, (response) => {
      // Bytes after the last request are ignored, and a request gets only one response.
      if (response?.headersSent !== true && error?.code !== HTTP_CLOSED_CONNECTION)
        this.#refuseAndClose(toContractError(error?.code), socket);
      else closeSoon(socket);
    });
  }

  #refuseConnect(socket: Duplex): void {
    const error = new TriremeError('METHOD_NOT_ALLOWED', 'CONNECT is not supported');
    socket.on('error', () => socket.destroy());
    afterResponses(socket, () => this.#refuseAndClose(error, socket, { Allow: ALL_METHODS }));
  }

  /** Writes an error response without a request, and closes the connection. */
  #refuseAndClose(error: TriremeError, socket: Duplex, headers?: ResponseHeaders): void {
    socket.write(this.#options.services.replies.formatError(error, this.#nextId(), headers));
    closeSoon(socket);
  }

  /** Logs refused connections, at most once a second: a flood of connections must not flood the log. */
  #onDrop(): void {
    this.#dropCount += 1;
    if (performance.now() - this.#dropsLoggedAt < DROP_LOG_INTERVAL_MS) return;
    this.#options.services.log.warn(
      { connectionsMax: CONNECTIONS_MAX, dropped: this.#dropCount },
      'connections dropped',
    );
    this.#dropsLoggedAt = performance.now();
    this.#dropCount = 0;
  }
}

/**
 * Reads nothing more from the connection, and calls `refuse` once every request that was read completely is answered:
 * anything written earlier would be taken for the response to that request.
 * @param refuse writes the last response and closes the connection. It is not called if nothing can be written. Its
 *   argument is the response to a request with a broken body, which has had no effect yet; null if there is none.
 */
function afterResponses(socket: Duplex, refuse: (response: ServerResponse | null) => void): void {
  if (!socket.writable) {
    closeSoon(socket);
    return;
  }
  const response = socket instanceof PacedSocket ? socket.pendingResponse : null;
  if (socket instanceof PacedSocket) socket.discardInput();
  if (response?.req.complete === true) response.once('close', () => afterResponses(socket, refuse));
  else refuse(response);
}

/** Closes the socket once everything written is sent. */
function closeSoon(socket: Duplex): void {
  (socket as Socket | PacedSocket).destroySoon();
}

/** Whether the headers let the server read the body (RFC 9110, section 10.1.1). */
function isBodyWanted({ headers }: IncomingMessage): boolean {
  try {
    checkBodyHeaders(headers);
    return true;
  } catch {
    return false;
  }
}
