/**
 * The public port. Simple requests take the fast path, all others go to Hono; what the parser refuses is answered here, in
 * the same form. Nothing waits longer than a bound: headers, bodies, idle connections, and the end of the server itself.
 */
import { randomBytes } from 'node:crypto';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { AFTER_LAST_REQUEST } from '@trireme/service';
import { checkBodyHeaders, checkEncoding, normalizePath, pathOf } from '../rules/requests.js';
import type { RateLimit } from '../rules/rate-limit.js';
import { isProbe } from '../rules/routing.js';
import { parserError } from '../rules/parser-errors.js';
import type { Answer, Headers } from './answer.js';
import { dropRest } from './body.js';
import { callOf, type Call, type CallEnv } from './call.js';
import { answerSimple } from './fast-path.js';
import { PacedSocket } from './paced-socket.js';
import { FastPathConnection, type FastPathPort } from './fast-path-connection.js';
import type { Services } from './services.js';
import { UnsentAnswers } from './unsent-answers.js';

/** Connections at once; at the bound the newest is closed without an answer. */
const CONNECTIONS_MAX = 10_000;
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS_MAX = 5_000;
/** For a request with its body; the deadline of the request is usually shorter. */
const REQUEST_MS_MAX = 15_000;
/** For the rest of a request that may be simple, before its deadline runs; a tenth of that at most. */
const REST_MS_MAX = 250;
/** Longer than load balancers keep theirs, so that it is not this side that closes one just as a request comes. */
const KEEP_ALIVE_MS = 75_000;
/** Between two log lines about dropped connections at least. */
const DROPS_TOLD_MS = 1_000;
/** How often those bounds are looked at. */
const CHECK_MS = 500;

/** Every method that some path takes. */
const METHODS = 'GET, HEAD, OPTIONS, POST, PUT';

interface PublicServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly app: Hono<CallEnv>;
  /** Answers simple requests on the fast path, unless `rateLimit` is set: then each request is counted first. */
  readonly services: Services;
  /** Null where every address may ask as often as it likes. */
  readonly rateLimit: RateLimit | null;
  /** Of a request, in milliseconds. */
  readonly deadlineMs: number;
  /** Milliseconds that a client has to take 16 KiB of an answer. */
  readonly stallMs: number;
}

/** What the adapter gives with a request; it speaks HTTP/1 alone here. */
type Connection = Pick<Call, 'incoming' | 'outgoing'>;

