/** Routes of orders. */
import type { Hono } from 'hono';
import type { IncomingMessage } from 'node:http';
import { orderJson, type TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { parseAfterNumber, parsePageQuery } from '../rules/requests.js';
import { collectBody } from './body.js';
import type { Call, CallEnv } from './call.js';
import { fillPage, pageJson } from './pages.js';
import { placeOrder, type OrderSource } from './place-order.js';
import { readOrder } from './read-order.js';
import { toResponse } from './replies.js';
import { inTime, keyOf, withDeadline, type Services } from './services.js';

export function routeOrders(app: Hono<CallEnv>, services: Services): void {
  app.post(
    '/orders',
    async (c) =>
      new Promise<Response>((resolve) =>
        placeOrder(services, c.env, new SentOrder(c.env.incoming), (answer) => resolve(toResponse(answer))),
      ),
  );
  app.get('/orders', async (c) => listOrders(services, c.env, c.req.url));
  app.get('/orders/:number', async (c) =>
    toResponse(await readOrder(services, c.env, c.req.param('number'))),
  );
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

/** An order that Node's HTTP server gives, piece by piece. */
class SentOrder implements OrderSource {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  key(): string | null {
    return keyOf(this.#incoming);
  }

  collect(deadline: Deadline, done: (body: string | TriremeError) => void): void {
    collectBody(this.#incoming, deadline, done);
  }
}
