/** The public interface, operation by operation: what each takes, and every answer that it can give. */
import type { ContractSchemaName, ErrorStatus } from '@trireme/domain';

export type ParameterName =
  | 'StockName'
  | 'OrderNumber'
  | 'Limit'
  | 'AfterStock'
  | 'AfterOrder'
  | 'OrderStock'
  | 'IfNoneMatch'
  | 'IdempotencyKey';

export type HeaderName = 'Location' | 'ETag' | 'XCache' | 'CacheControl' | 'IdempotencyKey';

export interface Operation {
  readonly method: 'get' | 'post' | 'put';
  /** With parameters in braces. */
  readonly path: string;
  readonly id: string;
  readonly tag: 'stocks' | 'orders' | 'people' | 'watching';
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly ParameterName[];
  readonly body?: ContractSchemaName;
  /** The answer 200: JSON of a schema, or another media type. */
  readonly answer: {
    readonly description: string;
    readonly schema?: ContractSchemaName;
    /** Of what is no JSON of a schema; `application/json` without a schema is an object of no promised shape. */
    readonly mediaType?: string;
    readonly headers?: readonly HeaderName[];
  };
  /** Whether 304 is an answer too. */
  readonly isConditional?: boolean;
  /** Whether it takes the operator's token. */
  readonly isOperators?: boolean;
  readonly errors: readonly ErrorStatus[];
}

/** What every operation may answer. */
export const COMMON_ERRORS: readonly ErrorStatus[] = [
  'INVALID_REQUEST',
  'REQUEST_TIMEOUT',
  'RATE_LIMITED',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
];

const BODY_ERRORS: readonly ErrorStatus[] = ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
const COMMAND_ERRORS: readonly ErrorStatus[] = [
  ...BODY_ERRORS,
  'KEY_REUSED',
  'UNAVAILABLE',
  'OUTCOME_UNKNOWN',
];

/** Of changes. */
const UNCONDITIONAL =
  'Not conditional: with `If-Match` or `If-None-Match` it is refused, and nothing is changed.';

const STOCKS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/stocks', id: 'listStocks', tag: 'stocks' },
    summary: 'List stocks by name',
    parameters: ['Limit', 'AfterStock'],
    answer: { description: 'A page.', schema: 'StockPage' },
    errors: ['UNAVAILABLE'],
  },
  {
    ...{ method: 'get', path: '/stocks/{name}', id: 'getStock', tag: 'stocks' },
    summary: 'Look a stock up',
    description:
      'Sees every trade that was acknowledged before it was asked, from the cache as well. `ETag` is the stock’s version in ' +
      'this life of the cluster: tags of another one never match.',
    parameters: ['StockName', 'IfNoneMatch'],
    answer: { description: 'The stock.', schema: 'Stock', headers: ['ETag', 'XCache'] },
    isConditional: true,
    errors: ['INVALID_STOCK', 'STOCK_NOT_FOUND', 'UNAVAILABLE'],
  },
  {
    ...{ method: 'put', path: '/stocks/{name}', id: 'putStock', tag: 'stocks', isOperators: true },
    summary: 'List a stock, or set its price',
    description: UNCONDITIONAL,
    parameters: ['StockName', 'IdempotencyKey'],
    body: 'StockPrice',
    answer: { description: 'The stock as it is now.', schema: 'Stock', headers: ['ETag', 'IdempotencyKey'] },
    errors: ['INVALID_STOCK', 'STOCK_NOT_FOUND', 'LIMIT_REACHED', ...COMMAND_ERRORS],
  },
  {
    ...{ method: 'post', path: '/stocks/{name}/restock', id: 'restock', tag: 'stocks', isOperators: true },
    summary: 'Add quantity to a stock',
    description: UNCONDITIONAL,
    parameters: ['StockName', 'IdempotencyKey'],
    body: 'Restock',
    answer: { description: 'The stock as it is now.', schema: 'Stock', headers: ['ETag', 'IdempotencyKey'] },
    errors: ['INVALID_STOCK', 'STOCK_NOT_FOUND', 'LIMIT_REACHED', ...COMMAND_ERRORS],
  },
];

