/**
 * The fast path: stocks, orders and new orders, answered without a request, a context and a response object, which cost more than
 * all that there is to do for the answer. By way of Hono the answer to the same request is the same.
 */
import type { SimpleRequest } from '../rules/simple-request.js';
import type { Answer } from './answer.js';
import { contextOf } from './call.js';
import { lookUp } from './look-up.js';
import { SimpleOrder } from './order-source.js';
import { placeOrder } from './place-order.js';
import { readOrder } from './read-order.js';
import type { Services } from './services.js';

/**
 * Answers a simple request.
 * @param nextId makes the id of a request.
 * @param done is called once, perhaps at once.
 */
export function answerSimple(
  services: Services,
  request: SimpleRequest,
  nextId: () => string,
  done: (answer: Answer) => void,
): void {
  const { question, headers } = request;
  const asked = contextOf(headers['x-request-id'], nextId);
  switch (question.kind) {
    case 'placeOrder':
      placeOrder(services, asked, new SimpleOrder(request), done);
      return;
    case 'lookup': {
      const found = lookUp(services, asked, question.name, headers['if-none-match']);
      if (found instanceof Promise) void found.then(done);
      else done(found);
      return;
    }
    case 'readOrder':
      void readOrder(services, asked, question.number, headers['if-none-match']).then(done);
  }
}
