/** The requests of the load test, by type. */
import { hostOf, type Target } from '../load/connection.js';
import { constantRequests, numberedRequests, requestSource } from '../rules/numbered.js';
import { getRequest, orderBody, postRequest } from '../rules/requests.js';
import type { RequestKind } from '../rules/trip.js';
import { stockName } from '../system/trireme.js';

/** Stocks that are looked up: as many as the cache holds. */
export const CACHED = 5;

/** Gives the bytes of one request after the other. @param orders how many there are to read. */
export function requestsOf(kind: RequestKind, target: Target, orders: number): () => Buffer {
  const host = hostOf(target);
  switch (kind) {
    case 'lookup': {
      const path = `/stocks/${stockName(0).replace(/\d+$/, '#####')}`;
      return requestSource(
        numberedRequests(getRequest(host, path), { kind: 'random', max: CACHED }),
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
