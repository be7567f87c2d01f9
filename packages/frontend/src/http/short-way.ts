/**
 * Plain requests, answered without Node's HTTP server and the router: by way of these each makes a message, streams, a request, a
 * context and a response object, which cost more than all that there is to do for the answer. Everything else goes the
 * long way, where the answer to the same request is the same.
 */
import type { TriremeError } from '@trireme/domain';
import type { PlainRequest } from '../rules/plain-request.js';
import { acceptKey, checkBodyHeaders } from '../rules/requests.js';
import type { Answer } from './answer.js';
import { textOf } from './body.js';
import { askedOf } from './call.js';
import { lookUp } from './look-up.js';
import { placeOrder, type OrderSource } from './place-order.js';
import { readOrder } from './read-order.js';
import type { Services } from './services.js';

/**
 * Answers a plain request.
 * @param nextId makes the id of a request.
 * @param done is called once, perhaps at once.
 */
export function answerPlain(
  services: Services,
  request: PlainRequest,
  nextId: () => string,
  done: (answer: Answer) => void,
): void {
  const { question, headers } = request;
  const asked = askedOf(headers['x-request-id'], nextId);
  switch (question.kind) {
    case 'placeOrder':
      placeOrder(services, asked, new PlainOrder(request), done);
      return;
    case 'lookup': {
      const answer = lookUp(services, asked, question.name, headers['if-none-match']);
      if (answer instanceof Promise) void answer.then(done);
      else done(answer);
      return;
    }
    case 'readOrder':
      void readOrder(services, asked, question.number).then(done);
  }
}

/** An order that is there as a whole. */
class PlainOrder implements OrderSource {
  readonly #request: PlainRequest;

  constructor(request: PlainRequest) {
    this.#request = request;
  }

  key(): string | null {
    const key = this.#request.headers['idempotency-key'];
    return key === undefined ? null : acceptKey([key]);
  }

  collect(_deadline: unknown, done: (body: string | TriremeError) => void): void {
    const { headers, body } = this.#request;
    checkBodyHeaders(headers);
    done(textOf(body));
  }
}
