/** Routes of orders. */
import type { Hono } from 'hono';
import { orderJson, TriremeError } from '@trireme/domain';
import { parseAfterNumber, parseOrderNumber, parsePageQuery } from '../rules/requests.js';
import type { Call, CallEnv } from './call.js';
import { fillPage, pageJson } from './pages.js';
import { placeOrder } from './place-order.js';
import { toResponse } from './replies.js';
import { inTime, withDeadline, type Services } from './services.js';

/** An order never changes once it is filled, so that whoever has it may keep it. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

export function routeOrders(app: Hono<CallEnv>, services: Services): void {
  app.post(
    '/orders',
    async (c) =>
      new Promise<Response>((resolve) =>
        placeOrder(services, c.env, (answer) => resolve(toResponse(answer))),
      ),
  );
  app.get('/orders', async (c) => listOrders(services, c.env, c.req.url));
  app.get('/orders/:number', async (c) => readOrder(services, c.env, c.req.param('number')));
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