const ORDERS: readonly Operation[] = [
  {
    ...{ method: 'post', path: '/orders', id: 'placeOrder', tag: 'orders' },
    summary: 'Place an order',
    description:
      'The same key and body answer the same result for at least 24 hours, whatever crashes. After 504 the order may ' +
      'yet be filled: ask again with the `Idempotency-Key` of the answer. After 503 it has and will have no effect.',
    parameters: ['IdempotencyKey'],
    body: 'OrderRequest',
    answer: { description: 'Filled.', schema: 'PlacedOrder', headers: ['Location', 'IdempotencyKey'] },
    errors: ['INVALID_ORDER', 'STOCK_NOT_FOUND', 'INSUFFICIENT_STOCK', 'LIMIT_REACHED', ...COMMAND_ERRORS],
  },
  {
    ...{ method: 'get', path: '/orders', id: 'listOrders', tag: 'orders' },
    summary: 'List filled orders by number',
    description:
      'One request examines a bounded number of orders. With `name` a page may therefore be short, even empty, before the ' +
      'end of the list: go on with `next` until it is null.',
    parameters: ['Limit', 'AfterOrder', 'OrderStock'],
    answer: { description: 'A page.', schema: 'OrderPage' },
    errors: ['UNAVAILABLE'],
  },
  {
    ...{ method: 'get', path: '/orders/{number}', id: 'getOrder', tag: 'orders' },
    summary: 'Read a filled order',
    description:
      'It never changes, and `Cache-Control` says so. A cache may keep it and asks with its `ETag` whether it is still of ' +
      'this life of the cluster.',
    parameters: ['OrderNumber', 'IfNoneMatch'],
    answer: { description: 'The order.', schema: 'Order', headers: ['ETag', 'CacheControl'] },
    isConditional: true,
    errors: ['ORDER_NOT_FOUND', 'UNAVAILABLE'],
  },
];

const PEOPLE: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/', id: 'dashboard', tag: 'people', errors: [] },
    summary: 'The dashboard',
    answer: { description: 'A page.', mediaType: 'text/html' },
  },
  {
    ...{ method: 'get', path: '/docs', id: 'docs', tag: 'people', errors: [] },
    summary: 'This contract as a page',
    answer: { description: 'A page.', mediaType: 'text/html' },
  },
  {
    ...{ method: 'get', path: '/openapi.json', id: 'openapi', tag: 'people', errors: [] },
    summary: 'This contract as OpenAPI 3.1',
    parameters: ['IfNoneMatch'],
    answer: { description: 'This document.', mediaType: 'application/json', headers: ['ETag'] },
    isConditional: true,
  },
];

const WATCHING: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/livez', id: 'livez', tag: 'watching', errors: [] },
    summary: 'Whether the process runs',
    answer: { description: 'It does.', mediaType: 'application/json' },
  },
  {
    ...{ method: 'get', path: '/readyz', id: 'readyz', tag: 'watching', errors: ['UNAVAILABLE'] },
    summary: 'Whether traffic should come here',
    description: 'With `?verbose` every condition by its name.',
    answer: { description: 'It should.', mediaType: 'application/json' },
  },
  {
    ...{ method: 'get', path: '/status', id: 'status', tag: 'watching', errors: [] },
    summary: 'The leader that is followed, links, cache and open requests',
    answer: { description: 'The status.', mediaType: 'application/json' },
  },
  {
    ...{ method: 'get', path: '/metrics', id: 'metrics', tag: 'watching', errors: [] },
    summary: 'Metrics for Prometheus',
    answer: { description: 'The metrics.', mediaType: 'text/plain' },
  },
  {
    ...{ method: 'get', path: '/dashboard/stream', id: 'dashboardStream', tag: 'watching' },
    summary: 'What the dashboard shows, as server-sent events',
    answer: { description: 'A stream without an end.', mediaType: 'text/event-stream' },
    errors: ['UNAVAILABLE'],
  },
];

export const OPERATIONS: readonly Operation[] = [...STOCKS, ...ORDERS, ...PEOPLE, ...WATCHING];
