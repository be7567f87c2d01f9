/** The typed client of the HTTP contract. It sends nothing twice unless it is told to, and then under one key. */
import { setTimeout as delay } from 'node:timers/promises';
import { FormatError, freshKey, type OrderRequest } from '@trireme/domain';
import { errors, Pool, type Dispatcher } from 'undici';
import { ClientError, type ClientStatus } from './errors.js';
import {
  readError,
  readOrder,
  readOrders,
  readStock,
  readStocks,
  readTransactionNumber,
  type OrderAnswer,
  type Page,
  type StockAnswer,
} from './rules/answers.js';
import { isOutcomeUnknown, retryDelayMs } from './rules/retry.js';

/** Bytes of an answer that are read at most; a longer one is `BAD_ANSWER`. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export interface ClientOptions {
  /** A front-end, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Connections at most, 16 unless set; requests beyond wait their turn. */
  readonly connections?: number;
  /** Milliseconds until a try without an answer is given up, 10,000 unless set (the server's own deadline is 5 s). */
  readonly timeoutMs?: number;
  /** How often a request is sent again after a failure that may pass, 0 unless set. */
  readonly retries?: number;
  /** Milliseconds that a call may take with all its tries; 30,000 unless set, or `timeoutMs` where that is more. */
  readonly deadlineMs?: number;
  /** Token for listing, pricing and restocking. */
  readonly operatorToken?: string;
}

/** What every call may be given. */
export interface CallOptions {
  /** Gives the request up: `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** What a change of stock may be given. */
interface ChangeOptions extends CallOptions {
  /** The idempotency key: the same key never changes it twice. A new one unless set. */
  readonly key?: string;
}

/** A filled order's number, and the key that asks for it again. */
export interface Placed {
  readonly number: number;
  /** The key that was sent, null if none was. */
  readonly key: string | null;
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key: string | null;
}

/** What the client knows of a request when a try of it fails. */
interface Attempt {
  readonly key: string | null;
  /** Whether the request changes anything. */
  readonly isChange: boolean;
  /** Whether the tries before may have changed it. */
  readonly wasUnknown: boolean;
}

const DEADLINE_MS = 30_000;

/** Of a connection that was never made. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** Every method rejects with `ClientError`. */
export class TriremeClient {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #deadlineMs: number;
  readonly #operatorToken: string | null;

  constructor(options: ClientOptions) {
    this.#pool = new Pool(new URL(options.url).origin, {
      connections: options.connections ?? 16,
      pipelining: 1,
      // The time limit is per request, below: it counts the wait for a connection too.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#retries = options.retries ?? 0;
    this.#deadlineMs = options.deadlineMs ?? Math.max(DEADLINE_MS, this.#timeoutMs);
    this.#operatorToken = options.operatorToken ?? null;
  }

