/** All routes of the public interface. */
import { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { allowedMethods } from '../rules/routing.js';
import { routeContract } from '../contract/routes.js';
import { routeDashboard } from '../dashboard/routes.js';
import type { HonoEnv } from './call.js';
import { routeHealth } from './health.js';
import { routeOrders } from './orders.js';
import { routeStocks } from './stocks.js';
import type { RouteServices } from './services.js';

export function createApp(services: RouteServices): Hono<HonoEnv> {
  const { replies } = services;
  const app = new Hono<HonoEnv>({ getPath: (request, options) => options?.env?.path ?? request.url });
  routeOrders(app, services);
  routeStocks(app, services);
  routeHealth(app, services);
  routeDashboard(app, services);
  routeContract(app, services);
  app.notFound((c) => {
    const allow = allowedMethods(c.env.path);
    if (allow === null) {
      return replies.error(
        c.env,
        new TriremeError('ROUTE_NOT_FOUND', 'no such path; see /docs for the available ones'),
      );
    }
    if (c.req.method === 'OPTIONS') {
      return replies.empty(c.env, 204, { Allow: allow, ...replies.preflight(allow) });
    }
    const message = `${c.req.method} is not supported for this path; use one of ${allow}`;
    return replies.error(c.env, new TriremeError('METHOD_NOT_ALLOWED', message), { Allow: allow });
  });
  app.onError((error, c) => replies.error(c.env, error));
  return app;
}
