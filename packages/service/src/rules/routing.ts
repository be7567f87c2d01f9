/** Which answer a request on an internal port gets: a route, or an error in the contract's form. */
import { TriremeError } from '@trireme/domain';

/** What internal ports answer to reading methods only. */
const INTERNAL_METHODS = ['GET', 'HEAD'] as const;

/** Paths that need no secret. */
export const OPEN_PATHS = ['/livez', '/readyz', '/status', '/metrics'] as const;

export type OpenPath = (typeof OPEN_PATHS)[number];

export type Routing<Path extends string> =
  | { readonly kind: 'open'; readonly path: OpenPath }
  | { readonly kind: 'guarded'; readonly path: Path }
  | {
      readonly kind: 'refused';
      readonly error: TriremeError;
      readonly headers: Readonly<Record<string, string>>;
    };

/**
 * Finds the route of a request.
 * @param target the request target as it stands in the request line; a query and one trailing slash make no difference
 * @param guarded paths that need the secret
 * @param authorized whether the request carries the secret
 */
export function route<Path extends string>(
  method: string,
  target: string,
  guarded: readonly Path[],
  authorized: boolean,
): Routing<Path> {
  const path = pathOf(target);
  const open = OPEN_PATHS.find((known) => known === path);
  const behind = guarded.find((known) => known === path);
  if (open === undefined && behind === undefined) {
    return refuse(new TriremeError('ROUTE_NOT_FOUND', 'no such route'));
  }
  if (!INTERNAL_METHODS.some((known) => known === method)) {
    const allow = INTERNAL_METHODS.join(', ');
    return refuse(new TriremeError('METHOD_NOT_ALLOWED', `only ${allow} are allowed here`), { allow });
  }
  if (open !== undefined) return { kind: 'open', path: open };
  if (behind === undefined || !authorized) {
    return refuse(new TriremeError('UNAUTHORIZED', 'the secret of the cluster is missing or wrong'));
  }
  return { kind: 'guarded', path: behind };
}

/** The path of a request target without its query and without one trailing slash. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function refuse(error: TriremeError, headers: Readonly<Record<string, string>> = {}): Routing<never> {
  return { kind: 'refused', error, headers };
}
