/** Hono routes the requests that Node's HTTP server received to the handlers of the table of routes. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { allowedMethods, ROUTES } from '../routes/routes.js';
import type { RouteServices } from '../routes/services.js';
import type { ApiResponse } from './api-response.js';
import type { HttpCall } from './call.js';
import { toResponse, type ResponseFactory } from './responses.js';

/** Hono's environment: `c.env` is the call. */
export interface HonoEnv {
  Bindings: HttpCall;
}

export function createApp(services: RouteServices): Hono<HonoEnv> {
  const { replies } = services;
  const app = new Hono<HonoEnv>({ getPath: (request, options) => options?.env?.path ?? request.url });
  for (const route of ROUTES) {
    // Hono also sends HEAD requests to the handler of GET, and removes the body of the response.
    app.on(route.method, route.path, async (c) => {
      const call = c.env;
      [call.parameter = ''] = Object.values(c.req.param());
      const response = await route.handle(services, call);
      return response === null ? RESPONSE_ALREADY_SENT : toResponse(response);
    });
  }
  app.notFound((c) => toResponse(otherResponse(replies, c.env, c.req.method)));
  app.onError((error, c) => toResponse(replies.error(c.env, error)));
  return app;
}

/** The response to a method or path without a route. */
function otherResponse(replies: ResponseFactory, call: HttpCall, method: string): ApiResponse {
  const allow = allowedMethods(call.path);
  if (allow === null) {
    return replies.error(
      call,
      new TriremeError('ROUTE_NOT_FOUND', 'no such path; see /docs for the available ones'),
    );
  }
  if (method === 'OPTIONS') return replies.options(call, allow);
  const message = `${method} is not supported for this path; use one of ${allow}`;
  return replies.error(call, new TriremeError('METHOD_NOT_ALLOWED', message), { Allow: allow });
}
