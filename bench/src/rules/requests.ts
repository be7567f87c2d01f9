/** The HTTP requests of the benchmarks, series of them, and their answers, for every load generator. */
import type { OrderRequest } from '@trireme/domain';

/** A GET request or, with a body, a POST request with JSON. All characters are ASCII. */
export interface HttpRequest {
  readonly path: string;
  readonly body?: string;
}

export interface HttpAnswer {
  /** HTTP status; 0 if no answer arrived. */
  readonly status: number;
  /** The reason if no answer arrived. */
  readonly body: string;
}

/** The numbers of consecutive requests. */
export type Numbers =
  /** No number: all requests are equal. */
  | { readonly kind: 'none' }
  /** `from`, `from` + 1, and so on. */
  | { readonly kind: 'ascending'; readonly from: number }
  /** Uniformly distributed from 1 to `max`. */
  | { readonly kind: 'random'; readonly max: number };

/** Requests that differ only in one number. */
export interface RequestSeries {
  /** With a run of `#` in place of the number; its length is the minimum number of digits, padded with zeros. */
  readonly request: HttpRequest;
  readonly numbers: Numbers;
}

const PLACEHOLDER = /#+/;

/** Repeats one request without a number. */
export function constantRequests(request: HttpRequest): RequestSeries {
  return { request, numbers: { kind: 'none' } };
}

/** @throws RangeError if the request contains no `#`. */
export function numberedRequests(request: HttpRequest, numbers: Numbers): RequestSeries {
  if (!PLACEHOLDER.test(request.path + (request.body ?? '')))
    throw new RangeError('the request has no # as placeholder for the number');
  return { request, numbers };
}

/**
 * Returns a function that makes the next request.
 * @param random returns numbers from 0 to 1, exclusive.
 */
export function requestSource(series: RequestSeries, random: () => number = Math.random): () => HttpRequest {
  const { request, numbers } = series;
  const { path, body } = request;
  const fill = (text: string, number: number): string =>
    text.replace(PLACEHOLDER, (run) => String(number).padStart(run.length, '0'));
  const make = (number: number): HttpRequest =>
    body === undefined ? { path: fill(path, number) } : { path, body: fill(body, number) };
  switch (numbers.kind) {
    case 'none':
      return () => request;
    case 'ascending': {
      let next = numbers.from;
      return () => make(next++);
    }
    case 'random':
      return () => make(1 + Math.floor(random() * numbers.max));
  }
}

/** Request types of Trireme, in the order of reports. */
export const REQUEST_KINDS = ['lookup', 'order', 'order read'] as const;

export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Name of the stock with this popularity rank, from 0; names sort by rank. */
export function stockName(rank: number): string {
  return `STOCK${String(rank + 1).padStart(5, '0')}`;
}

export function lookup(name: string): HttpRequest {
  return { path: `/stocks/${name}` };
}

export function placeOrder({ name, type, quantity }: OrderRequest): HttpRequest {
  return { path: '/orders', body: JSON.stringify({ name, type, quantity }) };
}

/** An order that no benchmark runs out of stock for. */
export const SELL_ONE = placeOrder({ name: stockName(0), type: 'sell', quantity: 1 });

/** Number of stocks that are looked up, and the cache size, so that every look-up is a cache hit. */
export const CACHED_STOCKS = 5;

/** Requests of one type: look-ups of cached stocks, equal orders, or reads of one of the first `orders` orders. */
export function requestsOf(kind: RequestKind, orders: number): RequestSeries {
  switch (kind) {
    case 'lookup':
      return numberedRequests(lookup('STOCK#####'), { kind: 'random', max: CACHED_STOCKS });
    case 'order':
      return constantRequests(SELL_ONE);
    case 'order read':
      return numberedRequests({ path: '/orders/#' }, { kind: 'random', max: orders });
  }
}

/** The order number in the answer to `POST /orders`; null if there is none. */
export function transactionNumber(body: string): number | null {
  const number = /^\{"data":\{"transaction_number":(\d+)\}\}$/.exec(body)?.[1];
  return number === undefined ? null : Number(number);
}

/**
 * An etcd key in base64, as etcd's JSON gateway requires, with a placeholder for eight digits. Digits are
 * valid base64, so ascending numbers give different keys of the same length.
 */
const ETCD_KEY = 'b3JkZXJz########';

/** Puts `value`, ASCII characters, at ascending keys of etcd, starting with number `from`. */
export function etcdPuts(value: string, from: number): RequestSeries {
  const body = JSON.stringify({ key: ETCD_KEY, value: Buffer.from(value, 'latin1').toString('base64') });
  return numberedRequests({ path: '/v3/kv/put', body }, { kind: 'ascending', from });
}

/** Reads of one of the first `max` keys of etcd. */
export function etcdReads(max: number, serializable: boolean): RequestSeries {
  const body = JSON.stringify(serializable ? { key: ETCD_KEY, serializable } : { key: ETCD_KEY });
  return numberedRequests({ path: '/v3/kv/range', body }, { kind: 'random', max });
}
