/**
 * Places an order and builds the response, for Hono's route and for the fast path. Uses callbacks: promises
 * would double the cost of an order here.
 */
import { commandToWire, parseOrderBody, type TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { requireEffect, type FinalResult, type NoResultReason } from '../rules/results.js';
import type { RawResponse } from './raw-response.js';
import type { RequestContext } from './call.js';
import type { OrderSource } from './order-source.js';
import { closeDeadline, ensureIdempotencyKey, submitCommand, type RouteServices } from './services.js';

/** Places the order. `answer` is called once, before the deadline, and must not throw. */
export function placeOrder(
  services: RouteServices,
  context: RequestContext,
  source: OrderSource,
  answer: (answer: RawResponse) => void,
): void {
  let deadline: Deadline;
  try {
    deadline = services.deadlines.open();
  } catch (error) {
    services.counters.recordError(error);
    answer(services.replies.errorRaw(context, error));
    return;
  }
  new OrderPlacement(services, context, deadline, answer).begin(source);
}

class OrderPlacement {
  readonly #services: RouteServices;
  readonly #context: RequestContext;
  readonly #deadline: Deadline;
  readonly #answer: (answer: RawResponse) => void;

  constructor(
    services: RouteServices,
    context: RequestContext,
    deadline: Deadline,
    answer: (answer: RawResponse) => void,
  ) {
    this.#services = services;
    this.#context = context;
    this.#deadline = deadline;
    this.#answer = answer;
  }

  begin(source: OrderSource): void {
    try {
      this.#context.key = source.key();
      source.collect(this.#deadline, (body) => this.#submit(body));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param body as `collectBody` passes it. */
  #submit(body: string | TriremeError): void {
    try {
      if (typeof body !== 'string') throw body;
      const { name, type, quantity } = parseOrderBody(body);
      const command = commandToWire({ kind: type, key: ensureIdempotencyKey(this.#context), name, quantity });
      submitCommand(
        ...([this.#services, this.#context, this.#deadline, command] as const),
        (result) => this.#onDecided(result, command[1]),
        (error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #onDecided(result: FinalResult | NoResultReason, key: string): void {
    let number: number;
    try {
      const effective = requireEffect(result, key);
      if (effective[1] !== 'filled') throw new Error('an order has no number');
      number = effective[2];
    } catch (error) {
      this.#fail(error);
      return;
    }
    const { counters, replies } = this.#services;
    counters.recordFilled(closeDeadline(this.#services, this.#deadline));
    const headers = replies.headers(this.#context.requestId, this.#context.key);
    headers['Location'] = `/orders/${number}`;
    this.#answer(replies.okRaw(`{"data":{"transaction_number":${number}}}`, headers));
  }

  #fail(error: unknown): void {
    const { counters, replies } = this.#services;
    closeDeadline(this.#services, this.#deadline);
    counters.recordError(error);
    this.#answer(replies.errorRaw(this.#context, error));
  }
}
