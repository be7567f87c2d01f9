/**
 * Plain requests of the busiest kinds, look-ups of cached stocks, orders and reads of one, answered without the router: by
 * way of it each makes a request, a context and a response object, which cost more than all that there is to do for the answer.
 * Everything else goes the long way, where the answer to the same request is the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KnownHosts } from '../rules/known-hosts.js';
import { BODY_BYTES_MAX } from '../rules/requests.js';
import { dropRest } from './body.js';
import { callOf, type Call } from './call.js';
import { placeOrder } from './place-order.js';
import { readOrder } from './read-order.js';
import type { Answer } from './replies.js';
import type { Services } from './services.js';

const STOCKS = '/stocks/';
const ORDERS = '/orders';
/** A number without encoding, query or slash at its end. */
const ORDER = /^\/orders\/[0-9]+$/;

type RequestHeaders = IncomingMessage['headers'];

export class ShortWay {
  readonly #services: Services;
  readonly #hosts = new KnownHosts();

  constructor(services: Services) {
    this.#services = services;
  }

  /** A request with this `Host` has gone the long way and was found to be valid. */
  admit(host: string | undefined): void {
    this.#hosts.admit(host);
  }

  /** Takes a plain request, which is answered then; returns whether it did. `nextId` makes the id of a request. */
  take(incoming: IncomingMessage, outgoing: ServerResponse, nextId: () => string): boolean {
    const { url = '', method, headers } = incoming;
    if (method === 'GET') {
      if (!isPlainRead(headers) || !this.#hosts.has(headers.host)) return false;
      if (url.startsWith(STOCKS)) return isPlainLookup(headers) && this.#answerHit(url, outgoing, nextId);
      return ORDER.test(url) && this.#readOrder(callOf(incoming, outgoing, url, nextId));
    }
    if (method !== 'POST' || (url !== ORDERS && url !== `${ORDERS}/`)) return false;
    if (!isPlainOrder(headers) || !this.#hosts.has(headers.host)) return false;
    placeOrder(this.#services, callOf(incoming, outgoing, ORDERS, nextId), (answer) =>
      write(incoming, outgoing, answer),
    );
    return true;
  }

  #readOrder(call: Call): true {
    const { incoming, outgoing, path } = call;
    void readOrder(this.#services, call, path.slice(ORDERS.length + 1)).then((answer) =>
      write(incoming, outgoing, answer),
    );
    return true;
  }

  #answerHit(url: string, outgoing: ServerResponse, nextId: () => string): boolean {
    // Cached are names of stocks, in which no character needs encoding: a target that is none finds nothing.
    const view = this.#services.catalog.hit(url.slice(STOCKS.length));
    if (view === null) return false;
    const { replies } = this.#services;
    const answer = replies.headers(nextId(), null);
    answer['X-Cache'] = 'hit';
    answer['ETag'] = view.etag;
    answer['Content-Length'] = String(view.body.length);
    replies.count(200);
    outgoing.writeHead(200, answer);
    outgoing.end(view.body);
    return true;
  }
}

/** No condition, and no id of the client's own. */
function isPlainLookup(headers: RequestHeaders): boolean {
  return headers['if-none-match'] === undefined && headers['x-request-id'] === undefined;
}

/** No body. */
function isPlainRead(headers: RequestHeaders): boolean {
  return (
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined
  );
}

/** A body of known length, within its bound, for which the client does not wait to be asked. */
function isPlainOrder(headers: RequestHeaders): boolean {
  const length = headers['content-length'];
  return (
    length !== undefined &&
    Number(length) <= BODY_BYTES_MAX &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined
  );
}

function write(incoming: IncomingMessage, outgoing: ServerResponse, { status, headers, body }: Answer): void {
  headers['Content-Length'] = String(Buffer.byteLength(body));
  outgoing.writeHead(status, headers);
  // Not before the answer is out: answers to requests before this one may still be under way.
  if (!incoming.complete) outgoing.on('close', () => dropRest(incoming));
  outgoing.end(body);
}
