/**
 * The public port. Hono answers what the parser accepts; what it refuses is answered here, in the same form. Nothing
 * waits longer than a bound: headers, bodies, idle connections, and the end of the server itself.
 */
import { randomBytes } from 'node:crypto';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { checkEncoding, pathOf } from '../rules/requests.js';
import type { RateLimit } from '../rules/rate-limit.js';
import { isProbe } from '../rules/routing.js';
import { parserError } from '../rules/parser-errors.js';
import { callOf, type Call, type CallEnv } from './call.js';
import type { Replies } from './replies.js';
import type { ShortWay } from './short-way.js';

/** Connections at once; at the bound the newest is closed without an answer. */
const CONNECTIONS_MAX = 10_000;
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS_MAX = 5_000;
/** For a request with its body; the deadline of the request is usually shorter. */
const REQUEST_MS_MAX = 15_000;
/** Longer than load balancers keep theirs, so that it is not this side that closes one just as a request comes. */
const KEEP_ALIVE_MS = 75_000;
/** Between two log lines about dropped connections at least. */
const DROPS_TOLD_MS = 1_000;
/** How often those bounds are looked at. */
const CHECK_MS = 500;

interface PublicServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly app: Hono<CallEnv>;
  readonly replies: Replies;
  /** What it takes goes without the app; nothing where each request is to be counted first, for `rateLimit`. */
  readonly shortWay: ShortWay;
  readonly log: Log;
  /** Null where every address may ask as often as it likes. */
  readonly rateLimit: RateLimit | null;
}

/** What the adapter gives with a request; it speaks HTTP/1 alone here. */
type Connection = Pick<Call, 'incoming' | 'outgoing'>;

export class PublicServer {
  readonly #options: PublicServerOptions;
  readonly #server: Server;
  /** Request ids are this and a number: unique across processes and restarts, and cheap. */
  readonly #idPrefix = randomBytes(6).toString('hex');
  #lastId = 0;
  #drops = 0;
  #dropsToldAt = Number.NEGATIVE_INFINITY;

  constructor(options: PublicServerOptions) {
    this.#options = options;
    const { shortWay, rateLimit } = options;
    const nextId = (): string => this.#nextId();
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
        if (rateLimit === null && shortWay.take(incoming, outgoing, nextId)) return;
        void listener(incoming, outgoing);
      },
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#clientError(error, socket),
    );
    this.#server.on('connect', (_request, socket) => this.#refuseConnect(socket));
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
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /**
   * Accepts no more connections, lets the requests that are under way be answered, each with `Connection: close`, and
   * cuts what is left after `msMax`.
   */
  async close(msMax: number): Promise<void> {
    this.#options.replies.draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => this.#server.closeAllConnections(), msMax);
    await closed;
    clearTimeout(cut);
  }

  #fetch(request: Request, { incoming, outgoing }: Connection): Response | Promise<Response> {
    const { app, replies } = this.#options;
    const target = incoming.url ?? '/';
    // The absolute form, as for a proxy, names the same path.
    const path = pathOf(target.startsWith('/') ? target : new URL(request.url).pathname);
    const call = callOf(incoming, outgoing, path, () => this.#nextId());
    try {
      checkEncoding(target);
      checkHost(incoming);
      this.#checkRate(call);
    } catch (error) {
      return replies.error(call, error);
    }
    // The adapter has made a URL of it.
    this.#options.shortWay.admit(incoming.headers.host);
    return app.fetch(request, call);
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
    return this.#options.replies.error({ requestId: this.#nextId(), key: null }, known);
  }

  /** What came on the connection is no request, or did not come in time. */
  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswerPending(socket)) {
      socket.destroy();
      return;
    }
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isUntouched(socket)) {
      socket.setTimeout(KEEP_ALIVE_MS - HEADERS_MS_MAX);
      return;
    }
    socket.end(this.#options.replies.rawError(parserError(error.code), this.#nextId()));
  }

  #refuseConnect(socket: Duplex): void {
    const error = new TriremeError('METHOD_NOT_ALLOWED', 'CONNECT is for proxies, which this is not');
    socket.on('error', () => socket.destroy());
    socket.end(
      this.#options.replies.rawError(error, this.#nextId(), { Allow: 'GET, HEAD, OPTIONS, POST, PUT' }),
    );
  }

  /** Tells of connections beyond the bound, once a second at most: a flood of them must not become one of lines. */
  #dropped(): void {
    this.#drops += 1;
    if (performance.now() - this.#dropsToldAt < DROPS_TOLD_MS) return;
    this.#options.log.warn({ connectionsMax: CONNECTIONS_MAX, dropped: this.#drops }, 'connections dropped');
    this.#dropsToldAt = performance.now();
    this.#drops = 0;
  }

  #nextId(): string {
    this.#lastId += 1;
    return `${this.#idPrefix}-${this.#lastId.toString(36)}`;
  }
}

/**
 * Whether a whole request waits for its answer on the connection: what is written now would be taken for that answer,
 * and an order that may yet be filled would look refused. A request whose own body is broken has done nothing yet.
 */
function isAnswerPending(socket: Duplex): boolean {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  if (!(response instanceof ServerResponse)) return false;
  return response.headersSent || (response.req as IncomingMessage).complete;
}

/**
 * Whether not one byte has come on the connection: opened ahead of need, as browsers, balancers and pools do. It may idle
 * as long as one between two requests; an answer that nobody asked for would be taken for that to its first request.
 */
function isUntouched(socket: Duplex): socket is Socket {
  return socket instanceof Socket && socket.bytesRead === 0;
}

/** @throws TriremeError `INVALID_REQUEST` (RFC 9112, section 3.2). */
function checkHost({ headers, httpVersion }: IncomingMessage): void {
  if (headers.host === undefined && httpVersion === '1.1') {
    throw new TriremeError('INVALID_REQUEST', 'Host: is missing');
  }
}
