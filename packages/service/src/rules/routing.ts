/** Routes requests on an internal port: to a handler, or to an error response. */
import { TriremeError } from '@trireme/domain';

/** Methods of paths that are read. */
const READING_METHODS = ['GET', 'HEAD'] as const;

/** Paths that do not require the secret. */
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
 * @param target the request target of the request line; a query and one trailing slash are ignored
 * @param guarded paths that are read and require the secret
 * @param refused why the client may not use operator paths; null if it may
 * @param actions paths that require the secret and POST; a path may be in `guarded` as well
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
    return refuse(new TriremeError('METHOD_NOT_ALLOWED', `method not allowed, use ${allow}`), { allow });
  }
  return routing.kind === 'open' || refused === null ? routing : refuse(refused);
}

/** The routing of a method at a path of at least one kind; null if the method is not allowed there. */
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
