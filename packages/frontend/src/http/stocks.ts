/** Routes of stocks. */
import type { Hono } from 'hono';
import {
  commandToWire,
  parseListBody,
  parseRestockBody,
  parseStockName,
  stockJson,
  type Command,
} from '@trireme/domain';
import { NO_RESULT } from '../retry.js';
import { checkOperator, parsePageQuery, queryOf, refuseConditions } from '../rules/requests.js';
import { checkDecided, outcomeUnknown, type Decided, type Undecided } from '../rules/results.js';
import { readBody } from './body.js';
import type { Call, CallEnv } from './call.js';
import { lookUp, stockNotFound } from './look-up.js';
import { pageJson } from './pages.js';
import { toResponse } from './replies.js';
import { commandKey, inTime, keyOf, submit, withDeadline, type Services } from './services.js';

/** Makes the command from the body of the request. */
type CommandParser = (name: string, body: string) => (key: string) => Command;

const parseList: CommandParser = (name, body) => {
  const { price } = parseListBody(body);
  return (key) => ({ kind: 'list', key, name, price });
};

const parseRestock: CommandParser = (name, body) => {
  const { quantity } = parseRestockBody(body);
  return (key) => ({ kind: 'restock', key, name, quantity });
};

export function routeStocks(app: Hono<CallEnv>, services: Services): void {
  app.get('/stocks', async (c) => listStocks(services, c.env));
  app.get('/stocks/:name', (c): Response | Promise<Response> => {
    const answer = lookUp(services, c.env, c.req.param('name'), c.env.incoming.headers['if-none-match']);
    return answer instanceof Promise ? answer.then(toResponse) : toResponse(answer);
  });
  app.put('/stocks/:name', async (c) => changeStock(services, c.env, c.req.param('name'), parseList));
  app.post('/stocks/:name/restock', async (c) =>
    changeStock(services, c.env, c.req.param('name'), parseRestock),
  );
}

async function listStocks(services: Services, call: Call): Promise<Response> {
  const query = parsePageQuery(queryOf(call.incoming.url));
  return withDeadline(services, async (deadline) => {
    const { limit, after } = query;
    const question = { after: after ?? '', limit };
    const { stocks, next } = inTime(await services.stocks.list(question, deadline), 'the stocks');
    return services.replies.ok(call, pageJson(stocks, next, stockJson));
  });
}

/** Lists, re-prices or restocks, for operators only, and answers the stock as it is afterwards. */
async function changeStock(
  services: Services,
  call: Call,
  pathName: string,
  parse: CommandParser,
): Promise<Response> {
  checkOperator(call.incoming.headers.authorization, services.operatorToken);
  refuseConditions(call.incoming.headers);
  const name = parseStockName(pathName);
  return withDeadline(services, async (deadline) => {
    call.key = keyOf(call.incoming);
    const commandOf = parse(name, await readBody(call.incoming, deadline));
    const key = commandKey(call);
    const command = commandToWire(commandOf(key));
    const result = await new Promise<Decided | Undecided>((resolve, reject) =>
      submit(services, call, deadline, command, resolve, reject),
    );
    checkDecided(result, key);
    const view = await services.stocks.lookup(name, deadline);
    if (view === null) throw stockNotFound();
    // It is done, but cannot be shown: asking again with the key shows it.
    if (view === NO_RESULT) throw outcomeUnknown(key);
    const headers = services.replies.headers(call.requestId, call.key);
    headers['ETag'] = view.etag;
    return services.replies.ok(call, view.body, headers);
  });
}
