/** How an order is read, from its number to the answer: the one way for the router's route and for the short way. */
import { orderJson, TriremeError } from '@trireme/domain';
import { parseOrderNumber } from '../rules/requests.js';
import type { Answer } from './answer.js';
import type { Asked } from './call.js';
import { inTime, withDeadline, type Services } from './services.js';

/** An order never changes once it is filled, so that whoever has it may keep it. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** @param text of the number, as it stands in the path. */
export async function readOrder(services: Services, asked: Asked, text: string): Promise<Answer> {
  const { replies, replicas } = services;
  try {
    const number = parseOrderNumber(text);
    if (number === null) throw orderNotFound();
    return await withDeadline(services, async (deadline) => {
      const order = inTime(await replicas.order(number, deadline), 'the order');
      if (order === null) throw orderNotFound();
      const headers = replies.headers(asked.requestId, null);
      headers['Cache-Control'] = IMMUTABLE;
      return replies.okAnswer(`{"data":${orderJson(order)}}`, headers);
    });
  } catch (error) {
    return replies.errorAnswer(asked, error);
  }
}

function orderNotFound(): TriremeError {
  return new TriremeError('ORDER_NOT_FOUND', 'order not found');
}
