/**
 * The fast path: answers reads of stocks and orders, and new orders, without creating the request, context
 * and response objects of Node and Hono, which cost more than the work itself. Hono gives the same response
 * to the same request.
 */
import type { SimpleRequest } from '../rules/simple-request.js';
import type { RawResponse } from './raw-response.js';
import { createRequestContext } from './call.js';
import { respondToLookUp } from './read-stock.js';
import { BufferedOrder } from './order-source.js';
import { placeOrder } from './place-order.js';
import { readOrder } from './read-order.js';
import type { RouteServices } from './services.js';

/**
 * Answers a simple request.
 * @param nextId generates a request id.
 * @param done called once, possibly before this returns.
 */
export function handleSimpleRequest(
  services: RouteServices,
  request: SimpleRequest,
  nextId: () => string,
  done: (answer: RawResponse) => void,
): void {
  const { operation, headers } = request;
  const context = createRequestContext(headers['x-request-id'], nextId);
  switch (operation.kind) {
    case 'placeOrder':
      placeOrder(services, context, new BufferedOrder(request), done);
      return;
    case 'lookup': {
      const found = respondToLookUp(services, context, operation.name, headers['if-none-match']);
      if (found instanceof Promise) void found.then(done);
      else done(found);
      return;
    }
    case 'readOrder':
      void readOrder(services, context, operation.number, headers['if-none-match']).then(done);
  }
}
