/**
 * Look-ups of cached stocks, answered without the router: by way of it each makes a request, a context and a response
 * object, two fifths of what a hit costs more than an answer of bare `node:http`. Only a plain request for a stock that is
 * cached is answered here; everything else goes the long way, where the answer to the same request is the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Catalog } from '../catalog.js';
import type { Replies } from './replies.js';

const PREFIX = '/stocks/';

/** Values of `Host` that are remembered at most: the oldest is forgotten, and remembered anew when it comes again. */
const HOSTS_MAX = 64;

interface HitsOptions {
  readonly catalog: Pick<Catalog, 'hit'>;
  readonly replies: Pick<Replies, 'headers' | 'count'>;
}

export class Hits {
  readonly #options: HitsOptions;
  readonly #hosts = new Set<string>();

  constructor(options: HitsOptions) {
    this.#options = options;
  }

  /** A request with this `Host` has gone the long way and was found to be valid. */
  admit(host: string | undefined): void {
    if (host === undefined || this.#hosts.has(host)) return;
    // Else who makes up hosts would keep everyone else from the short way, for good.
    const [oldest] = this.#hosts;
    if (oldest !== undefined && this.#hosts.size >= HOSTS_MAX) this.#hosts.delete(oldest);
    this.#hosts.add(host);
  }

  /** Answers if it is a plain look-up of a cached stock; returns whether it was. `requestId` makes the id of the answer. */
  answer(incoming: IncomingMessage, outgoing: ServerResponse, requestId: () => string): boolean {
    const { url = '', method, headers } = incoming;
    if (method !== 'GET' || !url.startsWith(PREFIX) || !this.#isPlain(headers)) return false;
    // Cached are names of stocks, in which no character needs encoding: a target that is none finds nothing.
    const view = this.#options.catalog.hit(url.slice(PREFIX.length));
    if (view === null) return false;
    const { replies } = this.#options;
    const answer = replies.headers(requestId(), null);
    answer['X-Cache'] = 'hit';
    answer['ETag'] = view.etag;
    answer['Content-Length'] = String(view.body.length);
    replies.count(200);
    outgoing.writeHead(200, answer);
    outgoing.end(view.body);
    return true;
  }

  /** No condition, no body, no id of the client's own, and for a host that is known to be one. */
  #isPlain(headers: IncomingMessage['headers']): boolean {
    return (
      headers['if-none-match'] === undefined &&
      headers['x-request-id'] === undefined &&
      headers['content-length'] === undefined &&
      headers['transfer-encoding'] === undefined &&
      headers.expect === undefined &&
      headers.host !== undefined &&
      this.#hosts.has(headers.host)
    );
  }
}
