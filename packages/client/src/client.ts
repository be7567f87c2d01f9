/** Typed client of the HTTP contract. It retries only if configured to, and always with the same idempotency key. */
import { setTimeout as delay } from 'node:timers/promises';
import { FormatError, generateKey, type OrderRequest } from '@trireme/domain';
import { errors, Pool, type Dispatcher } from 'undici';
import { ClientError, type ClientStatus } from './errors.js';
import {
  readError,
  readOrder,
  readOrders,
  readStock,
  readStocks,
  readTransactionNumber,
  type OrderView,
  type Page,
  type StockView,
} from './rules/answers.js';
import { isOutcomeUnknown, retryDelayMs } from './rules/retry.js';

/** Maximum size of an answer, in bytes; a longer one is `BAD_ANSWER`. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export interface ClientOptions {
  /** URL of a front-end, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Maximum number of connections (default 16); further requests wait. */
  readonly connections?: number;
  /** Time limit of one attempt, in milliseconds (default 10,000; the server's default deadline is 5,000). */
  readonly timeoutMs?: number;
  /** Maximum number of retries after a temporary failure (default 0). */
  readonly retries?: number;
  /** Time limit of a call including its retries, in milliseconds (default: the larger of 30,000 and `timeoutMs`). */
  readonly deadlineMs?: number;
  /** Operator token; required to list, price and restock stocks. */
  readonly operatorToken?: string | undefined;
}

/** Options of every call. */
export interface CallOptions {
  /** Aborts the request: it rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a change of a stock. */
interface ChangeOptions extends CallOptions {
  /** Idempotency key (default: a new one). A repeated call with the same key makes no second change. */
  readonly key?: string;
}

/** A filled order. */
export interface OrderReceipt {
  readonly number: number;
  /** The idempotency key that was sent; null if none was. */
  readonly key: string | null;
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly key: string | null;
}

/** State of a request during one attempt. */
interface Attempt {
  readonly key: string | null;
  /** Whether the request is an order or a change of a stock. */
  readonly isChange: boolean;
  /** Whether an earlier attempt may have taken effect. */
  readonly wasUnknown: boolean;
}

const DEADLINE_MS = 30_000;

/** Error codes of connections that were never established. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/**
 * Client of one front-end. Every method rejects with `ClientError`.
 * @example
 * const client = new TriremeClient({ url: 'http://127.0.0.1:8080', retries: 3 });
 * const { number } = await client.order({ name: 'AAPL', type: 'buy', quantity: 1 });
 * await client.close();
 */
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
      // The time limit of an attempt, below, also covers the wait for a connection.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#retries = options.retries ?? 0;
    this.#deadlineMs = options.deadlineMs ?? Math.max(DEADLINE_MS, this.#timeoutMs);
    this.#operatorToken = options.operatorToken ?? null;
  }

  /** Looks up a stock. Rejects with `STOCK_NOT_FOUND` if it is not listed. */
  async stock(name: string, options: CallOptions = {}): Promise<StockView> {
    return checked(readStock, await this.#read(`/stocks/${encodeURIComponent(name)}`, options));
  }

  /** Reads a page of stocks, ordered by name. */
  async stocks(
    query: { readonly limit?: number; readonly after?: string | undefined } = {},
    options: CallOptions = {},
  ): Promise<Page<StockView>> {
    return checked(readStocks, await this.#read(`/stocks${queryText(query)}`, options));
  }

  /**
   * Places an order. Rejects with `INSUFFICIENT_STOCK` if too few units are left. If the error has `isOutcomeUnknown`,
   * repeat the order with the `key` of the error to get its outcome.
   * @param order.key idempotency key (default: a new one). A repeated order with the same key places no second order.
   *   With null no key is sent, and the order is not retried.
   */
  async order(
    order: OrderRequest & { readonly key?: string | null },
    options: CallOptions = {},
  ): Promise<OrderReceipt> {
    const { name, type, quantity, key = generateKey() } = order;
    const body = await this.#send(
      {
        method: 'POST',
        path: '/orders',
        body: { name, type, quantity },
        key,
        headers: { 'idempotency-key': key ?? undefined },
      },
      options,
    );
    return { number: checked(readTransactionNumber, body, key), key };
  }

  /** Reads an order. Rejects with `ORDER_NOT_FOUND` if there is no such order. */
  async getOrder(number: number, options: CallOptions = {}): Promise<OrderView> {
    return checked(readOrder, await this.#read(`/orders/${number}`, options));
  }

  /**
   * Reads a page of orders, ordered by number; with `name` only those for one stock. A page may be short or empty
   * before the end of the list: continue with its `next` as `after` until `next` is null.
   */
  async orders(
    query: {
      readonly limit?: number;
      readonly after?: string | undefined;
      readonly name?: string | undefined;
    } = {},
    options: CallOptions = {},
  ): Promise<Page<OrderView>> {
    return checked(readOrders, await this.#read(`/orders${queryText(query)}`, options));
  }

  /** Lists a new stock, or sets the price of a listed one, in decimal currency. Requires the operator token. */
  async listStock(name: string, price: number, options: ChangeOptions = {}): Promise<StockView> {
    return this.#operate('PUT', `/stocks/${encodeURIComponent(name)}`, { price }, options);
  }

  /** Adds `quantity` units to a stock. Requires the operator token. */
  async restock(name: string, quantity: number, options: ChangeOptions = {}): Promise<StockView> {
    return this.#operate('POST', `/stocks/${encodeURIComponent(name)}/restock`, { quantity }, options);
  }

  /** Waits for pending requests and closes all connections. */
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
  ): Promise<StockView> {
    const key = options.key ?? generateKey();
    const token = this.#operatorToken;
    const headers = {
      'idempotency-key': key,
      authorization: token === null ? undefined : `Bearer ${token}`,
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
        await delay(waitMs, undefined, { signal: options.signal }).catch((reason: unknown) => {
          const { key } = error;
          throw new ClientError('ABORTED', 'the caller aborted the request', {
            key,
            isOutcomeUnknown: wasUnknown,
            cause: reason,
          });
        });
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
        method: request.method,
        path: request.path,
        signal,
        headers: {
          'content-type': request.body === undefined ? undefined : 'application/json',
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
    if (bytes > ANSWER_BYTES_MAX) throw new FormatError(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
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
      key: attempt.key,
      cause: error,
      isOutcomeUnknown: unknownAfter(status, attempt, !isUnconnected),
    });
  if (error instanceof FormatError) return make('BAD_ANSWER', error.message);
  if (callerSignal?.aborted === true) return make('ABORTED', 'the caller aborted the request');
  if (timeout.aborted || error instanceof errors.ConnectTimeoutError) {
    return make('TIMEOUT', 'no answer within the time limit');
  }
  return make('NO_ANSWER', error instanceof Error ? error.message : String(error));
}

function refusalOf(response: Dispatcher.ResponseData, body: unknown, attempt: Attempt): ClientError {
  const code = response.statusCode;
  // A 504 has the key, even if the server made it for a request without one.
  const serverKey = response.headers['idempotency-key'];
  const key = typeof serverKey === 'string' ? serverKey : attempt.key;
  const seconds = Number(response.headers['retry-after']);
  const { status, message } = readError(body) ?? {
    status: 'BAD_ANSWER' as const,
    message: `the answer with status ${code} does not follow the HTTP contract`,
  };
  return new ClientError(status, message, {
    code,
    key,
    retryAfter: Number.isFinite(seconds) ? seconds : null,
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

/** @param key idempotency key of an order or change that was answered with 200; undefined for a read */
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
