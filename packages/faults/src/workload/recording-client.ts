/** Sends the requests of one client to any front-end, one at a time, and records each with its outcome. */
import type { TriremeClient } from '@trireme/client';
import type { CreateInput, CreateOperation, GetOperation, Operation, TradeStatus } from '../rules/history.js';
import { failureOf, type RequestFailure } from './failure.js';
import type { HistoryRecorder } from './history-recorder.js';

/** Outcome of an order as its client knows it; null if unknown. */
type CreateOutcome = CreateOperation['output'];

export class RecordingClient {
  readonly #client: number;
  readonly #frontends: readonly TriremeClient[];
  readonly #recorder: HistoryRecorder;

  /**
   * @param client number of the client in the history.
   * @param frontends one connection per front-end, at least one.
   */
  constructor(client: number, frontends: readonly TriremeClient[], recorder: HistoryRecorder) {
    this.#client = client;
    this.#frontends = frontends;
    this.#recorder = recorder;
  }

  /** @returns the quantity; null if the request failed. */
  async read(frontend: number, stock: string): Promise<number | null> {
    const call_ns = this.#recorder.now();
    const result = await this.#request(frontend, async (client) => (await client.stock(stock)).quantity);
    const output = this.#outputOf(result, `reading ${stock}`, (quantity) => ({ quantity }), ['failed']);
    this.#add({ op: 'read', input: { stock }, output }, call_ns);
    return output !== null && 'quantity' in output ? output.quantity : null;
  }

  /** Places an order without a key. @param delta positive for a sell, negative for a buy. */
  async trade(frontend: number, stock: string, delta: number): Promise<TradeStatus | null> {
    const call_ns = this.#recorder.now();
    const type = delta < 0 ? 'buy' : 'sell';
    const order = { name: stock, type, quantity: Math.abs(delta), key: null } as const;
    const result = await this.#request(frontend, async (client) => client.order(order));
    const ok = (): { status: TradeStatus } => ({ status: 'ok' });
    const output = this.#outputOf(result, `trading ${stock}`, ok, ['failed', 'insufficient']);
    this.#add({ op: 'trade', input: { stock, delta }, output }, call_ns);
    return output?.status ?? null;
  }

  async create(frontend: number, input: CreateInput): Promise<CreateOutcome> {
    const call_ns = this.#recorder.now();
    const { key, stock, side, quantity } = input;
    const result = await this.#request(frontend, async (client) =>
      client.order({ name: stock, type: side, quantity, key }),
    );
    const filled = ({ number }: { number: number }): { order: number } => ({ order: number });
    const output = this.#outputOf(result, `creating ${key}`, filled, ['failed', 'insufficient']);
    this.#add({ op: 'create', input, output }, call_ns);
    return output;
  }

  async get(frontend: number, order: number): Promise<GetOperation['output']> {
    const call_ns = this.#recorder.now();
    const result = await this.#request(frontend, async (client) => client.getOrder(order));
    const output =
      'failure' in result && result.failure.kind === 'notFound'
        ? { status: 404 as const }
        : this.#outputOf(
            result,
            `getting order ${order}`,
            ({ name, type, quantity }) => ({ stock: name, side: type, quantity }),
            ['failed'],
          );
    this.#add({ op: 'get', input: { order }, output }, call_ns);
    return output;
  }

  async #request<T>(
    frontend: number,
    request: (client: TriremeClient) => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly failure: RequestFailure }> {
    const client = this.#frontends[frontend];
    if (client === undefined) throw new RangeError(`no front-end with index ${frontend}`);
    try {
      return { answer: await request(client) };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  /** @param expected failures that the contract allows for such a request. */
  #outputOf<T, Output, Status extends 'failed' | 'insufficient'>(
    result: { readonly answer: T } | { readonly failure: RequestFailure },
    what: string,
    outputOf: (answer: T) => Output,
    expected: readonly Status[],
  ): Output | { readonly status: Status } | null {
    if ('answer' in result) return outputOf(result.answer);
    const { failure } = result;
    const status = expected.find((kind) => kind === failure.kind);
    if (status !== undefined) return { status };
    if (failure.kind !== 'unknown') {
      this.#recorder.addContractViolation(
        `${what}: ${failure.kind === 'surprise' ? failure.text : failure.kind}`,
      );
    }
    return null;
  }

  #add(operation: DistributiveOmit<Operation, 'client' | 'call_ns' | 'return_ns'>, call_ns: number): void {
    const return_ns = operation.output === null ? null : this.#recorder.now();
    this.#recorder.add({ client: this.#client, ...operation, call_ns, return_ns });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
