/** Sends one client's requests to any front-end, one at a time, and records what became of each. */
import type { TriremeClient } from '@trireme/client';
import type { CreateInput, CreateOperation, GetOperation, Operation, TradeStatus } from '../rules/history.js';
import { failureOf, type Failure } from './outcome.js';
import type { Recorder } from './recorder.js';

/** What an order came to, as its client knows it: null where it does not. */
type CreateOutcome = CreateOperation['output'];

export class Clerk {
  readonly #client: number;
  readonly #frontends: readonly TriremeClient[];
  readonly #recorder: Recorder;

  /** @param client number in the history. @param frontends one connection each, at least one. */
  constructor(client: number, frontends: readonly TriremeClient[], recorder: Recorder) {
    this.#client = client;
    this.#frontends = frontends;
    this.#recorder = recorder;
  }

  /** @returns the quantity, null where it was not told. */
  async read(frontend: number, stock: string): Promise<number | null> {
    const call_ns = this.#recorder.now();
    const told = await this.#ask(frontend, async (client) => (await client.stock(stock)).quantity);
    const output = this.#outputOf(told, `reading ${stock}`, (quantity) => ({ quantity }), ['failed']);
    this.#add({ op: 'read', input: { stock }, output }, call_ns);
    return output !== null && 'quantity' in output ? output.quantity : null;
  }

  /** An order without a key. @param delta positive sells, negative buys. */
  async trade(frontend: number, stock: string, delta: number): Promise<TradeStatus | null> {
    const call_ns = this.#recorder.now();
    const type = delta < 0 ? 'buy' : 'sell';
    const order = { name: stock, type, quantity: Math.abs(delta), key: null } as const;
    const told = await this.#ask(frontend, async (client) => client.order(order));
    const ok = (): { status: TradeStatus } => ({ status: 'ok' });
    const output = this.#outputOf(told, `trading ${stock}`, ok, ['failed', 'insufficient']);
    this.#add({ op: 'trade', input: { stock, delta }, output }, call_ns);
    return output?.status ?? null;
  }

  async create(frontend: number, input: CreateInput): Promise<CreateOutcome> {
    const call_ns = this.#recorder.now();
    const { key, stock, side, quantity } = input;
    const told = await this.#ask(frontend, async (client) =>
      client.order({ name: stock, type: side, quantity, key }),
    );
    const filled = ({ number }: { number: number }): { order: number } => ({ order: number });
    const output = this.#outputOf(told, `creating ${key}`, filled, ['failed', 'insufficient']);
    this.#add({ op: 'create', input, output }, call_ns);
    return output;
  }

  async get(frontend: number, order: number): Promise<GetOperation['output']> {
    const call_ns = this.#recorder.now();
    const told = await this.#ask(frontend, async (client) => client.getOrder(order));
    const output =
      'failure' in told && told.failure.kind === 'notFound'
        ? { status: 404 as const }
        : this.#outputOf(
            told,
            `getting order ${order}`,
            ({ name, type, quantity }) => ({ stock: name, side: type, quantity }),
            ['failed'],
          );
    this.#add({ op: 'get', input: { order }, output }, call_ns);
    return output;
  }

  async #ask<T>(
    frontend: number,
    request: (client: TriremeClient) => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly failure: Failure }> {
    const client = this.#frontends[frontend];
    if (client === undefined) throw new RangeError(`there is no front-end ${frontend}`);
    try {
      return { answer: await request(client) };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  /** @param expected failures that are answers to such a request. */
  #outputOf<T, Output, Status extends 'failed' | 'insufficient'>(
    told: { readonly answer: T } | { readonly failure: Failure },
    what: string,
    outputOf: (answer: T) => Output,
    expected: readonly Status[],
  ): Output | { readonly status: Status } | null {
    if ('answer' in told) return outputOf(told.answer);
    const { failure } = told;
    const status = expected.find((kind) => kind === failure.kind);
    if (status !== undefined) return { status };
    if (failure.kind !== 'unknown') {
      this.#recorder.addSurprise(`${what}: ${failure.kind === 'surprise' ? failure.text : failure.kind}`);
    }
    return null;
  }

  #add(operation: DistributiveOmit<Operation, 'client' | 'call_ns' | 'return_ns'>, call_ns: number): void {
    const return_ns = operation.output === null ? null : this.#recorder.now();
    this.#recorder.add({ client: this.#client, ...operation, call_ns, return_ns });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
