/** The paths of the public interface with the methods that each of them takes. */

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

/** Value of `Allow` for a path without a slash at its end, or null if there is no such route. */
export function allowedMethods(path: string): string | null {
  return ROUTES.find((route) => route.pattern.test(path))?.allow ?? null;
}

/** Whether a path is asked by those who watch over the process. */
export function isProbe(path: string): boolean {
  return path === '/livez' || path === '/readyz' || path === '/metrics';
}
