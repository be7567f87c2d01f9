/** Handlers of the routes under `/stocks`. */
import {
  commandToWire,
  isOrderName,
  ORDER_NAME_LENGTH_MAX,
  parseListBody,
  parseRestockBody,
  parseStockName,
  STOCK_NAME,
  stockJson,
  TriremeError,
  type Command,
} from '@trireme/domain';
import { NO_RESULT } from '../backends/retry.js';
import type { ApiResponse } from '../http/api-response.js';
import type { Call, HttpCall } from '../http/call.js';
import type { Deadline } from '../rules/deadlines.js';
import { matchesEtag, parsePageQuery, queryOf, rejectConditions } from '../rules/requests.js';
import { outcomeUnknownError, requireEffect } from '../rules/results.js';
import type { StockView } from '../rules/stock-cache.js';
import { checkOperator } from './operator.js';
import {
  ensureIdempotencyKey,
  pageJson,
  requireResult,
  submitCommand,
  withDeadline,
  type RouteServices,
} from './services.js';

/** Answers directly, without a promise or a deadline, if the stock is in the cache. */
export function lookUpStock(services: RouteServices, call: Call): ApiResponse | Promise<ApiResponse> {
  const view = services.catalogs.getCached(call.parameter);
  return view === null ? readStock(services, call) : stockResponse(services, call, view, 'hit');
}

async function readStock(services: RouteServices, call: Call): Promise<ApiResponse> {
  const name = call.parameter;
  try {
    // No stock can have such a name, so no catalog needs to be asked.
    if (!STOCK_NAME.test(name)) throw isOrderName(name) ? stockNotFound() : invalidName();
    const view = await withDeadline(services, async (deadline) =>
      requireResult(await services.stocks.lookup(name, deadline), 'the stock'),
    );
    if (view === null) throw stockNotFound();
    return stockResponse(services, call, view, 'miss');
  } catch (error) {
    return services.replies.error(call, error, { 'X-Cache': 'miss' });
  }
}

function stockResponse(
  { replies }: RouteServices,
  call: Call,
  view: StockView,
  cache: 'hit' | 'miss',
): ApiResponse {
  const headers = replies.headers(call);
  headers['X-Cache'] = cache;
  headers['ETag'] = view.etag;
  return matchesEtag(call.headers['if-none-match'], view.etag)
    ? replies.empty(304, headers)
    : replies.ok(call, view.body, headers);
}

export async function listStocks(services: RouteServices, call: HttpCall): Promise<ApiResponse> {
  const query = parsePageQuery(queryOf(call.incoming.url));
  return withDeadline(services, async (deadline) => {
    const { limit, after } = query;
    const question = { after: after ?? '', limit };
    const { stocks, next } = requireResult(await services.stocks.list(question, deadline), 'the stocks');
    return services.replies.ok(call, pageJson(stocks, next, stockJson));
  });
}

/** Lists a stock or changes its price. */
export async function listStock(services: RouteServices, call: HttpCall): Promise<ApiResponse> {
  return changeStock(services, call, (name, body) => {
    const { price } = parseListBody(body);
    return (key) => ({ kind: 'list', key, name, price });
  });
}

export async function restock(services: RouteServices, call: HttpCall): Promise<ApiResponse> {
  return changeStock(services, call, (name, body) => {
    const { quantity } = parseRestockBody(body);
    return (key) => ({ kind: 'restock', key, name, quantity });
  });
}

/**
 * Changes a stock, for operators only. The response is the stock after the change.
 * @param parse parses the body of the request into a function that creates its command.
 */
async function changeStock(
  services: RouteServices,
  call: HttpCall,
  parse: (name: string, body: string) => (key: string) => Command,
): Promise<ApiResponse> {
  checkOperator(call.headers.authorization, services.operatorToken);
  rejectConditions(call.headers);
  const name = parseStockName(call.parameter);
  return withDeadline(services, async (deadline) => {
    call.key = call.readIdempotencyKey();
    const commandOf = parse(name, await call.readBody(deadline));
    const key = ensureIdempotencyKey(call);
    requireEffect(await submitCommand(services, call, deadline, commandToWire(commandOf(key))), key);
    const view = await readChangedStock(services, name, key, deadline);
    const headers = services.replies.headers(call);
    headers['ETag'] = view.etag;
    return services.replies.ok(call, view.body, headers);
  });
}

/**
 * Reads a stock after its change. Nothing that goes wrong may look like a refusal of the change, which is done; a retry
 * with the key reads the stock again.
 * @throws TriremeError `OUTCOME_UNKNOWN` if the stock cannot be read or is not found.
 */
async function readChangedStock(
  { stocks, log }: RouteServices,
  name: string,
  key: string,
  deadline: Deadline,
): Promise<StockView> {
  try {
    const view = await stocks.lookup(name, deadline);
    if (view !== null && view !== NO_RESULT) return view;
  } catch (error) {
    log.warn({ error, key }, 'a changed stock cannot be read');
  }
  throw outcomeUnknownError(key);
}

function invalidName(): TriremeError {
  return new TriremeError(
    'INVALID_STOCK',
    `name: must be well-formed Unicode of 1 to ${ORDER_NAME_LENGTH_MAX} characters`,
  );
}

function stockNotFound(): TriremeError {
  return new TriremeError('STOCK_NOT_FOUND', 'stock not found');
}
