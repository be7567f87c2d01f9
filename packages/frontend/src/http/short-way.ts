/**
 * The questions that come most, answered without the router: by way of it each makes a request, a context and a response object,
 * which cost more than all that there is to do for the answer. Everything else goes the long way, where the answer to the
 * same request is the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PLAIN_HOST, questionOf, type PlainQuestion, type PlainRequest } from '../rules/plain-request.js';
import { BODY_BYTES_MAX } from '../rules/requests.js';
import type { Answer } from './answer.js';
import { dropRest } from './body.js';
import { askedOf } from './call.js';
import { lookUp } from './look-up.js';
import { PlainOrder, SentOrder, type OrderSource } from './order-source.js';
import { placeOrder } from './place-order.js';
import { readOrder } from './read-order.js';
import type { Services } from './services.js';

type RequestHeaders = IncomingMessage['headers'];

interface ShortRequest {
  readonly question: PlainQuestion;
  readonly headers: {
    readonly 'x-request-id'?: string | string[] | undefined;
    readonly 'if-none-match'?: string | undefined;
  };
  /** Used where the question is an order. */
  readonly source: OrderSource;
}

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
  answer(services, { question, headers, source: new PlainOrder(request) }, nextId, done);
}

/** Takes such a question from Node's server, which has its connection; returns whether it did. It is answered then. */
export function answerSent(
  services: Services,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  nextId: () => string,
): boolean {
  const { method, url = '', headers } = incoming;
  if ((method !== 'GET' && method !== 'POST') || !PLAIN_HOST.test(headers.host ?? '')) return false;
  const question = questionOf(method === 'POST', url);
  if (question === null || !hasPlainBody(question, headers)) return false;
  answer(services, { question, headers, source: new SentOrder(incoming) }, nextId, (made) =>
    writeAnswer(incoming, outgoing, made),
  );
  return true;
}

function answer(
  services: Services,
  { question, headers, source }: ShortRequest,
  nextId: () => string,
  done: (answer: Answer) => void,
): void {
  const asked = askedOf(headers['x-request-id'], nextId);
  switch (question.kind) {
    case 'placeOrder':
      placeOrder(services, asked, source, done);
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

/** An order has a body of known length, within its bound, for which the client does not wait to be asked; others have none. */
function hasPlainBody({ kind }: PlainQuestion, headers: RequestHeaders): boolean {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return false;
  return kind === 'placeOrder' ? Number(length) <= BODY_BYTES_MAX : length === undefined;
}

/** Writes an answer by Node's server. */
export function writeAnswer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: Answer,
): void {
  if (body !== null) headers['Content-Length'] = String(Buffer.byteLength(body));
  outgoing.writeHead(status, headers);
  // Not before the answer is out: answers to requests before this one may still be under way.
  if (!incoming.complete) outgoing.on('close', () => dropRest(incoming));
  outgoing.end(body);
}
