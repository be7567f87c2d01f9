/** Looks up a stock and builds the response, for Hono's route and for the fast path. */
import { isOrderName, ORDER_NAME_LENGTH_MAX, STOCK_NAME, TriremeError } from '@trireme/domain';
import { matchesEtag } from '../rules/requests.js';
import type { StockView } from '../rules/stock-cache.js';
import type { RawResponse } from './raw-response.js';
import type { RequestContext } from './call.js';
import { requireResult, withDeadline, type RouteServices } from './services.js';

/**
 * Returns the response directly, without a promise or a deadline, if the stock is in the cache.
 * @param ifNoneMatch value of the `If-None-Match` header.
 */
export function respondToLookUp(
  services: RouteServices,
  context: RequestContext,
  name: string,
  ifNoneMatch: string | undefined,
): RawResponse | Promise<RawResponse> {
  const view = services.catalogs.getCached(name);
  if (view !== null) return stockAnswer(services, context, view, 'hit', ifNoneMatch);
  return readStock(services, context, name, ifNoneMatch);
}

async function readStock(
  services: RouteServices,
  context: RequestContext,
  name: string,
  ifNoneMatch: string | undefined,
): Promise<RawResponse> {
  try {
    // No stock can have such a name, so no catalog needs to be asked.
    if (!STOCK_NAME.test(name)) throw isOrderName(name) ? stockNotFound() : invalidName();
    const view = await withDeadline(services, async (deadline) =>
      requireResult(await services.stocks.lookup(name, deadline), 'the stock'),
    );
    if (view === null) throw stockNotFound();
    return stockAnswer(services, context, view, 'miss', ifNoneMatch);
  } catch (error) {
    return services.replies.errorRaw(context, error, { 'X-Cache': 'miss' });
  }
}

function stockAnswer(
  { replies }: RouteServices,
  { requestId }: RequestContext,
  view: StockView,
  cache: 'hit' | 'miss',
  ifNoneMatch: string | undefined,
): RawResponse {
  const headers = replies.headers(requestId, null);
  headers['X-Cache'] = cache;
  headers['ETag'] = view.etag;
  return matchesEtag(ifNoneMatch, view.etag)
    ? replies.emptyRaw(304, headers)
    : replies.okRaw(view.body, headers);
}

function invalidName(): TriremeError {
  return new TriremeError(
    'INVALID_STOCK',
    `name: must be well-formed Unicode of 1 to ${ORDER_NAME_LENGTH_MAX} characters`,
  );
}

export function stockNotFound(): TriremeError {
  return new TriremeError('STOCK_NOT_FOUND', 'stock not found');
}
