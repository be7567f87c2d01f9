/** Routes under `/orders`. */
import type { Hono } from 'hono';
import { orderJson } from '@trireme/domain';
import { parseAfterNumber, parsePageQuery, queryOf } from '../rules/requests.js';
import type { HttpCall, HonoEnv } from './call.js';
import { pageJson } from './page-json.js';
import { StreamedOrder } from './order-source.js';
import { placeOrder } from './place-order.js';
import { readOrder } from './read-order.js';
import { toResponse } from './responses.js';
import { requireResult, withDeadline, type RouteServices } from './services.js';

export function routeOrders(app: Hono<HonoEnv>, services: RouteServices): void {
  app.post(
    '/orders',
    async (c) =>
      new Promise<Response>((resolve) =>
        placeOrder(services, c.env, new StreamedOrder(c.env.incoming), (answer) =>
          resolve(toResponse(answer)),
        ),
      ),
  );
  app.get('/orders', async (c) => listOrders(services, c.env));
  app.get('/orders/:number', async (c) =>
    toResponse(
      await readOrder(services, c.env, c.req.param('number'), c.env.incoming.headers['if-none-match']),
    ),
  );
}

async function listOrders(services: RouteServices, call: HttpCall): Promise<Response> {
  const query = parsePageQuery(queryOf(call.incoming.url));
  const after = parseAfterNumber(query.after);
  return withDeadline(services, async (deadline) => {
    const { limit, name } = query;
    const page = requireResult(
      await services.replicas.listOrders({ after, limit, name }, deadline),
      'the orders',
    );
    return services.replies.ok(call, pageJson(page.orders, page.next, orderJson));
  });
}
