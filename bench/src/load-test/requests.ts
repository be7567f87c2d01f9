/** The requests of the load test, by type. */
import { hostOf, type Target } from '../load/connection.js';
import { constantRequests, numberedRequests, requestSource } from '../rules/numbered-requests.js';
import { getRequest, orderBody, postRequest } from '../rules/requests.js';
import type { RequestKind } from '../rules/client-plan.js';
import { stockName } from '../system/trireme.js';

/** Number of stocks that are looked up, and the cache size, so that every look-up is a cache hit. */
export const CACHED_STOCKS = 5;

/**
 * Returns a function that makes the bytes of the next request.
 * @param orders number of existing orders to read.
 */
export function requestsOf(kind: RequestKind, target: Target, orders: number): () => Buffer {
  const host = hostOf(target);
  switch (kind) {
    case 'lookup': {
      const path = `/stocks/${stockName(0).replace(/\d+$/, '#####')}`;
      return requestSource(
        numberedRequests(getRequest(host, path), { kind: 'random', max: CACHED_STOCKS }),
        Math.random,
      );
    }
    case 'order': {
      const body = orderBody({ name: stockName(0), type: 'sell', quantity: 1 });
      return requestSource(constantRequests(postRequest(host, '/orders', body)), Math.random);
    }
    case 'order read': {
      const request = getRequest(host, '/orders/#');
      return requestSource(numberedRequests(request, { kind: 'random', max: orders }), Math.random);
    }
  }
}
