/** The routes of the public interface, put together. */
import { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { allowedMethods } from '../rules/routing.js';
import { routeContract } from '../contract/routes.js';
import { routeDashboard } from '../dashboard/routes.js';
import type { CallEnv } from './call.js';
import { routeHealth } from './health.js';
import { routeOrders } from './orders.js';
import { routeStocks } from './stocks.js';
import type { Services } from './services.js';

export function createApp(services: Services): Hono<CallEnv> {
  const { replies } = services;
  const app = new Hono<CallEnv>({ getPath: (request, options) => options?.env?.path ?? request.url });
  routeOrders(app, services);
  routeStocks(app, services);
  routeHealth(app, services);
  routeDashboard(app, services);
  routeContract(app, services);
  app.notFound((c) => {
    const allow = allowedMethods(c.env.path);
    if (allow === null) {
      return replies.error(c.env, new TriremeError('ROUTE_NOT_FOUND', 'there is nothing at this path'));
    }
    if (c.req.method === 'OPTIONS') {
      return replies.empty(c.env, 204, { Allow: allow, ...replies.preflight(allow) });
    }
    const message = `${c.req.method} is not for this path, but ${allow} are`;
    return replies.error(c.env, new TriremeError('METHOD_NOT_ALLOWED', message), { Allow: allow });
  });
  app.onError((error, c) => replies.error(c.env, error));
  return app;
}
