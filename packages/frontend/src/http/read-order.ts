/** How an order is read, from its number to the answer: for Hono's route and for the fast path. */
import { orderJson, TriremeError } from '@trireme/domain';
import { matchesEtag, parseOrderNumber } from '../rules/requests.js';
import type { Answer } from './answer.js';
import type { RequestContext } from './call.js';
import { inTime, withDeadline, type Services } from './services.js';

/**
 * A filled order never changes. But in another life of the cluster the same URL names another order, which a cache learns only
 * when it asks with the entity tag: so an answer is fresh for a second, and no cluster stops and begins anew within one.
 */
const IMMUTABLE = 'public, max-age=1, immutable';

/**
 * @param text of the number, as it stands in the path.
 * @param ifNoneMatch that header of the request.
 */
export async function readOrder(
  services: Services,
  asked: RequestContext,
  text: string,
  ifNoneMatch: string | undefined,
): Promise<Answer> {
  const { replies, replicas, catalogs } = services;
  try {
    const number = parseOrderNumber(text);
    if (number === null) throw orderNotFound();
    return await withDeadline(services, async (deadline) => {
      const order = inTime(await replicas.order(number, deadline), 'the order');
      if (order === null) throw orderNotFound();
      const headers = replies.headers(asked.requestId, null);
      headers['Cache-Control'] = IMMUTABLE;
      const { life } = catalogs;
      if (life !== null) {
        const etag = `"${life}-o${number}"`;
        headers['ETag'] = etag;
        if (matchesEtag(ifNoneMatch, etag)) return replies.emptyAnswer(304, headers);
      }
      return replies.okAnswer(`{"data":${orderJson(order)}}`, headers);
    });
  } catch (error) {
    return replies.errorAnswer(asked, error);
  }
}

function orderNotFound(): TriremeError {
  return new TriremeError('ORDER_NOT_FOUND', 'order not found');
}
