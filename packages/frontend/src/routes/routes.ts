/**
 * The routes of the public interface, for Hono and for the fast path alike. Every body has at most `BODY_BYTES_MAX`
 * bytes. Handlers that ask other processes, or wait for a body, open the deadline of the request (`withDeadline`).
 */
import { STOCK_NAME } from '@trireme/domain';
import type { ApiResponse } from '../http/api-response.js';
import type { Call, HttpCall } from '../http/call.js';
import type { SimplePattern } from '../rules/simple-request.js';
import { getLiveness, getMetrics, getReadiness, getStatus } from './health.js';
import { listOrders, placeOrder, readOrder } from './orders.js';
import { getAsset, getContract, getDashboard, getDocs, openDashboardStream } from './pages.js';
import type { RouteServices } from './services.js';
import { listStock, listStocks, lookUpStock, restock } from './stocks.js';

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** A path, possibly with one parameter, such as `/stocks/:name`. */
  readonly path: string;
  /**
   * Answers a request; `GET` handlers also answer `HEAD`. A `TriremeError` that it throws becomes the response.
   * @returns null if it has written to `call.outgoing` itself.
   */
  handle(services: RouteServices, call: HttpCall): ApiResponse | null | Promise<ApiResponse | null>;
}

/** A route that the fast path serves too. */
export interface SimpleRoute extends Route, SimplePattern {
  readonly method: 'GET' | 'POST';
  handle(services: RouteServices, call: Call): ApiResponse | Promise<ApiResponse>;
}

export const SIMPLE_ROUTES: readonly SimpleRoute[] = [
  { method: 'GET', path: '/stocks/:name', prefix: '/stocks/', parameter: STOCK_NAME, handle: lookUpStock },
  { method: 'POST', path: '/orders', prefix: '/orders', parameter: null, handle: placeOrder },
  { method: 'GET', path: '/orders/:number', prefix: '/orders/', parameter: /^[0-9]+$/, handle: readOrder },
];

export const ROUTES: readonly Route[] = [
  ...SIMPLE_ROUTES,
  { method: 'GET', path: '/stocks', handle: listStocks },
  { method: 'PUT', path: '/stocks/:name', handle: listStock },
  { method: 'POST', path: '/stocks/:name/restock', handle: restock },
  { method: 'GET', path: '/orders', handle: listOrders },
  { method: 'GET', path: '/livez', handle: getLiveness },
  { method: 'GET', path: '/readyz', handle: getReadiness },
  { method: 'GET', path: '/status', handle: getStatus },
  { method: 'GET', path: '/metrics', handle: getMetrics },
  { method: 'GET', path: '/', handle: getDashboard },
  { method: 'GET', path: '/assets/:name', handle: getAsset },
  { method: 'GET', path: '/dashboard/stream', handle: openDashboardStream },
  { method: 'GET', path: '/docs', handle: getDocs },
  { method: 'GET', path: '/openapi.json', handle: getContract },
];

/** Stands for the path of `OPTIONS *`. */
export const WHOLE_SERVER = '*';

/** Value of `Allow` for a path without a trailing slash, or null if there is no such route. */
export function allowedMethods(path: string): string | null {
  if (path === WHOLE_SERVER) return ALL_METHODS;
  const routes = ROUTES.filter((route) => matches(route.path, path));
  return routes.length === 0 ? null : allowOf(routes);
}

function allowOf(routes: readonly Route[]): string {
  const methods = new Set<string>(['OPTIONS', ...routes.map(({ method }) => method)]);
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort().join(', ');
}

/** All methods that any path supports. */
export const ALL_METHODS = allowOf(ROUTES);

function matches(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const expected = pattern.split('/');
  return (
    parts.length === expected.length &&
    expected.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : parts[i] === part))
  );
}

/** Whether the path is a health check or the metrics page: they have no rate limit, as they make an attack visible. */
export function isMonitoringPath(path: string): boolean {
  return path === '/livez' || path === '/readyz' || path === '/metrics';
}
