/** Routes under `/stocks`. */
import type { Hono } from 'hono';
import {
  commandToWire,
  parseListBody,
  parseRestockBody,
  parseStockName,
  stockJson,
  type Command,
} from '@trireme/domain';
import { NO_RESULT } from '../backends/retry.js';
import { checkOperator, parsePageQuery, queryOf, rejectConditions } from '../rules/requests.js';
import {
  requireEffect,
  outcomeUnknownError,
  type FinalResult,
  type NoResultReason,
} from '../rules/results.js';
import { readBody } from './body.js';
import type { HttpCall, HonoEnv } from './call.js';
import { respondToLookUp, stockNotFound } from './read-stock.js';
import { pageJson } from './page-json.js';
import { toResponse } from './responses.js';
import {
  ensureIdempotencyKey,
  requireResult,
  idempotencyKeyOf,
  submitCommand,
  withDeadline,
  type RouteServices,
} from './services.js';

/** Parses the body of a request into a function that creates its command. */
type CommandParser = (name: string, body: string) => (key: string) => Command;

const parseList: CommandParser = (name, body) => {
  const { price } = parseListBody(body);
  return (key) => ({ kind: 'list', key, name, price });
};

const parseRestock: CommandParser = (name, body) => {
  const { quantity } = parseRestockBody(body);
  return (key) => ({ kind: 'restock', key, name, quantity });
};

export function routeStocks(app: Hono<HonoEnv>, services: RouteServices): void {
  app.get('/stocks', async (c) => listStocks(services, c.env));
  app.get('/stocks/:name', (c): Response | Promise<Response> => {
    const answer = respondToLookUp(
      services,
      c.env,
      c.req.param('name'),
      c.env.incoming.headers['if-none-match'],
    );
    return answer instanceof Promise ? answer.then(toResponse) : toResponse(answer);
  });
  app.put('/stocks/:name', async (c) => changeStock(services, c.env, c.req.param('name'), parseList));
  app.post('/stocks/:name/restock', async (c) =>
    changeStock(services, c.env, c.req.param('name'), parseRestock),
  );
}

async function listStocks(services: RouteServices, call: HttpCall): Promise<Response> {
  const query = parsePageQuery(queryOf(call.incoming.url));
  return withDeadline(services, async (deadline) => {
    const { limit, after } = query;
    const question = { after: after ?? '', limit };
    const { stocks, next } = requireResult(await services.stocks.list(question, deadline), 'the stocks');
    return services.replies.ok(call, pageJson(stocks, next, stockJson));
  });
}

/** Lists, re-prices or restocks a stock, for operators only. The response is the stock after the change. */
async function changeStock(
  services: RouteServices,
  call: HttpCall,
  pathName: string,
  parse: CommandParser,
): Promise<Response> {
  checkOperator(call.incoming.headers.authorization, services.operatorToken);
  rejectConditions(call.incoming.headers);
  const name = parseStockName(pathName);
  return withDeadline(services, async (deadline) => {
    call.key = idempotencyKeyOf(call.incoming);
    const commandOf = parse(name, await readBody(call.incoming, deadline));
    const key = ensureIdempotencyKey(call);
    const command = commandToWire(commandOf(key));
    const result = await new Promise<FinalResult | NoResultReason>((resolve, reject) =>
      submitCommand(services, call, deadline, command, resolve, reject),
    );
    requireEffect(result, key);
    const view = await services.stocks.lookup(name, deadline);
    if (view === null) throw stockNotFound();
    // The change is done, but the stock cannot be read. A retry with the key returns it.
    if (view === NO_RESULT) throw outcomeUnknownError(key);
    const headers = services.replies.headers(call.requestId, call.key);
    headers['ETag'] = view.etag;
    return services.replies.ok(call, view.body, headers);
  });
}
