/** Routes of orders. */
import type { Hono } from 'hono';
import { commandToWire, orderJson, parseOrderBody, TriremeError } from '@trireme/domain';
import { parseAfterNumber, parseOrderNumber, parsePageQuery } from '../rules/requests.js';
import { readBody } from './body.js';
import type { Call, CallEnv } from './call.js';
import { fillPage, pageJson } from './pages.js';
import { inTime, keyOf, submit, withDeadline, type Services } from './services.js';

/** An order never changes once it is filled, so that whoever has it may keep it. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

export function routeOrders(app: Hono<CallEnv>, services: Services): void {
  app.post('/orders', async (c) => placeOrder(services, c.env));
  app.get('/orders', async (c) => listOrders(services, c.env, c.req.url));
  app.get('/orders/:number', async (c) => readOrder(services, c.env, c.req.param('number')));
}

async function placeOrder(services: Services, call: Call): Promise<Response> {
  const startedAt = performance.now();
  try {
    const number = await fillOrder(services, call);
    services.counters.filled(performance.now() - startedAt);
    const headers = services.replies.headers(call.requestId, call.key);
    headers['Location'] = `/orders/${number}`;
    return services.replies.ok(call, `{"data":{"transaction_number":${number}}}`, headers);
  } catch (error) {
    services.counters.ended(error);
    throw error;
  }
}

/** Has the order of this call filled, and gives its number. */
async function fillOrder(services: Services, call: Call): Promise<number> {
  return withDeadline(services, async (deadline) => {
    call.key = keyOf(call.incoming);
    const { name, type, quantity } = parseOrderBody(await readBody(call.incoming, deadline));
    const result = await submit(services, call, deadline, (key) =>
      commandToWire({ kind: type, key, name, quantity }),
    );
    if (result[1] !== 'filled') throw new Error('an order was done without a number');
    return result[2];
  });
}

async function readOrder(services: Services, call: Call, text: string): Promise<Response> {
  const number = parseOrderNumber(text);
  if (number === null) throw orderNotFound();
  return withDeadline(services, async (deadline) => {
    const order = inTime(await services.replicas.order(number, deadline), 'the order');
    if (order === null) throw orderNotFound();
    const headers = services.replies.headers(call.requestId, call.key);
    headers['Cache-Control'] = IMMUTABLE;
    return services.replies.ok(call, `{"data":${orderJson(order)}}`, headers);
  });
}

async function listOrders(services: Services, call: Call, url: string): Promise<Response> {
  const query = parsePageQuery(new URL(url).searchParams);
  const after = parseAfterNumber(query.after);
  return withDeadline(services, async (deadline) => {
    const page = await fillPage(query.limit, after, async (from, limit) => {
      const part = await services.replicas.list({ after: from, limit, name: query.name }, deadline);
      const { orders, next } = inTime(part, 'the orders');
      return { rows: orders, next };
    });
    return services.replies.ok(call, pageJson(page, orderJson));
  });
}

function orderNotFound(): TriremeError {
  return new TriremeError('ORDER_NOT_FOUND', 'order not found');
}
