/** Reads an order and builds the response, for Hono's route and for the fast path. */
import { orderJson, TriremeError } from '@trireme/domain';
import { matchesEtag, parseOrderNumber } from '../rules/requests.js';
import type { RawResponse } from './raw-response.js';
import type { RequestContext } from './call.js';
import { requireResult, withDeadline, type RouteServices } from './services.js';

/**
 * A filled order never changes, but a new cluster instance reuses its URL for another order. A cache notices
 * that only when it revalidates the entity tag, so responses stay fresh for one second only: recreating a
 * cluster takes longer.
 */
const IMMUTABLE = 'public, max-age=1, immutable';

/**
 * @param text order number as given in the path.
 * @param ifNoneMatch value of the `If-None-Match` header.
 */
export async function readOrder(
  services: RouteServices,
  context: RequestContext,
  text: string,
  ifNoneMatch: string | undefined,
): Promise<RawResponse> {
  const { replies, replicas, catalogs } = services;
  try {
    const number = parseOrderNumber(text);
    if (number === null) throw orderNotFound();
    return await withDeadline(services, async (deadline) => {
      const order = requireResult(await replicas.readOrder(number, deadline), 'the order');
      if (order === null) throw orderNotFound();
      const headers = replies.headers(context.requestId, null);
      headers['Cache-Control'] = IMMUTABLE;
      const { life } = catalogs;
      if (life !== null) {
        const etag = `"${life}-o${number}"`;
        headers['ETag'] = etag;
        if (matchesEtag(ifNoneMatch, etag)) return replies.emptyRaw(304, headers);
      }
      return replies.okRaw(`{"data":${orderJson(order)}}`, headers);
    });
  } catch (error) {
    return replies.errorRaw(context, error);
  }
}

function orderNotFound(): TriremeError {
  return new TriremeError('ORDER_NOT_FOUND', 'order not found');
}
