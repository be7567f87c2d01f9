/** Where key and body of an order come from: Node's HTTP server or the fast path. */
import type { IncomingMessage } from 'node:http';
import type { TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import type { SimpleRequest } from '../rules/simple-request.js';
import { parseKeyHeader, checkBodyHeaders } from '../rules/requests.js';
import { collectBody, decodeBody } from './body.js';
import { idempotencyKeyOf } from './services.js';

export interface OrderSource {
  /** The idempotency key of the request, or null. @throws TriremeError `INVALID_REQUEST`. */
  key(): string | null;
  /** Passes the body to `done`, and throws, as `collectBody` does. */
  collect(deadline: Deadline, done: (body: string | TriremeError) => void): void;
}

/** An order whose body Node's HTTP server delivers in chunks. */
export class StreamedOrder implements OrderSource {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  key(): string | null {
    return idempotencyKeyOf(this.#incoming);
  }

  collect(deadline: Deadline, done: (body: string | TriremeError) => void): void {
    collectBody(this.#incoming, deadline, done);
  }
}

/** An order that was read as a whole by the fast path. */
export class BufferedOrder implements OrderSource {
  readonly #request: SimpleRequest;

  constructor(request: SimpleRequest) {
    this.#request = request;
  }

  key(): string | null {
    const key = this.#request.headers['idempotency-key'];
    return key === undefined ? null : parseKeyHeader([key]);
  }

  collect(_deadline: Deadline, done: (body: string | TriremeError) => void): void {
    const { headers, body } = this.#request;
    checkBodyHeaders(headers);
    done(decodeBody(body));
  }
}