  /** Looks a stock up: `STOCK_NOT_FOUND` if there is none. */
  async stock(name: string, options: CallOptions = {}): Promise<StockAnswer> {
    return checked(readStock, await this.#read(`/stocks/${encodeURIComponent(name)}`, options));
  }

  /** A page of stocks by name. */
  async stocks(
    query: { readonly limit?: number; readonly after?: string } = {},
    options: CallOptions = {},
  ): Promise<Page<StockAnswer>> {
    return checked(readStocks, await this.#read(`/stocks${queryText(query)}`, options));
  }

  /**
   * Places an order: `INSUFFICIENT_STOCK` if it was rejected. Where the error says `isOutcomeUnknown`, asking again with
   * its `key` tells the outcome.
   * @param order.key the idempotency key: the same key never makes a second order. A new one unless set; null sends none,
   *   and then the order is not sent twice.
   */
  async order(
    order: OrderRequest & { readonly key?: string | null },
    options: CallOptions = {},
  ): Promise<Placed> {
    const { name, type, quantity, key = freshKey() } = order;
    const body = await this.#send(
      {
        ...{ method: 'POST', path: '/orders', body: { name, type, quantity }, key },
        headers: key === null ? {} : { 'idempotency-key': key },
      },
      options,
    );
    return { number: checked(readTransactionNumber, body, key), key };
  }

  /** Reads an order: `ORDER_NOT_FOUND` if there is none. */
  async getOrder(number: number, options: CallOptions = {}): Promise<OrderAnswer> {
    return checked(readOrder, await this.#read(`/orders/${number}`, options));
  }

  /**
   * A page of orders by number, of one stock if `name` is set. It may be short, even empty, before the end of the list: go on
   * with its `next` as `after` until that is null.
   */
  async orders(
    query: { readonly limit?: number; readonly after?: string; readonly name?: string } = {},
    options: CallOptions = {},
  ): Promise<Page<OrderAnswer>> {
    return checked(readOrders, await this.#read(`/orders${queryText(query)}`, options));
  }

  /** Lists a stock, or sets its price in decimal currency; needs the operator token. */
  async listStock(name: string, price: number, options: ChangeOptions = {}): Promise<StockAnswer> {
    return this.#operate('PUT', `/stocks/${encodeURIComponent(name)}`, { price }, options);
  }

  /** Adds to a stock; needs the operator token. */
  async restock(name: string, quantity: number, options: ChangeOptions = {}): Promise<StockAnswer> {
    return this.#operate('POST', `/stocks/${encodeURIComponent(name)}/restock`, { quantity }, options);
  }

  /** Ends idle connections, and waits for requests under way. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #read(path: string, options: CallOptions): Promise<unknown> {
    return this.#send({ method: 'GET', path, key: null }, options);
  }

  async #operate(
    method: 'PUT' | 'POST',
    path: string,
    body: object,
    options: ChangeOptions,
  ): Promise<StockAnswer> {
    const key = options.key ?? freshKey();
    const token = this.#operatorToken;
    const headers = {
      'idempotency-key': key,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    return checked(readStock, await this.#send({ method, path, body, headers, key }, options), key);
  }

  async #send(request: Request, options: CallOptions): Promise<unknown> {
    const isChange = request.method !== 'GET';
    const retries = isChange && request.key === null ? 0 : this.#retries;
    const until = performance.now() + this.#deadlineMs;
    let wasUnknown = false;
    for (let attempt = 1; ; attempt++) {
      try {
        const msMax = Math.max(1, Math.min(this.#timeoutMs, until - performance.now()));
        return await this.#sendOnce(
          request,
          { key: request.key, isChange, wasUnknown },
          msMax,
          options.signal,
        );
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        wasUnknown = error.isOutcomeUnknown;
        const msLeft = until - performance.now();
        const waitMs = retryDelayMs(error, { attempt, retries, msLeft }, Math.random());
        if (waitMs === null) throw error;
        await delay(waitMs, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
          (reason: unknown) => {
            const { key } = error;
            throw new ClientError('ABORTED', 'given up', {
              key,
              isOutcomeUnknown: wasUnknown,
              cause: reason,
            });
          },
        );
      }
    }
  }

  async #sendOnce(
    request: Request,
    attempt: Attempt,
    msMax: number,
    callerSignal: AbortSignal | undefined,
  ): Promise<unknown> {
    const timeout = AbortSignal.timeout(Math.ceil(msMax));
    const signal = callerSignal === undefined ? timeout : AbortSignal.any([timeout, callerSignal]);
    let response: Dispatcher.ResponseData;
    let text: string;
    try {
      response = await this.#pool.request({
        ...{ method: request.method, path: request.path, signal },
        headers: {
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...request.headers,
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
      });
      text = await readText(response);
    } catch (error) {
      throw failureOf(error, timeout, callerSignal, attempt);
    }
    const body = parseJson(text);
    if (response.statusCode === 200) return body;
    throw refusalOf(response, body, attempt);
  }
}

async function readText(response: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new FormatError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function failureOf(
  error: unknown,
  timeout: AbortSignal,
  callerSignal: AbortSignal | undefined,
  attempt: Attempt,
): ClientError {
  const isUnconnected =
    error instanceof errors.ConnectTimeoutError ||
    (error instanceof Error && 'code' in error && NOT_CONNECTED.has(error.code));
  const make = (status: ClientStatus, message: string): ClientError =>
    new ClientError(status, message, {
      ...{ key: attempt.key, cause: error },
      isOutcomeUnknown: unknownAfter(status, attempt, !isUnconnected),
    });
  if (error instanceof FormatError) return make('BAD_ANSWER', error.message);
  if (callerSignal?.aborted === true) return make('ABORTED', 'given up');
  if (timeout.aborted || error instanceof errors.ConnectTimeoutError) {
    return make('TIMEOUT', 'no answer in time');
  }
  return make('NO_ANSWER', error instanceof Error ? error.message : String(error));
}

function refusalOf(response: Dispatcher.ResponseData, body: unknown, attempt: Attempt): ClientError {
  const code = response.statusCode;
  // A 504 repeats the key, also one that the server made for a request without any.
  const toldKey = response.headers['idempotency-key'];
  const key = typeof toldKey === 'string' ? toldKey : attempt.key;
  const seconds = Number(response.headers['retry-after']);
  const { status, message } = readError(body) ?? {
    status: 'BAD_ANSWER' as const,
    message: `answer ${code} is not the contract's`,
  };
  return new ClientError(status, message, {
    ...{ code, key, retryAfter: Number.isFinite(seconds) ? seconds : null },
    isOutcomeUnknown: unknownAfter(status, attempt),
  });
}

function unknownAfter(status: ClientStatus, { isChange, wasUnknown }: Attempt, isSent = true): boolean {
  return isChange && isOutcomeUnknown(status, isSent, wasUnknown);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** @param key of the order or change that was answered with 200; nothing for a look-up */
function checked<T>(read: (body: unknown) => T, body: unknown, key?: string | null): T {
  try {
    return read(body);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const details = { code: 200, cause: error, isOutcomeUnknown: key !== undefined, key: key ?? null };
    throw new ClientError('BAD_ANSWER', error.message, details);
  }
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}
