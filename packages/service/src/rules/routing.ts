/** Which answer a request on an internal port gets: a route, or an error in the contract's form. */
import { TriremeError } from '@trireme/domain';

/** What most paths of internal ports answer to. */
const READING_METHODS = ['GET', 'HEAD'] as const;

/** Paths that need no secret. */
export const OPEN_PATHS = ['/livez', '/readyz', '/status', '/metrics'] as const;

export type OpenPath = (typeof OPEN_PATHS)[number];

export type Routing<Path extends string> =
  | { readonly kind: 'open'; readonly path: OpenPath }
  | { readonly kind: 'guarded'; readonly path: Path }
  | { readonly kind: 'action'; readonly path: Path }
  | {
      readonly kind: 'refused';
      readonly error: TriremeError;
      readonly headers: Readonly<Record<string, string>>;
    };

/**
 * Finds the route of a request.
 * @param target the request target as it stands in the request line; a query and one trailing slash make no difference
 * @param guarded paths that need the secret and are read
 * @param refused why the operator's paths are refused to who asks, null if they are not
 * @param actions paths that need the secret and do something: by POST; a path may be among both
 */
export function route<Path extends string>(
  method: string,
  target: string,
  guarded: readonly Path[],
  refused: TriremeError | null,
  actions: readonly Path[] = [],
): Routing<Path> {
  const path = pathOf(target);
  const open = OPEN_PATHS.find((known) => known === path);
  const read = guarded.find((known) => known === path);
  const action = actions.find((known) => known === path);
  if (open === undefined && read === undefined && action === undefined) {
    return refuse(new TriremeError('ROUTE_NOT_FOUND', 'no such route'));
  }
  const routing = routingOf<Path>(method, open, read, action);
  if (routing === null) {
    const reading = (open ?? read) === undefined ? [] : READING_METHODS;
    const allow = [...reading, ...(action === undefined ? [] : ['POST'])].join(', ');
    return refuse(new TriremeError('METHOD_NOT_ALLOWED', `only ${allow} are allowed here`), { allow });
  }
  return routing.kind === 'open' || refused === null ? routing : refuse(refused);
}

/** What a method means at a path that is known as at least one of these; null if it means nothing. */
function routingOf<Path extends string>(
  method: string,
  open: OpenPath | undefined,
  read: Path | undefined,
  action: Path | undefined,
): Routing<Path> | null {
  if (!READING_METHODS.some((known) => known === method)) {
    return method === 'POST' && action !== undefined ? { kind: 'action', path: action } : null;
  }
  if (open !== undefined) return { kind: 'open', path: open };
  return read === undefined ? null : { kind: 'guarded', path: read };
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
