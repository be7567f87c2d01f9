/** The operations of the public interface, with their parameters and all possible responses. */
import type { ApiSchemaName, ErrorStatus } from '@trireme/domain';

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
  /** Path with its parameters in braces. */
  readonly path: string;
  readonly id: string;
  readonly tag: 'stocks' | 'orders' | 'pages' | 'monitoring';
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly ParameterName[];
  readonly body?: ApiSchemaName;
  /** The 200 response: JSON with a schema, or another media type. */
  readonly response: {
    readonly description: string;
    readonly schema?: ApiSchemaName;
    /**
     * Media type of a response without a schema. `application/json` then means an object of unspecified
     * shape.
     */
    readonly mediaType?: string;
    readonly headers?: readonly HeaderName[];
  };
  /** Whether 304 is possible too. */
  readonly supportsConditional?: boolean;
  /** Whether it requires the operator token. */
  readonly requiresOperator?: boolean;
  readonly errors: readonly ErrorStatus[];
}

/** Errors that every operation may return. */
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

/** Description of operations that change a stock. */
const UNCONDITIONAL =
  'Conditional requests are not supported: a request with `If-Match` or `If-None-Match` is refused and changes ' +
  'nothing.';

const STOCKS: readonly Operation[] = [
  {
    method: 'get',
    path: '/stocks',
    id: 'listStocks',
    tag: 'stocks',
    summary: 'List stocks by name',
    parameters: ['Limit', 'AfterStock'],
    response: { description: 'A page of the list.', schema: 'StockPage' },
    errors: ['UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/stocks/{name}',
    id: 'getStock',
    tag: 'stocks',
    summary: 'Look up a stock',
    description:
      'Reflects every order that was acknowledged before the request, even when served from the cache. `ETag` is the ' +
      'version of the stock in this life of the cluster; tags of another life never match.',
    parameters: ['StockName', 'IfNoneMatch'],
    response: { description: 'The stock.', schema: 'Stock', headers: ['ETag', 'XCache'] },
    supportsConditional: true,
    errors: ['INVALID_STOCK', 'STOCK_NOT_FOUND', 'UNAVAILABLE'],
  },
  {
    method: 'put',
    path: '/stocks/{name}',
    id: 'putStock',
    tag: 'stocks',
    requiresOperator: true,
    summary: 'List a stock or change its price',
    description: UNCONDITIONAL,
    parameters: ['StockName', 'IdempotencyKey'],
    body: 'StockPrice',
    response: {
      description: 'The stock after the change.',
      schema: 'Stock',
      headers: ['ETag', 'IdempotencyKey'],
    },
    errors: ['INVALID_STOCK', 'LIMIT_REACHED', ...COMMAND_ERRORS],
  },
  {
    method: 'post',
    path: '/stocks/{name}/restock',
    id: 'restock',
    tag: 'stocks',
    requiresOperator: true,
    summary: 'Add quantity to a stock',
    description: UNCONDITIONAL,
    parameters: ['StockName', 'IdempotencyKey'],
    body: 'Restock',
    response: {
      description: 'The stock after the change.',
      schema: 'Stock',
      headers: ['ETag', 'IdempotencyKey'],
    },
    errors: ['INVALID_STOCK', 'STOCK_NOT_FOUND', 'LIMIT_REACHED', ...COMMAND_ERRORS],
  },
];

const ORDERS: readonly Operation[] = [
  {
    method: 'post',
    path: '/orders',
    id: 'placeOrder',
    tag: 'orders',
    summary: 'Place an order',
    description:
      'The same key and body return the same result for at least 24 hours, also after crashes. After 504 the order may ' +
      'still be filled: repeat the request with the `Idempotency-Key` of the response. After 503 it has no effect and ' +
      'never will.',
    parameters: ['IdempotencyKey'],
    body: 'OrderRequest',
    response: {
      description: 'The order was filled.',
      schema: 'PlacedOrder',
      headers: ['Location', 'IdempotencyKey'],
    },
    errors: ['INVALID_ORDER', 'STOCK_NOT_FOUND', 'INSUFFICIENT_STOCK', 'LIMIT_REACHED', ...COMMAND_ERRORS],
  },
  {
    method: 'get',
    path: '/orders',
    id: 'listOrders',
    tag: 'orders',
    summary: 'List filled orders by number',
    description:
      'One request examines a bounded number of orders. With `name` a page may therefore be short or even empty before ' +
      'the end of the list: continue with `next` until it is null.',
    parameters: ['Limit', 'AfterOrder', 'OrderStock'],
    response: { description: 'A page of the list.', schema: 'OrderPage' },
    errors: ['UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/orders/{number}',
    id: 'getOrder',
    tag: 'orders',
    summary: 'Read a filled order',
    description:
      'A filled order never changes, as `Cache-Control` says. A cache may keep it and revalidates its `ETag`, which ' +
      'changes with the life of the cluster.',
    parameters: ['OrderNumber', 'IfNoneMatch'],
    response: { description: 'The order.', schema: 'Order', headers: ['ETag', 'CacheControl'] },
    supportsConditional: true,
    errors: ['ORDER_NOT_FOUND', 'UNAVAILABLE'],
  },
];

const PAGES: readonly Operation[] = [
  {
    method: 'get',
    path: '/',
    id: 'dashboard',
    tag: 'pages',
    errors: [],
    summary: 'The dashboard',
    response: { description: 'An HTML page.', mediaType: 'text/html' },
  },
  {
    method: 'get',
    path: '/docs',
    id: 'docs',
    tag: 'pages',
    errors: [],
    summary: 'This contract as a page',
    response: { description: 'An HTML page.', mediaType: 'text/html' },
  },
  {
    method: 'get',
    path: '/openapi.json',
    id: 'openapi',
    tag: 'pages',
    errors: [],
    summary: 'This contract as OpenAPI 3.1',
    parameters: ['IfNoneMatch'],
    response: { description: 'This document.', mediaType: 'application/json', headers: ['ETag'] },
    supportsConditional: true,
  },
];

const MONITORING: readonly Operation[] = [
  {
    method: 'get',
    path: '/livez',
    id: 'livez',
    tag: 'monitoring',
    errors: [],
    summary: 'Liveness check',
    response: { description: 'The process is running.', mediaType: 'application/json' },
  },
  {
    method: 'get',
    path: '/readyz',
    id: 'readyz',
    tag: 'monitoring',
    errors: ['UNAVAILABLE'],
    summary: 'Readiness check',
    description: 'With `?verbose` the response lists every condition by name.',
    response: { description: 'The process is ready for traffic.', mediaType: 'application/json' },
  },
  {
    method: 'get',
    path: '/status',
    id: 'status',
    tag: 'monitoring',
    errors: [],
    summary: 'Current leader, links, cache and open requests',
    response: { description: 'The status.', mediaType: 'application/json' },
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    tag: 'monitoring',
    errors: [],
    summary: 'Metrics for Prometheus',
    response: { description: 'The metrics.', mediaType: 'text/plain' },
  },
  {
    method: 'get',
    path: '/dashboard/stream',
    id: 'dashboardStream',
    tag: 'monitoring',
    summary: 'Data of the dashboard, as server-sent events',
    response: { description: 'An endless stream of events.', mediaType: 'text/event-stream' },
    errors: ['UNAVAILABLE'],
  },
];

export const OPERATIONS: readonly Operation[] = [...STOCKS, ...ORDERS, ...PAGES, ...MONITORING];
