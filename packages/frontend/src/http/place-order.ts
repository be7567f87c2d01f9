/**
 * How an order is placed, from its request to its answer: for Hono's route and for the fast path. Its
 * steps call each other back. A dozen promises would be clear as well, but cost an order as much as all its work does.
 */
import { commandToWire, parseOrderBody, type TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { checkDecided, type Decided, type Undecided } from '../rules/results.js';
import type { Answer } from './answer.js';
import type { RequestContext } from './call.js';
import type { OrderSource } from './order-source.js';
import { closeDeadline, commandKey, submit, type Services } from './services.js';

/** Has the order filled. `answer` is called once, within the deadline, and must not throw. */
export function placeOrder(
  services: Services,
  asked: RequestContext,
  source: OrderSource,
  answer: (answer: Answer) => void,
): void {
  let deadline: Deadline;
  try {
    deadline = services.deadlines.open();
  } catch (error) {
    services.counters.ended(error);
    answer(services.replies.errorAnswer(asked, error));
    return;
  }
  new Placement(services, asked, deadline, answer).begin(source);
}

class Placement {
  readonly #services: Services;
  readonly #asked: RequestContext;
  readonly #deadline: Deadline;
  readonly #answer: (answer: Answer) => void;

  constructor(
    services: Services,
    asked: RequestContext,
    deadline: Deadline,
    answer: (answer: Answer) => void,
  ) {
    this.#services = services;
    this.#asked = asked;
    this.#deadline = deadline;
    this.#answer = answer;
  }

  begin(source: OrderSource): void {
    try {
      this.#asked.key = source.key();
      source.collect(this.#deadline, (body) => this.#submit(body));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param body as `collectBody` gives it. */
  #submit(body: string | TriremeError): void {
    try {
      if (typeof body !== 'string') throw body;
      const { name, type, quantity } = parseOrderBody(body);
      const command = commandToWire({ kind: type, key: commandKey(this.#asked), name, quantity });
      submit(
        ...([this.#services, this.#asked, this.#deadline, command] as const),
        (result) => this.#decided(result, command[1]),
        (error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #decided(result: Decided | Undecided, key: string): void {
    let number: number;
    try {
      const effective = checkDecided(result, key);
      if (effective[1] !== 'filled') throw new Error('an order was done without a number');
      number = effective[2];
    } catch (error) {
      this.#fail(error);
      return;
    }
    const { counters, replies } = this.#services;
    counters.filled(closeDeadline(this.#services, this.#deadline));
    const headers = replies.headers(this.#asked.requestId, this.#asked.key);
    headers['Location'] = `/orders/${number}`;
    this.#answer(replies.okAnswer(`{"data":{"transaction_number":${number}}}`, headers));
  }

  #fail(error: unknown): void {
    const { counters, replies } = this.#services;
    closeDeadline(this.#services, this.#deadline);
    counters.ended(error);
    this.#answer(replies.errorAnswer(this.#asked, error));
  }
}
