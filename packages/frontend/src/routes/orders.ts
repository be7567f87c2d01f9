/** Handlers of the routes under `/orders`. */
import { commandToWire, orderJson, parseOrderBody, TriremeError } from '@trireme/domain';
import type { ApiResponse } from '../http/api-response.js';
import type { Call, HttpCall } from '../http/call.js';
import {
  matchesEtag,
  parseAfterNumber,
  parseOrderNumber,
  parsePageQuery,
  queryOf,
} from '../rules/requests.js';
import { requireEffect } from '../rules/results.js';
import {
  ensureIdempotencyKey,
  pageJson,
  requireResult,
  submitCommand,
  withDeadline,
  type RouteServices,
} from './services.js';

/**
 * A filled order never changes, but a new life of the cluster reuses its URL for another order. A cache notices
 * that only when it revalidates the entity tag, so responses stay fresh for one second only: recreating a
 * cluster takes longer.
 */
const IMMUTABLE = 'public, max-age=1, immutable';

export async function placeOrder(services: RouteServices, call: Call): Promise<ApiResponse> {
  const { counters, replies } = services;
  try {
    return await withDeadline(services, async (deadline) => {
      call.key = call.readIdempotencyKey();
      const { name, type, quantity } = parseOrderBody(await call.readBody(deadline));
      const key = ensureIdempotencyKey(call);
      const command = commandToWire({ kind: type, key, name, quantity });
      const result = requireEffect(await submitCommand(services, call, deadline, command), key);
      if (result[1] !== 'filled') throw new Error('an order has no number');
      counters.recordFilled(performance.now() - deadline.openedAt);
      const headers = replies.headers(call);
      headers['Location'] = `/orders/${result[2]}`;
      return replies.ok(call, `{"data":{"transaction_number":${result[2]}}}`, headers);
    });
  } catch (error) {
    counters.recordError(error);
    throw error;
  }
}

export async function readOrder(services: RouteServices, call: Call): Promise<ApiResponse> {
  const { replies, replicas, catalogs } = services;
  const number = parseOrderNumber(call.parameter);
  if (number === null) throw orderNotFound();
  return withDeadline(services, async (deadline) => {
    const order = requireResult(await replicas.requests.readOrder(number, deadline), 'the order');
    if (order === null) throw orderNotFound();
    const headers = replies.headers(call);
    headers['Cache-Control'] = IMMUTABLE;
    const { life } = catalogs;
    if (life !== null) {
      const etag = `"${life}-o${number}"`;
      headers['ETag'] = etag;
      if (matchesEtag(call.headers['if-none-match'], etag)) return replies.empty(304, headers);
    }
    return replies.ok(call, `{"data":${orderJson(order)}}`, headers);
  });
}

export async function listOrders(services: RouteServices, call: HttpCall): Promise<ApiResponse> {
  const query = parsePageQuery(queryOf(call.incoming.url));
  const after = parseAfterNumber(query.after);
  return withDeadline(services, async (deadline) => {
    const { limit, name } = query;
    const page = requireResult(
      await services.replicas.requests.listOrders({ after, limit, name }, deadline),
      'the orders',
    );
    return services.replies.ok(call, pageJson(page.orders, page.next, orderJson));
  });
}

function orderNotFound(): TriremeError {
  return new TriremeError('ORDER_NOT_FOUND', 'order not found');
}
