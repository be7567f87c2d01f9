/** How a stock is looked up, from its name to the answer: for Hono's route and for the fast path. */
import { isOrderName, ORDER_NAME_LENGTH_MAX, STOCK_NAME, TriremeError } from '@trireme/domain';
import { matchesEtag } from '../rules/requests.js';
import type { StockView } from '../rules/stock-cache.js';
import type { Answer } from './answer.js';
import type { RequestContext } from './call.js';
import { inTime, withDeadline, type Services } from './services.js';

/**
 * The answer at once where the cache has it: no promise, no deadline.
 * @param ifNoneMatch that header of the request.
 */
export function lookUp(
  services: Services,
  asked: RequestContext,
  name: string,
  ifNoneMatch: string | undefined,
): Answer | Promise<Answer> {
  const view = services.catalogs.cached(name);
  if (view !== null) return stockAnswer(services, asked, view, 'hit', ifNoneMatch);
  return readStock(services, asked, name, ifNoneMatch);
}

async function readStock(
  services: Services,
  asked: RequestContext,
  name: string,
  ifNoneMatch: string | undefined,
): Promise<Answer> {
  try {
    // A name that no stock can be listed under needs no question.
    if (!STOCK_NAME.test(name)) throw isOrderName(name) ? stockNotFound() : invalidName();
    const view = await withDeadline(services, async (deadline) =>
      inTime(await services.stocks.lookup(name, deadline), 'the stock'),
    );
    if (view === null) throw stockNotFound();
    return stockAnswer(services, asked, view, 'miss', ifNoneMatch);
  } catch (error) {
    return services.replies.errorAnswer(asked, error, { 'X-Cache': 'miss' });
  }
}

function stockAnswer(
  { replies }: Services,
  { requestId }: RequestContext,
  view: StockView,
  cache: 'hit' | 'miss',
  ifNoneMatch: string | undefined,
): Answer {
  const headers = replies.headers(requestId, null);
  headers['X-Cache'] = cache;
  headers['ETag'] = view.etag;
  return matchesEtag(ifNoneMatch, view.etag)
    ? replies.emptyAnswer(304, headers)
    : replies.okAnswer(view.body, headers);
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
