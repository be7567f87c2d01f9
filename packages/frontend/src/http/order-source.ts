/** The request of an order, however it came. */
import type { IncomingMessage } from 'node:http';
import type { TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import type { SimpleRequest } from '../rules/simple-request.js';
import { acceptKey, checkBodyHeaders } from '../rules/requests.js';
import { collectBody, textOf } from './body.js';
import { keyOf } from './services.js';

export interface OrderSource {
  /** The idempotency key that came with it, or null. @throws TriremeError `INVALID_REQUEST`. */
  key(): string | null;
  /** Gives the body as `collectBody` does. @throws TriremeError whatever that throws. */
  collect(deadline: Deadline, done: (body: string | TriremeError) => void): void;
}

/** An order that Node's HTTP server gives, piece by piece. */
export class SentOrder implements OrderSource {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  key(): string | null {
    return keyOf(this.#incoming);
  }

  collect(deadline: Deadline, done: (body: string | TriremeError) => void): void {
    collectBody(this.#incoming, deadline, done);
  }
}

/** An order that is there as a whole. */
export class SimpleOrder implements OrderSource {
  readonly #request: SimpleRequest;

  constructor(request: SimpleRequest) {
    this.#request = request;
  }

  key(): string | null {
    const key = this.#request.headers['idempotency-key'];
    return key === undefined ? null : acceptKey([key]);
  }

  collect(_deadline: Deadline, done: (body: string | TriremeError) => void): void {
    const { headers, body } = this.#request;
    checkBodyHeaders(headers);
    done(textOf(body));
  }
}
