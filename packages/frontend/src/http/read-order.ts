/** How an order is read, from its number to the answer: the one way for the router's route and for the short way. */
import { orderJson, TriremeError } from '@trireme/domain';
import { matchesEtag, parseOrderNumber } from '../rules/requests.js';
import type { Answer } from './answer.js';
import type { Asked } from './call.js';
import { inTime, withDeadline, type Services } from './services.js';

/**
 * An order never changes once it is filled, so that whoever has it may keep it. But the same URL is another order in another
 * life of the cluster, and a cache cannot tell which one it asks: it has to ask whether its entity tag still holds.
 */
const KEEP_AND_ASK = 'public, no-cache, immutable';

/**
 * @param text of the number, as it stands in the path.
 * @param ifNoneMatch that header of the request.
 */
export async function readOrder(
  services: Services,
  asked: Asked,
  text: string,
  ifNoneMatch: string | undefined,
): Promise<Answer> {
  const { replies, replicas, catalog } = services;
  try {
    const number = parseOrderNumber(text);
    if (number === null) throw orderNotFound();
    return await withDeadline(services, async (deadline) => {
      const order = inTime(await replicas.order(number, deadline), 'the order');
      if (order === null) throw orderNotFound();
      const headers = replies.headers(asked.requestId, null);
      headers['Cache-Control'] = KEEP_AND_ASK;
      if (catalog.life !== null) {
        const etag = `"${catalog.life}-o${number}"`;
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
