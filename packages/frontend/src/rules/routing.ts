/** The paths of the public interface and their methods. */

interface Route {
  readonly pattern: RegExp;
  readonly allow: string;
}

const ROUTES: readonly Route[] = [
  { pattern: /^\/orders$/, allow: 'GET, HEAD, OPTIONS, POST' },
  { pattern: /^\/orders\/[^/]+$/, allow: 'GET, HEAD, OPTIONS' },
  { pattern: /^\/stocks$/, allow: 'GET, HEAD, OPTIONS' },
  { pattern: /^\/stocks\/[^/]+$/, allow: 'GET, HEAD, OPTIONS, PUT' },
  { pattern: /^\/stocks\/[^/]+\/restock$/, allow: 'OPTIONS, POST' },
  { pattern: /^\/(docs|openapi\.json)$/, allow: 'GET, HEAD, OPTIONS' },
  { pattern: /^\/$/, allow: 'GET, HEAD, OPTIONS' },
  { pattern: /^\/assets\/[^/]+$/, allow: 'GET, HEAD, OPTIONS' },
  { pattern: /^\/dashboard\/stream$/, allow: 'GET, HEAD, OPTIONS' },
  { pattern: /^\/(livez|readyz|status|metrics)$/, allow: 'GET, HEAD, OPTIONS' },
];

/** Value of `Allow` for a path without a trailing slash, or null if there is no such route. */
export function allowedMethods(path: string): string | null {
  return ROUTES.find((route) => route.pattern.test(path))?.allow ?? null;
}

/** Whether the path is a health check or the metrics page. */
export function isMonitoringPath(path: string): boolean {
  return path === '/livez' || path === '/readyz' || path === '/metrics';
}