export class PublicServer {
  readonly #options: PublicServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<FastPathConnection>();
  /** Request ids are this and a number: unique across processes and restarts, and cheap. */
  readonly #idPrefix = randomBytes(6).toString('hex');
  #lastId = 0;
  readonly #nextId = (): string => {
    this.#lastId += 1;
    return `${this.#idPrefix}-${this.#lastId.toString(36)}`;
  };
  #drops = 0;
  #dropsToldAt = Number.NEGATIVE_INFINITY;

  constructor(options: PublicServerOptions) {
    this.#options = options;
    const listener = getRequestListener(
      (request, env): Response | Promise<Response> => this.#fetch(request, env as Connection),
      { hostname: 'localhost', errorHandler: (error) => this.#refuse(error) },
    );
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_MS,
        // A request without one is refused below, as JSON.
        requireHostHeader: false,
        noDelay: true,
      },
      (incoming, outgoing) => {
        const connection: unknown = incoming.socket;
        if (connection instanceof PacedSocket) connection.began(incoming, outgoing);
        if (incoming.url === '*' && incoming.method === 'OPTIONS') {
          this.#answerOptions(incoming, outgoing);
          return;
        }
        void listener(incoming, outgoing);
      },
    );
    this.#readSimpleFirst();
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#clientError(error, socket),
    );
    this.#server.on('connect', (_request, socket) => this.#refuseConnect(socket));
    this.#server.on('checkContinue', (request, response) => {
      if (isBodyWanted(request)) response.writeContinue();
      // The client may send the body or not, so where its next request begins is unknown.
      else response.shouldKeepAlive = false;
      this.#server.emit('request', request, response);
    });
    // An expectation that is not known may be ignored (RFC 9110, section 10.1.1).
    this.#server.on('checkExpectation', (request, response) =>
      this.#server.emit('request', request, response),
    );
    this.#server.on('drop', () => this.#dropped());
  }

  /**
   * Begins to listen.
   * @returns the port.
   * @throws the system's error, such as EADDRINUSE.
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
   * Accepts no more connections, lets the requests that are under way be answered, each with `Connection: close`, and
   * cuts what is left after `msMax`.
   */
  async close(msMax: number): Promise<void> {
    this.#options.services.replies.draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const connection of this.#connections) connection.closeIdle();
    const cut = setTimeout(() => {
      this.#server.closeAllConnections();
      for (const connection of this.#connections) connection.cut();
    }, msMax);
    await closed;
    clearTimeout(cut);
  }

  /**
   * Has each connection read for simple requests before the server has it. What it has been given to take connections with is kept
   * for all others: it takes any (Node's documentation of `http.Server`, event `connection`).
   */
  #readSimpleFirst(): void {
    const { services, rateLimit, deadlineMs, stallMs } = this.#options;
    const server = this.#server;
    const listeners = server.listeners('connection');
    const limits = { stallMs, unsent: new UnsentAnswers() };
    const port: FastPathPort = {
      isOpen: rateLimit === null,
      keepAliveMs: KEEP_ALIVE_MS,
      idleMsMax: KEEP_ALIVE_MS + 1000,
      restMsMax: Math.min(REST_MS_MAX, deadlineMs / 10),
      stallMs,
      answer: (request, done) => answerSimple(services, request, this.#nextId, done),
      passOn: (socket, bytes) => {
        const paced = new PacedSocket(socket, bytes, limits);
        for (const listener of listeners) Reflect.apply(listener, server, [paced]);
      },
      endedEarly: (socket) => this.#clientError(null, socket),
    };
    server.removeAllListeners('connection');
    server.on('connection', (socket) => {
      const connection = new FastPathConnection(socket, port);
      this.#connections.add(connection);
      socket.once('close', () => this.#connections.delete(connection));
    });
  }

  #fetch(request: Request, { incoming, outgoing }: Connection): Response | Promise<Response> {
    const { app, services } = this.#options;
    const target = incoming.url ?? '/';
    // The absolute form, as for a proxy, names the same path.
    const path = normalizePath(pathOf(target.startsWith('/') ? target : new URL(request.url).pathname));
    const call = callOf(incoming, outgoing, path, this.#nextId);
    try {
      checkEncoding(target);
      checkHost(incoming);
      this.#checkRate(call);
    } catch (error) {
      return services.replies.error(call, error);
    }
    return app.fetch(request, call);
  }

  /** `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7); its target makes no URL for the adapter. */
  #answerOptions(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { replies } = this.#options.services;
    const call = callOf(incoming, outgoing, '*', this.#nextId);
    let answer: Answer;
    try {
      checkHost(incoming);
      this.#checkRate(call);
      const headers = { ...replies.headers(call.requestId, null), ...replies.preflight(METHODS) };
      answer = replies.emptyAnswer(204, { ...headers, Allow: METHODS });
    } catch (error) {
      answer = replies.errorAnswer(call, error);
    }
    const { status, headers, body } = answer;
    outgoing.writeHead(
      status,
      body === null ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) },
    );
    // Not before the answer is out: answers to requests before this one may still be under way.
    if (!incoming.complete) outgoing.on('close', () => dropRest(incoming));
    outgoing.end(body);
  }

  /** @throws TriremeError `RATE_LIMITED`. Probes and scrapes may always come: they are how an attack is seen. */
  #checkRate({ incoming, path }: Call): void {
    const { rateLimit } = this.#options;
    if (rateLimit === null || isProbe(path)) return;
    const waitS = rateLimit.take(incoming.socket.remoteAddress ?? '', performance.now());
    if (waitS > 0)
      throw new TriremeError('RATE_LIMITED', `too many requests from this address; wait ${waitS} s`);
  }

  /** A request whose target or host makes no URL. */
  #refuse(error: unknown): Response {
    const known =
      error instanceof RequestError
        ? new TriremeError('INVALID_REQUEST', 'the request target or Host header is not valid')
        : error;
    return this.#options.services.replies.error({ requestId: this.#nextId(), key: null }, known);
  }

  /** The connection holds no valid request, or it did not come in time. Earlier requests are answered first. */
  #clientError(error: NodeJS.ErrnoException | null, socket: Duplex): void {
    if (error?.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    if (!socket.writable) {
      closeSoon(socket);
      return;
    }
    if (socket instanceof PacedSocket) socket.stopReading();
    const response = pendingAnswer(socket);
    if (response?.req.complete === true) {
      response.once('close', () => this.#clientError(error, socket));
      return;
    }
    // What comes after a last request is ignored, and a request that is answered already gets no second answer.
    if (response?.headersSent !== true && error?.code !== AFTER_LAST_REQUEST)
      this.#refuseRaw(parserError(error?.code), socket);
    else closeSoon(socket);
  }

  #refuseConnect(socket: Duplex): void {
    const error = new TriremeError('METHOD_NOT_ALLOWED', 'CONNECT is not supported');
    socket.on('error', () => socket.destroy());
    this.#refuseRaw(error, socket, { Allow: METHODS });
  }

  /** Answers without a request, and closes the connection. */
  #refuseRaw(error: TriremeError, socket: Duplex, headers?: Headers): void {
    socket.write(this.#options.services.replies.rawError(error, this.#nextId(), headers));
    closeSoon(socket);
  }

  /** Tells of connections beyond the bound, once a second at most: a flood of them must not become one of lines. */
  #dropped(): void {
    this.#drops += 1;
    if (performance.now() - this.#dropsToldAt < DROPS_TOLD_MS) return;
    this.#options.services.log.warn(
      { connectionsMax: CONNECTIONS_MAX, dropped: this.#drops },
      'connections dropped',
    );
    this.#dropsToldAt = performance.now();
    this.#drops = 0;
  }
}

/**
 * The answer that is due on the connection, null if none is. If its request was read completely, the error is not about that
 * request, and anything written now would be taken for its answer. A request whose own body is broken has had no effect yet.
 */
function pendingAnswer(socket: Duplex): ServerResponse | null {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return response instanceof ServerResponse ? (response as ServerResponse) : null;
}

/** Closes it once everything written has left. */
function closeSoon(socket: Duplex): void {
  (socket as Socket | PacedSocket).destroySoon();
}

/** Whether the body is read, by the headers alone (RFC 9110, section 10.1.1). */
function isBodyWanted({ headers }: IncomingMessage): boolean {
  try {
    checkBodyHeaders(headers);
    return true;
  } catch {
    return false;
  }
}

/** @throws TriremeError `INVALID_REQUEST` (RFC 9112, section 3.2). */
function checkHost({ headers, httpVersion }: IncomingMessage): void {
  if (headers.host === undefined && httpVersion === '1.1') {
    throw new TriremeError('INVALID_REQUEST', 'Host: is missing');
  }
}
